"""Compiled branch and bound: nodes, the tiles of a node, the loop orders of a leaf.

A node fixes the used extents and the bounds inside the PE. A leaf also fixes the bounds of a tile.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.compiled.columns import NUM_DIMS, C, K, P, Q, R, S
from naas_hw.cost.compiled.geometry import ceil_div, ceil_shift
from naas_hw.cost.compiled.jit import entry, kernel
from naas_hw.cost.compiled.rules import LEGAL
from naas_hw.cost.compiled.single import bound_one, energy_one, exact_one
from naas_hw.search.mapping.node_bounds import (
    MAX_VALUES,
    ORDERS,
    advance,
    balanced_bounds,
    input_rows,
    is_possible,
    node_bound,
    step_bound,
    steps_of,
    traffic,
    whole_blocks,
)
from naas_hw.search.mapping.point import Point, copy_point, copy_row, new_point
from naas_hw.search.mapping.pool import score_of

EVALUATED, TIMED, OPENED, TILES, LEAVES = range(5)
"""Counters: mappings bounded; mappings timed; nodes opened; tiles evaluated; leaves kept."""

SCORE, LIMIT, CYCLES, ENERGY = range(4)
"""Figures of the best mapping, and `LIMIT`: bounds that are not below it are pruned."""


class State(NamedTuple):
    """A search: the best mapping with its figures, counters, kept leaves, room to work in."""

    best: Point
    figures: NDArray[np.float64]
    counters: NDArray[np.int64]
    leaf_bound: NDArray[np.float64]
    leaf_node: NDArray[np.int64]
    leaf_l2: NDArray[np.int64]
    scratch: NDArray[np.void]  # [1] of SCRATCH
    accesses: NDArray[np.int64]  # [NUM_ACCESSES]
    results: NDArray[np.int64]  # [NUM_RESULTS]


class Nodes(NamedTuple):
    """Used extents and bounds inside the PE [N, 6], with their lower bounds [N]."""

    bound: NDArray[np.float64]
    spatial: NDArray[np.int64]
    pe: NDArray[np.int64]


# Nodes -------------------------------------------------------------------------------------------


@entry
def list_nodes(p: Any, goal: Any, limit: Any, floor: Any, nodes: Any, scratch: Any) -> Any:
    """Fill nodes with those whose bound is below the limit, if there is room; their number.

    The caller keeps scratch: an element of an array does not keep the array alive.
    """
    g = scratch[0]
    values = np.ones((6, MAX_VALUES), np.int64)
    num, at = np.ones(6, np.int64), np.zeros(6, np.int64)
    ones, pe, n = np.ones(6, np.int64), np.ones(6, np.int64), np.ones(6, np.int64)
    spatial, free = np.ones(6, np.int64), np.zeros(6, np.int64)
    sides = np.ones(6, np.int64)
    for d in range(P, NUM_DIMS):
        sides[d] = min(p.sizes[d], p.bounds[d])
    num_nodes = 0
    while True:
        for d in range(NUM_DIMS):
            spatial[d] = min(p.sizes[d], p.bounds[d]) if d <= C else free[d] + 1
            extent = p.extents[d] if d <= C else spatial[d]
            num[d] = balanced_bounds(ceil_div(p.bounds[d], extent), values[d])
        at[:] = 0
        while True:
            for d in range(NUM_DIMS):
                pe[d] = values[d, at[d]]
            if is_possible(p, spatial, pe, ones, g):
                steps_of(p, spatial, pe, n)
                bound = node_bound(p, goal, g, n, floor)
                if bound < limit:
                    if num_nodes < len(nodes.bound):
                        nodes.bound[num_nodes] = bound
                        nodes.spatial[num_nodes] = spatial
                        nodes.pe[num_nodes] = pe
                    num_nodes += 1
            if not advance(at, num):
                break
        if not advance(free, sides):
            return num_nodes


# Leaves ------------------------------------------------------------------------------------------


@kernel
def _visit(p: Any, goal: Any, state: Any, point: Any) -> Any:
    """Lower bound of a mapping, infinite if not legal; timed if the bound is below the limit."""
    state.counters[EVALUATED] += 1
    violated, cycles = bound_one(
        p, point.orders, point.l2, point.pe, point.spatial, state.scratch, state.accesses
    )
    if violated != LEGAL:
        return np.inf
    energy = energy_one(goal.price, state.accesses)
    least = score_of(goal, cycles, energy)
    if least < state.figures[LIMIT]:
        state.counters[TIMED] += 1
        _, exact = exact_one(
            p,
            point.orders,
            point.l2,
            point.pe,
            point.spatial,
            state.scratch,
            state.results,
            state.accesses,
        )
        score = score_of(goal, exact, energy)
        figures = state.figures
        if score < figures[SCORE]:
            figures[LIMIT] *= score / figures[SCORE]
            figures[SCORE], figures[CYCLES], figures[ENERGY] = score, exact, energy
            copy_point(point, state.best)
    return least


@kernel
def _moves(bounds: Any, kind: Any) -> Any:
    """Whether a nest of these bounds has a type: something of it moves; with nothing, the first."""
    if bounds.max() == 1:
        return kind == 0
    if kind == 0:
        return bounds[P] > 1 or bounds[Q] > 1
    if kind == 1:
        return bounds[K] > 1
    return bounds[C] > 1 or bounds[R] > 1 or bounds[S] > 1


@kernel
def leaf_bound(p: Any, goal: Any, state: Any, point: Any, tiles: Any) -> Any:
    """Lower bound of all loop orders: that of the cheapest pair of types; overwrites orders."""
    least = np.inf
    for outer in range(3):
        if _moves(tiles, outer):
            for inner in range(3):
                if _moves(point.l2, inner):
                    copy_row(ORDERS[outer], point.orders[0])
                    copy_row(ORDERS[inner], point.orders[1])
                    least = min(least, _visit(p, goal, state, point))
    return least


@kernel
def _innermost(l2: Any, n: Any, nest: Any) -> None:
    """Steps that can be innermost: of a tile, and of all tiles if only one type moves in it."""
    copy_row(l2, nest)
    weights, inputs = l2[P] * l2[Q] > 1, l2[K] > 1
    outputs = l2[C] * l2[R] * l2[S] > 1
    if not inputs and not outputs:
        nest[P], nest[Q] = n[P], n[Q]
    if not weights and not outputs:
        nest[K] = n[K]
    if not weights and not inputs:
        nest[C], nest[R], nest[S] = n[C], n[R], n[S]


@kernel
def _banks(p: Any, words: Any, tiles: Any, mask: Any) -> Any:
    """Banks of a tensor's tiles: two tiles where it moves."""
    banks = np.ceil(words / p.bank_words)
    for d in range(NUM_DIMS):
        if tiles[d] > 1 and mask >> d & 1:
            return 2 * banks
    return banks


@kernel
def tile_bound(p: Any, goal: Any, g: Any, l2: Any, tile: Any, tiles: Any, places: Any) -> Any:
    """Lower bound of all orders of a leaf, without its edges; infinite if it is not legal.

    places : rows and columns of the image in all input tiles, multiplied.
    """
    for d in range(2):
        if tiles[d] > 1 and tile[d] & (p.beat - 1):
            return np.inf
    if p.maximum and (tiles[R] * tile[R] > p.bounds[R] or tiles[S] * tile[S] > p.bounds[S]):
        return np.inf
    words = float(l2[K]) * l2[C] * l2[R] * l2[S] * g.weight_step_words
    rows = (tile[P] - 1) * p.stride_rows + (tile[R] - 1) * p.dilation_rows + 1
    columns = (tile[Q] - 1) * p.stride_columns + (tile[S] - 1) * p.dilation_columns + 1
    inputs = float(rows) * columns * ceil_shift(tile[p.channel], p.beat_shift)
    outputs = float(tile[P]) * tile[Q] * ceil_shift(tile[K], p.beat_shift)
    banks = _banks(p, words, tiles, p.weight_mask) + _banks(p, inputs, tiles, p.input_mask)
    banks += (1 + p.residual) * _banks(p, outputs, tiles, p.output_mask)
    if banks > p.num_banks:
        return np.inf
    n = tiles * l2
    nest = np.empty(6, np.int64)
    _innermost(l2, n, nest)
    weights = words * tiles[K] * tiles[C] * tiles[R] * tiles[S]
    inputs = places * float(ceil_shift(p.bounds[p.channel], p.beat_shift))
    scales = 3.0 * ceil_shift(tile[K], p.sum_shift)
    steps, num_tiles = float(g.compute), 1.0
    for d in range(NUM_DIMS):
        steps *= l2[d]
        num_tiles *= tiles[d]
    least = np.inf
    for kind in range(3):
        moved = traffic(p, goal.price, tiles, weights, inputs, scales, kind)
        ramp = (p.period * (words + scales), steps)
        least = min(least, step_bound(p, goal, g, n, nest, num_tiles, moved, ramp))
    return least


@kernel
def open_node(p: Any, goal: Any, state: Any, nodes: Any, index: Any, room: Any) -> None:
    """Evaluate all tiles of a node; keep the leaves that are not pruned."""
    at_node, values, places, point = room
    g = at_node[0]
    copy_row(nodes.pe[index], point.pe)
    copy_row(nodes.spatial[index], point.spatial)
    n, num, at = np.ones(6, np.int64), np.ones(6, np.int64), np.zeros(6, np.int64)
    tile, tiles, step = np.ones(6, np.int64), np.ones(6, np.int64), np.ones(6, np.int64)
    point.l2[:] = 1
    is_possible(p, point.spatial, point.pe, point.l2, g)
    steps_of(p, point.spatial, point.pe, n)
    for d in range(NUM_DIMS):
        step[d] = point.pe[d] * (p.extents[d] if d <= C else point.spatial[d])
        num[d] = balanced_bounds(n[d], values[d])
        if d <= C:
            num[d] = whole_blocks(p, step[d], n[d], values[d], num[d])
    for d in range(P, R):
        for i in range(num[d]):
            for j in range(num[d + 2]):
                out, kernel = values[d, i], values[d + 2, j]
                places[d - P, i, j] = input_rows(
                    p,
                    d,
                    ceil_div(n[d], out),
                    ceil_div(n[d + 2], kernel),
                    out * step[d],
                    kernel * step[d + 2],
                )
    while True:
        for d in range(NUM_DIMS):
            point.l2[d] = values[d, at[d]]
            tile[d] = point.l2[d] * step[d]
            tiles[d] = ceil_div(n[d], point.l2[d])
        state.counters[TILES] += 1
        there = float(places[0, at[2], at[4]]) * places[1, at[3], at[5]]
        if tile_bound(p, goal, g, point.l2, tile, tiles, there) < state.figures[LIMIT]:
            least = leaf_bound(p, goal, state, point, tiles)
            if least < state.figures[LIMIT]:
                kept = state.counters[LEAVES]
                if kept < len(state.leaf_bound):
                    state.leaf_bound[kept], state.leaf_node[kept] = least, index
                    copy_row(point.l2, state.leaf_l2[kept])
                state.counters[LEAVES] += 1
        if not advance(at, num):
            return


@kernel
def room_to_open(p: Any, at_node: Any) -> Any:
    """What `open_node` works in."""
    widest = 2 * int(np.sqrt(p.bounds[2:].max())) + 2
    places = np.zeros((2, widest, widest), np.int64)
    return at_node, np.ones((6, MAX_VALUES), np.int64), places, new_point()


@kernel
def num_tiles(p: Any, spatial: Any, pe: Any) -> Any:
    """How many tiles a node has, before blocks."""
    n = np.ones(6, np.int64)
    steps_of(p, spatial, pe, n)
    product = 1.0
    for d in range(NUM_DIMS):
        root = np.floor(np.sqrt(n[d]))
        product *= 2 * root - (1 if root * (root + 1) > n[d] else 0)
    return product


@kernel
def _open_nodes(
    p: Any, goal: Any, state: Any, nodes: Any, order: Any, budget: Any, at_node: Any
) -> Any:
    """Open nodes in this order until none is below the limit; the bound of what is left open."""
    room = room_to_open(p, at_node)
    for index in order:
        if nodes.bound[index] >= state.figures[LIMIT]:
            return np.inf
        full = state.counters[LEAVES] >= len(state.leaf_bound)
        if full or state.counters[EVALUATED] + state.counters[TILES] >= budget:
            return nodes.bound[index]
        open_node(p, goal, state, nodes, index, room)
        state.counters[OPENED] += 1
    return np.inf


# Loop orders -------------------------------------------------------------------------------------


@kernel
def _next_order(order: Any, num: Any) -> Any:
    """The next permutation of the first so many; whether there is one."""
    k = num - 2
    while k >= 0 and order[k] > order[k + 1]:
        k -= 1
    if k < 0:
        return False
    j = num - 1
    while order[j] < order[k]:
        j -= 1
    order[k], order[j] = order[j], order[k]
    left, right = k + 1, num - 1
    while left < right:
        order[left], order[right] = order[right], order[left]
        left, right = left + 1, right - 1
    return True


@kernel
def _first_order(bounds: Any, order: Any) -> Any:
    """Loops that move in the order of DIMS, then the others; how many move."""
    num = 0
    for d in range(NUM_DIMS):
        if bounds[d] > 1:
            order[num] = d
            num += 1
    k = num
    for d in range(NUM_DIMS):
        if bounds[d] <= 1:
            order[k] = d
            k += 1
    return num


@kernel
def all_orders(p: Any, goal: Any, state: Any, point: Any, tiles: Any, budget: Any) -> Any:
    """Evaluate all loop orders of a leaf; whether the budget was enough."""
    outer = _first_order(tiles, point.orders[0])
    while True:
        inner = _first_order(point.l2, point.orders[1])
        while True:
            if state.counters[EVALUATED] + state.counters[TILES] >= budget:
                return False
            _visit(p, goal, state, point)
            if not _next_order(point.orders[1], inner):
                break
        if not _next_order(point.orders[0], outer):
            return True


@kernel
def _resolve(p: Any, goal: Any, state: Any, nodes: Any, budget: Any) -> Any:
    """Evaluate all loop orders of the kept leaves; the least bound of those left over."""
    kept = min(state.counters[LEAVES], len(state.leaf_bound))
    order = np.argsort(state.leaf_bound[:kept], kind="mergesort")
    point = new_point()
    n, tiles = np.ones(6, np.int64), np.ones(6, np.int64)
    for index in order:
        if state.leaf_bound[index] >= state.figures[LIMIT]:
            return np.inf
        node = state.leaf_node[index]
        copy_row(nodes.pe[node], point.pe)
        copy_row(nodes.spatial[node], point.spatial)
        copy_row(state.leaf_l2[index], point.l2)
        steps_of(p, point.spatial, point.pe, n)
        for d in range(NUM_DIMS):
            tiles[d] = ceil_div(n[d], point.l2[d])
        if not all_orders(p, goal, state, point, tiles, budget):
            return state.leaf_bound[index]
    return np.inf


@entry
def search_nodes(
    p: Any, goal: Any, state: Any, nodes: Any, order: Any, budget: Any, at_node: Any
) -> Any:
    """Open nodes, then evaluate the loop orders of kept leaves with the last tenth of the budget.

    Returns the least bounds of nodes and of leaves that the budget did not reach, or infinity.

    One entry, so that the model is compiled into it once.
    """
    left = _open_nodes(p, goal, state, nodes, order, budget * 9 // 10, at_node)
    return left, _resolve(p, goal, state, nodes, budget)
