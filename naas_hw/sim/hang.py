"""Why a layer does not end: which engine waits for which, out of what was logged until then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.pieces import Step, steps_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.rtl.accelerator import EVENTS

ENGINES: Final = ("load", "fill", "compute", "drain", "store")
OUTSIDE: Final = "dram"
_FEEDS: Final = dict(zip(ENGINES, (OUTSIDE, *ENGINES), strict=False))  # what comes from where


def why_it_hangs(
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
    engine, seen = unfinished[-1], []
    while True:
        seen.append(engine)
        cause = _CAUSES[engine](work, ends)
        if cause is None or cause == OUTSIDE or cause in seen:
            break
        engine = cause
    state = ", ".join(f"{name} {ends[name]} of {work.totals[name]}" for name in ENGINES)
    if cause is None:
        came = f"hang: engine {engine} waits for {_FEEDS[engine]}, which is not late"
        return f"{came} (pieces done: {state})"
    return f"hang: engine {engine} waits for {cause} (pieces done: {state})"


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
    reloads : whether the sums of an output run come from DRAM.
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
    reloads: list[bool] = field(default_factory=list)
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
            if step.opens_output_run:
                work.reloads.append(step.reload)
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
        runs = len(self.drains_of_scale_run) - 1, len(self.reloads) - 1
        tensors = [tensor for tensor, _ in step.load.pieces]
        self.loads_before_fill.append(len(self.loads) + len([t for t in tensors if t != "sums"]))
        self.loads += [(tensor, step.tile, *runs) for tensor in tensors]
        self.last_step.append(step.index)


def _load_waits(work: _Work, done: Mapping[str, int]) -> str | None:
    if done["load"] >= work.totals["load"]:
        return None
    tensor, tile, scale_run, output_run = work.loads[done["load"]]
    if tile >= 2 and done["fill"] <= work.last_step[tile - 2]:
        return "fill"
    if tensor == "scales" and scale_run >= 2:
        if done["drain"] < work.drains_of_scale_run[scale_run - 2]:
            return "drain"
    if tensor == "sums" and done["store"] < output_run - 1:
        return "store"
    return OUTSIDE


def _fill_waits(work: _Work, done: Mapping[str, int]) -> str | None:
    if done["fill"] >= work.totals["fill"]:
        return None
    if done["load"] < work.loads_before_fill[work.tile_of[done["fill"]]]:
        return "load"
    return "compute" if done["compute"] < done["fill"] - 1 else None


def _compute_waits(work: _Work, done: Mapping[str, int]) -> str | None:
    step = done["compute"]
    if step >= work.totals["compute"]:
        return None
    if done["fill"] <= step:
        return "fill"
    late = work.opens_run[step] and done["drain"] < work.runs_before[step] - 1
    return "drain" if late else None


def _drain_waits(work: _Work, done: Mapping[str, int]) -> str | None:
    run = done["drain"]
    if run >= work.totals["drain"]:
        return None
    if done["compute"] <= work.closing_step[run]:
        return "compute"
    output_run = work.opens_output_run[run]
    if output_run is not None and done["store"] < output_run - 1:
        return "store"
    if output_run is not None and work.reloads[output_run]:
        places = [i for i, load in enumerate(work.loads) if load[0] == "sums"]
        due = next(i for i in places if work.loads[i][3] == output_run)
        return "load" if done["load"] <= due else None
    return None


def _store_waits(work: _Work, done: Mapping[str, int]) -> str | None:
    if done["store"] >= work.totals["store"]:
        return None
    due = work.drains_of_output_run[done["store"]]
    return "drain" if done["drain"] < due else OUTSIDE


_CAUSES: Final[Mapping[str, Callable[[_Work, Mapping[str, int]], str | None]]] = {
    "load": _load_waits,
    "fill": _fill_waits,
    "compute": _compute_waits,
    "drain": _drain_waits,
    "store": _store_waits,
}
