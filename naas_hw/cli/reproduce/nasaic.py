"""`naas reproduce nasaic`: one accelerator beside a heterogeneous pair of the same resources."""

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, words_of


def nasaic_section(options: Options, screen: Console) -> Section:
    """A ResNet of 32 x 32 pixels on one accelerator and on a heterogeneous pair."""
    from naas_hw.experiments.nasaic import PairComparison, measure_nasaic, nasaic_markdown
    from naas_hw.search import SearchSettings
    from naas_hw.search.processes import worker_processes

    settings = SearchSettings(
        population=options.population or 8,
        generations=options.generations or 20,
        mapping_evaluations=options.evaluations or 2000,
        seed=options.first_seed,
    )
    seeds = range(settings.seed, settings.seed + (options.seeds or 5))

    def tell(comparison: PairComparison) -> None:
        screen.print(
            f"seed {comparison.seed}: EDP of the pair by ours {comparison.edp_ratio:.2f}",
            markup=False,
        )

    with worker_processes(options.processes) as executor:
        comparisons = measure_nasaic(settings, seeds, executor=executor, progress=tell)
    words = words_of(
        "nasaic",
        population=settings.population,
        generations=settings.generations,
        seeds=len(seeds),
        evaluations=settings.mapping_evaluations,
        seed=settings.seed,
    )
    return Section(words=words, body=nasaic_markdown(settings, comparisons))
