"""`naas reproduce speedup`, `sizing`, `encoding`, `convergence`: the paper's tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, generation_teller, words_of

if TYPE_CHECKING:
    from naas_hw.experiments.preset_trials import Effort, PresetCase, SearchProgressCallback
    from naas_hw.workload.network import Network

TABLES: Final = ("speedup", "sizing", "encoding", "convergence")


@dataclass(frozen=True, kw_only=True)
class _SectionDefaults:
    """What a section measures if the options do not say: cases (preset, network) and effort."""

    cases: tuple[tuple[str, str], ...]
    population: int
    generations: int
    evaluations: int
    seeds: int


def _defaults_of(name: str) -> _SectionDefaults:
    from naas_hw.experiments.naas_paper import REDUCTIONS, SCENARIOS

    scenarios = tuple((preset, net) for preset, nets in SCENARIOS.items() for net in nets)
    light = (("eyeriss", "mobilenet_v2"), ("nvdla-256", "squeezenet1_0"))
    cases = {
        "speedup": scenarios,
        "sizing": (*REDUCTIONS, light[0]),
        "encoding": (*light, ("shidiannao", "mnasnet1_0")),
        "convergence": light,
    }
    # CMA-ES over mappings, which encodings are compared by, takes many times as long as the default
    generations, evaluations = (4, 100) if name == "encoding" else (12, 1000)
    return _SectionDefaults(
        cases=cases[name],
        population=8,
        generations=generations,
        evaluations=evaluations,
        seeds=3,
    )


def read_source(source: str) -> "Network":
    """A built-in network, or that of a YAML file."""
    from naas_hw.workload.catalogue import load_builtin
    from naas_hw.workload.files import read_network

    return read_network(source) if source.endswith((".yaml", ".yml")) else load_builtin(source)


def table_section(name: str, options: Options, screen: Console) -> Section:
    """One of the paper's tables, under both energy tables."""
    defaults = _defaults_of(name)
    effort = _effort(options, defaults)
    cases = _cases(options, defaults)
    body = _measured(name, cases, effort, options.processes, generation_teller(screen))
    settings = effort.settings
    words = words_of(
        name,
        network=options.network,
        preset=options.preset,
        population=settings.population,
        generations=settings.generations,
        energy_table=options.other_table,
        seeds=effort.num_seeds,
        evaluations=settings.mapping_evaluations,
        seed=settings.seed,
    )
    return Section(words=words, body=body)


def _effort(options: Options, defaults: _SectionDefaults) -> "Effort":
    from naas_hw.arch.technology import MAESTRO
    from naas_hw.experiments.preset_trials import Effort
    from naas_hw.search import OuterOptimiser, SearchSettings

    settings = SearchSettings(
        population=options.population or defaults.population,
        generations=options.generations or defaults.generations,
        mapping_evaluations=options.evaluations or defaults.evaluations,
        seed=options.first_seed,
        optimiser=OuterOptimiser.CLIMB,
    )
    return Effort(
        settings=settings,
        tables=tuple(dict.fromkeys((options.table, MAESTRO))),
        num_seeds=options.seeds or defaults.seeds,
        keep=options.keep,
    )


def _cases(options: Options, defaults: _SectionDefaults) -> "list[PresetCase]":
    """The default cases with the preset and the network of the options, each once."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.experiments.preset_trials import PresetCase

    pairs = dict.fromkeys(
        (options.preset or preset, options.network or network) for preset, network in defaults.cases
    )
    networks = {name: read_source(name) for name in dict.fromkeys(name for _, name in pairs)}
    return [PresetCase(preset=find_preset(p), network=networks[n]) for p, n in pairs]


def _measured(
    name: str,
    cases: "Sequence[PresetCase]",
    effort: "Effort",
    processes: int,
    progress: "SearchProgressCallback",
) -> str:
    from naas_hw.experiments import convergence, encoding, sizing, speedup

    if name == "speedup":
        trials = speedup.measure_speedup(cases, effort, num_processes=processes, progress=progress)
        return speedup.speedup_markdown(effort, trials)
    if name == "sizing":
        sized = sizing.measure_sizing(cases, effort, num_processes=processes, progress=progress)
        return sizing.sizing_markdown(effort, sized)
    if name == "encoding":
        pairs = encoding.measure_encodings(
            cases, effort, num_processes=processes, progress=progress
        )
        return encoding.encoding_markdown(effort, pairs)
    pairs = convergence.measure_convergence(
        cases, effort, num_processes=processes, progress=progress
    )
    return convergence.convergence_markdown(effort, pairs)
