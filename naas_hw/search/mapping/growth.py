"""Balanced bounds, compiled, and how bounds grow until the accelerator is full.

A bound is *balanced* if it is ceil(n / k) for some k: the smallest that makes k tiles of n indices.
"""

from typing import Any

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS, P
from naas_hw.cost.compiled.jit import kernel
from naas_hw.search.mapping.point import ceil_of, is_legal, most_l2, most_pe, settle_bounds


@kernel
def balanced_below(count: Any, value: Any) -> Any:
    """The largest balanced bound of `count` indices that is at most `value` (at least 1)."""
    return ceil_of(count, ceil_of(count, max(1, min(value, count))))


@kernel
def balanced_above(count: Any, value: Any) -> Any:
    """The smallest balanced bound that is more than `value`, or `count`."""
    parts = ceil_of(count, max(1, min(value, count))) - 1
    return count if parts < 1 else ceil_of(count, parts)


@kernel
def draw_balanced(count: Any, rng: Any) -> Any:
    """A balanced bound: small ones and large ones (few tiles) alike."""
    root = int(np.sqrt(count)) + 1
    drawn = 1 + int(rng.random() * root)
    if rng.random() < 0.5:
        return balanced_below(count, drawn)
    return ceil_of(count, min(drawn, count))


@kernel
def grow_bound(p: Any, point: Any, d: Any, inside_pe: Any, scratch: Any) -> Any:
    """Let one bound of a legal mapping grow to the largest balanced one that is legal.

    While a bound inside the PE grows, that of the tile shrinks: the tile stays about as large.
    Bisection, as if what is legal for a bound were legal for all smaller ones. Returns how many
    mappings were checked.
    """
    bounds = point.pe if inside_pe else point.l2
    count = most_pe(p, point, d) if inside_pe else most_l2(p, point, d)
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
                point.l2[d] = ceil_of(tile, value)
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
        for d in range(P, NUM_DIMS):
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
