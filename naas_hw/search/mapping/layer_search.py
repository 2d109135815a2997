"""The best mappings of layers on accelerators.

Compiled code draws mappings or breeds them from seeds. Each mapping gets legality, exact energy and
a proven lower bound of its cycles. Then exact cycles are computed in the order of the bounds, until
no other mapping of the search can be better or the allowance is used up. All reported figures are
exact.

Optimisers: `evolve` (the default: seeds of typical dataflows, then mutation and crossing on the
grid, the best by bound as parents; all tiles of the steps whose bound is least; mutation of the
best by exact figures), `cma` (the paper's encoding and
CMA-ES), `random` (uniform points of the encoding).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, prices_of, problem_of, problem_table
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.cma import new_strategy
from naas_hw.search.mapping.encoding import MappingEncoding
from naas_hw.search.mapping.evolutionary_search import (
    MAX_STALE,
    Allowance,
    fits_smallest,
    offer,
    search_pool,
    time_pool,
)
from naas_hw.search.mapping.point import Point
from naas_hw.search.mapping.pool import (
    CHECKED,
    NOT_TIMED,
    NUM,
    PROPOSED,
    STALE,
    TIMED,
    Goal,
    Pool,
    new_pool,
)
from naas_hw.search.objective import Objective, ranking
from naas_hw.search.pareto import pareto_front
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Layer

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

NUM_DRAWN: Final = 128
CMA_POPULATION: Final = 32


class Optimiser(StrEnum):
    """How mappings are proposed."""

    EVOLVE = "evolve"
    CMA = "cma"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A mapping with its exact figures, all groups of the layer."""

    mapping: Mapping
    cycles: int
    energy_pj: float


@dataclass(frozen=True, kw_only=True)
class MappingResult:
    """The best mapping of a layer, and how it was found.

    Members
    -------
    best : the best by the objective, of this layer alone.
    choices : all that none of the others beats in both cycles and energy, fastest first.
    num_evaluations : mappings that were evaluated, illegal and repeated ones included.
    num_legal : distinct legal mappings among them.
    num_exact : mappings that were timed exactly.
    best_bound : smallest lower bound of the objective among all legal mappings of the search.
    least : no mapping of the space of branch and bound scores less; 0 where that was not searched.
    largest_gap : largest (exact - bound) / bound, in cycles, of those timed exactly.
    """

    best: Choice
    choices: tuple[Choice, ...]
    num_evaluations: int
    num_legal: int
    num_exact: int
    best_bound: float
    largest_gap: float
    least: float = 0.0

    def proven_gap(self, objective: Objective) -> float | None:
        """How much more than the least of that space the best one scores at most, of the least."""
        if not self.least:
            return None
        return objective.gap(self.best.cycles, self.best.energy_pj, self.least)


def map_layer(
    accelerator: Accelerator,
    layer: Layer,
    *,
    objective: Objective,
    table: EnergyTable,
    budget_evaluations: int,
    rng: np.random.Generator,
    optimiser: Optimiser = Optimiser.EVOLVE,
    max_exact: int = 32,
    min_legal: int = 1,
    encoding: Encoding = Encoding.IMPORTANCE,
) -> MappingResult | None:
    """Search a mapping; None if no legal one was found.

    Parameters
    ----------
    objective : what is minimised.
    table : energies of accesses.
    budget_evaluations : mappings whose legality is checked or whose cycles are bounded; a few more,
        and as many as it takes to see `min_legal`.
    rng : where all randomness comes from.
    optimiser : how mappings are proposed.
    max_exact : mappings that are timed exactly, at most; at least 8 are.
    min_legal : distinct legal mappings to be seen before the search ends, if there are so many.
    encoding : of loop orders, for the optimisers that draw points of the encoding.

    Raises
    ------
    InputError : a budget below 1.
    """
    if budget_evaluations < 1:
        raise InputError(f"budget_evaluations must be at least 1, not {budget_evaluations}")
    run = _Run(
        problem=problem_of(accelerator, layer),
        objective=Objective(objective),
        prices=prices_of(accelerator, table),
        budget=budget_evaluations,
        min_legal=min_legal,
        max_exact=max(MIN_EXACT, max_exact),
        rng=rng,
    )
    if Optimiser(optimiser) is Optimiser.EVOLVE:
        run.evolve()
    else:
        grid = MappingEncoding(accelerator=accelerator, layer=layer, encoding=encoding)
        draw: Callable[[_Run, MappingEncoding], None]
        draw = _cma if Optimiser(optimiser) is Optimiser.CMA else _random
        draw(run, grid)
        if run.num_legal:
            run.time()
    return run.result() if run.num_legal else None


def is_mappable(accelerator: Accelerator, layers: Sequence[Layer]) -> bool:
    """Whether the mapping with the smallest tiles of each layer is legal.

    If it is not, hardly any other mapping is.
    """
    return bool(fits_smallest(problem_table([(accelerator, layer) for layer in layers])))


@dataclass(kw_only=True)
class _Run:
    """One search: its problem, its allowances, and the pool of its mappings."""

    problem: np.void
    objective: Objective
    prices: NDArray[np.float64]
    budget: int
    min_legal: int
    max_exact: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        weights = {
            Objective.EDP: (0.0, 0.0),
            Objective.LATENCY: (1.0, 0.0),
            Objective.ENERGY: (0.0, 1.0),
        }
        self.goal = Goal(self.prices, *weights[self.objective])
        self.pool: Pool = new_pool(self.budget + self.min_legal + MAX_SEEDS)

    @property
    def num_legal(self) -> int:
        return int(self.pool.counters[NUM])

    @property
    def num_evaluations(self) -> int:
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
            front_reach=FRONT_REACH if self.objective is Objective.EDP else 0.0,
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

    def result(self) -> MappingResult:
        """The best, and what belongs to it."""
        pool, num = self.pool, self.num_legal
        indices = np.flatnonzero(pool.exact[:num] != NOT_TIMED)
        order = ranking(self.objective, pool.exact[indices], pool.energy[indices])
        timed = indices[order]
        gaps = (pool.exact[timed] - pool.bound[timed]) / pool.bound[timed]
        bounds = self.objective.score(pool.bound[:num].astype(np.float64), pool.energy[:num])
        return MappingResult(
            best=self._choice(int(timed[0])),
            choices=tuple(self._choice(index) for index in self._front(timed)),
            num_evaluations=self.num_evaluations,
            num_legal=num,
            num_exact=int(pool.counters[TIMED]),
            best_bound=float(bounds.min()),
            largest_gap=float(gaps.max()),
        )

    def _front(self, timed: NDArray[Any]) -> list[int]:
        """Mappings that none beats in both figures, fastest first."""
        figures = np.stack([self.pool.exact[timed], self.pool.energy[timed]], axis=1)
        return [int(timed[index]) for index in pareto_front(figures)]

    def _choice(self, index: int) -> Choice:
        pool = self.pool
        row = slice(index, index + 1)
        batch = MappingBatch(
            orders=pool.orders[row], l2=pool.l2[row], pe=pool.pe[row], spatial=pool.spatial[row]
        )
        return Choice(
            mapping=batch.mapping(0),
            cycles=int(pool.exact[index]),
            energy_pj=float(pool.energy[index]),
        )


def _random(run: _Run, grid: MappingEncoding) -> None:
    """Uniform points of the encoding, repaired."""
    while run.goes_on:
        run.offer(grid.decode(run.rng.random((NUM_DRAWN, grid.num_genes))))


def _cma(run: _Run, grid: MappingEncoding) -> None:
    """CMA-ES over the encoding, ranked by bound; what is illegal after repair ranks last."""
    while run.goes_on:
        start = grid.num_genes * [0.5]
        strategy = new_strategy(start, sigma=0.3, population=CMA_POPULATION, rng=run.rng)
        while run.goes_on and not strategy.stop():
            points = strategy.ask()
            scores = run.offer(grid.decode(np.array(points)))
            finite = np.where(np.isfinite(scores), np.log(np.maximum(scores, 1e-300)), 1e3)
            strategy.tell(points, finite.tolist())
