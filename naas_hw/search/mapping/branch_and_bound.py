"""The best mapping of a layer by branch and bound, with a bound for the space that it covers.

The space: all used extents of P Q R S axes; bounds inside the PE that are balanced, ceil(n / k);
bounds of the tile that are balanced, those of K and C rounded up to whole blocks; all loop orders
at both levels; of these all that are legal.

Nodes (used extents and bounds inside the PE) are opened in the order of their lower bounds. Nodes,
tiles and loop orders are pruned if their lower bound is not below the best known score by more
than the tolerance.
"""

from dataclasses import dataclass
from math import inf, isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, problem_of
from naas_hw.cost.compiled.columns import NUM_ACCESSES, NUM_RESULTS
from naas_hw.cost.compiled.problem import SCRATCH
from naas_hw.mapping.geometry import ceil_div, usable_positions
from naas_hw.search.mapping.branch_and_bound_kernels import (
    CYCLES,
    ENERGY,
    EVALUATED,
    LIMIT,
    SCORE,
    TILES,
    TIMED,
    Nodes,
    State,
    list_nodes,
    search_nodes,
)
from naas_hw.search.mapping.goal import goal_of
from naas_hw.search.mapping.layer_search import Choice
from naas_hw.search.mapping.node_bounds import least_traffic
from naas_hw.search.mapping.point import Point
from naas_hw.search.mapping.pool import Goal
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import DIMS, Layer

MAX_LEAVES: Final = 100_000
FIRST_ROOM: Final = 65_536


@dataclass(frozen=True, kw_only=True)
class OptimalityBound:
    """How far the best known mapping is at most from the best of the covered space.

    Members
    -------
    best : the best known mapping; the incumbent if no better one is known.
    score : its score by the objective.
    bound : no legal mapping of the covered space scores less.
    complete : whether the whole space was evaluated or pruned. The bound is then at least the score
        less the tolerance, or the score of the best mapping of the space.
    num_nodes : nodes that were not pruned before the first one was opened.
    num_evaluations : mappings that were bounded or timed.
    num_exact : mappings that were timed exactly.
    """

    best: Choice
    score: float
    bound: float
    complete: bool
    num_nodes: int
    num_evaluations: int
    num_exact: int

    @property
    def gap(self) -> float:
        """The relative difference of score and bound: no mapping of the space is better by more."""
        return max(0.0, self.score / self.bound - 1)


def branch_and_bound(
    accelerator: Accelerator,
    layer: Layer,
    incumbent: Choice,
    *,
    objective: Objective,
    table: EnergyTable,
    tolerance: float = 0.0,
    budget_evaluations: int = 5_000_000,
) -> OptimalityBound:
    """The best mapping of the covered space, or a bound of its score.

    Parameters
    ----------
    incumbent : a legal mapping with its exact figures; the better it is, the more is pruned.
    tolerance : mappings that are better by less than this fraction are pruned.
    budget_evaluations : mappings and tiles that are evaluated at most.

    Raises
    ------
    InputError : a tolerance below 0, or a budget below 1.
    """
    if tolerance < 0:
        raise InputError(f"tolerance must be at least 0, not {tolerance}")
    if budget_evaluations < 1:
        raise InputError(f"budget_evaluations must be at least 1, not {budget_evaluations}")
    problem, goal = problem_of(accelerator, layer), goal_of(accelerator, objective, table)
    state = _new_state(incumbent, objective, tolerance)
    floor = least_traffic(problem, goal.price)
    nodes, order = _nodes(problem, goal, state.figures[LIMIT], floor)
    scratch = np.zeros(1, SCRATCH)
    left, unresolved = search_nodes(problem, goal, state, nodes, order, budget_evaluations, scratch)
    return OptimalityBound(
        best=_best(state, incumbent),
        score=float(state.figures[SCORE]),
        bound=float(min(left, unresolved, state.figures[LIMIT])),
        complete=left == inf and unresolved == inf,
        num_nodes=len(order),
        num_evaluations=int(state.counters[EVALUATED] + state.counters[TILES]),
        num_exact=int(state.counters[TIMED]),
    )


def space_size(accelerator: Accelerator, layer: Layer) -> int:
    """Nodes that are listed before the first one is opened, at most.

    A dim of n indices has about 2 sqrt(n) balanced bounds. Where an axis may be used in part, so
    many times as many.
    """
    size = 1
    for dim in DIMS:
        bound = layer.bounds[dim]
        side = min(usable_positions(accelerator, layer, dim), bound)
        is_whole = dim in ("K", "C")
        count = ceil_div(bound, side) if is_whole else bound
        size *= 2 * (isqrt(count) + 1) * (1 if is_whole else side)
    return size


def _new_state(incumbent: Choice, objective: Objective, tolerance: float) -> State:
    score = objective.score(float(incumbent.cycles), incumbent.energy_pj)
    start = (score, score / (1 + tolerance), incumbent.cycles, incumbent.energy_pj)
    return State(
        best=Point(np.zeros((3, 6), np.int8), *(np.zeros(6, np.int64) for _ in range(3))),
        figures=np.array(start, np.float64),
        counters=np.zeros(5, np.int64),
        leaf_bound=np.zeros(MAX_LEAVES),
        leaf_node=np.zeros(MAX_LEAVES, np.int64),
        leaf_l2=np.zeros((MAX_LEAVES, 6), np.int64),
        scratch=np.zeros(1, SCRATCH),
        accesses=np.zeros(NUM_ACCESSES, np.int64),
        results=np.zeros(NUM_RESULTS, np.int64),
    )


def _nodes(
    problem: np.void, goal: Goal, limit: float, floor: tuple[float, float]
) -> tuple[Nodes, NDArray[np.int64]]:
    """All nodes below the limit, and their order by bound."""
    room = FIRST_ROOM
    while True:
        nodes = Nodes(np.zeros(room), np.ones((room, 6), np.int64), np.ones((room, 6), np.int64))
        num_nodes = int(list_nodes(problem, goal, limit, floor, nodes, np.zeros(1, SCRATCH)))
        if num_nodes <= room:
            return nodes, np.argsort(nodes.bound[:num_nodes], kind="mergesort")
        room = num_nodes


def _best(state: State, incumbent: Choice) -> Choice:
    if not state.best.l2[0]:
        return incumbent
    best = state.best
    orders = best.orders[None].copy()
    orders[:, 2] = np.arange(6)
    batch = MappingBatch(
        orders=orders, l2=best.l2[None], pe=best.pe[None], spatial=best.spatial[None]
    )
    return Choice(
        mapping=batch.mapping(0),
        cycles=int(state.figures[CYCLES]),
        energy_pj=float(state.figures[ENERGY]),
    )
