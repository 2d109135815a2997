"""`naas reproduce edp`, `sensitivity`: one search, beside its preset or under other energies."""

from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, generation_teller, words_of
from naas_hw.cli.reproduce.tables import read_source
from naas_hw.core.errors import InputError

if TYPE_CHECKING:
    from naas_hw.search import SearchSettings

NETWORK: Final = "mobilenet_v2"
PRESET: Final = "eyeriss"
SEEDS: Final = 3


def edp_section(options: Options, screen: Console) -> Section:
    """A found accelerator beside the preset (mappings fixed and searched) and *folded*."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.arch.technology import MAESTRO
    from naas_hw.experiments.edp import compare_with_baseline, comparison_markdown

    tell = generation_teller(screen)
    network, preset = read_source(options.network or NETWORK), find_preset(options.preset or PRESET)
    settings = _settings(options)
    compared = compare_with_baseline(
        network,
        preset,
        settings,
        tables=tuple(dict.fromkeys((options.table, MAESTRO))),
        keep=options.keep,
        num_processes=options.processes,
        progress=lambda table, progress: tell(table.name, progress),
    )
    return Section(
        words=_words("edp", options, settings),
        body=comparison_markdown(network, preset, settings, compared),
    )


def sensitivity_section(options: Options, screen: Console) -> Section:
    """The same search with DRAM cheaper and dearer, and with MAESTRO's constants."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.arch.technology import SizedTable
    from naas_hw.experiments.sensitivity import measure_sensitivity, sensitivity_markdown

    energies = options.table
    if not isinstance(energies, SizedTable):
        raise InputError(f"energy_table must have a price of DRAM, which {energies.name} has not")

    tell = generation_teller(screen)
    network, preset = read_source(options.network or NETWORK), find_preset(options.preset or PRESET)
    settings, num_seeds = _settings(options), options.seeds or SEEDS
    outcomes = measure_sensitivity(
        network,
        preset,
        settings,
        energies,
        num_seeds=num_seeds,
        keep=options.keep,
        num_processes=options.processes,
        progress=lambda case, seed, progress: tell(f"{case.title}, seed {seed}", progress),
    )
    return Section(
        words=_words("sensitivity", options, settings, seeds=num_seeds),
        body=sensitivity_markdown(network, preset, settings, outcomes),
    )


def _settings(options: Options) -> "SearchSettings":
    from naas_hw.search import SearchSettings

    return SearchSettings(
        population=options.population or 12,
        generations=options.generations or 16,
        mapping_evaluations=options.evaluations or 100,
        seed=options.first_seed,
    )


def _words(
    name: str, options: Options, settings: "SearchSettings", seeds: int | None = None
) -> list[str]:
    return words_of(
        name,
        network=options.network or NETWORK,
        preset=options.preset or PRESET,
        population=settings.population,
        generations=settings.generations,
        energy_table=options.other_table,
        seeds=seeds,
        evaluations=settings.mapping_evaluations,
        seed=settings.seed,
    )
