"""The front of a search in the report: as result.json holds it, before the cloud of candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from naas_hw.arch.budget import FpgaBudget
from naas_hw.arch.technology import AREA
from naas_hw.cost.fpga.limits import predict
from naas_hw.report.charts import Series, plot
from naas_hw.report.search import spread_axis
from naas_hw.report.values import DataTable, Figure, TableCell, array_text, data_table, edp, energy
from naas_hw.runs.facts import RunFacts
from naas_hw.runs.result_json import FrontRecord, ResultRecord
from naas_hw.runs.tried_accelerators import Candidate, candidate_front
from naas_hw.search.accelerator.design_front import mean_figure
from naas_hw.search.accelerator.result import DesignPoint

MILLISECONDS: Final = "milliseconds"


@dataclass(frozen=True, kw_only=True)
class ShownFront:
    """What the panel shows.

    Members
    -------
    points : the front, fastest first.
    others : candidates that are not on it.
    marked, mark : a design of its own, and what it is called.
    found_in : figures of a candidate -> its generation; other points are of the final mappings.
    time : what designs are compared by beside energy and area: cycles, or milliseconds.
    caption : what the front is.
    """

    points: tuple[DesignPoint, ...]
    others: tuple[DesignPoint, ...]
    marked: DesignPoint
    mark: str
    found_in: dict[tuple[float, float, float], int]
    time: str
    caption: str


def pareto_figures(facts: RunFacts) -> tuple[Figure, Figure]:
    """Energy and area over time, of all candidates; the front in all three marked."""
    shown = shown_front(facts)
    table = _table(shown)
    over = f"over {shown.time}"
    return (
        _figure(f"Energy {over}", "energy, µJ", shown, table, lambda p: p.energy_pj / 1e6),
        _figure(f"Area {over}", "area, mm² (estimate)", shown, table, _square_mm),
    )


def shown_front(facts: RunFacts) -> ShownFront:
    """That of result.json; where it has none, as of a joint search, that of the candidates."""
    result = facts.result
    fpga = result.fpga.budget if result and result.fpga else None
    mapped = [candidate for candidate in facts.candidates if candidate.score is not None]
    if result and result.front:
        points = result.front.points
        marked, mark = _reported(facts, result, points), "reported design"
        caption = _caption(result.front, "cycles" if fpga is None else MILLISECONDS)
    else:
        points = tuple(candidate.point for candidate in candidate_front(mapped))
        marked, mark = min(mapped, key=lambda c: c.score or inf).point, "best score"
        caption = (
            f"Every accelerator that was tried. {len(points)} of them are beaten by no other in "
            "cycles, energy and area at once."
        )
    return ShownFront(
        points=points,
        others=tuple(_timed(point, fpga) for point in _others(mapped, points)),
        marked=_timed(marked, fpga),
        mark=mark,
        found_in={c.figures: c.generation for c in reversed(mapped)},
        time="cycles" if fpga is None else MILLISECONDS,
        caption=caption,
    )


def _timed(point: DesignPoint, fpga: FpgaBudget | None) -> DesignPoint:
    """The point with its milliseconds on the FPGA, as they are predicted today if not known."""
    if fpga is None or point.milliseconds is not None:
        return point
    clock_mhz = predict(point.accelerator, fpga).clock_mhz
    return replace(point, milliseconds=point.cycles / (1000 * clock_mhz))


def _caption(front: FrontRecord, time: str) -> str:
    return (
        f"The {len(front.points)} designs that no other of the search beats in {time}, energy and "
        "area at once, final mappings included, before every accelerator that was tried. "
        f"Hypervolume {front.hypervolume:.6f}: their share of the box between zero and the worst "
        "of each figure in the first generation."
    )


def _reported(facts: RunFacts, result: ResultRecord, points: Sequence[DesignPoint]) -> DesignPoint:
    """The design of the run, which is on the front unless another is as good and smaller."""
    own = DesignPoint(
        accelerator=facts.accelerator,
        cycles=mean_figure([network.cycles for network in result.networks]),
        energy_pj=mean_figure([network.energy_pj for network in result.networks]),
        area_um2=sum(AREA.area_um2(facts.accelerator).values()),
    )
    return next((p for p in points if p.figures[:2] == own.figures[:2]), own)


def _others(mapped: Sequence[Candidate], points: Sequence[DesignPoint]) -> tuple[DesignPoint, ...]:
    figures = {point.figures for point in points}
    return tuple(candidate.point for candidate in mapped if candidate.figures not in figures)


def _milliseconds(milliseconds: float) -> TableCell:
    return TableCell(text=f"{milliseconds:,.3f}", value=milliseconds)


def _table(shown: ShownFront) -> DataTable:
    times = () if shown.time == "cycles" else (MILLISECONDS,)
    return data_table(
        f"The Pareto front in {shown.time}, energy and area",
        (*("array", "found in", "cycles"), *times, *("energy, µJ", "area, mm²", "EDP, J × cycles")),
        [
            (
                array_text(p.accelerator) + (f" ({shown.mark})" if p is shown.marked else ""),
                _found_in(shown, p),
                TableCell(text=f"{p.cycles:,.0f}", value=p.cycles),
                *([] if p.milliseconds is None else [_milliseconds(p.milliseconds)]),
                energy(p.energy_pj),
                TableCell(text=f"{_square_mm(p):.3f}", value=p.area_um2),
                edp(p.cycles * p.energy_pj),
            )
            for p in shown.points
        ],
        is_sortable=True,
    )


def _found_in(shown: ShownFront, point: DesignPoint) -> TableCell:
    generation = shown.found_in.get(point.figures)
    if generation is None:
        return TableCell(text="final mappings", value=max(shown.found_in.values(), default=0) + 2)
    return TableCell(text=f"generation {generation + 1}", value=generation + 1)


def _figure(
    title: str,
    label: str,
    shown: ShownFront,
    table: DataTable,
    height: Callable[[DesignPoint], float],
) -> Figure:
    def series(name: str, points: Sequence[DesignPoint], tone: int, mark: str) -> Series:
        return Series(
            name=name,
            points=[(point.compared[0], height(point)) for point in points],
            labels=[_label(shown, point) for point in points],
            tone=tone,
            mark=mark,
        )

    every = (*shown.others, *shown.points, shown.marked)
    return Figure(
        title=title,
        caption=shown.caption,
        picture=plot(
            title,
            f"{len(shown.points)} designs on the front, {len(shown.others)} others.",
            [
                series("others", shown.others, 6, "circle"),
                series("Pareto front", shown.points, 0, "diamond"),
                series(shown.mark, [shown.marked], 3, "star"),
            ],
            x_axis=spread_axis(shown.time, [point.compared[0] for point in every]),
            y_axis=spread_axis(label, [height(point) for point in every]),
        ),
        table=table,
    )


def _label(shown: ShownFront, point: DesignPoint) -> str:
    return (
        f"{array_text(point.accelerator)}, {_found_in(shown, point).text}: "
        f"{point.cycles:,.0f} cycles, {point.energy_pj / 1e6:,.1f} µJ, {_square_mm(point):.3f} mm²"
    )


def _square_mm(point: DesignPoint) -> float:
    return point.area_um2 / 1e6
