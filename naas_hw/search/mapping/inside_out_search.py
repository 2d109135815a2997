"""Search of mappings from the inside out, compiled: the best nodes first, then all their tiles.

A *node* fixes the used extents and the bounds inside the PE, that is, one step of the array. Its
lower bound holds for all tiles and loop orders. Nodes are bred by this bound alone; then all tiles
of the best nodes are evaluated, as in branch and bound.
"""

from typing import Any, Final

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS, P
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.single import new_scratch
from naas_hw.search.mapping.branch_and_bound_kernels import (
    EVALUATED,
    LIMIT,
    TILES,
    TIMED,
    Nodes,
    State,
    num_tiles,
    open_node,
    room_to_open,
)
from naas_hw.search.mapping.growth import balanced_below, draw_balanced, grow_bound
from naas_hw.search.mapping.mutation import shuffled
from naas_hw.search.mapping.node_bounds import (
    ORDERS,
    WEIGHTS_STAY,
    is_possible,
    least_inputs,
    least_weights,
    node_bound,
    steps_of,
    traffic,
)
from naas_hw.search.mapping.point import (
    copy_row,
    is_legal,
    most_pe,
    new_point,
    normalise,
    settle_bounds,
)
from naas_hw.search.mapping.pool import (
    CHECKED,
    NOT_TIMED,
    PROPOSED,
    add_point,
    score_of,
    time_point,
)
from naas_hw.search.mapping.pool import TIMED as TIMED_IN_POOL

NUM_NODES: Final = 24
NUM_FIRST: Final = 4
"""Nodes that are drawn anew before there are parents."""

EXTENT_PROBABILITY: Final = 0.25
"""How often a child differs in a used extent."""

BALANCED_PROBABILITY: Final = 0.7
"""How often a drawn extent is a balanced one."""

MAX_SHRINKS: Final = 12
MAX_NODES_STALE: Final = 400
"""Checks and bounds without a better node after which the rest of the allowance is left."""

BREEDING_SHARE: Final = 1 / 3
"""The share of the allowance for nodes; the rest is for their tiles."""


# Nodes -------------------------------------------------------------------------------------------


@kernel
def least_of_dram(p: Any, goal: Any) -> Any:
    """(loads, pJ) of DRAM at least: every word that any product needs, once."""
    ones = np.ones(6, np.int64)
    weights, inputs = least_weights(p), least_inputs(p)
    loads, _, energy = traffic(p, goal.price, ones, weights, inputs, 0.0, WEIGHTS_STAY)
    return loads, energy


@kernel
def _smallest_tile(p: Any, point: Any) -> None:
    point.l2[:] = 1
    settle_bounds(p, point)


@kernel
def _shrink(p: Any, point: Any, kept: Any, rng: Any, scratch: Any) -> Any:
    """Let bounds shrink until the node is legal, that of `kept` last; how many were checked."""
    for num_checks in range(1, MAX_SHRINKS + 1):
        _smallest_tile(p, point)
        if is_legal(p, point, scratch):
            return num_checks
        d = int(rng.random() * 6)
        for _ in range(NUM_DIMS):
            if point.pe[d] > 1 and d != kept:
                break
            d = (d + 1) % 6
        smaller = point.pe[d] - 1 - int(rng.random() * point.pe[d])
        point.pe[d] = balanced_below(most_pe(p, point, d), smaller)
    return MAX_SHRINKS


@kernel
def _change(p: Any, point: Any, rng: Any, scratch: Any) -> Any:
    """One bound or used extent drawn anew, the other bounds made to fit; how many were checked."""
    d = int(rng.random() * 6)
    if rng.random() < EXTENT_PROBABILITY:
        d = P + int(rng.random() * 4)
        drawn = 1 + int(rng.random() * min(p.sizes[d], p.bounds[d]))
        balanced = rng.random() < BALANCED_PROBABILITY
        point.spatial[d] = balanced_below(p.bounds[d], drawn) if balanced else drawn
        point.pe[d] = balanced_below(most_pe(p, point, d), point.pe[d])
    else:
        count = most_pe(p, point, d)
        point.pe[d] = balanced_below(count, draw_balanced(count, rng))
    num_checks = _shrink(p, point, d, rng, scratch)
    if is_legal(p, point, scratch):
        for grown in shuffled(rng):
            num_checks += grow_bound(p, point, grown, True, scratch)
    return num_checks + 1


@kernel
def _keep(nodes: Any, num: Any, point: Any, bound: Any) -> Any:
    """Put a node among the best unless one is as good; how many there are."""
    for k in range(num):
        if nodes.bound[k] == bound:
            return num
    if num == len(nodes.bound) and bound >= nodes.bound[num - 1]:
        return num
    place = min(num, len(nodes.bound) - 1)
    while place > 0 and nodes.bound[place - 1] > bound:
        nodes.bound[place] = nodes.bound[place - 1]
        copy_row(nodes.spatial[place - 1], nodes.spatial[place])
        copy_row(nodes.pe[place - 1], nodes.pe[place])
        place -= 1
    nodes.bound[place] = bound
    copy_row(point.spatial, nodes.spatial[place])
    copy_row(point.pe, nodes.pe[place])
    return min(num + 1, len(nodes.bound))


@kernel
def breed_nodes(p: Any, goal: Any, pool: Any, budget: Any, rng: Any) -> Any:
    """The best nodes that so many checks and bounds find, best first, and how many they are.

    A child is one of the best with a change; used extents begin as large as they can be. What is
    spent is counted in the pool.
    """
    room = (NUM_NODES, 6)
    nodes = Nodes(np.zeros(NUM_NODES), np.ones(room, np.int64), np.ones(room, np.int64))
    floor = least_of_dram(p, goal)
    scratch, point = new_scratch(), new_point()
    copy_row(ORDERS[0], point.orders[0])
    copy_row(ORDERS[0], point.orders[1])
    ones, n = np.ones(6, np.int64), np.ones(6, np.int64)
    num = spent = stale = 0
    while spent < budget and stale < MAX_NODES_STALE:
        if num < NUM_FIRST:
            copy_row(p.sizes, point.spatial)
            point.pe[:] = 1
            _smallest_tile(p, point)
        else:
            parent = int(rng.random() * rng.random() * num)
            copy_row(nodes.spatial[parent], point.spatial)
            copy_row(nodes.pe[parent], point.pe)
        cost = 1 + _change(p, point, rng, scratch)
        spent, stale = spent + cost, stale + cost
        if is_possible(p, point.spatial, point.pe, ones, scratch[0]):
            steps_of(p, point.spatial, point.pe, n)
            before = nodes.bound[0] if num else np.inf
            num = _keep(nodes, num, point, node_bound(p, goal, scratch[0], n, floor))
            if nodes.bound[0] < before:
                stale = 0
    pool.counters[CHECKED] += spent
    return nodes, num


# Their tiles -------------------------------------------------------------------------------------


@kernel
def _state_of(pool: Any, score: Any, index: Any) -> Any:
    """A search that begins with a timed mapping of the pool, and keeps no leaves."""
    best = new_point()
    best.l2[0] = 0  # none that is better yet
    figures = np.array((score, score, float(pool.exact[index]), pool.energy[index]))
    return State(
        best,
        figures,
        np.zeros(5, np.int64),
        np.zeros(0),
        np.zeros(0, np.int64),
        np.zeros((0, 6), np.int64),
        pool.scratch,
        pool.accesses,
        pool.results,
    )


@kernel
def open_best_nodes(p: Any, goal: Any, pool: Any, start: Any, budget: Any, rng: Any) -> Any:
    """All tiles of the best nodes, each in its cheapest orders; the best mapping joins the pool.

    Returns its index, or -1 if nothing is better than what there was.

    start : index of a mapping of the pool, which is timed; only what is better is looked for.
    budget : evaluations of the pool at which this ends. A node that has more tiles than are left
        of it is left out.
    """
    if pool.exact[start] == NOT_TIMED:
        time_point(p, pool, start)
    score = score_of(goal, pool.exact[start], pool.energy[start])
    left = budget - pool.counters[PROPOSED] - pool.counters[CHECKED]
    nodes, num = breed_nodes(p, goal, pool, left * BREEDING_SHARE, rng)
    left = budget - pool.counters[PROPOSED] - pool.counters[CHECKED]
    state = _state_of(pool, score, start)
    room = room_to_open(p, new_scratch())
    for k in range(num):
        if nodes.bound[k] >= state.figures[LIMIT]:
            break
        spent = state.counters[EVALUATED] + state.counters[TILES]
        if spent + num_tiles(p, nodes.spatial[k], nodes.pe[k]) <= left:
            open_node(p, goal, state, nodes, k, room)
    pool.counters[CHECKED] += state.counters[EVALUATED] + state.counters[TILES]
    pool.counters[TIMED_IN_POOL] += state.counters[TIMED]
    if not state.best.l2[0]:
        return -1
    normalise(p, state.best, new_scratch())
    index = add_point(p, goal, pool, state.best)
    if index >= 0:
        time_point(p, pool, index)
    return index
