"""How far the default mapping search is from the best mapping and from random search."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import find_preset
from naas_hw.arch.technology import EnergyTable
from naas_hw.search.mapping.branch_and_bound import OptimalityBound, branch_and_bound
from naas_hw.search.mapping.layer_search import Choice, MappingResult, Optimiser, map_layer
from naas_hw.search.mapping.network_search import PROOF_TOLERANCE, layer_generator
from naas_hw.search.objective import Objective, geometric_mean
from naas_hw.workload.catalogue import builtin_names, load_builtin
from naas_hw.workload.layer import Layer

PRESETS: Final = ("eyeriss", "nvdla-256", "shidiannao")
WITHIN: Final = 0.02
REQUIRED_SHARE: Final = 0.9
RANDOM_FACTOR: Final = 10
CONFIDENCE: Final = 0.95
NUM_DRAWS: Final = 10_000
"""Resamples of the bootstrap."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A layer on an accelerator; `name` is network and layer."""

    name: str
    layer: Layer
    accelerator: Accelerator


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The default mapping search of one layer on one accelerator, with its optimality bound.

    Members
    -------
    evolved : what evolution alone scores.
    default : with the branch and bound that follows it by default.
    optimality : what more of branch and bound finds and proves.
    """

    place: Place
    evolved: float
    default: float
    optimality: OptimalityBound

    @property
    def to_best(self) -> float:
        """Relative excess of the default score over the best known score."""
        return self.default / self.optimality.score - 1

    @property
    def proven(self) -> float:
        """Relative excess of the default score over the optimality bound."""
        return max(0.0, self.default / self.optimality.bound - 1)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Random search's score by the default's over seeds: geometric mean and confidence interval."""

    place: Place
    mean: float
    low: float
    high: float


def places(num_per_network: int) -> list[Place]:
    """Layers of every built-in network, evenly spaced, on the presets by turns."""
    chosen = []
    for name in builtin_names():
        layers = list(load_builtin(name).distinct_layers)
        num = min(num_per_network, len(layers))
        for index in range(num):
            layer = layers[(2 * index + 1) * len(layers) // (2 * num)]
            accelerator = find_preset(PRESETS[index % len(PRESETS)]).accelerator
            chosen.append(Place(name=f"{name} {layer.name}", layer=layer, accelerator=accelerator))
    return chosen


def search_place(
    place: Place, evaluations: int, seed: int, table: EnergyTable, optimiser: Optimiser
) -> MappingResult | None:
    """As `naas map` searches it before branch and bound."""
    return map_layer(
        place.accelerator,
        place.layer,
        objective=Objective.EDP,
        table=table,
        budget_evaluations=evaluations,
        rng=layer_generator(seed, place.accelerator, place.layer),
        optimiser=optimiser,
    )


def score_of_place(
    place: Place, evaluations: int, seed: int, table: EnergyTable, optimiser: Optimiser
) -> float:
    """Cycles times picojoules; infinite if no legal mapping was found."""
    result = search_place(place, evaluations, seed, table, optimiser)
    return float("inf") if result is None else score_of(result)


def score_of(result: MappingResult) -> float:
    """Cycles times picojoules of the best."""
    return result.best.cycles * result.best.energy_pj


def measure_gaps(
    chosen: Sequence[Place],
    *,
    evaluations: int,
    proof_evaluations: int,
    budget: int,
    seed: int,
    table: EnergyTable,
    progress: Callable[[Gap], None] | None = None,
) -> list[Gap]:
    """Search each place that has a legal mapping by evolution, then by branch and bound.

    Branch and bound has its default budget first, and a larger one where that left a gap.
    """
    gaps = []
    for place in chosen:
        evolved = search_place(place, evaluations, seed, table, Optimiser.EVOLVE)
        if evolved is None:
            continue
        optimality = optimality_bound(place, evolved.best, table, proof_evaluations)
        default = optimality.score
        if not optimality.complete:
            optimality = optimality_bound(place, optimality.best, table, budget)
        gaps.append(
            Gap(place=place, evolved=score_of(evolved), default=default, optimality=optimality)
        )
        if progress is not None:
            progress(gaps[-1])
    return gaps


def optimality_bound(
    place: Place, best: Choice, table: EnergyTable, budget: int
) -> OptimalityBound:
    """Branch and bound from this mapping on, with so large a budget."""
    return branch_and_bound(
        place.accelerator,
        place.layer,
        best,
        objective=Objective.EDP,
        table=table,
        tolerance=PROOF_TOLERANCE,
        budget_evaluations=budget,
    )


def measure_ratios(
    chosen: Sequence[Place],
    *,
    evaluations: int,
    seeds: Sequence[int],
    table: EnergyTable,
    progress: Callable[[Ratio], None] | None = None,
) -> list[Ratio]:
    """Random search with `RANDOM_FACTOR` times the evaluations, by the default."""
    ratios = []
    for place in chosen:
        logs = [_log_ratio(place, evaluations, seed, table) for seed in seeds]
        ratios.append(_interval(place, logs))
        if progress is not None:
            progress(ratios[-1])
    return ratios


def _log_ratio(place: Place, evaluations: int, seed: int, table: EnergyTable) -> float:
    ours = score_of_place(place, evaluations, seed, table, Optimiser.EVOLVE)
    chance = score_of_place(place, RANDOM_FACTOR * evaluations, seed, table, Optimiser.RANDOM)
    return log(chance / ours)


def _interval(place: Place, logs: Sequence[float]) -> Ratio:
    """Bootstrap of the mean of the logarithms: always the same draws."""
    values = np.array(logs)
    drawn = np.random.default_rng(0).integers(len(values), size=(NUM_DRAWS, len(values)))
    means = values[drawn].mean(axis=1)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.exp(np.percentile(means, (tail, 100 - tail)))
    return Ratio(place=place, mean=float(np.exp(values.mean())), low=float(low), high=float(high))


# Markdown ----------------------------------------------------------------------------------------


def share_within(gaps: Sequence[Gap], *, proven: bool) -> float:
    """Of the places: how many are within 2 %, by the proven gap or by the best that was found."""
    shares = [gap.proven if proven else gap.to_best for gap in gaps]
    return sum(gap <= WITHIN for gap in shares) / len(shares)


def share_evolved(gaps: Sequence[Gap]) -> float:
    """Of the places: how many evolution alone brings within 2 % of the best that was found."""
    return sum(gap.evolved / gap.optimality.score - 1 <= WITHIN for gap in gaps) / len(gaps)


def holds(gaps: Sequence[Gap], ratios: Sequence[Ratio]) -> bool:
    """Whether enough gaps are proven to be small, and chance is nowhere better."""
    good = share_within(gaps, proven=True) >= REQUIRED_SHARE
    return good and all(ratio.high >= 1 for ratio in ratios)


def gap_markdown(
    gaps: Sequence[Gap], ratios: Sequence[Ratio], evaluations: int, proof_evaluations: int
) -> str:
    """Both tables, with what they say together."""
    lines = _gap_lines(gaps, evaluations, proof_evaluations)
    return "\n".join((*lines, "", *_ratio_lines(ratios, evaluations)))


def _gap_lines(gaps: Sequence[Gap], evaluations: int, proof_evaluations: int) -> Iterator[str]:
    num = len(gaps)
    yield (
        "Energy times cycles (pJ cycles) of the mapping search of `naas map`: evolution with "
        f"{evaluations:,} evaluations (*evolved*), then branch and bound that looks at "
        f"{proof_evaluations:,} mappings and tiles at most (*default*). What that leaves open, "
        "branch and bound with a larger budget goes on with (*best*). Its space: "
        "all used extents of P Q R S axes, balanced bounds (ceil(n / k)) in the PE and of the "
        "tile, in K and C rounded up to whole blocks, all loop orders, what is legal of these. No "
        "mapping of the space scores below *bound*; *gap* is what the default is above it, at "
        "most. *complete*: the budget was enough to look at or exclude every mapping that is "
        f"better than the best by more than {PROOF_TOLERANCE:.1%}."
    )
    yield ""
    yield (
        "| layer | array | evolved | default | best | bound | evolved above best | gap | complete "
        "| looked at |"
    )
    yield "|---|---|---:|---:|---:|---:|---:|---:|---|---:|"
    for gap in gaps:
        optimality = gap.optimality
        yield (
            f"| {gap.place.name} | {gap.place.accelerator.name} | {gap.evolved:.5g} | "
            f"{gap.default:.5g} | {optimality.score:.5g} | {optimality.bound:.5g} | "
            f"{gap.evolved / optimality.score - 1:.1%} | {gap.proven:.1%} | "
            f"{'yes' if optimality.complete else 'no'} | {optimality.num_evaluations:,} |"
        )
    yield ""
    yield (
        f"Of {num} layers {share_within(gaps, proven=True):.0%} are proven to be within "
        f"{WITHIN:.0%} of the least there is in that space; "
        f"{share_within(gaps, proven=False):.0%} are within {WITHIN:.0%} of the best that was "
        f"found, by evolution alone {share_evolved(gaps):.0%}; "
        f"{sum(g.optimality.complete for g in gaps)} proofs "
        "are complete."
    )


def _ratio_lines(ratios: Sequence[Ratio], evaluations: int) -> Iterator[str]:
    if not ratios:
        return
    yield (
        f"Random search with {RANDOM_FACTOR * evaluations:,} evaluations, by evolution with "
        f"{evaluations:,}: geometric mean over seeds and {CONFIDENCE:.0%} confidence interval "
        "(bootstrap of the logarithms). Above 1 evolution is better."
    )
    yield ""
    yield "| layer | array | ratio | from | to |"
    yield "|---|---|---:|---:|---:|"
    for ratio in ratios:
        yield (
            f"| {ratio.place.name} | {ratio.place.accelerator.name} | {ratio.mean:.3f} | "
            f"{ratio.low:.3f} | {ratio.high:.3f} |"
        )
    yield ""
    mean = geometric_mean([ratio.mean for ratio in ratios])
    yield f"Over all of them: {mean:.3f}."
