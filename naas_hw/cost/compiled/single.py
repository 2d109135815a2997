"""The cost model for one mapping at a time, called from compiled loops.

All functions are compiled. None of them allocates memory except `new_scratch`: a thread makes one
scratch and uses it for all its calls. `problem` comes from
`naas_hw.cost.compiled.batch.problem_of`, or is a row of `problem_table`. orders [3, 6], l2 [6],
pe [6] and spatial [6] describe a mapping as a row of `MappingBatch` does. *violated* is an index
into `RULES`, or `LEGAL`. All figures cover all groups of the layer.

Compiled code that calls these functions should itself be an `entry` (`naas_hw.cost.compiled.jit`).
"""

import numpy as np

from naas_hw.cost.compiled.bound import lower_bound
from naas_hw.cost.compiled.columns import (
    DESCRIPTOR_STALL,
    NEXT_BEAT,
    NUM_RESULTS,
    RESPONSE,
    STORE_STALL,
)
from naas_hw.cost.compiled.counts import count
from naas_hw.cost.compiled.exact_cycles import exact_cycles
from naas_hw.cost.compiled.geometry import check, derive, store_nest
from naas_hw.cost.compiled.jit import entry, kernel
from naas_hw.cost.compiled.problem import ILLEGAL_CYCLES, SCRATCH
from naas_hw.cost.compiled.repetition import MIN_TRIPS
from naas_hw.cost.compiled.rules import LEGAL


@kernel
def new_scratch():  # type: ignore[no-untyped-def]
    """Memory that the functions of this module work in; each thread needs its own."""
    return np.zeros(1, SCRATCH)


@kernel
def legal_one(problem, orders, l2, pe, spatial, scratch):  # type: ignore[no-untyped-def]
    """The first rule that a mapping breaks, or `LEGAL`."""
    return check(problem, orders, l2, pe, spatial, scratch[0])


@kernel
def bound_one(problem, orders, l2, pe, spatial, scratch, accesses):  # type: ignore[no-untyped-def]
    """(violated, lower bound of the cycles); fills accesses [NUM_ACCESSES].

    If the mapping is illegal, the bound is `ILLEGAL_CYCLES` and accesses stay unchanged.
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
    exact_cycles(problem, g, min_trips, results)
    groups = problem.groups
    for i in range(len(accesses)):
        accesses[i] *= groups
    for i in range(DESCRIPTOR_STALL, NUM_RESULTS):
        results[i] *= groups
    # Between two groups there is no interrupt, but there may be a wait for DRAM's next beat.
    first_beat = results[RESPONSE] + problem.response_to_descriptor + problem.read_latency
    wait = max(0, results[NEXT_BEAT] - first_beat)
    results[STORE_STALL] -= (groups - 1) * problem.done_to_interrupt
    results[DESCRIPTOR_STALL] += (groups - 1) * (problem.done_to_interrupt - problem.saved + wait)
    cycles = 0
    for i in range(DESCRIPTOR_STALL, STORE_STALL + 1):
        cycles += results[i]
    return violated, cycles


@kernel
def exact_one(problem, orders, l2, pe, spatial, scratch, results, accesses):  # type: ignore[no-untyped-def]
    """(violated, cycles); fills results [NUM_RESULTS] and accesses [NUM_ACCESSES].

    If the mapping is illegal, the cycles are `ILLEGAL_CYCLES` and both arrays stay unchanged.
    """
    return _exact(problem, orders, l2, pe, spatial, scratch, MIN_TRIPS, results, accesses)


@kernel
def energy_one(prices, accesses):  # type: ignore[no-untyped-def]
    """Picojoules of accesses at these prices (`batch.prices_of`), both [NUM_ACCESSES]."""
    energy = 0.0
    for i in range(len(prices)):
        energy += prices[i] * accesses[i]
    return energy


# Batches ---------------------------------------------------------------------------------


@entry
def bound_batch(  # type: ignore[no-untyped-def]
    problems, prices, which, orders, l2, pe, spatial, violated, bound, energy, accesses
):
    """Bounds of mappings; mapping i belongs to the problem and the prices with index which[i]."""
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
    """Exact figures of mappings; mapping i belongs to the problem and prices with index which[i].

    Only loops of `min_trips` or more are examined for iterations that repeat.
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
