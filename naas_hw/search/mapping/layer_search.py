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
from naas_hw.cost.compiled.batch import problem_of, problem_table
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.cma import new_strategy
from naas_hw.search.mapping.encoding import MappingEncoding
from naas_hw.search.mapping.evolutionary_search import have_room
from naas_hw.search.mapping.goal import goal_of
from naas_hw.search.mapping.mapping_run import MIN_EXACT, MappingRun
from naas_hw.search.mapping.pool import TIMED
from naas_hw.search.objective import Objective, ranking
from naas_hw.search.pareto import pareto_front
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Layer

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
    frugal : of the mappings that are nearly as fast as the best, the one with the least traffic;
        None where none was searched, or the best one is it.
    """

    best: Choice
    choices: tuple[Choice, ...]
    num_evaluations: int
    num_legal: int
    num_exact: int
    best_bound: float
    largest_gap: float
    least: float = 0.0
    frugal: Choice | None = None

    @property
    def chosen(self) -> Choice:
        """The mapping that a network takes; bounds and gap are about the best."""
        return self.frugal or self.best

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
    """Search for a mapping; None if no legal one was found.

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
    run = MappingRun(
        problem=problem_of(accelerator, layer),
        goal=goal_of(accelerator, Objective(objective), table),
        budget=budget_evaluations,
        min_legal=min_legal,
        max_exact=max(MIN_EXACT, max_exact),
        rng=rng,
    )
    if Optimiser(optimiser) is Optimiser.EVOLVE:
        run.evolve()
    else:
        grid = MappingEncoding(accelerator=accelerator, layer=layer, encoding=encoding)
        draw: Callable[[MappingRun, MappingEncoding], None]
        draw = _cma if Optimiser(optimiser) is Optimiser.CMA else _random
        draw(run, grid)
        if run.num_legal:
            run.time()
    return _result(run, Objective(objective)) if run.num_legal else None


def is_mappable(accelerator: Accelerator, layers: Sequence[Layer]) -> bool:
    """Whether each layer has a legal mapping with the smallest tiles, or with one tile.

    If it has none of them, hardly any other mapping is legal.
    """
    return bool(have_room(problem_table([(accelerator, layer) for layer in layers])))


def _result(run: MappingRun, objective: Objective) -> MappingResult:
    """The best, and what belongs to it."""
    pool, num = run.pool, run.num_legal
    order = ranking(objective, pool.exact[run.timed], pool.energy[run.timed])
    timed = run.timed[order]
    gaps = (pool.exact[timed] - pool.bound[timed]) / pool.bound[timed]
    bounds = objective.score(pool.bound[:num].astype(np.float64), pool.energy[:num])
    return MappingResult(
        best=_choice(run, int(timed[0])),
        choices=tuple(_choice(run, index) for index in _front(run, timed)),
        num_evaluations=run.num_evaluations,
        num_legal=num,
        num_exact=int(pool.counters[TIMED]),
        best_bound=float(bounds.min()),
        largest_gap=float(gaps.max()),
    )


def _front(run: MappingRun, timed: NDArray[Any]) -> list[int]:
    """Mappings that none beats in both figures, fastest first."""
    figures = np.stack([run.pool.exact[timed], run.pool.energy[timed]], axis=1)
    return [int(timed[index]) for index in pareto_front(figures)]


def _choice(run: MappingRun, index: int) -> Choice:
    return Choice(
        mapping=run.mapping_at(index),
        cycles=int(run.pool.exact[index]),
        energy_pj=float(run.pool.energy[index]),
    )


def _random(run: MappingRun, grid: MappingEncoding) -> None:
    """Uniform points of the encoding, repaired."""
    while run.goes_on:
        run.offer(grid.decode(run.rng.random((NUM_DRAWN, grid.num_genes))))


def _cma(run: MappingRun, grid: MappingEncoding) -> None:
    """CMA-ES over the encoding, ranked by bound; what is illegal after repair ranks last."""
    while run.goes_on:
        start = grid.num_genes * [0.5]
        strategy = new_strategy(start, sigma=0.3, population=CMA_POPULATION, rng=run.rng)
        while run.goes_on and not strategy.stop():
            points = strategy.ask()
            scores = run.offer(grid.decode(np.array(points)))
            finite = np.where(np.isfinite(scores), np.log(np.maximum(scores, 1e-300)), 1e3)
            strategy.tell(points, finite.tolist())
