"""A mapping as arrays, compiled, and its normal form.

The cost model decides what is legal; nothing here depends on a capacity. A mapping is a `Point` of
arrays that are changed in place. Dims are indices into `DIMS`.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.compiled.columns import NUM_DIMS, C, K, P, Q, R, S
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.rules import LEGAL
from naas_hw.cost.compiled.single import legal_one
from naas_hw.workload.layer import DIMS

REDUCTIONS: Final = 0b110010
"""Dims whose steps leave outputs where they are (C R S), as a mask."""


def order_of(text: str) -> list[int]:
    """An order given as letters, as indices into DIMS."""
    dims: list[int] = [DIMS.index(dim) for dim in text]
    return dims


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
def copy_row(source: Any, target: Any) -> None:
    """Overwrite the numbers of target; a loop compiles in less time than numpy's assignment."""
    for k in range(len(target)):
        target[k] = source[k]


@kernel
def copy_point(source: Any, target: Any) -> None:
    """Overwrite target."""
    for level in range(3):
        copy_row(source.orders[level], target.orders[level])
    copy_row(source.l2, target.l2)
    copy_row(source.pe, target.pe)
    copy_row(source.spatial, target.spatial)


@kernel
def is_legal(p: Any, point: Any, scratch: Any) -> Any:
    """Whether the accelerator can run the mapping."""
    return legal_one(p, point.orders, point.l2, point.pe, point.spatial, scratch) == LEGAL


@kernel
def ceil_of(numerator: Any, denominator: Any) -> Any:
    """Quotient of positive numbers below 2^52, rounded up.

    There, a division in floating point is exact, and several times as fast as one of integers.
    """
    return int(np.ceil(numerator / denominator))


@kernel
def _extent(p: Any, d: Any, used: Any) -> Any:
    """Indices that one pass over an axis covers: whole lanes on K and C, where all are used."""
    return p.extents[d] if d <= C else used


@kernel
def most_pe(p: Any, point: Any, d: Any) -> Any:
    """Bound inside the PE that covers the dim."""
    return ceil_of(p.bounds[d], _extent(p, d, point.spatial[d]))


@kernel
def most_l2(p: Any, point: Any, d: Any) -> Any:
    """Bound of the tile that covers the dim."""
    return ceil_of(p.bounds[d], _extent(p, d, point.spatial[d]) * point.pe[d])


@kernel
def is_free(p: Any, d: Any) -> Any:
    """Whether the used extent along a dim is the mapping's choice."""
    return d >= P and min(p.sizes[d], p.bounds[d]) > 1


@kernel
def make_innermost(order: Any, dims: Any) -> None:
    """The loops of these dims (a mask) innermost, all else as it was."""
    before = order.copy()
    place = 0
    for inside in range(2):
        for k in range(NUM_DIMS):
            if dims >> before[k] & 1 == inside:
                order[place] = before[k]
                place += 1


@kernel
def _largest_divisor(number: Any, most: Any) -> Any:
    """The largest divisor of a number that is at most `most`."""
    divisor = min(number, most)
    while number % divisor:
        divisor -= 1
    return divisor


@kernel
def _settle_kernel(p: Any, point: Any) -> None:
    """Split the kernel of a maximum without remainder, in a tile all of it if outputs move there.

    So with the loops over the kernel innermost no output is drained twice.
    """
    l2 = point.l2
    is_whole = l2[K] > 1 or l2[P] > 1 or l2[Q] > 1
    for d in (R, S):
        point.pe[d] = _largest_divisor(p.bounds[d], point.pe[d])
        rest = p.bounds[d] // point.pe[d]
        l2[d] = rest if is_whole else _largest_divisor(rest, l2[d])


@kernel
def settle_bounds(p: Any, point: Any) -> None:
    """Put bounds on the grid: required extents, no bound beyond its dim, whole blocks.

    And, of a layer with a maximum or pitched stores, bounds and orders that let outputs come back.
    """
    for d in range(NUM_DIMS):
        size = min(p.sizes[d], p.bounds[d])
        used = max(1, min(point.spatial[d], size)) if d >= P else size
        extent = used if d >= P else _extent(p, d, used)
        inside = max(1, min(point.pe[d], ceil_of(p.bounds[d], extent)))
        step = extent * inside
        most = ceil_of(p.bounds[d], step)
        bound = max(1, min(point.l2[d], most))
        if d <= C and bound < most:  # a beat is a power of two: so is what a step shares with it
            unit = p.beat // min(step & -step, p.beat)
            bound = min(ceil_of(bound, unit) * unit, most)
        point.spatial[d], point.pe[d], point.l2[d] = used, inside, bound
    if p.maximum:
        _settle_kernel(p, point)
        make_innermost(point.orders[1], REDUCTIONS)
    if p.maximum or p.pitched:
        make_innermost(point.orders[0], REDUCTIONS)


@kernel
def _settle_order(order: Any, bounds: Any) -> None:
    """Dims of bound > 1 in their order, then the others in the order of DIMS."""
    moving = 0
    for k in range(NUM_DIMS):
        if bounds[order[k]] > 1:
            order[moving] = order[k]
            moving += 1
    for d in range(NUM_DIMS):
        if bounds[d] <= 1:
            order[moving] = d
            moving += 1


@kernel
def normalise(p: Any, point: Any, scratch: Any) -> None:
    """Bring a nest to its normal form: on the grid, and loops of bound 1 last at each level.

    Mappings with the same normal form cost the same. The order inside a PE does not change the
    cost; in the normal form it is that of DIMS.
    """
    settle_bounds(p, point)
    tiles = scratch[0].tiles
    for d in range(NUM_DIMS):
        tiles[d] = ceil_of(most_l2(p, point, d), point.l2[d])
        point.orders[2, d] = d
    _settle_order(point.orders[0], tiles)
    _settle_order(point.orders[1], point.l2)
