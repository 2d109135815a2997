"""One mapping at a time, for compiled code that calls the cost model in its own loops.

All functions are compiled and, `new_scratch` apart, allocate nothing: the caller makes one scratch
a thread and uses it for as many calls as it likes. `problem` comes from
`naas_hw.cost.compiled.batch.problem_of`, or is a row of `problem_table`; orders [3, 6], l2 [6],
pe [6] and spatial [6] are a mapping as in a row of `MappingBatch`; what is returned as *violated*
is an index into `RULES`, -1 if the mapping is legal. All figures are of all groups.

Compiled code that calls these should be an `entry` (`naas_hw.cost.compiled.jit`) too.
"""

from typing import Final

import numpy as np

from naas_hw.cost.compiled.bound import lower_bound
from naas_hw.cost.compiled.counts import count
from naas_hw.cost.compiled.geometry import check, derive, store_nest
from naas_hw.cost.compiled.jit import entry, kernel
from naas_hw.cost.compiled.problem import ILLEGAL_CYCLES, LEGAL, SCRATCH
from naas_hw.cost.compiled.recurrence import MIN_TRIPS, recur

NUM_RESULTS: Final = 13
"""Exact figures: response, next beat, six stalls (their sum is the cycles), five engines."""


@entry
def new_scratch():  # type: ignore[no-untyped-def]
    """Room that the functions of this module work in; one a thread."""
    return np.zeros(1, SCRATCH)


@entry
def legal_one(problem, orders, l2, pe, spatial, scratch):  # type: ignore[no-untyped-def]
    """The first rule that a mapping breaks, -1 if it is legal."""
    return check(problem, orders, l2, pe, spatial, scratch[0])


@entry
def bound_one(problem, orders, l2, pe, spatial, scratch, accesses):  # type: ignore[no-untyped-def]
    """(violated, lower bound of the cycles); fills accesses [23].

    Where the mapping is not legal the bound is `ILLEGAL_CYCLES` and accesses stay as they are.
    """
    g = scratch[0]
    violated = check(problem, orders, l2, pe, spatial, g)
    if violated != LEGAL:
        return violated, ILLEGAL_CYCLES
    derive(problem, pe, spatial, g)
    count(problem, g, l2, accesses)
    bound = lower_bound(problem, g, accesses)
    groups = problem.groups
    if groups > 1:
        bound = groups * bound - (groups - 1) * problem.saved
        for i in range(len(accesses)):
            accesses[i] *= groups
    return violated, bound


@kernel
def _exact(  # type: ignore[no-untyped-def]
    problem, orders, l2, pe, spatial, scratch, min_trips, results, accesses
):
    g = scratch[0]
    violated = check(problem, orders, l2, pe, spatial, g)
    if violated != LEGAL:
        return violated, ILLEGAL_CYCLES
    derive(problem, pe, spatial, g)
    count(problem, g, l2, accesses)
    store_nest(orders, l2, g)
    recur(problem, g, min_trips, results)
    groups = problem.groups
    for i in range(len(accesses)):
        accesses[i] *= groups
    for i in range(2, NUM_RESULTS):
        results[i] *= groups
    # Between two groups there is no interrupt, but there may be a wait for DRAM's next beat.
    wait = results[1] - results[0] - problem.response_to_descriptor - problem.latency
    results[7] -= (groups - 1) * problem.done_to_interrupt
    results[2] += (groups - 1) * (problem.done_to_interrupt - problem.saved + max(0, wait))
    cycles = 0
    for i in range(2, 8):
        cycles += results[i]
    return violated, cycles


@entry
def exact_one(problem, orders, l2, pe, spatial, scratch, results, accesses):  # type: ignore[no-untyped-def]
    """(violated, cycles); fills results [NUM_RESULTS] and accesses [23].

    Where the mapping is not legal the cycles are `ILLEGAL_CYCLES` and both stay as they are.
    """
    return _exact(problem, orders, l2, pe, spatial, scratch, MIN_TRIPS, results, accesses)


@entry
def energy_one(prices, accesses):  # type: ignore[no-untyped-def]
    """Picojoules of accesses [23] at these prices [23] (`batch.prices_of`)."""
    energy = 0.0
    for i in range(len(prices)):
        energy += prices[i] * accesses[i]
    return energy


# Batches ---------------------------------------------------------------------------------


@entry
def bound_batch(  # type: ignore[no-untyped-def]
    problems, prices, which, orders, l2, pe, spatial, violated, bound, energy, accesses
):
    """Bounds of mappings; that at i is of the problem (and prices) at which[i]."""
    scratch = new_scratch()
    for i in range(len(orders)):
        at = which[i]
        violated[i], bound[i] = bound_one(
            problems[at], orders[i], l2[i], pe[i], spatial[i], scratch, accesses[i]
        )
        if violated[i] == LEGAL:
            energy[i] = energy_one(prices[at], accesses[i])
        else:
            energy[i], accesses[i] = np.inf, 0


@entry
def exact_batch(  # type: ignore[no-untyped-def]
    problems, prices, which, orders, l2, pe, spatial, min_trips, violated, results, energy, accesses
):
    """Exact figures of mappings; that at i is of the problem (and prices) at which[i].

    Only loops of `min_trips` or more are looked at for iterations that repeat.
    """
    scratch = new_scratch()
    for i in range(len(orders)):
        at = which[i]
        violated[i], _ = _exact(
            problems[at],
            orders[i],
            l2[i],
            pe[i],
            spatial[i],
            scratch,
            min_trips,
            results[i],
            accesses[i],
        )
        energy[i] = energy_one(prices[at], accesses[i])
