"""`naas reproduce nasaic`: one accelerator beside a heterogeneous pair of the same resources."""

from rich.console import Console

from naas_hw.cli.reproduce_joint import JointOptions


def nasaic_section(options: JointOptions, screen: Console) -> tuple[list[str], str]:
    """Words of the command that makes it again, and Markdown."""
    from naas_hw.report.nasaic import Duel, measure_nasaic, nasaic_markdown
    from naas_hw.search import SearchSettings
    from naas_hw.search.processes import worker_processes

    settings = SearchSettings(
        population=options.population or 8,
        generations=options.generations or 20,
        mapping_evaluations=options.evaluations or 2000,
        seed=options.seed,
    )
    seeds = range(options.seed, options.seed + (options.seeds or 5))

    def tell(duel: Duel) -> None:
        screen.print(
            f"seed {duel.seed}: EDP of the pair by ours {duel.edp_ratio:.2f}", markup=False
        )

    with worker_processes(options.processes) as executor:
        duels = measure_nasaic(settings, seeds, executor=executor, tell=tell)
    words = ["naas", "reproduce", "nasaic", "--population", str(settings.population)]
    words += ["--generations", str(settings.generations), "--seeds", str(len(seeds))]
    words += ["--evaluations", str(settings.mapping_evaluations), "--seed", str(settings.seed)]
    return words, nasaic_markdown(settings, duels)
