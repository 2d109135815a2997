"""Each start of a network on the RTL as a whole: a list of layers, and one interrupt.

A start begins with the memory that the starts before it have left, and the host computes on what is
read back. Cycles and counts are compared with those of the layers one by one, and all bytes that
the network has written with the integer reference.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.lowering.execution import LoweredExecution
from naas_hw.compiler.lowering.values import HostCall, LayerCall
from naas_hw.compiler.network_program import NetworkProgram, Segment
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.mapping import Mapping
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.layer import (
    STATUS_REGISTERS,
    Difference,
    Prediction,
    RunLimits,
    counts_of,
    errors_of,
    run_limits,
)
from naas_hw.sim.memory_habits import MemoryHabits
from naas_hw.sim.network_run import (
    NetworkProgress,
    ProgressCallback,
    chain_delays,
    cycles_of_starts,
    predictions_of,
)
from naas_hw.sim.registers import list_writes
from naas_hw.sim.run import BenchResult, Stalls, Start, run_starts
from naas_hw.sim.simulators import Simulator

Array = NDArray[Any]

_TIMES: Final = ("cycles", "active", "descriptor", "load", "fill", "drain", "store")
_TIME_REGISTERS: Final = frozenset(
    name for time in _TIMES for name in (f"register {time}", f"register stall_{time}")
)
"""Counts of cycles: what waits between two layers is in them, too."""


@dataclass(frozen=True, kw_only=True)
class SegmentReport:
    """What one start of some layers gave; equal if `ok`.

    Parameters
    ----------
    layers : names, in order.
    status : of the bench; "done" unless it hangs.
    predicted_cycles, simulated_cycles : from the accepted start to the interrupt.
    counts : every count that differs from the sum over the layers.
    output_mismatches : bytes that the network has written by then and that are wrong.
    timed : whether cycles and counts were compared, not the bytes only.
    messages : what else is wrong.
    """

    layers: tuple[str, ...]
    status: str
    predicted_cycles: int
    simulated_cycles: int
    counts: tuple[Difference, ...]
    output_mismatches: int
    timed: bool
    messages: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing differs; under another memory, whether no byte does."""
        if self.status != "done" or self.output_mismatches or self.messages:
            return False
        is_equal = self.predicted_cycles == self.simulated_cycles and not self.counts
        return not self.timed or is_equal

    @property
    def count_difference(self) -> int:
        """The largest difference among the counts."""
        return max((abs(d.predicted - d.simulated) for d in self.counts), default=0)


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentsRun:
    """What all starts of a network gave, up to the first that was not equal.

    Parameters
    ----------
    outputs : of the network, int8 [C, H, W], or what the host made, from the memory of the RTL;
        empty if a start was not equal.
    """

    segments: tuple[SegmentReport, ...]
    outputs: AbstractMapping[str, Array]

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return all(segment.ok for segment in self.segments)

    @property
    def predicted_cycles(self) -> int:
        """Of all starts."""
        return sum(segment.predicted_cycles for segment in self.segments)

    @property
    def simulated_cycles(self) -> int:
        """Of all starts."""
        return sum(segment.simulated_cycles for segment in self.segments)


def simulate_segments(
    hardware: Hardware,
    program: NetworkProgram,
    mappings: AbstractMapping[str, Mapping],
    inputs: AbstractMapping[str, Array],
    *,
    simulator: Simulator,
    stalls: Stalls | None = None,
    habits: MemoryHabits | None = None,
    base: int = 0,
    progress: ProgressCallback | None = None,
) -> SegmentsRun:
    """Run each start of a network once, from the memory that the RTL itself has made.

    Parameters
    ----------
    program : of this hardware and these mappings.
    inputs : by name, as the model's user hands them in.
    stalls, habits : of the memory; with either, only bytes are compared.
    base : where the program stands in memory, a multiple of 4 KiB.
    progress : called after each start.
    """
    predictions = predictions_of(hardware, program, mappings)
    delays = chain_delays(hardware, program, mappings)
    cycles = cycles_of_starts(program, [p.cycles for p in predictions], delays)
    reference, device = _Memory(program, inputs), _Memory(program, inputs)
    written = _Written(program)
    reports: list[SegmentReport] = []
    first = 0
    for step in program.steps:
        if isinstance(step, HostCall):
            reference.host(step)
            device.host(step)
            written.add_host(step)
            continue
        last = first + step.num_descriptors
        mine, first = predictions[first:last], last
        result = _run(hardware, program, step, mine, device, simulator, stalls, habits, base)
        device.take(result.dram)
        for call in step.calls:
            reference.layer(call)
            written.add_layer(call)
        wrong = (device.writable != reference.writable) & written.mask
        reports.append(
            _compare(
                step,
                mine,
                result,
                predicted_cycles=cycles[len(reports)],
                output_mismatches=int(np.count_nonzero(wrong)),
                timed=stalls is None and habits is None,
            )
        )
        if progress is not None:
            progress(_progress(reports, cycles))
        if not reports[-1].ok:
            return SegmentsRun(segments=tuple(reports), outputs={})
    return SegmentsRun(segments=tuple(reports), outputs=device.results())


def _progress(reports: Sequence[SegmentReport], cycles: Sequence[int]) -> NetworkProgress:
    """After the last of these starts; `cycles` are those of all starts."""
    return NetworkProgress(
        name=f"start {len(reports)}",
        ok=reports[-1].ok,
        cycles=reports[-1].simulated_cycles,
        num_done=len(reports),
        num_all=len(cycles),
        cycles_done=sum(cycles[: len(reports)]),
        cycles_all=sum(cycles),
    )


def _run(
    hardware: Hardware,
    program: NetworkProgram,
    segment: Segment,
    predictions: Sequence[Prediction],
    device: "_Memory",
    simulator: Simulator,
    stalls: Stalls | None,
    habits: MemoryHabits | None,
    base: int,
) -> BenchResult:
    accelerator = hardware.accelerator
    writes = list_writes(
        descriptors=segment.descriptor_address,
        num_descriptors=segment.num_descriptors,
        writable=program.writable,
        base=base,
    )
    limits = [run_limits(accelerator, one, stalls, habits) for one in predictions]
    (result,) = run_starts(
        hardware.build(),
        simulator=simulator,
        starts=[Start(writes=tuple(writes), reads=STATUS_REGISTERS)],
        dram_image=device.image,
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
        **_sum_of(limits),
        stalls=stalls,
        habits=habits,
        dump=program.writable,
        base=base,
    )
    return result


def _sum_of(limits: Sequence[RunLimits]) -> RunLimits:
    """Limits of a list of layers; in all of it nothing may rest longer than in one layer."""
    return {
        "cycle_limit": sum(limit["cycle_limit"] for limit in limits),
        "idle_limit": limits[0]["idle_limit"],
    }


def _compare(
    segment: Segment,
    predictions: Sequence[Prediction],
    result: BenchResult,
    *,
    predicted_cycles: int,
    output_mismatches: int,
    timed: bool,
) -> SegmentReport:
    return SegmentReport(
        layers=tuple(call.layer.name for call in segment.calls),
        status=result.status,
        predicted_cycles=predicted_cycles,
        simulated_cycles=result.cycles,
        counts=tuple(_count_differences(predictions, result)) if timed else (),
        output_mismatches=output_mismatches,
        timed=timed,
        messages=(*result.messages, *errors_of(result)),
    )


def _count_differences(
    predictions: Sequence[Prediction], result: BenchResult
) -> Iterator[Difference]:
    counted = counts_of(result)
    for name in predictions[0].counts:
        expected = sum(prediction.counts[name] for prediction in predictions)
        if name not in _TIME_REGISTERS and counted[name] != expected:
            yield Difference(what=name, predicted=expected, simulated=counted[name])


class _Memory:
    """An image of a network's program, and the calls that change it."""

    def __init__(self, program: NetworkProgram, inputs: AbstractMapping[str, Array]) -> None:
        self._program = program
        self.image = program.image.copy()
        buffers = program.buffers_in(self.image.view(np.int8))
        self._execution = LoweredExecution(program.lowered, buffers, np.random.default_rng(0))
        self._execution.begin(inputs)

    @property
    def writable(self) -> NDArray[np.uint8]:
        """What the accelerator may write."""
        return self.image[slice(*self._program.writable)]

    def take(self, written: NDArray[np.uint8]) -> None:
        """Put what was read back where it was."""
        self.writable[:] = written

    def host(self, call: HostCall) -> None:
        """Compute an operator of the host."""
        self._execution.host(call, self._program.lowered.graph)

    def layer(self, call: LayerCall) -> None:
        """Compute a layer in numpy."""
        self._execution.layer(call)

    def results(self) -> dict[str, Array]:
        """The outputs of the network, after all calls."""
        outputs = self._program.lowered.outputs
        return {tensor.name: self._execution.read(tensor) for tensor in outputs}


class _Written:
    """Which bytes of the writable area hold numbers of the network.

    Parameters
    ----------
    mask : bool, of each byte.
    """

    def __init__(self, program: NetworkProgram) -> None:
        self._program = program
        first, end = program.writable
        self.mask = np.zeros(end - first, np.bool_)

    def add_host(self, call: HostCall) -> None:
        """The output of an operator of the host."""
        view = call.output.view
        if view is not None:
            places = call.output.byte_places(self._program.beat_bytes)
            self.mask[self._start_of(view.buffer) + places] = True

    def add_layer(self, call: LayerCall) -> None:
        """The outputs of a layer that are numbers of a tensor.

        Partial sums are none, nor is what fills the last beats, and the gaps between the parts of a
        concatenation: a depthwise layer makes something of them that nobody reads. What a copy
        makes that is no tensor of the network counts where its reader has written.
        """
        layer, beat_bytes = call.layer, self._program.beat_bytes
        first = self._program.writable[0]
        if (sums := self._program.regions[layer.name].get("sums")) is not None:
            self.mask[sums[0] - first : sums[1] - first] = False
        blocks = ceil_div(layer.K, beat_bytes)
        beats = call.output.beats(blocks, layer.P, layer.Q) * beat_bytes
        places = self._start_of(call.output.buffer) + beats[..., np.newaxis] + np.arange(beat_bytes)
        channels = np.arange(blocks * beat_bytes).reshape(blocks, 1, 1, beat_bytes)
        self.mask[places] = (channels < layer.K) & self._is_number(call)[places]

    def _is_number(self, call: LayerCall) -> NDArray[np.bool_]:
        """Which bytes of the writable area are numbers of the tensor that a layer makes."""
        numbers = np.zeros_like(self.mask)
        tensor = self._program.lowered.tensors.get(call.makes)
        if tensor is not None and tensor.view is not None:
            places = tensor.byte_places(self._program.beat_bytes)
            numbers[self._start_of(tensor.view.buffer) + places] = True
        return numbers

    def _start_of(self, buffer: str) -> int:
        return self._program.addresses[buffer] - self._program.writable[0]
