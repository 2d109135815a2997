"""Mutation and crossing of mappings, compiled.

Moves propose balanced bounds most of the time and any bound some of the time, so they waste little
and still reach everything.
"""

from typing import Any, Final

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS, P
from naas_hw.cost.compiled.jit import kernel
from naas_hw.search.mapping.growth import balanced_above, balanced_below, draw_balanced, grow_bound
from naas_hw.search.mapping.point import (
    REDUCTIONS,
    ceil_of,
    copy_point,
    copy_row,
    is_free,
    is_legal,
    make_innermost,
    most_l2,
    most_pe,
    normalise,
    settle_bounds,
)

ANY_BOUND_PROBABILITY: Final = 0.1
"""How often a move draws from all bounds instead of the balanced ones."""

STAY_PROBABILITY: Final = 0.5
"""How often a move of an order makes one tensor stay, instead of moving one loop."""

STAYING: Final = (0b001100, 0b000001, REDUCTIONS)
"""Dims whose steps leave weights (P Q), inputs (K), outputs (C R S) where they are, as masks."""

CROSSING_PROBABILITY: Final = 0.3
MAX_MOVES: Final = 3

MOVE_BOUND: Final = 0.25
MOVE_DRAM_ORDER: Final = 0.40
MOVE_L2_ORDER: Final = 0.55
MOVE_EXTENT: Final = 0.60
MOVE_EXCHANGE_PE: Final = 0.75
MOVE_EXCHANGE_TILE: Final = 0.90
MOVE_REGROW_PE: Final = 0.95
"""Cumulative probabilities of the kinds of moves; above the last the tile grows anew."""


@kernel
def _other(value: Any, count: Any, rng: Any) -> Any:
    """A bound up to `count`: a balanced neighbour, any balanced one, or any at all."""
    how = rng.random()
    if how < ANY_BOUND_PROBABILITY:
        return 1 + int(rng.random() * count)
    if how < 0.4:
        return draw_balanced(count, rng)
    up = rng.random() < 0.5
    for _ in range(1 if rng.random() < 0.7 else 2):
        value = balanced_above(count, value) if up else balanced_below(count, max(1, value - 1))
    return value


@kernel
def _draw_dim(p: Any, rng: Any) -> Any:
    """A dim that has something to split; any if none has."""
    num = 0
    for d in range(NUM_DIMS):
        num += p.bounds[d] > 1
    if num == 0:
        return int(rng.random() * 6)
    place = int(rng.random() * num)
    for d in range(NUM_DIMS):
        if p.bounds[d] > 1:
            if place == 0:
                return d
            place -= 1
    return 0


@kernel
def _move_in_order(order: Any, bounds: Any, rng: Any) -> None:
    """One of the loops of an order put elsewhere among those that move."""
    num = 0
    for k in range(NUM_DIMS):
        num += bounds[order[k]] > 1
    if num < 2:
        num = 6
    source, target = int(rng.random() * num), int(rng.random() * (num - 1))
    if target >= source:
        target += 1
    dim = order[source]
    step = 1 if target > source else -1
    while source != target:
        order[source] = order[source + step]
        source += step
    order[target] = dim


@kernel
def _reorder(order: Any, bounds: Any, rng: Any) -> None:
    """One loop put elsewhere, or all that leave one tensor where it is innermost."""
    if rng.random() < STAY_PROBABILITY:
        make_innermost(order, STAYING[int(rng.random() * 3)])
    else:
        _move_in_order(order, bounds, rng)


@kernel
def _exchange(p: Any, point: Any, inside_pe: Any, rng: Any, scratch: Any) -> Any:
    """One bound shrinks; the others, in a random order, grow into the room that it leaves."""
    bounds = point.pe if inside_pe else point.l2
    d = _draw_dim(p, rng)
    before = bounds[d]
    bounds[d] = 1 + int(rng.random() * before)
    if inside_pe:
        point.l2[d] = ceil_of(point.l2[d] * before, bounds[d])
    settle_bounds(p, point)
    num_checks = 1
    if not is_legal(p, point, scratch):
        return num_checks
    for _ in range(3):
        other = _draw_dim(p, rng)
        if other != d:
            num_checks += grow_bound(p, point, other, inside_pe, scratch)
    return num_checks


@kernel
def _move(p: Any, point: Any, rng: Any, scratch: Any) -> Any:
    """One move: a bound, an order, a used extent, or an exchange; how many were checked."""
    kind = rng.random()
    d = _draw_dim(p, rng)
    if kind < MOVE_BOUND:
        if rng.random() < 0.5:
            before = point.pe[d]
            point.pe[d] = _other(before, most_pe(p, point, d), rng)
            # keep the tile about as large as it was
            point.l2[d] = max(1, ceil_of(point.l2[d] * before, point.pe[d]))
        else:
            point.l2[d] = _other(point.l2[d], most_l2(p, point, d), rng)
    elif kind < MOVE_DRAM_ORDER:
        tiles = scratch[0].tiles
        for k in range(NUM_DIMS):
            tiles[k] = ceil_of(most_l2(p, point, k), point.l2[k])
        _reorder(point.orders[0], tiles, rng)
    elif kind < MOVE_L2_ORDER:
        _reorder(point.orders[1], point.l2, rng)
    elif kind < MOVE_EXTENT:
        d = P + int(rng.random() * 4)
        if is_free(p, d):
            point.spatial[d] = 1 + int(rng.random() * min(p.sizes[d], p.bounds[d]))
    elif kind < MOVE_EXCHANGE_TILE:
        return _exchange(p, point, kind < MOVE_EXCHANGE_PE, rng, scratch)
    else:
        return _regrow(p, point, kind < MOVE_REGROW_PE, rng, scratch)
    return 0


@kernel
def shuffled(rng: Any) -> Any:
    """Dims in a random order."""
    order = np.arange(NUM_DIMS)
    for k in range(5, 0, -1):
        other = int(rng.random() * (k + 1))
        order[k], order[other] = order[other], order[k]
    return order


@kernel
def _regrow(p: Any, point: Any, inside_pe: Any, rng: Any, scratch: Any) -> Any:
    """All bounds of a level grow anew from 1, in a random order; the tile stays or grows with it.

    With a tile that grows anew its loops are in a random order too.
    """
    order = shuffled(rng)
    if inside_pe:
        for d in range(NUM_DIMS):
            point.l2[d] = point.l2[d] * point.pe[d]
            point.pe[d] = 1
    else:
        point.l2[:] = 1
        for k in range(NUM_DIMS):
            point.orders[1, k] = order[5 - k]
    settle_bounds(p, point)
    num_checks = 1
    if is_legal(p, point, scratch):
        for grown in order:
            num_checks += grow_bound(p, point, grown, inside_pe, scratch)
    return num_checks


@kernel
def make_child(p: Any, first: Any, second: Any, child: Any, rng: Any, scratch: Any) -> Any:
    """A new mapping of one or two parents with one to three moves, in normal form; legal or not.

    Returns how many mappings were checked on the way.
    """
    copy_point(first, child)
    if rng.random() < CROSSING_PROBABILITY:
        for d in range(NUM_DIMS):
            if rng.random() < 0.5:
                child.l2[d], child.pe[d] = second.l2[d], second.pe[d]
                child.spatial[d] = second.spatial[d]
        for level in range(2):
            if rng.random() < 0.5:
                copy_row(second.orders[level], child.orders[level])
        settle_bounds(p, child)
    num_checks = 0
    for _ in range(1 + int(rng.random() * MAX_MOVES)):
        num_checks += _move(p, child, rng, scratch)
        settle_bounds(p, child)
    normalise(p, child, scratch)
    return num_checks
