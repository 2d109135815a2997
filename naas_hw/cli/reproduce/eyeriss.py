"""`naas reproduce eyeriss`: the chip as published, its preset, and *folded*."""

from rich.console import Console

from naas_hw.cli.reproduce.options import DEFAULT_TABLE, Options, Section, words_of


def eyeriss_section(options: Options, screen: Console) -> Section:
    """AlexNet and VGG16 layer by layer on the chip, the preset and *folded*."""
    from naas_hw.arch.files import find_energy_table
    from naas_hw.experiments.eyeriss import chip_networks, eyeriss_markdown, measure_eyeriss
    from naas_hw.search import MappingSettings, Objective, worker_processes
    from naas_hw.search.mapping.network_search import EVALUATIONS

    settings = MappingSettings(
        objective=Objective.LATENCY,
        table=find_energy_table(DEFAULT_TABLE),
        evaluations=options.evaluations or EVALUATIONS,
        seed=options.first_seed,
    )
    with worker_processes(options.processes) as executor:
        compared = measure_eyeriss(chip_networks(), settings, keep=options.keep, executor=executor)
    words = words_of("eyeriss", evaluations=settings.evaluations, seed=settings.seed)
    return Section(words=words, body=eyeriss_markdown(settings, compared))
