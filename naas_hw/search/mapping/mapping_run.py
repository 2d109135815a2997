"""One search of mappings of a layer: its goal, its allowances, and the pool of what it has seen."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.compiled.batch import MappingBatch
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.evolutionary_search import (
    MAX_STALE,
    Allowance,
    offer,
    search_pool,
    time_pool,
)
from naas_hw.search.mapping.goal import is_product
from naas_hw.search.mapping.point import Point
from naas_hw.search.mapping.pool import (
    CHECKED,
    NOT_TIMED,
    NUM,
    PROPOSED,
    STALE,
    Goal,
    Pool,
    new_pool,
)

MIN_EXACT: Final = 8
"""Mappings that are timed exactly at least, if so many were found."""

EVALUATIONS_PER_SEED: Final = 250
MIN_SEEDS: Final = 6
MAX_SEEDS: Final = 48
BRED_SHARE, OPENED_SHARE, UNREFINED_SHARE = 0.6, 0.8, 0.85
"""Of the budget: what is spent when the best nodes are opened, when they were at the latest, and
when exact figures begin to steer."""

LEAST_TO_OPEN: Final = 2000
"""A budget that is smaller leaves too little for all tiles of a node: none is opened."""

FRONT_REACH: Final = 1.5
"""Mappings within so many times the best score are timed for the front of cycles and energy."""


@dataclass(kw_only=True)
class MappingRun:
    """One search: its problem, its allowances, and the pool of its mappings.

    Parameters
    ----------
    problem : accelerator and layer, as compiled code has them.
    goal : what is minimised.
    budget : mappings whose legality is checked or whose cycles are bounded; a few more, and as many
        as it takes to see `min_legal`.
    min_legal : distinct legal mappings to be seen, if there are so many.
    max_exact : mappings that are timed exactly, at most.
    rng : where all randomness comes from.
    """

    problem: np.void
    goal: Goal
    budget: int
    min_legal: int
    max_exact: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.pool: Pool = new_pool(self.budget + self.min_legal + MAX_SEEDS)

    @property
    def num_legal(self) -> int:
        """Distinct legal mappings so far."""
        return int(self.pool.counters[NUM])

    @property
    def num_evaluations(self) -> int:
        """Mappings that were evaluated so far, illegal and repeated ones included."""
        return int(self.pool.counters[PROPOSED] + self.pool.counters[CHECKED])

    @property
    def goes_on(self) -> bool:
        """Whether the budget, or the due number of legal mappings, is not reached."""
        if self.pool.counters[STALE] >= MAX_STALE:
            return False
        return self.num_evaluations < self.budget or self.num_legal < self.min_legal

    @property
    def allowance(self) -> Allowance:
        """What compiled code may spend."""
        bred = BRED_SHARE if self.budget >= LEAST_TO_OPEN else UNREFINED_SHARE
        return Allowance(
            budget=self.budget,
            bred=int(self.budget * bred),
            opened=int(self.budget * OPENED_SHARE),
            unrefined=int(self.budget * UNREFINED_SHARE),
            min_legal=self.min_legal,
            num_seeds=min(MAX_SEEDS, max(MIN_SEEDS, self.budget // EVALUATIONS_PER_SEED)),
            min_exact=MIN_EXACT,
            max_exact=self.max_exact,
            front_reach=FRONT_REACH if is_product(self.goal) else 0.0,
        )

    def evolve(self) -> None:
        """Seeds and their descendants, by bound; then those of the best by exact figures."""
        search_pool(self.problem, self.goal, self.pool, self.allowance, self.rng)

    def offer(self, batch: MappingBatch) -> NDArray[np.float64]:
        """Add mappings, repaired; their scores by bound."""
        scores = np.empty(len(batch), np.float64)
        points = Point(batch.orders, batch.l2, batch.pe, batch.spatial)
        offer(self.problem, self.goal, self.pool, points, self.rng, scores)
        return scores

    def time(self) -> None:
        """Exact figures for the best by bound, and for some of the front near them."""
        time_pool(self.problem, self.goal, self.pool, self.allowance)

    @property
    def timed(self) -> NDArray[np.int64]:
        """Where in the pool the mappings with exact figures are."""
        return np.flatnonzero(self.pool.exact[: self.num_legal] != NOT_TIMED)

    def mapping_at(self, index: int) -> Mapping:
        """A mapping of the pool."""
        pool, row = self.pool, slice(index, index + 1)
        batch = MappingBatch(
            orders=pool.orders[row], l2=pool.l2[row], pe=pool.pe[row], spatial=pool.spatial[row]
        )
        return batch.mapping(0)
