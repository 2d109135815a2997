"""One mapping at a time, for compiled code that calls the cost model in its own loops.

All functions are compiled and never allocate: the caller makes one scratch (`new_scratch`) and uses
it for as many calls as it likes. `problem` comes from `naas_hw.cost.compiled.problem_of`; orders
[3, 6], l2 [6], pe [6] and spatial [6] are a mapping as in a row of `MappingBatch`; what is returned
as *violated* is an index into `RULES`, -1 if the mapping is legal. All figures are of all groups.
"""

from typing import Final

import numpy as np
from numba import njit

from naas_hw.cost.kernels import (
    ILLEGAL_CYCLES,
    _chain,
    _count,
    _derive,
    _lower_bound,
    _recur,
)

SCRATCH: Final = 30
"""Numbers of a scratch."""

NUM_RESULTS: Final = 13
"""Exact figures: response, next beat, six stalls (their sum is the cycles), five engines."""


@njit(cache=True, nogil=True)
def new_scratch():  # type: ignore[no-untyped-def]
    """Room that the functions of this module work in; one a thread."""
    return np.zeros(SCRATCH, np.int64)


@njit(cache=True, nogil=True)
def legal_one(problem, orders, l2, pe, spatial, scratch):  # type: ignore[no-untyped-def]
    """The first rule that a mapping breaks, -1 if it is legal."""
    return _derive(
        problem, orders, l2, pe, spatial, scratch[:12], scratch[12:24], scratch[24:30]
    ).violated


@njit(cache=True, nogil=True)
def bound_one(problem, orders, l2, pe, spatial, scratch, accesses):  # type: ignore[no-untyped-def]
    """(violated, lower bound of the cycles); fills accesses [23].

    Where the mapping is not legal the bound is `ILLEGAL_CYCLES` and accesses stay as they are.
    """
    dims, bounds, tile = scratch[:12], scratch[12:24], scratch[24:30]
    g = _derive(problem, orders, l2, pe, spatial, dims, bounds, tile)
    if g.violated >= 0:
        return g.violated, ILLEGAL_CYCLES
    _count(problem, g, l2, pe, spatial, dims, bounds, tile, accesses)
    once = _lower_bound(problem, g, dims, bounds, tile, accesses)
    for i in range(len(accesses)):
        accesses[i] *= problem.groups
    return g.violated, problem.groups * once - (problem.groups - 1) * problem.saved


@njit(cache=True, nogil=True)
def exact_one(problem, orders, l2, pe, spatial, scratch, results, accesses):  # type: ignore[no-untyped-def]
    """(violated, cycles); fills results [NUM_RESULTS] and accesses [23].

    Where the mapping is not legal the cycles are `ILLEGAL_CYCLES` and both stay as they are.
    """
    dims, bounds, tile = scratch[:12], scratch[12:24], scratch[24:30]
    g = _derive(problem, orders, l2, pe, spatial, dims, bounds, tile)
    if g.violated >= 0:
        return g.violated, ILLEGAL_CYCLES
    _count(problem, g, l2, pe, spatial, dims, bounds, tile, accesses)
    _recur(problem, g, dims, bounds, tile, results)
    groups = problem.groups
    for i in range(len(accesses)):
        accesses[i] *= groups
    for i in range(2, NUM_RESULTS):
        results[i] *= groups
    # Between two groups there is no interrupt, but there may be a wait for DRAM.
    results[7] -= (groups - 1) * problem.done_to_interrupt
    results[2] += (groups - 1) * (problem.done_to_interrupt - problem.saved)
    results[2] += _chain(problem, groups, results[0], results[1])
    cycles = 0
    for i in range(2, 8):
        cycles += results[i]
    return g.violated, cycles


@njit(cache=True, nogil=True)
def energy_one(prices, accesses):  # type: ignore[no-untyped-def]
    """Picojoules of accesses [23] at these prices [23] (`naas_hw.cost.compiled.prices_of`)."""
    energy = 0.0
    for i in range(len(prices)):
        energy += prices[i] * accesses[i]
    return energy


# Batches ---------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def bound_batch(p, prices, orders, l2, pe, spatial, violated, bound, energy, accesses):  # type: ignore[no-untyped-def]
    scratch = new_scratch()
    for i in range(len(orders)):
        found, cycles = bound_one(p, orders[i], l2[i], pe[i], spatial[i], scratch, accesses[i])
        violated[i], bound[i] = found, cycles
        energy[i] = np.inf if found >= 0 else energy_one(prices, accesses[i])


@njit(cache=True, nogil=True)
def exact_batch(p, prices, orders, l2, pe, spatial, violated, results, energy, accesses):  # type: ignore[no-untyped-def]
    scratch = new_scratch()
    for i in range(len(orders)):
        violated[i], _ = exact_one(
            p, orders[i], l2[i], pe[i], spatial[i], scratch, results[i], accesses[i]
        )
        energy[i] = energy_one(prices, accesses[i])
