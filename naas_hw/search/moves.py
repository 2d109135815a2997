"""Moves in the space of mappings, compiled: normal form, growth, mutation, crossing, repair.

Nothing here knows a capacity: what is legal is asked of the cost model. A bound is *balanced* if it
is ceil(n / k) for some k: the smallest that makes k tiles of n indices. Moves propose balanced
bounds most of the time and any bound some of the time, so they waste little and still reach
everything.

A mapping is a `Point` of arrays that are changed in place. Dims are indices into `DIMS`.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.kernels.compile import kernel
from naas_hw.cost.kernels.problem import LEGAL
from naas_hw.cost.single import legal_one
from naas_hw.workload.layer import DIMS

ANY_BOUND_PROBABILITY: Final = 0.1
"""How often a move draws from all bounds instead of the balanced ones."""

STAY_PROBABILITY: Final = 0.5
"""How often a move of an order makes one tensor stay, instead of moving one loop."""

STAYING: Final = (0b001100, 0b000001, 0b110010)
"""Dims whose steps leave weights (P Q), inputs (K), outputs (C R S) where they are, as masks."""

CROSSING_PROBABILITY: Final = 0.3
MAX_MOVES: Final = 3
MAX_REPAIRS: Final = 8

MOVE_BOUND: Final = 0.25
MOVE_DRAM_ORDER: Final = 0.40
MOVE_L2_ORDER: Final = 0.55
MOVE_EXTENT: Final = 0.60
MOVE_EXCHANGE_PE: Final = 0.75
MOVE_EXCHANGE_TILE: Final = 0.90
MOVE_REGROW_PE: Final = 0.95
"""Cumulative probabilities of the kinds of moves; above the last the tile grows anew."""


def order_of(text: str) -> list[int]:
    """An order given as letters, as indices into DIMS."""
    found: list[int] = [DIMS.index(dim) for dim in text]
    return found


def order_table(texts: Sequence[str]) -> NDArray[np.int8]:
    """Orders given as letters, a row each."""
    return np.array([order_of(text) for text in texts], dtype=np.int8)


class Point(NamedTuple):
    """One mapping: orders int8 [3, 6] of DRAM, L2 and PE; bounds and used extents int64 [6]."""

    orders: NDArray[np.int8]
    l2: NDArray[np.int64]
    pe: NDArray[np.int64]
    spatial: NDArray[np.int64]


@kernel
def new_point() -> Any:
    """A point to be filled."""
    return Point(
        np.zeros((3, 6), np.int8), np.ones(6, np.int64), np.ones(6, np.int64), np.ones(6, np.int64)
    )


@kernel
def copy_point(source: Any, target: Any) -> None:
    """Overwrite target."""
    target.orders[:] = source.orders
    target.l2[:] = source.l2
    target.pe[:] = source.pe
    target.spatial[:] = source.spatial


@kernel
def is_legal(p: Any, point: Any, scratch: Any) -> Any:
    """Whether the accelerator can run the mapping."""
    return legal_one(p, point.orders, point.l2, point.pe, point.spatial, scratch) == LEGAL


@kernel
def _ceil(numerator: Any, denominator: Any) -> Any:
    """Quotient of positive numbers below 2^52, rounded up: a division in floating point is exact
    there, and several times as fast as one of integers."""
    return int(np.ceil(numerator / denominator))


# Normal form -------------------------------------------------------------------------------------


@kernel
def _extent(p: Any, d: Any, used: Any) -> Any:
    """Indices that one pass over an axis covers: whole lanes on K and C, where all are used."""
    return p.extents[d] if d < 2 else used


@kernel
def most_pe(p: Any, point: Any, d: Any) -> Any:
    """Bound inside the PE that covers the dim."""
    return _ceil(p.bounds[d], _extent(p, d, point.spatial[d]))


@kernel
def _most_l2(p: Any, point: Any, d: Any) -> Any:
    """Bound of the tile that covers the dim."""
    return _ceil(p.bounds[d], _extent(p, d, point.spatial[d]) * point.pe[d])


@kernel
def _is_free(p: Any, d: Any) -> Any:
    """Whether the used extent along a dim is the mapping's choice."""
    return d >= 2 and min(p.sizes[d], p.bounds[d]) > 1


@kernel
def settle_bounds(p: Any, point: Any) -> None:
    """Bounds on the grid: extents that are due, none more than covers its dim, whole blocks."""
    for d in range(6):
        size = min(p.sizes[d], p.bounds[d])
        used = max(1, min(point.spatial[d], size)) if d >= 2 else size
        extent = used if d >= 2 else _extent(p, d, used)
        inside = max(1, min(point.pe[d], _ceil(p.bounds[d], extent)))
        step = extent * inside
        most = _ceil(p.bounds[d], step)
        bound = max(1, min(point.l2[d], most))
        if d < 2 and bound < most:  # a beat is a power of two: so is what a step shares with it
            unit = p.beat // min(step & -step, p.beat)
            bound = min(_ceil(bound, unit) * unit, most)
        point.spatial[d], point.pe[d], point.l2[d] = used, inside, bound


@kernel
def _settle_order(order: Any, bounds: Any) -> None:
    """Dims of bound > 1 in their order, then the others in the order of DIMS."""
    moving = 0
    for k in range(6):
        if bounds[order[k]] > 1:
            order[moving] = order[k]
            moving += 1
    for d in range(6):
        if bounds[d] <= 1:
            order[moving] = d
            moving += 1


@kernel
def normalise(p: Any, point: Any, scratch: Any) -> None:
    """The same nest in one form: on the grid, and loops of bound 1 last at each level.

    Two mappings with the same normal form cost the same. The order inside a PE costs nothing and is
    the order of DIMS.
    """
    settle_bounds(p, point)
    tiles = scratch[0].tiles
    for d in range(6):
        tiles[d] = _ceil(_most_l2(p, point, d), point.l2[d])
        point.orders[2, d] = d
    _settle_order(point.orders[0], tiles)
    _settle_order(point.orders[1], point.l2)


# Balanced bounds ---------------------------------------------------------------------------------


@kernel
def balanced_below(count: Any, value: Any) -> Any:
    """The largest balanced bound of `count` indices that is at most `value` (at least 1)."""
    return _ceil(count, _ceil(count, max(1, min(value, count))))


@kernel
def balanced_above(count: Any, value: Any) -> Any:
    """The smallest balanced bound that is more than `value`, or `count`."""
    parts = _ceil(count, max(1, min(value, count))) - 1
    return count if parts < 1 else _ceil(count, parts)


@kernel
def draw_balanced(count: Any, rng: Any) -> Any:
    """A balanced bound: small ones and large ones (few tiles) alike."""
    root = int(np.sqrt(count)) + 1
    drawn = 1 + int(rng.random() * root)
    if rng.random() < 0.5:
        return balanced_below(count, drawn)
    return _ceil(count, min(drawn, count))


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


# Growth ------------------------------------------------------------------------------------------


@kernel
def grow_bound(p: Any, point: Any, d: Any, inside_pe: Any, scratch: Any) -> Any:
    """Let one bound of a legal mapping grow to the largest balanced one that is legal.

    While a bound inside the PE grows, that of the tile shrinks: the tile stays about as large.
    Bisection, as if what is legal for a bound were legal for all smaller ones. Returns how many
    mappings were checked.
    """
    bounds = point.pe if inside_pe else point.l2
    count = most_pe(p, point, d) if inside_pe else _most_l2(p, point, d)
    kept = point.l2[d]
    tile = kept * point.pe[d]
    fits, low, high = bounds[d], bounds[d], count
    num_checks = 0
    probe = balanced_above(count, low)  # mostly there is no room at all
    while low < high:
        value = balanced_below(count, probe)
        if value <= low:
            low = probe
        else:
            bounds[d] = value
            if inside_pe:
                point.l2[d] = _ceil(tile, value)
            settle_bounds(p, point)
            num_checks += 1
            if is_legal(p, point, scratch):
                fits, kept = bounds[d], point.l2[d]
                low = max(probe, fits)
            else:
                high = value - 1
        probe = (low + high + 1) // 2
    bounds[d] = fits
    if inside_pe:
        point.l2[d] = kept
    settle_bounds(p, point)
    return num_checks


@kernel
def grow(p: Any, point: Any, pe_order: Any, l2_order: Any, scratch: Any) -> Any:
    """Let bounds grow, dim by dim: those inside the PE in one order, those of the tile in another.

    A mapping that is illegal to begin with uses one position along each free axis; it does not grow
    if that does not help. Orders of loops stay as they are. Returns how many were checked.
    """
    settle_bounds(p, point)
    num_checks = 1
    if not is_legal(p, point, scratch):
        for d in range(2, 6):
            point.spatial[d] = 1
        settle_bounds(p, point)
        num_checks += 1
        if not is_legal(p, point, scratch):
            return num_checks
    for d in pe_order:
        num_checks += grow_bound(p, point, d, True, scratch)
    for d in l2_order:
        num_checks += grow_bound(p, point, d, False, scratch)
    return num_checks


# Moves -------------------------------------------------------------------------------------------


@kernel
def _draw_dim(p: Any, rng: Any) -> Any:
    """A dim that has something to split; any if none has."""
    num = 0
    for d in range(6):
        num += p.bounds[d] > 1
    if num == 0:
        return int(rng.random() * 6)
    place = int(rng.random() * num)
    for d in range(6):
        if p.bounds[d] > 1:
            if place == 0:
                return d
            place -= 1
    return 0


@kernel
def _move_in_order(order: Any, bounds: Any, rng: Any) -> None:
    """One of the loops of an order put elsewhere among those that move."""
    num = 0
    for k in range(6):
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
def _make_innermost(order: Any, dims: Any) -> None:
    """The loops of these dims (a mask) innermost, all else as it was."""
    before = order.copy()
    place = 0
    for inside in range(2):
        for k in range(6):
            if dims >> before[k] & 1 == inside:
                order[place] = before[k]
                place += 1


@kernel
def _reorder(order: Any, bounds: Any, rng: Any) -> None:
    """One loop put elsewhere, or all that leave one tensor where it is innermost."""
    if rng.random() < STAY_PROBABILITY:
        _make_innermost(order, STAYING[int(rng.random() * 3)])
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
        point.l2[d] = _ceil(point.l2[d] * before, bounds[d])
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
            point.l2[d] = max(1, _ceil(point.l2[d] * before, point.pe[d]))
        else:
            point.l2[d] = _other(point.l2[d], _most_l2(p, point, d), rng)
    elif kind < MOVE_DRAM_ORDER:
        tiles = scratch[0].tiles
        for k in range(6):
            tiles[k] = _ceil(_most_l2(p, point, k), point.l2[k])
        _reorder(point.orders[0], tiles, rng)
    elif kind < MOVE_L2_ORDER:
        _reorder(point.orders[1], point.l2, rng)
    elif kind < MOVE_EXTENT:
        d = 2 + int(rng.random() * 4)
        if _is_free(p, d):
            point.spatial[d] = 1 + int(rng.random() * min(p.sizes[d], p.bounds[d]))
    elif kind < MOVE_EXCHANGE_TILE:
        return _exchange(p, point, kind < MOVE_EXCHANGE_PE, rng, scratch)
    else:
        return _regrow(p, point, kind < MOVE_REGROW_PE, rng, scratch)
    return 0


@kernel
def shuffled(rng: Any) -> Any:
    """Dims in a random order."""
    order = np.arange(6)
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
        for d in range(6):
            point.l2[d] = point.l2[d] * point.pe[d]
            point.pe[d] = 1
    else:
        point.l2[:] = 1
        for k in range(6):
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
        for d in range(6):
            if rng.random() < 0.5:
                child.l2[d], child.pe[d] = second.l2[d], second.pe[d]
                child.spatial[d] = second.spatial[d]
        for level in range(2):
            if rng.random() < 0.5:
                child.orders[level] = second.orders[level]
        settle_bounds(p, child)
    num_checks = 0
    for _ in range(1 + int(rng.random() * MAX_MOVES)):
        num_checks += _move(p, child, rng, scratch)
        settle_bounds(p, child)
    normalise(p, child, scratch)
    return num_checks


# Repair ------------------------------------------------------------------------------------------


@kernel
def _shrink(point: Any, rng: Any) -> None:
    """One bound halved; large ones are drawn more often, those of 1 never."""
    most = -1.0
    level, dim = 0, 0
    for d in range(6):
        for l in range(2):  # noqa: E741
            bound = point.pe[d] if l == 0 else point.l2[d]
            weight = rng.random() * np.log2(float(bound))
            if weight > most:
                most, level, dim = weight, l, d
    bounds = point.pe if level == 0 else point.l2
    bounds[dim] = (bounds[dim] + 1) // 2


@kernel
def repair(p: Any, point: Any, rng: Any, scratch: Any) -> Any:
    """Halve bounds of an illegal mapping until it fits or has been tried a few times.

    Returns (whether it is legal, how many mappings were checked).
    """
    for num_checks in range(MAX_REPAIRS):
        if is_legal(p, point, scratch):
            return True, num_checks + 1
        _shrink(point, rng)
        normalise(p, point, scratch)
    return is_legal(p, point, scratch), MAX_REPAIRS + 1
