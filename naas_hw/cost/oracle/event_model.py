"""The five engines cycle by cycle, with labels in place of data.

An independent check of the recurrence, and of the contract that it states. Every engine sees of
the others only tokens, each visible from a certain cycle on, and decides in every cycle whether it
may go. Every buffer half holds the *label* of what was last written: which loop indices, which
visit. A reader raises a `HazardError` if it finds another label than the one it needs, so a
producer that overwrites too early, or a consumer that reads too early, is caught even where all
times agree. Memory is a queue of bursts, cut at random.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import numpy as np

from naas_hw.arch import timing
from naas_hw.cost.oracle.contract import Contract, Tokens
from naas_hw.cost.oracle.labels import (
    BufferLabels,
    HazardError,
    Work,
    check_flags,
    sums_before,
    sums_behind,
    work_of,
)
from naas_hw.cost.oracle.log import Log
from naas_hw.cost.reference.pieces import Durations, Step
from naas_hw.cost.reference.recurrence import FOR_DRAIN, Timeline
from naas_hw.workload.layer import Dim

MAX_BURST_BEATS: Final = 16
MAX_IDLE_CYCLES: Final = 100_000

BROADCAST: Final = 1
"""From a step of a nest to the read in the PEs: addresses pass one register."""

SUMS_READ: Final = 1
"""From a step of drain to the read of partial sums in L2."""

LOAD_WRITE: Final = 1
"""From a beat on the bus to its write in L2."""

STORE_READ: Final = 1 + timing.L2_LATENCY
"""From a read of L2 to the beat on the bus."""

SCALES_READ: Final = timing.NUMBERS_READ + timing.MEMORY_LATENCY
"""From a step of drain to the read of the scales."""

RESIDUAL_READ: Final = timing.DRAIN_TO_RESIDUAL + 1
"""From a step of drain to the read of the residual in L2."""


@dataclass(eq=False)
class _Piece:
    """One piece of load: its beats on the way."""

    tensor: str
    tile: int
    beats: int
    step: int
    requested: int = 0
    arrived: int = 0


def run_event_model(
    steps: list[Step],
    dims: tuple[Dim, ...],
    durations: Durations,
    rng: np.random.Generator,
    *,
    is_depthwise: bool = False,
    contract: Contract | None = None,
) -> Timeline:
    """Simulate all cycles of a layer.

    Parameters
    ----------
    steps : all steps; beats and flags of pieces come from here.
    dims : dim of each of the twelve positions.
    durations : cycles of each piece.
    rng : cuts bursts, and draws how many beats may be on the way (enough of them).
    is_depthwise : whether K counts the channels of inputs.
    contract : other than the hardware's, for tests.

    Raises
    ------
    HazardError : a label was wrong, an engine hung, or the flags of a step disagree with its
        indices.
    """
    work = work_of(steps, dims, is_depthwise)
    check_flags(steps, work)
    return _Simulation(steps, work, durations, rng, contract or Contract()).run()


class _Simulation:
    """All engines, their tokens and their buffers."""

    def __init__(
        self,
        steps: list[Step],
        work: list[Work],
        durations: Durations,
        rng: np.random.Generator,
        contract: Contract,
    ) -> None:
        self.steps, self.work, self.durations = steps, work, durations
        self.rng, self.contract = rng, contract
        self.now = 0
        self.memory = BufferLabels()
        # Tokens, by who waits for what
        self.tile_loaded, self.tile_left = Tokens(), Tokens()
        self.loaded_for_drain: dict[tuple[str, int], int] = {}  # by tensor and output run
        self.step_filled, self.step_computed = Tokens(), Tokens()
        self.run_computed, self.run_drained = Tokens(), Tokens()
        self.run_settled, self.scales_left = Tokens(), Tokens()
        self.residual_left = Tokens()
        self.outputs_drained, self.outputs_stored = Tokens(), Tokens()
        self.outputs_responded = Tokens()
        # Memory outside
        self.start: int | None = None
        self.bursts: deque[tuple[int, int, _Piece]] = deque()
        self.on_the_way = 0
        self.max_on_the_way = durations.read_latency + 1 + int(rng.integers(0, 20))
        self.next_beat = self.next_store_beat = 0
        self.pieces = self._pieces()
        self.next_piece = 0
        # Engines: next piece, and the cycle from which on the engine may go again
        self.fill_step = self.fill_free = 0
        self.compute_step = self.compute_free = 0
        self.drain_run = self.drain_free = 0
        self.store_run = self.store_beat = 0
        self.closing = [i for i, step in enumerate(steps) if step.closes_accumulator_run]
        self.leaving = [i for i, step in enumerate(steps) if step.closes_output_run]
        self.has_table = any(piece.tensor == "table" for piece in self.pieces)
        self.drain_pipeline = timing.drain_pipeline(has_epilogue=durations.has_epilogue)
        epilogue = self.drain_pipeline - timing.DRAIN_PIPELINE
        self.drain_to_revisit = contract.drain_to_revisit + epilogue
        self.drain_to_store = contract.drain_to_store + epilogue
        self.end: int | None = None
        self.log = Log()

    def _pieces(self) -> list[_Piece]:
        pieces = [_Piece("descriptor", -1, self.durations.descriptor_beats, 0)]
        for i, step in enumerate(self.steps):
            if step.load is not None:
                pieces += [_Piece(tensor, step.tile, b, i) for tensor, b in step.load.pieces]
        return pieces

    # Time ------------------------------------------------------------------------------------

    def run(self) -> Timeline:
        """Simulate up to the interrupt."""
        idle_since = 0
        before = None
        while self.end is None or self.now < self.end:
            self._load()
            self._receive()
            self._fill()
            self._account()
            self._compute()
            self._drain()
            self._store()
            self.memory.pass_cycle(self.now)
            state = (self.next_beat, self.fill_step, self.compute_step, self.drain_run, self.end)
            if state != before or self.next_store_beat > self.now:
                before, idle_since = state, self.now
            if self.now - idle_since > MAX_IDLE_CYCLES:
                raise HazardError("an engine waits for ever")
            self.now += 1
        self.memory.pass_rest()
        assert self.start is not None
        return self.log.timeline(
            self.steps,
            start=self.start,
            response=self.end - self.contract.done_to_interrupt,
            end=self.end,
            next_beat=self.next_beat,
        )

    # Load ------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Ask for one burst, if the next piece may be loaded."""
        if self.next_piece == len(self.pieces) or self.on_the_way >= self.max_on_the_way:
            return
        piece = self.pieces[self.next_piece]
        if not self._may_load(piece):
            return
        if piece.tensor == "sums":
            self._need_in_dram(self.work[piece.step])
        beats = int(self.rng.integers(1, MAX_BURST_BEATS + 1))
        beats = min(beats, piece.beats - piece.requested)
        piece.requested += beats
        self.on_the_way += beats
        self.bursts.append((self.now, beats, piece))
        if piece.requested == piece.beats:
            self.next_piece += 1

    def _may_load(self, piece: _Piece) -> bool:
        contract, now = self.contract, self.now
        if piece.tensor == "descriptor":
            return now >= timing.START_TO_DESCRIPTOR
        if self.start is None or now < self.start + contract.layer_to_load:
            return False
        if not self.tile_left.seen(piece.tile - contract.tiles_ahead + 1, now):
            return False
        work = self.work[piece.step]
        if piece.tensor == "scales" and contract.load_waits_for_scales:
            return self.scales_left.seen(work.scale_run - contract.scale_runs + 1, now)
        if piece.tensor == "residual" and contract.load_waits_for_residual:
            return self.residual_left.seen(work.output_run - contract.residual_runs + 1, now)
        if piece.tensor == "sums" and contract.load_waits_for_response:
            return self.outputs_responded.seen(work.output_run - 1, now)
        return True

    def _need_in_dram(self, work: Work) -> None:
        self.memory.need(
            ("dram", work.output_tile), sums_before(self.work, work.output_run), "load"
        )

    def _receive(self) -> None:
        """At most one beat from the memory outside."""
        if not self.bursts or self.now < self.next_beat:
            return
        asked, beats, piece = self.bursts[0]
        if self.now < asked + self.durations.read_latency:
            return
        self.next_beat = self.now + self.durations.period
        self.on_the_way -= 1
        self.bursts[0] = (asked, beats - 1, piece)
        if beats == 1:
            self.bursts.popleft()
        piece.arrived += 1
        if piece.arrived in (1, piece.beats):
            self._keep(piece, piece.arrived == piece.beats)
        if piece.arrived == piece.beats:
            self._loaded(piece)

    def _keep(self, piece: _Piece, complete: bool) -> None:
        work, cycle = self.work[piece.step], self.now + LOAD_WRITE
        if piece.tensor == "weights":
            self.memory.write(cycle, ("l2 w", work.weight_tile_half), work.weight_tile, complete)
        elif piece.tensor == "inputs":
            self.memory.write(cycle, ("l2 i", work.input_tile_half), work.input_tile, complete)
        elif piece.tensor == "scales":
            self.memory.write(cycle, ("scales", work.scale_run % 2), work.scale_tile, complete)
        elif piece.tensor == "table":
            self.memory.write(cycle, "table", "table", complete)
        elif piece.tensor == "residual":
            self.memory.write(cycle, ("l2 r", work.output_run % 2), work.output_tile, complete)
        elif piece.tensor == "sums":
            for place, output, visit in sums_before(self.work, work.output_run):
                for beat in range(self.durations.drain):
                    word = ("l2 o", work.output_run % 2, place, beat)
                    self.memory.write(cycle, word, (output, visit), complete)

    def _loaded(self, piece: _Piece) -> None:
        if piece.tensor == "descriptor":
            self.start = self.now + timing.DESCRIPTOR_TO_LAYER
            self.compute_free = self.start
            return
        self.log.load.append((piece.tensor, piece.tile, self.now))
        if piece.tensor in FOR_DRAIN:
            loaded = piece.tensor, self.work[piece.step].output_run
            self.loaded_for_drain[loaded] = self.now + self.contract.load_to_drain
            return
        following = self.pieces.index(piece) + 1
        rest = self.pieces[following : following + 1]
        if not rest or rest[0].tile != piece.tile or rest[0].tensor in FOR_DRAIN:
            self.tile_loaded.post(self.now + self.contract.load_to_fill)

    # Fill ------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Go with as many steps as possible: one that moves nothing takes no time."""
        contract = self.contract
        while self.fill_step < len(self.steps) and self.fill_free <= self.now:
            i, step = self.fill_step, self.steps[self.fill_step]
            if not self.tile_loaded.seen(step.tile + 1, self.now):
                return
            if not self.step_computed.seen(i - contract.steps_ahead + 1, self.now):
                return
            weights = self.durations.fill_weights if step.weights_changed else 0
            inputs = self.durations.fill_inputs if step.inputs_changed else 0
            self._fill_data(self.work[i], weights, inputs)
            self.fill_free = last = self.now + max(weights, inputs)
            self.log.fill.append(last)
            self.step_filled.post(last + contract.fill_to_compute)
            if i + 1 == len(self.steps) or self.steps[i + 1].load is not None:
                self.tile_left.post(last + contract.fill_to_load)
            self.fill_step += 1

    def _fill_data(self, work: Work, weights: int, inputs: int) -> None:
        tensors = (
            ("w", weights, work.weight_tile_half, work.weight_tile, work.weight_half, work.weights),
            ("i", inputs, work.input_tile_half, work.input_tile, work.input_half, work.inputs),
        )
        for tensor, cycles, tile_half, tile, half, content in tensors:
            for cycle in range(self.now + 1, self.now + cycles + 1):
                self.memory.read(cycle, (f"l2 {tensor}", tile_half), tile, "fill")
                is_last = cycle == self.now + cycles
                at = cycle + timing.FILL_PIPELINE
                self.memory.write(at, (f"l1 {tensor}", half), content, is_last)

    # Compute ---------------------------------------------------------------------------------

    def _compute(self) -> None:
        i = self.compute_step
        if self.start is None or i == len(self.steps) or self.compute_free > self.now:
            return
        step, work, contract = self.steps[i], self.work[i], self.contract
        if not self.step_filled.seen(i + 1, self.now):
            return
        earlier = work.accumulator_run - contract.accumulator_runs + 1
        if step.opens_accumulator_run and not self.run_drained.seen(earlier, self.now):
            return
        last = self.compute_free = self.now + self.durations.compute
        for cycle in range(self.now + 1, last + 1):
            self.memory.read(cycle + BROADCAST, ("l1 w", work.weight_half), work.weights, "compute")
            self.memory.read(cycle + BROADCAST, ("l1 i", work.input_half), work.inputs, "compute")
            complete = step.closes_accumulator_run and cycle == last
            content = (work.output, work.visit)
            at = cycle + self.durations.compute_to_drain + timing.NUMBERS_READ
            self.memory.write(at, ("accumulators", work.accumulator_run % 2), content, complete)
        self.log.compute.append(last)
        self.step_computed.post(last + contract.compute_to_fill)
        if step.closes_accumulator_run:
            self.run_computed.post(last + self.durations.compute_to_drain)
        self.compute_step += 1

    def _account(self) -> None:
        """What the array does in this cycle, or waits for."""
        if self.start is None or self.now < self.start:
            self.log.stalls["descriptor"] += 1
        elif self.compute_free > self.now:
            self.log.stalls["compute"] += 1
        else:
            self.log.stalls[self._cause()] += 1

    def _cause(self) -> str:
        i = self.compute_step
        if i == len(self.steps):
            return (
                "drain"
                if self.drain_run < len(self.closing) or (self.drain_free > self.now)
                else "store"
            )
        step, work = self.steps[i], self.work[i]
        if not self.tile_loaded.seen(step.tile + 1, self.now):
            return "load"
        if not self.step_filled.seen(i + 1, self.now):
            return "fill"
        run = work.accumulator_run - self.contract.accumulator_runs
        if not step.opens_accumulator_run or self.run_drained.seen(run + 1, self.now):
            return "compute"  # it goes in this cycle
        opener = self._opens_outputs(run)
        if opener and not self.outputs_stored.seen(self._output_run(run) - 1, self.now):
            return "store"
        if opener and not self._load_is_there(run):
            return "load"
        return "drain"

    # Drain -----------------------------------------------------------------------------------

    def _output_run(self, run: int) -> int:
        return self.work[self.closing[run]].output_run

    def _opens_outputs(self, run: int) -> bool:
        return run == 0 or self._output_run(run) != self._output_run(run - 1)

    def _load_is_there(self, run: int) -> bool:
        """Whether load has brought what an accumulator run needs that opens an output run."""
        step, contract = self.steps[self.closing[run]], self.contract
        awaited = {
            "residual": step.adds_residual and contract.drain_waits_for_residual,
            "sums": step.reload and contract.drain_waits_for_sums,
        }
        output_run = self._output_run(run)
        return all(
            self.loaded_for_drain.get((tensor, output_run), self.now + 1) <= self.now
            for tensor, is_awaited in awaited.items()
            if is_awaited
        )

    def _may_drain(self, run: int) -> bool:
        contract, now = self.contract, self.now
        if not self.run_computed.seen(run + 1, now):
            return False
        revisits = self.steps[self.closing[run]].revisit and contract.drain_waits_for_revisit
        if revisits and not self.run_settled.seen(run - 1, now):
            return False
        if not self._opens_outputs(run):
            return True
        stored = self.outputs_stored.seen(self._output_run(run) - contract.output_runs + 1, now)
        return stored and self._load_is_there(run)

    def _drain(self) -> None:
        run = self.drain_run
        if run == len(self.closing) or self.drain_free > self.now or not self._may_drain(run):
            return
        i, contract = self.closing[run], self.contract
        step, work = self.steps[i], self.work[i]
        last = self.drain_free = self.now + self.durations.drain
        self._drain_data(work, adds_residual=step.adds_residual)
        self.log.drain.append((self.now, last))
        self.run_drained.post(last + contract.drain_to_compute)
        self.run_settled.post(last + self.drain_to_revisit)
        if i + 1 == len(self.steps) or self.work[i + 1].opens_scales:
            self.scales_left.post(last + contract.drain_to_scales)
        if step.closes_output_run:
            self.residual_left.post(last + contract.drain_to_residual)
            self.outputs_drained.post(last + self.drain_to_store)
            for place, content in self._outputs(work.output_run):
                self.memory.read(last + self.drain_to_store - STORE_READ, place, content, "store")
        self.drain_run += 1

    def _drain_data(self, work: Work, *, adds_residual: bool) -> None:
        half = work.output_run % 2
        for beat in range(self.durations.drain):
            cycle = self.now + 1 + beat
            accumulators = ("accumulators", work.accumulator_run % 2)
            content = (work.output, work.visit)
            self.memory.read(cycle + timing.NUMBERS_READ, accumulators, content, "drain")
            place = ("l2 o", half, work.place, beat)
            if work.visit > 1:
                self.memory.read(cycle + SUMS_READ, place, (work.output, work.visit - 1), "drain")
            if work.is_last_visit:
                scales = ("scales", work.scale_run % 2)
                self.memory.read(cycle + SCALES_READ, scales, work.scale_tile, "drain")
                self._epilogue_data(cycle, work, adds_residual=adds_residual)
            self.memory.write(cycle + self.drain_pipeline, place, content, True)

    def _epilogue_data(self, cycle: int, work: Work, *, adds_residual: bool) -> None:
        if adds_residual:
            residual = ("l2 r", work.output_run % 2)
            self.memory.read(cycle + RESIDUAL_READ, residual, work.output_tile, "drain")
        if self.has_table:
            self.memory.read(cycle + BROADCAST, "table", "table", "drain")

    # Store -----------------------------------------------------------------------------------

    def _outputs(self, run: int) -> list[tuple[Hashable, Hashable]]:
        """Where each word of an output run lies, and what it has to be at its end."""
        beats = range(self.durations.drain)
        return [
            (("l2 o", run % 2, place, beat), (output, visit))
            for place, output, visit in sums_behind(self.work, run)
            for beat in beats
        ]

    def _store(self) -> None:
        run = self.store_run
        if run == len(self.leaving) or self.now < self.next_store_beat:
            return
        if not self.outputs_drained.seen(run + 1, self.now):
            return
        self.next_store_beat = self.now + self.durations.period
        self.store_beat += 1
        beats = self.steps[self.leaving[run]].store_beats
        if self.store_beat in (1, beats):
            for place, content in self._outputs(run):
                self.memory.need(place, content, "store")
        if self.store_beat == beats:
            self._stored(run)

    def _stored(self, run: int) -> None:
        contract, work = self.contract, self.work[self.leaving[run]]
        response = self.now + self.durations.response_latency
        self.log.store.append(self.now)
        self.outputs_stored.post(self.now + contract.store_to_drain)
        self.outputs_responded.post(response + contract.response_to_load)
        self.memory.write(response, ("dram", work.output_tile), sums_behind(self.work, run), True)
        if run + 1 == len(self.leaving):
            self.end = response + contract.done_to_interrupt
        self.store_run, self.store_beat = run + 1, 0
