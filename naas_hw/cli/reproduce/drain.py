"""`naas reproduce drain`: lanes of drain fixed at a quarter of a beat, and searched."""

from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, generation_teller, words_of
from naas_hw.cli.reproduce.tables import read_source

if TYPE_CHECKING:
    from naas_hw.experiments.preset_trials import PresetCase

POPULATION: Final = 8
GENERATIONS: Final = 12
EVALUATIONS: Final = 1000
SEEDS: Final = 3


def drain_section(options: Options, screen: Console) -> Section:
    """Cycles, EDP and area of designs whose lanes of drain are searched, compared with B / 4."""
    from naas_hw.experiments.drain import drain_holds, drain_markdown, measure_drain
    from naas_hw.experiments.preset_trials import Effort
    from naas_hw.search import SearchSettings

    settings = SearchSettings(
        population=options.population or POPULATION,
        generations=options.generations or GENERATIONS,
        mapping_evaluations=options.evaluations or EVALUATIONS,
        seed=options.first_seed,
    )
    effort = Effort(
        settings=settings,
        tables=(options.table,),
        num_seeds=options.seeds or SEEDS,
        keep=options.keep,
    )
    pairs = measure_drain(
        _cases(options),
        effort,
        num_processes=options.processes,
        progress=generation_teller(screen),
    )
    words = words_of(
        "drain",
        network=options.network,
        preset=options.preset,
        population=settings.population,
        generations=settings.generations,
        energy_table=options.other_table,
        seeds=effort.num_seeds,
        evaluations=settings.mapping_evaluations,
        seed=settings.seed,
    )
    return Section(words=words, body=drain_markdown(effort, pairs), holds=drain_holds(pairs))


def _cases(options: Options) -> "list[PresetCase]":
    """The section's cases with the preset and the networks of the options, each once."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.experiments.drain import CASES
    from naas_hw.experiments.preset_trials import PresetCase

    given = options.network.split(",") if options.network else None
    pairs = dict.fromkeys(
        (options.preset or preset, source)
        for preset, network in CASES
        for source in given or (network,)
    )
    networks = {source: read_source(source) for source in dict.fromkeys(s for _, s in pairs)}
    return [PresetCase(preset=find_preset(p), network=networks[s]) for p, s in pairs]
