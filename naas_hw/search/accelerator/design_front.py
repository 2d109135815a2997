"""The front of a search: designs that no other beats in time, energy and area at once."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from naas_hw.arch.budget import Budget
from naas_hw.cost.fpga.limits import milliseconds_per_cycle
from naas_hw.search.accelerator.encoding import CANDIDATE_NAME
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.accelerator.result import DesignPoint, Front
from naas_hw.search.objective import geometric_mean
from naas_hw.search.pareto import hypervolume, pareto_front_of

Figures = tuple[float, float, float]


def design_point(
    record: CandidateRecord, *, name: str, budget: Budget | None = None
) -> DesignPoint:
    """A candidate with mappings as a point; the accelerator gets that name.

    With a budget that has an FPGA, the point has its milliseconds there.
    """
    cycles = mean_figure(record.cycles)
    per_cycle = None if budget is None else milliseconds_per_cycle(budget, record.accelerator)
    return DesignPoint(
        accelerator=record.accelerator.model_copy(update={"name": name}),
        cycles=cycles,
        energy_pj=mean_figure(record.energy_pj),
        area_um2=record.area_um2,
        milliseconds=None if per_cycle is None else cycles * per_cycle,
    )


def design_front(
    generations: Sequence[Sequence[CandidateRecord]],
    final: Sequence[CandidateRecord],
    budget: Budget | None = None,
) -> Front:
    """The front of all candidates that have mappings, one of them at least.

    Parameters
    ----------
    generations : the candidates of each, in order.
    final : those whose mappings were searched once more.
    budget : of the search; with an FPGA, designs are compared in milliseconds.

    Notes
    -----
    The reference is the worst of each figure in the first generation with a mapped candidate, so
    it stays, and volumes of later generations can only grow.
    """
    mapped = [
        [_point(record, budget) for record in each if record.score is not None]
        for each in generations
    ]
    reference = _worst(next(points for points in mapped if points))
    best: list[DesignPoint] = []
    volumes = []
    for points in (*mapped, [_point(record, budget) for record in final]):
        best = pareto_front_of([*best, *points], lambda point: point.compared)
        volumes.append(_share(best, reference))
    named = (
        replace(point, accelerator=point.accelerator.model_copy(update={"name": f"front-{index}"}))
        for index, point in enumerate(best)
    )
    return Front(points=tuple(named), reference=reference, hypervolumes=tuple(volumes))


def mean_figure(values: Sequence[float]) -> float:
    """Of networks, the geometric mean; of one network itself, to the last bit."""
    return float(values[0]) if len(values) == 1 else geometric_mean([float(v) for v in values])


def _point(record: CandidateRecord, budget: Budget | None) -> DesignPoint:
    return design_point(record, name=CANDIDATE_NAME, budget=budget)


def _worst(points: Sequence[DesignPoint]) -> Figures:
    times, energy_pj, area_um2 = zip(*(point.compared for point in points), strict=True)
    return max(times), max(energy_pj), max(area_um2)


def _share(points: Sequence[DesignPoint], reference: Figures) -> float:
    """Volume in units of the box between zero and the reference."""
    return hypervolume([point.compared for point in points], reference) / prod(reference)
