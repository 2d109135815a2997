"""Among mappings that are nearly as fast as the fastest, the one that moves the least off chip.

Under `latency` a search ends at the least cycles, whatever traffic they cost. A mapping with a
fifth of the beats may need one cycle in a hundred more, and suffers less from a slow memory.
"""

from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.compiled.batch import (
    MappingBatch,
    evaluate_bounds,
    evaluate_exact,
    problem_of,
)
from naas_hw.cost.reference.accesses import ACCESS_NAMES
from naas_hw.search.mapping.layer_search import Choice
from naas_hw.search.mapping.mapping_run import MappingRun
from naas_hw.search.mapping.pool import Goal
from naas_hw.workload.layer import Layer

MAX_TIMED: Final = 256
"""Mappings that are timed, at most, in the order of their traffic."""

_PRESSURE: Final = 4.0
"""How many times the cycles that may be given up all the traffic is worth while mappings are bred.
More than once, because what is bred is a candidate only: which one is taken is decided exactly."""

_BEATS: Final = np.array([name.startswith("dram_") for name in ACCESS_NAMES], np.float64)


def least_traffic(
    accelerator: Accelerator,
    layer: Layer,
    fastest: Choice,
    *,
    ties: float,
    table: EnergyTable,
    budget_evaluations: int,
    rng: np.random.Generator,
) -> Choice:
    """The mapping with the fewest beats among those found within a share of the least cycles.

    Parameters
    ----------
    fastest : with exact figures; it is returned where no other has fewer beats.
    ties : cycles above those of the fastest that count as none, as a share; 0: none.
    budget_evaluations : mappings that are bred.
    rng : where all randomness comes from.
    """
    limit = int(fastest.cycles * (1 + ties))
    beats = _beats_of(accelerator, layer, fastest, table)
    if limit == fastest.cycles or not beats:
        return fastest
    run = MappingRun(
        problem=problem_of(accelerator, layer),
        goal=Goal(_BEATS, 1.0, _PRESSURE * ties * fastest.cycles / beats),
        budget=budget_evaluations,
        min_legal=1,
        max_exact=1,
        rng=rng,
    )
    run.evolve()
    return _first_within(accelerator, layer, run, fastest, limit, beats, table)


def _first_within(
    accelerator: Accelerator,
    layer: Layer,
    run: MappingRun,
    fastest: Choice,
    limit: int,
    beats: float,
    table: EnergyTable,
) -> Choice:
    """In the order of traffic, the first whose exact cycles are within the limit."""
    num = run.num_legal
    traffic, bound = run.pool.energy[:num], run.pool.bound[:num]  # its prices are beats
    candidates = np.flatnonzero((bound <= limit) & (traffic < beats))
    order = candidates[np.lexsort((bound[candidates], traffic[candidates]))][:MAX_TIMED]
    for index in map(int, order):
        mapping = run.mapping_at(index)
        exact = evaluate_exact(
            accelerator, layer, MappingBatch.from_mappings([mapping]), [0], table
        )
        if exact.cycles[0] <= limit:
            return Choice(
                mapping=mapping,
                cycles=int(exact.cycles[0]),
                energy_pj=float(exact.energy_pj[0]),
            )
    return fastest


def _beats_of(accelerator: Accelerator, layer: Layer, choice: Choice, table: EnergyTable) -> float:
    batch = MappingBatch.from_mappings([choice.mapping])
    counts = evaluate_bounds(accelerator, layer, batch, table).accesses[0]
    return float(counts @ _BEATS)
