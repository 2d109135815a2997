"""Ways of searching mappings side by side: the default, its parts, the paper's, and chance.

Evolution, CMA-ES and chance get as many evaluations; branch and bound, after evolution or
alone, has a budget of its own. What each takes of a CPU is shown beside. Scores are by the best
that is known of a layer: that of branch and bound with a large budget.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.technology import EnergyTable
from naas_hw.experiments.gap import (
    WITHIN,
    Gap,
    Place,
    optimality_bound,
    score_of_place,
    search_place,
)
from naas_hw.search.mapping.layer_search import Optimiser
from naas_hw.search.mapping.network_search import PROOF_EVALUATIONS
from naas_hw.search.objective import geometric_mean

FIRST_EVALUATIONS: Final = 100
"""What branch and bound alone has of evolution: it needs a mapping to begin with."""

Way = Callable[[Place, int, int, EnergyTable], float]
"""Score of a place, of so many evaluations with a seed; infinite without a legal mapping."""


@dataclass(frozen=True, kw_only=True)
class Mapper:
    """A way of searching, over places and seeds.

    Members
    -------
    ratios : each score by the best that is known of the place.
    cpu_seconds : of one search, in the mean.
    """

    name: str
    ratios: list[float]
    cpu_seconds: float

    @property
    def share_within(self) -> float:
        """Of the searches, those within 2 % of the best that is known."""
        return sum(ratio <= 1 + WITHIN for ratio in self.ratios) / len(self.ratios)


def _by(optimiser: Optimiser) -> Way:
    def way(place: Place, evaluations: int, seed: int, table: EnergyTable) -> float:
        return score_of_place(place, evaluations, seed, table, optimiser)

    return way


def _with_proof(place: Place, evaluations: int, seed: int, table: EnergyTable) -> float:
    evolved = search_place(place, evaluations, seed, table, Optimiser.EVOLVE)
    if evolved is None:
        return float("inf")
    return optimality_bound(place, evolved.best, table, PROOF_EVALUATIONS).score


def _proof_alone(place: Place, evaluations: int, seed: int, table: EnergyTable) -> float:
    return _with_proof(place, FIRST_EVALUATIONS, seed, table)


WAYS: Final[dict[str, Way]] = {
    "evolution, then branch and bound (default of `naas map`)": _with_proof,
    "evolution (ranks accelerators)": _by(Optimiser.EVOLVE),
    "branch and bound alone": _proof_alone,
    "CMA-ES, importance encoding (the paper's)": _by(Optimiser.CMA),
    "random": _by(Optimiser.RANDOM),
}


def measure_mappers(
    gaps: Sequence[Gap],
    *,
    evaluations: int,
    seeds: Sequence[int],
    table: EnergyTable,
    progress: Callable[[str], None] | None = None,
) -> list[Mapper]:
    """Every way on the places of the gaps, with every seed."""
    mappers = []
    for name, way in WAYS.items():
        before = time.process_time()
        ratios = [
            way(gap.place, evaluations, seed, table) / gap.optimality.score
            for gap in gaps
            for seed in seeds
        ]
        spent = (time.process_time() - before) / len(ratios)
        mappers.append(Mapper(name=name, ratios=ratios, cpu_seconds=spent))
        if progress is not None:
            progress(f"{name}: {len(ratios)} searches, {spent:.3f} s of CPU each")
    return mappers


# Markdown ----------------------------------------------------------------------------------------


def mappers_markdown(mappers: Sequence[Mapper], evaluations: int) -> str:
    """A table, best mean first."""
    num = len(mappers[0].ratios)
    lines = [
        f"Ways of searching on the same layers, {num} searches each (layers times seeds) of "
        f"{evaluations:,} evaluations (branch and bound alone: {FIRST_EVALUATIONS} of evolution, "
        f"then at most {PROOF_EVALUATIONS:,} mappings and tiles). Score by the best that is known; "
        "CPU seconds are this machine's:",
        "",
        f"| way | geometric mean | worst | within {WITHIN:.0%} | CPU s a layer |",
        "|---|---:|---:|---:|---:|",
    ]
    for mapper in sorted(mappers, key=lambda mapper: geometric_mean(mapper.ratios)):
        lines.append(
            f"| {mapper.name} | {geometric_mean(mapper.ratios):.3f} | {max(mapper.ratios):.3f} | "
            f"{mapper.share_within:.0%} | {mapper.cpu_seconds:.3f} |"
        )
    return "\n".join(lines)
