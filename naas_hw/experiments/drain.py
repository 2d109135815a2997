"""The lanes of drain: fixed at a quarter of a beat, compared with lanes that are searched.

A first search with a quarter of a beat finds a design. From there one search goes on with a quarter
of a beat and another one with free lanes. Beside the first design the search with free lanes had
more effort; beside the one that went on it had as much, so the lanes make the difference.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.technology import AREA
from naas_hw.experiments.markdown import (
    DESIGN_HEAD,
    DESIGN_RULE,
    design_cells,
    effort_text,
    row,
    spread,
)
from naas_hw.experiments.paired_searches import PairedSearches, pairs_by_case
from naas_hw.experiments.preset_trials import (
    Effort,
    PresetCase,
    SearchProgressCallback,
    best_of,
    searched,
)
from naas_hw.experiments.roofline import roofline
from naas_hw.experiments.weight_traffic import WeightTraffic, weight_traffic
from naas_hw.search.accelerator.baseline import map_fixed
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.objective import Objective, geometric_mean
from naas_hw.search.processes import worker_processes

QUARTER: Final = 4
HALF: Final = 2


@dataclass(frozen=True, kw_only=True)
class DrainLimits:
    """What a search with free lanes is wanted to reach, as shares of what B / 4 reaches."""

    cycles: float
    edp: float


WAITING: Final = {
    ("eyeriss", "mobilenet_v2"): DrainLimits(cycles=0.72, edp=0.75),
    ("eyeriss", "mnasnet1_0"): DrainLimits(cycles=0.78, edp=0.80),
}
"""Name of a preset, name of a network that waits for drain -> its limits. Both must hold for the
search for the least EDP, beside the design that it began with and beside the search with B / 4 that
went on with as much effort."""

INDIFFERENT: Final = {
    ("eyeriss", name): DrainLimits(cycles=1.005, edp=1.005)
    for name in ("resnet50", "vgg16", "unet")
}
"""The same for networks that wait for other parts. Each must hold for the search that minimises it,
beside the design that it began with."""

WITHOUT_LIMITS: Final = (
    *(("edgetpu", name) for name in ("mobilenet_v2", "mnasnet1_0", "squeezenet1_0", "resnet50")),
    *(("nvdla-1024", name) for name in ("mobilenet_v2", "mnasnet1_0", "squeezenet1_0")),
)
"""Presets and networks whose gain is compared with the roofline only."""

CASES: Final = (*WAITING, *INDIFFERENT, *WITHOUT_LIMITS)


def _names(case: PresetCase) -> tuple[str, str]:
    return case.preset.accelerator.name, case.network.name


def quarter_of_beat(budget: Budget) -> int:
    """The fewest lanes of drain that an accelerator of the budget has."""
    return budget.beat_bytes // QUARTER


@dataclass(frozen=True, kw_only=True)
class DrainSearches(PairedSearches):
    """Free lanes (ours) and B / 4 (rival), both begun with what one more search with B / 4 found.

    Parameters
    ----------
    first : what that search found.
    objective : what all three minimise.
    """

    first: SearchResult
    objective: Objective

    @property
    def beside_first(self) -> PairedSearches:
        """Free lanes beside the design that they began with."""
        return PairedSearches(
            case=self.case, table=self.table, seed=self.seed, ours=self.ours, rival=self.first
        )


# Measuring ---------------------------------------------------------------------------------------


def measure_drain(
    cases: Sequence[PresetCase],
    effort: Effort,
    *,
    num_processes: int = 1,
    progress: SearchProgressCallback | None = None,
) -> list[DrainSearches]:
    """Search each case with free lanes (ours) and with those of B / 4 (rival); seeds outermost.

    Both start from what one more search with B / 4 found. They minimise EDP, and then, for the
    cases in INDIFFERENT, cycles.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    searches = [(case, Objective.EDP) for case in cases]
    searches += [(case, Objective.LATENCY) for case in cases if _names(case) in INDIFFERENT]
    with worker_processes(num_processes) as executor:
        return [
            _searched_pair(case, objective, effort, seed, executor, progress)
            for seed in effort.seeds
            for case, objective in searches
        ]


def _searched_pair(
    case: PresetCase,
    objective: Objective,
    effort: Effort,
    seed: int,
    executor: Executor | None,
    progress: SearchProgressCallback | None,
) -> DrainSearches:
    (table,) = effort.tables
    settings = replace(effort.settings, objective=objective, table=table, seed=seed)
    lanes = quarter_of_beat(case.preset.budget)
    fixed = replace(settings, drain_lanes=lanes)

    def found(how: str, wanted: SearchSettings) -> SearchResult:
        return searched(case, wanted, effort.keep, executor, progress, f"{how}, {objective}")

    first = found(f"{lanes} lanes of drain", fixed)
    start = (first.accelerator,)
    rival = found(f"{lanes} lanes of drain, continued", replace(fixed, start=start))
    ours = found("lanes of drain searched", replace(settings, start=start))
    return DrainSearches(
        case=case,
        table=table,
        seed=seed,
        objective=objective,
        first=first,
        ours=ours,
        rival=rival,
    )


def cycles_ratio(pair: PairedSearches) -> float:
    """Cycles with free lanes by those with B / 4."""
    return _cycles(pair.ours) / _cycles(pair.rival)


def edp_ratio(pair: PairedSearches) -> float:
    """EDP with free lanes by that with B / 4."""
    return _edp(pair.ours) / _edp(pair.rival)


def area_ratio(pair: PairedSearches) -> float:
    """Area with free lanes by that with B / 4."""
    return _area_um2(pair.ours.accelerator) / _area_um2(pair.rival.accelerator)


def drain_holds(searches: Sequence[DrainSearches]) -> bool:
    """Whether each case that has limits keeps them, by its geometric means over the seeds."""
    return all(
        _waiting_holds(WAITING[_names(group[0].case)], group)
        for group in pairs_by_case(_waiting(searches)).values()
    ) and all(
        _indifferent_holds(INDIFFERENT[_names(group[0].case)], group)
        for group in pairs_by_case(_indifferent(searches)).values()
    )


def _waiting(searches: Sequence[DrainSearches]) -> list[DrainSearches]:
    return [one for one in searches if _names(one.case) in WAITING]


def _indifferent(searches: Sequence[DrainSearches]) -> list[DrainSearches]:
    return [one for one in searches if _names(one.case) in INDIFFERENT]


def _for(objective: Objective, searches: Sequence[DrainSearches]) -> list[DrainSearches]:
    return [one for one in searches if one.objective is objective]


def _waiting_holds(limits: DrainLimits, searches: Sequence[DrainSearches]) -> bool:
    compared: tuple[Sequence[PairedSearches], ...] = (_beside_first(searches), searches)
    return all(
        _mean(cycles_ratio, pairs) <= limits.cycles and _mean(edp_ratio, pairs) <= limits.edp
        for pairs in compared
    )


def _indifferent_holds(limits: DrainLimits, searches: Sequence[DrainSearches]) -> bool:
    fastest = _beside_first(_for(Objective.LATENCY, searches))
    best = _beside_first(_for(Objective.EDP, searches))
    return _mean(cycles_ratio, fastest) <= limits.cycles and _mean(edp_ratio, best) <= limits.edp


def _beside_first(searches: Sequence[DrainSearches]) -> list[PairedSearches]:
    return [one.beside_first for one in searches]


def _mean(ratio: Callable[[PairedSearches], float], pairs: Sequence[PairedSearches]) -> float:
    return geometric_mean([ratio(pair) for pair in pairs])


def _cycles(result: SearchResult) -> int:
    return result.networks[0].report.cycles


def _edp(result: SearchResult) -> float:
    return result.networks[0].report.edp


def _area_um2(accelerator: Accelerator) -> float:
    return sum(AREA.area_um2(accelerator).values())


# Markdown ----------------------------------------------------------------------------------------


def drain_markdown(effort: Effort, pairs: Sequence[DrainSearches]) -> str:
    """The section of a document, figures and all."""
    least_edp = _for(Objective.EDP, pairs)
    waiting, indifferent = _waiting(least_edp), _indifferent(least_edp)
    limited = {*WAITING, *INDIFFERENT}
    others = [pair for pair in least_edp if _names(pair.case) not in limited]
    parts = [
        "Drain rounds finished sums to bytes, D of them in a cycle. D is `drain_lanes` of the "
        "accelerator: a quarter, a half or all of the B bytes of a beat. Each case is searched for "
        "the least energy times cycles, with the resources of the preset. A first search has D = "
        "B / 4. Two more searches start from the design that it found, with the same layers "
        "(layers only, batch 1), seed and effort: one keeps D = B / 4, the other one searches D "
        "too. Ratios are those of the search that searches D to the first search, and *with equal "
        "effort* to the one that keeps D = B / 4. *At most* is what was wanted. "
        f"Energy table `{effort.tables[0].name}`. " + effort_text(effort),
    ]
    if waiting:
        parts += [
            "### Networks with many outputs and few products for each",
            "A depthwise or a small 1x1 layer waits for drain most of the time.",
            _table_of_waiting(waiting),
            *_designs(waiting),
        ]
    if indifferent:
        parts += [
            "### Networks that wait for other parts",
            "Here the PEs or the memory limit most layers, and a wider drain should cost neither "
            "cycles nor EDP. A search for the least EDP takes more cycles where it saves more "
            "energy, so these networks are also searched for the fewest cycles, in the same way. "
            "Free lanes are one more choice, so with equal effort a search with them may find a "
            "worse design.",
            _table_of_indifferent(indifferent, _for(Objective.LATENCY, pairs)),
            *_designs(indifferent),
        ]
    return "\n\n".join([*parts, *_roofline_part(others), *_weights_part(least_edp)])


def _table_of_waiting(searches: Sequence[DrainSearches]) -> str:
    lines = [
        row(
            *("resources, network", "B", "D found", "cycles", "at most", "EDP", "at most"),
            *("of each seed: cycles, EDP", "with equal effort: cycles", "EDP", "area"),
            "of each seed: cycles, EDP",
        ),
        "|---|---:|---|---:|---:|---:|---:|---|---:|---:|---:|---|",
    ]
    for title, group in pairs_by_case(searches).items():
        limits = WAITING[_names(group[0].case)]
        first = _beside_first(group)
        lines.append(
            row(
                *(title, _beat(group), _lanes_found(group)),
                *(_spread(cycles_ratio, first), f"{limits.cycles:g}"),
                *(_spread(edp_ratio, first), f"{limits.edp:g}", _of_each_seed(first)),
                *(_spread(cycles_ratio, group), _spread(edp_ratio, group)),
                *(_spread(area_ratio, group), _of_each_seed(group)),
            )
        )
    return "\n".join(lines)


def _table_of_indifferent(
    least_edp: Sequence[DrainSearches], fastest: Sequence[DrainSearches]
) -> str:
    lines = [
        row(
            *("resources, network", "B", "searched for the least EDP: D found", "EDP", "at most"),
            *("cycles", "area", "with equal effort: EDP", "cycles"),
            *("searched for the fewest cycles: D found", "cycles", "at most"),
            "with equal effort: cycles",
        ),
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    fast_by_title = pairs_by_case(fastest)
    for title, group in pairs_by_case(least_edp).items():
        limits, fast = INDIFFERENT[_names(group[0].case)], fast_by_title[title]
        first = _beside_first(group)
        lines.append(
            row(
                *(title, _beat(group), _lanes_found(group)),
                *(_spread(edp_ratio, first), f"{limits.edp:g}", _spread(cycles_ratio, first)),
                _spread(area_ratio, first),
                *(_spread(edp_ratio, group), _spread(cycles_ratio, group), _lanes_found(fast)),
                *(_spread(cycles_ratio, _beside_first(fast)), f"{limits.cycles:g}"),
                _spread(cycles_ratio, fast),
            )
        )
    return "\n".join(lines)


def _spread(ratio: Callable[[PairedSearches], float], pairs: Sequence[PairedSearches]) -> str:
    return spread([ratio(pair) for pair in pairs])


def _beat(searches: Sequence[DrainSearches]) -> str:
    return str(searches[0].case.preset.budget.beat_bytes)


def _of_each_seed(pairs: Sequence[PairedSearches]) -> str:
    return "; ".join(f"{cycles_ratio(pair):.3f}, {edp_ratio(pair):.3f}" for pair in pairs)


def _lanes_found(pairs: Sequence[PairedSearches]) -> str:
    """Lanes of drain of what the free search found, of each seed."""
    return ", ".join(str(pair.ours.accelerator.drain_lanes) for pair in pairs)


def _designs(pairs: Sequence[PairedSearches]) -> list[str]:
    lines = [
        row(
            *("resources, network", "lanes of drain", "seed", "D", DESIGN_HEAD, "cycles"),
            *("energy, uJ", "EDP, J cycles", "area, mm2"),
        ),
        f"|---|---|---:|---:|{DESIGN_RULE}|---:|---:|---:|---:|",
    ]
    for title, group in pairs_by_case(pairs).items():
        best = group[best_of([pair.ours for pair in group])]
        for how, result in (("B / 4", best.rival), ("searched", best.ours)):
            accelerator, report = result.accelerator, result.networks[0].report
            lines.append(
                row(
                    *(title, how, str(best.seed), str(accelerator.drain_lanes)),
                    *design_cells(accelerator),
                    *(f"{report.cycles:,}", f"{report.energy_pj / 1e6:,.1f}"),
                    *(f"{report.edp / 1e12:,.1f}", f"{_area_um2(accelerator) / 1e6:.2f}"),
                )
            )
    return [
        "What the two searches found, for the seed with the best design of free lanes. The area is "
        "an estimate at 45 nm: memories, multipliers, adders, requantisers and pipeline registers.",
        "\n".join(lines),
    ]


def _roofline_part(pairs: Sequence[PairedSearches]) -> list[str]:
    if not pairs:
        return []
    lines = [
        row(
            *("resources, network", "roofline: share of drain", "gain of D = B / 2", "of D = B"),
            *("reached: cycles", "EDP", "area", "D found"),
        ),
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for title, group in pairs_by_case(pairs).items():
        lines.append(
            row(
                *(title, *_roofline_cells(group[0].case)),
                spread([1 / cycles_ratio(pair) for pair in group]),
                spread([pair.ratio for pair in group]),
                *(spread([area_ratio(pair) for pair in group]), _lanes_found(group)),
            )
        )
    return [
        "### Beside the roofline",
        "By the roofline a layer takes the largest of products / PEs, loads / B, stores / B and "
        "outputs / D cycles, with all PEs of the budget. *Share of drain*: of the cycles at D = "
        "B / 4, those in layers whose largest part is drain. *Gain*: cycles at D = B / 4 by those "
        "of the wider drain. *Reached*: cycles and EDP of what was found with B / 4 by those of "
        "what was found with free lanes, with equal effort, both exact; area the other way round, "
        "as above.",
        "\n".join(lines),
        *_designs(pairs),
    ]


def _roofline_cells(case: PresetCase) -> tuple[str, ...]:
    budget = case.preset.budget
    lanes = (quarter_of_beat(budget), budget.beat_bytes // HALF, budget.beat_bytes)
    quarter, half, whole = (roofline(case.network, budget, width) for width in lanes)
    return (
        f"{quarter.drain_share:.0%}",
        f"{quarter.cycles / half.cycles:.2f}",
        f"{quarter.cycles / whole.cycles:.2f}",
    )


def _weights_part(pairs: Sequence[PairedSearches]) -> list[str]:
    lines = [
        row("resources, network", "weights, MB", "design", "image, MB", "loaded, MB", "loads"),
        "|---|---:|---|---:|---:|---:|",
    ]
    for title, group in pairs_by_case(pairs).items():
        best = group[best_of([pair.ours for pair in group])]
        for design, traffic in _traffic(best):
            lines.append(
                row(
                    *(title, f"{traffic.network_bytes / 1e6:.2f}", design),
                    f"{traffic.image_bytes / 1e6:.2f}",
                    *(f"{traffic.loaded_bytes / 1e6:.2f}", f"{traffic.num_loads:.2f}"),
                )
            )
    return [
        "### Weights in memory",
        "The image has a byte for each weight and for each lane of the weight network that a layer "
        "uses without a weight. *Loads*: how often a byte of it crosses the bus, in the mean; more "
        "than 1 means that weights are loaded again because they do not fit on chip. The preset "
        "has the mappings of its dataflow.",
        "\n".join(lines),
    ]


def _traffic(pair: PairedSearches) -> list[tuple[str, WeightTraffic]]:
    preset = pair.case.preset
    fixed = map_fixed(preset.accelerator, pair.case.network, preset.dataflow, table=pair.table)
    results = (
        ("preset", preset.accelerator, fixed),
        ("found, B / 4", pair.rival.accelerator, pair.rival.networks[0]),
        ("found, searched", pair.ours.accelerator, pair.ours.networks[0]),
    )
    return [(name, weight_traffic(accelerator, result)) for name, accelerator, result in results]
