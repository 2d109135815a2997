"""The compiled cost model beside the readable one, on random mappings of few steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost import ACCESS_NAMES, Accesses, Timeline, accesses_of, timeline_of
from naas_hw.cost.compiled.batch import BoundReport, ExactReport, evaluate_bounds, evaluate_exact
from naas_hw.cost.energy import energy_of
from naas_hw.cost.reference.recurrence import list_end
from naas_hw.experiments.bench.draw import Drawn, part_of, timed
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations

MAX_STEPS: Final = 20_000
"""The readable recurrence takes longer ones too long."""

NUM_COMPARED: Final = 2
"""Mappings of each layer, those of the fewest steps."""


@dataclass(frozen=True, kw_only=True)
class ReferenceComparison:
    """What the readable modules say, and how long they take.

    Members
    -------
    num_compared : mappings.
    max_difference_to_reference : the largest difference of any whole number of any mapping:
        accesses, cycles, stalls, last response, next beat; by how much a bound is too high.
    max_energy_difference : the largest difference of energies, as a part of the energy.
    reference_bounds_per_cpu_second : legality, accesses and energy by the readable modules.
    reference_exact_per_cpu_second : the readable recurrence.
    exact_per_cpu_second : the compiled model on the same mappings.
    """

    num_compared: int
    max_difference_to_reference: int
    max_energy_difference: float
    reference_bounds_per_cpu_second: float
    reference_exact_per_cpu_second: float
    exact_per_cpu_second: float


def compare(drawn: Sequence[Drawn], table: EnergyTable) -> ReferenceComparison:
    """Compare the mappings of each layer that have the fewest steps.

    Raises
    ------
    InputError : there are none.
    """
    chosen = [one for one in map(_short, drawn) if len(one.genes)]
    if not chosen:
        raise InputError(
            f"no mapping that was drawn has at most {MAX_STEPS} steps, which the comparison "
            "needs: draw more"
        )
    exact, seconds = timed(lambda: [_exact(one, table) for one in chosen])
    bounds = [evaluate_bounds(one.accelerator, one.layer, one.batch, table) for one in chosen]
    geometries = [geometry for one in chosen for geometry in _geometries(one)]
    counted, count_seconds = timed(lambda: [_count(geometry, table) for geometry in geometries])
    timelines, time_seconds = timed(lambda: [timeline_of(geometry) for geometry in geometries])
    rows = [(b, e, i) for b, e in zip(bounds, exact, strict=True) for i in range(len(e.cycles))]
    differences = [
        _difference(geometry, accesses, timeline, *row)
        for geometry, (accesses, _), timeline, row in zip(
            geometries, counted, timelines, rows, strict=True
        )
    ]
    energies = [
        abs(report.energy_pj[i] - energy) / energy
        for (_, energy), (b, e, i) in zip(counted, rows, strict=True)
        for report in (b, e)
    ]
    return ReferenceComparison(
        num_compared=len(rows),
        max_difference_to_reference=max(differences),
        max_energy_difference=float(max(energies)),
        reference_bounds_per_cpu_second=len(rows) / count_seconds,
        reference_exact_per_cpu_second=len(rows) / time_seconds,
        exact_per_cpu_second=len(rows) / seconds,
    )


def _short(drawn: Drawn) -> Drawn:
    steps = drawn.num_steps
    order = np.argsort(steps, kind="stable")[:NUM_COMPARED]
    return part_of(drawn, order[steps[order] <= MAX_STEPS])


def _exact(drawn: Drawn, table: EnergyTable) -> ExactReport:
    indices = np.arange(len(drawn.genes))
    return evaluate_exact(drawn.accelerator, drawn.layer, drawn.batch, indices, table)


def _geometries(drawn: Drawn) -> Iterator[Geometry]:
    for index in range(len(drawn.genes)):
        mapping = drawn.batch.mapping(index)
        yield Geometry(accelerator=drawn.accelerator, layer=drawn.layer, mapping=mapping)


def _count(geometry: Geometry, table: EnergyTable) -> tuple[Accesses, float]:
    """(accesses, picojoules) of a mapping that is found to be legal."""
    said = violations(geometry.accelerator, geometry.layer, geometry.mapping)
    if said:
        raise AssertionError(f"compiled code takes for legal what is not: {said[0]}")
    accesses = accesses_of(geometry)
    return accesses, energy_of(geometry.accelerator, accesses, table).total


def _difference(
    geometry: Geometry,
    accesses: Accesses,
    timeline: Timeline,
    bounds: BoundReport,
    exact: ExactReport,
    index: int,
) -> int:
    """The largest difference of any figure of one mapping."""
    groups, latency = geometry.layer.groups, geometry.accelerator.dram_latency_cycles
    cycles = list_end([timeline] * groups, latency=latency)
    counts = [getattr(accesses, name) for name in ACCESS_NAMES]
    pairs = [
        *zip(bounds.accesses[index], counts, strict=True),
        *zip(exact.accesses[index], counts, strict=True),
        (exact.cycles[index], cycles),
        (exact.response[index], timeline.response),
        (exact.next_beat[index], timeline.next_beat),
        (max(bounds.cycles_bound[index], cycles), cycles),
    ]
    if groups == 1:
        pairs += zip(exact.stalls[index], vars(timeline.stalls).values(), strict=True)
    return max(abs(int(actual) - int(due)) for actual, due in pairs)
