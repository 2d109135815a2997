"""When each piece of each engine ends: the recurrence of docs/timing.md, read aloud.

The reference for everything else that says how long a layer takes. Times are cycles, cycle 0
accepts the start. `F`, `Cb` and `D` are last working cycles, `L` and `S` the cycle in which the
next beat could be.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch import timing
from naas_hw.cost.reference.pieces import Durations, Step, TileLoad, durations_of, steps_of
from naas_hw.mapping.geometry import Geometry

Cycles = NDArray[np.int64]

FOR_DRAIN: Final = ("residual", "sums")
"""Tensors that drain waits for, and fill does not."""


@dataclass(frozen=True, kw_only=True)
class StallCycles:
    """Cycles of a layer by what the array did or waited for; they add up to all of them."""

    descriptor: int = 0
    compute: int = 0
    load: int = 0
    fill: int = 0
    drain: int = 0
    store: int = 0

    @property
    def total(self) -> int:
        """All cycles."""
        return sum(getattr(self, entry.name) for entry in fields(self))


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """When each piece ended.

    Members
    -------
    start : T0, in which the engines are told to start.
    load_tensor, load_tile, load_end : tensor, tile, and cycle of the last beat, of each piece.
    fill_moves : whether fill has anything to do in a step.
    fill_end, compute_end : last working cycle, of each step.
    drain_go, drain_end : cycle before the first working one, and the last, of each run.
    store_end : cycle of the last beat on the bus, of each output run.
    response : last write response; the next layer of a program starts here.
    end : first cycle of the interrupt.
    next_beat : first cycle in which DRAM could give one more beat.
    stalls : cycles by cause.
    """

    start: int
    load_tensor: tuple[str, ...]
    load_tile: Cycles
    load_end: Cycles
    fill_moves: NDArray[np.bool_]
    fill_end: Cycles
    compute_end: Cycles
    drain_go: Cycles
    drain_end: Cycles
    store_end: Cycles
    response: int
    end: int
    next_beat: int
    stalls: StallCycles


@dataclass
class _State:
    """What the recurrence remembers: one list an engine, and when the stalls began."""

    durations: Durations
    start: int
    L: int
    ready: list[int] = field(default_factory=list)  # R of each tile
    loaded: list[int | None] = field(default_factory=list)  # P of each output run
    load: list[tuple[str, int, int]] = field(default_factory=list)
    tile_last_fill: list[int] = field(default_factory=list)
    F: list[int] = field(default_factory=list)
    fill_moves: list[bool] = field(default_factory=list)
    Cb: list[int] = field(default_factory=list)
    drain_go: list[int] = field(default_factory=list)
    D: list[int] = field(default_factory=list)
    store_wait: list[int | None] = field(default_factory=list)  # of each drain, for the stalls
    load_wait: list[int | None] = field(default_factory=list)
    S: list[int] = field(default_factory=list)
    scale_run_last_drain: list[int] = field(default_factory=list)
    output_run_last_drain: list[int] = field(default_factory=list)
    drain_opens_output_run: bool = True
    stalls: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("compute", "load", "fill", "drain", "store"), 0)
    )


def timeline_of(geometry: Geometry) -> Timeline:
    """When each piece of this layer ends."""
    return run_recurrence(steps_of(geometry), durations_of(geometry))


def list_offsets(timelines: Sequence[Timeline], *, latency: int) -> tuple[int, ...]:
    """By how many cycles each layer of a list of descriptors runs later than it would alone.

    The next descriptor is asked for when the last response of the layer before has come, and its
    first beat waits, as any other, until DRAM can give one. All else of a layer follows from that.

    Parameters
    ----------
    timelines : of each layer alone, in the order of the list, at least one.
    latency : of DRAM.
    """
    read_latency = timing.read_latency(latency)
    offsets = [0]
    for before in timelines[:-1]:
        asked = before.response + timing.RESPONSE_TO_DESCRIPTOR
        first_beat = max(asked + read_latency, before.next_beat)
        offsets.append(offsets[-1] + first_beat - read_latency - timing.START_TO_DESCRIPTOR)
    return tuple(offsets)


def list_end(timelines: Sequence[Timeline], *, latency: int) -> int:
    """The first cycle of the interrupt of a list of layers; cycle 0 accepts the start."""
    return list_offsets(timelines, latency=latency)[-1] + timelines[-1].end


def run_recurrence(steps: Iterable[Step], durations: Durations) -> Timeline:
    """The recurrence over given steps.

    Parameters
    ----------
    steps : all steps of a layer, in order, at least one.
    durations : cycles of each piece.
    """
    first_beat = timing.START_TO_DESCRIPTOR + durations.read_latency
    last_beat = first_beat + durations.period * (durations.descriptor_beats - 1)
    state = _State(
        durations=durations,
        start=last_beat + timing.DESCRIPTOR_TO_LAYER,
        L=last_beat + durations.period,
    )
    for step in steps:
        if step.load is not None:
            _load(state, step, step.load)
        _fill(state, step)
        _compute(state, step)
        if step.closes_accumulator_run:
            _drain(state, step)
        if step.closes_output_run:
            _store(state, step)
    return _finish(state)


def _load(state: _State, step: Step, load: TileLoad) -> None:
    n, latency = state.durations.period, state.durations.read_latency
    if step.tile < 2:
        gate = state.start + timing.LAYER_TO_LOAD
    else:
        gate = state.tile_last_fill[step.tile - 2] + timing.FILL_TO_LOAD
    if step.opens_scale_run:
        state.scale_run_last_drain.append(0)
    if step.opens_output_run:
        state.loaded.append(None)
    ready = state.L - n + timing.LOAD_TO_FILL
    for tensor, beats in load.pieces:
        first = max(state.L, gate + latency, _freed(state, tensor) + latency)
        state.L = first + n * beats
        state.load.append((tensor, step.tile, state.L - n))
        if tensor in FOR_DRAIN:
            state.loaded[-1] = state.L - n + timing.LOAD_TO_DRAIN
        else:
            ready = state.L - n + timing.LOAD_TO_FILL
    state.ready.append(ready)
    state.tile_last_fill.append(0)


def _freed(state: _State, tensor: str) -> int:
    """When load may ask for a piece as far as drain and store are concerned; 0 if at any time."""
    run = len(state.loaded) - 1
    if tensor == "scales" and len(state.scale_run_last_drain) > 2:
        return state.scale_run_last_drain[-3] + timing.DRAIN_TO_SCALES
    if tensor == "residual" and run >= 2:
        return state.output_run_last_drain[run - 2] + timing.DRAIN_TO_RESIDUAL
    if tensor == "sums":
        response = state.S[run - 2] - state.durations.period + state.durations.response_latency
        return response + timing.RESPONSE_TO_LOAD
    return 0


def _fill(state: _State, step: Step) -> None:
    weights = state.durations.fill_weights if step.weights_changed else 0
    inputs = state.durations.fill_inputs if step.inputs_changed else 0
    go = state.F[-1] if state.F else 0
    if step.load is not None:
        go = max(go, state.ready[-1])
    if step.index >= 2:
        go = max(go, state.Cb[step.index - 2] + timing.COMPUTE_TO_FILL)
    state.F.append(go + max(weights, inputs))
    state.fill_moves.append(step.weights_changed or step.inputs_changed)
    state.tile_last_fill[-1] = state.F[-1]


def _compute(state: _State, step: Step) -> None:
    before = state.Cb[-1] if state.Cb else state.start
    filled = state.F[-1] + timing.FILL_TO_COMPUTE
    go = max(before, filled)
    drained = len(state.D) - 2  # run a - 2, where a is the number of runs that have ended
    if step.opens_accumulator_run and drained >= 0:
        go = max(go, state.D[drained] + timing.DRAIN_TO_COMPUTE)
    waits: list[tuple[str, int | None]] = [("load", state.ready[-1]), ("fill", filled)]
    if step.opens_accumulator_run and drained >= 0:
        waits += [("store", state.store_wait[drained]), ("load", state.load_wait[drained])]
    _account(state, before, go, [*waits, ("drain", go)])
    state.stalls["compute"] += state.durations.compute
    state.Cb.append(go + state.durations.compute)


def _account(state: _State, begin: int, end: int, waits: list[tuple[str, int | None]]) -> None:
    """Split the cycles from `begin` to `end` at the times at which each wait was over."""
    for cause, over in waits:
        if over is not None and min(over, end) > begin:
            state.stalls[cause] += min(over, end) - begin
            begin = min(over, end)


def _drain(state: _State, step: Step) -> None:
    run = len(state.D)
    output_run = len(state.S)
    go = max(state.D[-1] if state.D else 0, state.Cb[-1] + state.durations.compute_to_drain)
    if step.revisit:
        distance = timing.drain_to_revisit(has_epilogue=state.durations.has_epilogue)
        go = max(go, state.D[run - 2] + distance)
    stored = loaded = None
    if state.drain_opens_output_run:
        if output_run >= 2:
            stored = state.S[output_run - 2] - state.durations.period + timing.STORE_TO_DRAIN
            go = max(go, stored)
        loaded = state.loaded[output_run]
        if loaded is not None:
            go = max(go, loaded)
    state.store_wait.append(stored)
    state.load_wait.append(loaded)
    state.drain_go.append(go)
    state.D.append(go + state.durations.drain)
    state.drain_opens_output_run = step.closes_output_run
    state.scale_run_last_drain[-1] = state.D[-1]


def _store(state: _State, step: Step) -> None:
    before = state.S[-1] if state.S else 0
    distance = timing.drain_to_store(has_epilogue=state.durations.has_epilogue)
    first = max(before, state.D[-1] + distance)
    state.S.append(first + state.durations.period * step.store_beats)
    state.output_run_last_drain.append(state.D[-1])


def _finish(state: _State) -> Timeline:
    n = state.durations.period
    response = state.S[-1] - n + state.durations.response_latency
    end = response + timing.DONE_TO_INTERRUPT
    state.stalls["drain"] += state.D[-1] - state.Cb[-1]
    state.stalls["store"] += end - state.D[-1]
    return Timeline(
        start=state.start,
        load_tensor=tuple(tensor for tensor, _, _ in state.load),
        load_tile=np.array([tile for _, tile, _ in state.load], np.int64),
        load_end=np.array([end for _, _, end in state.load], np.int64),
        fill_moves=np.array(state.fill_moves, np.bool_),
        fill_end=np.array(state.F, np.int64),
        compute_end=np.array(state.Cb, np.int64),
        drain_go=np.array(state.drain_go, np.int64),
        drain_end=np.array(state.D, np.int64),
        store_end=np.array(state.S, np.int64) - n,
        response=response,
        end=end,
        next_beat=state.L,
        stalls=StallCycles(descriptor=state.start, **state.stalls),
    )
