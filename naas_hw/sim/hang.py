"""Why a layer does not end: which engine waits for which, out of what was logged until then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.reference.pieces import Step, steps_of
from naas_hw.cost.reference.recurrence import FOR_DRAIN
from naas_hw.mapping.geometry import Geometry
from naas_hw.rtl.accelerator import EVENTS

ENGINES: Final = ("load", "fill", "compute", "drain", "store")
OUTSIDE: Final = "dram"


def diagnose_deadlock(
    geometry: Geometry,
    events: NDArray[np.int64],
    counted: Mapping[str, int],
    predicted: Mapping[str, int],
) -> str:
    """One sentence: "hang: engine X waits for Y", X the first of the engines that stands still.

    Parameters
    ----------
    events : (cycle, kind) of the log; where it is empty, the stall counters have to do.
    counted, predicted : counts by name, of which the stall registers are used.
    """
    if not len(events):
        return _by_counters(counted, predicted)
    done = {name: int(np.count_nonzero(events[:, 1] == i)) for i, name in enumerate(EVENTS)}
    if not done["layer"]:
        return f"hang: engine controller waits for {OUTSIDE}: no descriptor was accepted"
    work = _Work.of(geometry)
    ends = {engine: done[f"{engine}_end"] for engine in ENGINES}
    unfinished = [engine for engine in ENGINES if ends[engine] < work.totals[engine]]
    if not unfinished:
        return f"hang: engine store waits for {OUTSIDE}: every piece has ended, no interrupt came"
    engine, seen = unfinished[-1], [unfinished[-1]]
    while (cause := _late(work, engine, ends)) is not None and cause not in seen:
        seen.append(engine := cause)
    if cause is None:
        cause = _in_time(work, engine, ends)
    else:
        cause += ", and in a circle the other way round"
    state = ", ".join(f"{name} {ends[name]} of {work.totals[name]}" for name in ENGINES)
    return f"hang: engine {engine} waits for {cause} (pieces done: {state})"


def _late(work: "_Work", engine: str, ends: Mapping[str, int]) -> str | None:
    """An engine that has not yet ended what the next piece of this one needs."""
    if ends[engine] >= work.totals[engine]:
        return None
    needs = _NEEDS[engine](work, ends[engine])
    return next((name for name, count in needs if ends[name] < count), None)


def _in_time(work: "_Work", engine: str, ends: Mapping[str, int]) -> str:
    """What the next piece of this engine needs, all of which has come."""
    needs = _NEEDS[engine](work, ends[engine])
    names = list(dict.fromkeys(name for name, _ in needs))
    if engine == "store" or not names:
        return OUTSIDE
    if engine == "load":
        return f"{OUTSIDE} or {' or '.join(names)}, though no engine is late"
    return f"{' or '.join(names)}, though no engine is late"


def _by_counters(counted: Mapping[str, int], predicted: Mapping[str, int]) -> str:
    stalls = [name for name in predicted if name.startswith("register stall_")]
    if all(counted.get(name, -1) < 0 for name in stalls):
        return "hang: engine controller waits for a start: no register answers, nothing is logged"
    if not counted.get("register active", 0):
        return f"hang: engine load waits for {OUTSIDE}: nothing was computed"
    worst = max(stalls, key=lambda name: counted.get(name, 0) - predicted[name])
    return f"hang: engine compute waits for {worst.removeprefix('register stall_')}"


@dataclass
class _Work:
    """What has to have ended before a piece may begin, as numbers of pieces.

    Members
    -------
    loads : (tensor, tile, scale run, output run) of each load piece.
    loads_before_fill : pieces of load that a tile's first step needs.
    last_step : of each tile.
    tile_of : of each step; runs_before : accumulator runs that have ended before a step.
    opens_run : whether a step opens one.
    closing_step : of each accumulator run.
    opens_output_run : number of the output run that a drain opens, else None.
    num_output_runs : of those that have begun.
    drains_of_output_run, drains_of_scale_run : drains that have ended with it.
    """

    loads: list[tuple[str, int, int, int]] = field(default_factory=list)
    loads_before_fill: list[int] = field(default_factory=list)
    last_step: list[int] = field(default_factory=list)
    tile_of: list[int] = field(default_factory=list)
    runs_before: list[int] = field(default_factory=list)
    opens_run: list[bool] = field(default_factory=list)
    closing_step: list[int] = field(default_factory=list)
    opens_output_run: list[int | None] = field(default_factory=list)
    num_output_runs: int = 0
    drains_of_output_run: list[int] = field(default_factory=list)
    drains_of_scale_run: list[int] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, geometry: Geometry) -> "_Work":
        """All pieces of a layer."""
        work = cls()
        opens = True
        for step in steps_of(geometry):
            if step.opens_scale_run:
                work.drains_of_scale_run.append(0)
            work.num_output_runs += step.opens_output_run
            work._add_load(step)
            work.tile_of.append(step.tile)
            work.last_step[-1] = step.index
            work.runs_before.append(len(work.closing_step))
            work.opens_run.append(step.opens_accumulator_run)
            if step.closes_accumulator_run:
                work.closing_step.append(step.index)
                run = len(work.drains_of_output_run)
                work.opens_output_run.append(run if opens else None)
                work.drains_of_scale_run[-1] = len(work.closing_step)
                opens = step.closes_output_run
            if step.closes_output_run:
                work.drains_of_output_run.append(len(work.closing_step))
        steps = len(work.tile_of)
        counts = (len(work.loads), steps, steps, len(work.closing_step))
        work.totals = dict(zip(ENGINES, (*counts, len(work.drains_of_output_run)), strict=True))
        return work

    def _add_load(self, step: Step) -> None:
        if step.load is None:
            return
        runs = len(self.drains_of_scale_run) - 1, self.num_output_runs - 1
        tensors = [tensor for tensor, _ in step.load.pieces]
        for_fill = [tensor for tensor in tensors if tensor not in FOR_DRAIN]
        self.loads_before_fill.append(len(self.loads) + len(for_fill))
        self.loads += [(tensor, step.tile, *runs) for tensor in tensors]
        self.last_step.append(step.index)


# What the next piece of an engine needs: engines, and how many of their pieces have to have ended.

_Needs = list[tuple[str, int]]


def _load_needs(work: _Work, piece: int) -> _Needs:
    tensor, tile, scale_run, output_run = work.loads[piece]
    needs = [("fill", work.last_step[tile - 2] + 1)] if tile >= 2 else []
    if tensor == "scales" and scale_run >= 2:
        needs.append(("drain", work.drains_of_scale_run[scale_run - 2]))
    if tensor == "residual" and output_run >= 2:
        needs.append(("drain", work.drains_of_output_run[output_run - 2]))
    if tensor == "sums" and output_run >= 2:
        needs.append(("store", output_run - 1))
    return needs


def _fill_needs(work: _Work, step: int) -> _Needs:
    needs = [("load", work.loads_before_fill[work.tile_of[step]])]
    return [*needs, ("compute", step - 1)] if step >= 2 else needs


def _compute_needs(work: _Work, step: int) -> _Needs:
    needs = [("fill", step + 1)]
    runs = work.runs_before[step]
    return [*needs, ("drain", runs - 1)] if work.opens_run[step] and runs >= 2 else needs


def _drain_needs(work: _Work, run: int) -> _Needs:
    needs = [("compute", work.closing_step[run] + 1)]
    output_run = work.opens_output_run[run]
    if output_run is None:
        return needs
    if output_run >= 2:
        needs.append(("store", output_run - 1))
    awaited = [
        i
        for i, (tensor, _, _, run_of_load) in enumerate(work.loads)
        if tensor in FOR_DRAIN and run_of_load == output_run
    ]
    return [*needs, ("load", 1 + awaited[-1])] if awaited else needs


def _store_needs(work: _Work, output_run: int) -> _Needs:
    return [("drain", work.drains_of_output_run[output_run])]


_NEEDS: Final[Mapping[str, Callable[[_Work, int], _Needs]]] = {
    "load": _load_needs,
    "fill": _fill_needs,
    "compute": _compute_needs,
    "drain": _drain_needs,
    "store": _store_needs,
}
