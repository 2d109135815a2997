"""A whole network on the RTL, beside the integer reference and the predicted cycles.

The reference computes the network call by call in the memory image of its program. The RTL runs
each layer from the reference's state, several at a time, or each segment of layers from the state
that it has made itself. Either way every output byte, every count and all cycles are compared; both
ways give the same figures.
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.technology import SIZED
from naas_hw.compiler.layout import SLOT_BYTES
from naas_hw.compiler.lowering.execution import LoweredExecution
from naas_hw.compiler.lowering.values import HostCall, LayerCall
from naas_hw.compiler.network_program import NetworkProgram, Range
from naas_hw.cost.compiled.batch import SAVED_BETWEEN_LAYERS
from naas_hw.cost.evaluate import evaluate
from naas_hw.cost.reference.recurrence import timeline_of
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.mapping.mapping import Mapping
from naas_hw.parallel.worker_pool import worker_pool
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.layer import (
    MAX_STEPS_BY_PIECE,
    STATUS_REGISTERS,
    LayerReport,
    Prediction,
    compare_run,
    predict_layer,
    run_limits,
)
from naas_hw.sim.memory_habits import MemoryHabits
from naas_hw.sim.registers import list_writes
from naas_hw.sim.run import Stalls, Start, run_starts
from naas_hw.sim.simulators import Simulator
from naas_hw.workload.layer import Layer

Array = NDArray[Any]
_PENDING_PER_PROCESS = 2


@dataclass(frozen=True, kw_only=True)
class NetworkProgress:
    """How far the simulation of a network is, told when a layer, or a start of several, has run.

    Parameters
    ----------
    name : of the layer, or `start 2`.
    ok : whether nothing differs in it.
    cycles : that it took.
    num_done, num_all : layers or starts that have run, and all of them.
    cycles_done, cycles_all : predicted cycles of these.
    """

    name: str
    ok: bool
    cycles: int
    num_done: int
    num_all: int
    cycles_done: int
    cycles_all: int


ProgressCallback = Callable[[NetworkProgress], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkRun:
    """What the simulation of a network found.

    Parameters
    ----------
    layers : in the order in which they run.
    host_operators : names of the calls of the host.
    predicted_cycles, simulated_cycles : of all starts, each from the accepted start to the
        interrupt. Layers run apart here, so both are put together from the layers' cycles by the
        rule of a list of descriptors; `naas_hw.sim.network_segments` measures whole starts.
    outputs : of the network, int8 [C, H, W], or what the host made, by the reference; if no byte
        of a layer is wrong, they are what the RTL makes.
    seconds : of wall time that the simulations took.
    """

    layers: tuple[LayerReport, ...]
    host_operators: tuple[str, ...]
    predicted_cycles: int
    simulated_cycles: int
    outputs: AbstractMapping[str, Array]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return all(layer.ok for layer in self.layers)

    @property
    def count_difference(self) -> int:
        """The largest difference among the counts of all layers."""
        return max((layer.count_difference for layer in self.layers), default=0)

    @property
    def output_mismatches(self) -> int:
        """Wrong bytes of all layers."""
        return sum(layer.output_mismatches for layer in self.layers)

    @property
    def cycles_per_second(self) -> float:
        """Simulated cycles of a second of wall time."""
        return self.simulated_cycles / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    """One layer that the RTL runs from a state of memory.

    `places` : beats of the outputs, from the start of `dump`; `expected` : int8 [K, P, Q].
    """

    hardware: Hardware
    layer: Layer
    mapping: Mapping
    prediction: Prediction
    memory: NDArray[np.uint8]
    descriptor: int
    writable: Range
    dump: Range
    places: NDArray[np.int64]
    expected: NDArray[np.int8]
    simulator: Simulator
    stalls: Stalls | None
    habits: MemoryHabits | None
    base: int


def simulate_network(
    hardware: Hardware,
    program: NetworkProgram,
    mappings: AbstractMapping[str, Mapping],
    inputs: AbstractMapping[str, Array],
    *,
    simulator: Simulator,
    stalls: Stalls | None = None,
    habits: MemoryHabits | None = None,
    base: int = 0,
    num_processes: int = 1,
    progress: ProgressCallback | None = None,
) -> NetworkRun:
    """Run every layer of a network on the RTL, each from the reference's state.

    Parameters
    ----------
    program : of this hardware and these mappings.
    inputs : by name, as the model's user hands them in.
    stalls, habits : of the memory; with either, only output bytes are compared.
    base : where the program stands in memory, a multiple of 4 KiB.
    num_processes : simulations at a time.
    progress : called after each layer, in order.
    """
    begin = monotonic()
    predictions = predictions_of(hardware, program, mappings)
    reference = _Reference(program, inputs)

    def jobs() -> Iterator[_Job]:
        for index, call, memory in reference.states():
            dump, places = output_places(program, call)
            yield _Job(
                hardware=hardware,
                layer=call.layer,
                mapping=mappings[call.layer.name],
                prediction=predictions[index],
                memory=memory,
                descriptor=index * SLOT_BYTES,
                writable=program.writable,
                dump=dump,
                places=places,
                expected=reference.outputs_of(call),
                simulator=simulator,
                stalls=stalls,
                habits=habits,
                base=base,
            )

    reports: list[LayerReport] = []
    for report in _simulated(jobs(), len(predictions), num_processes):
        reports.append(report)
        if progress is not None:
            progress(
                NetworkProgress(
                    name=report.name,
                    ok=report.ok,
                    cycles=report.simulated_cycles,
                    num_done=len(reports),
                    num_all=len(predictions),
                    cycles_done=sum(one.cycles for one in predictions[: len(reports)]),
                    cycles_all=sum(one.cycles for one in predictions),
                )
            )
    delays = chain_delays(hardware, program, mappings)
    return NetworkRun(
        layers=tuple(reports),
        host_operators=tuple(call.name for call in program.lowered.host_calls),
        predicted_cycles=sum(cycles_of_starts(program, [p.cycles for p in predictions], delays)),
        simulated_cycles=sum(
            cycles_of_starts(program, [r.simulated_cycles for r in reports], delays)
        ),
        outputs=reference.results(),
        seconds=monotonic() - begin,
    )


def predictions_of(
    hardware: Hardware, program: NetworkProgram, mappings: AbstractMapping[str, Mapping]
) -> list[Prediction]:
    """What the model says of each layer; equal layers are predicted once."""
    known: dict[tuple[Layer, Mapping], Prediction] = {}
    predictions = []
    for call in program.lowered.layer_calls:
        key = (call.layer.anonymous, mappings[call.layer.name])
        if key not in known:
            known[key] = predict_layer(hardware.accelerator, call.layer, key[1])
        predictions.append(replace(known[key], name=call.layer.name))
    return predictions


def chain_delays(
    hardware: Hardware, program: NetworkProgram, mappings: AbstractMapping[str, Mapping]
) -> list[int]:
    """Cycles that the descriptor behind each layer waits until DRAM can give a beat again."""
    return [
        evaluate(hardware.accelerator, call.layer, mappings[call.layer.name], SIZED).chain_delay
        for call in program.lowered.layer_calls
    ]


def cycles_of_starts(
    program: NetworkProgram, cycles: Sequence[int], delays: Sequence[int]
) -> list[int]:
    """Cycles of each start, out of those of each layer alone.

    In a list the descriptor of a layer follows the last response of the one before, so a layer
    saves its own start and interrupt, and waits until DRAM can give a beat again.
    """
    starts, index = [], 0
    for segment in program.segments:
        last = index + segment.num_descriptors
        saved = (segment.num_descriptors - 1) * SAVED_BETWEEN_LAYERS
        starts.append(sum(cycles[index:last]) + sum(delays[index : last - 1]) - saved)
        index = last
    return starts


def output_places(program: NetworkProgram, call: LayerCall) -> tuple[Range, NDArray[np.int64]]:
    """The range of bytes that holds a layer's outputs, and their beats in it."""
    layer, beat = call.layer, program.beat_bytes
    beats = call.output.beats(ceil_div(layer.K, beat), layer.P, layer.Q)
    first, last = int(beats.min()), int(beats.max())
    start = program.addresses[call.output.buffer]
    return (start + first * beat, start + (last + 1) * beat), beats - first


def _outputs(
    memory: NDArray[np.int8], places: NDArray[np.int64], channels: int, beat_bytes: int
) -> NDArray[np.int8]:
    """The numbers [K, P, Q] whose beats stand at these places."""
    blocks, rows, columns = places.shape
    found = memory.reshape(-1, beat_bytes)[places].transpose(0, 3, 1, 2)
    return found.reshape(blocks * beat_bytes, rows, columns)[:channels]


class _Reference:
    """The network in numpy, in the memory image of its program."""

    def __init__(
        self,
        program: NetworkProgram,
        inputs: AbstractMapping[str, Array],
    ) -> None:
        self._program = program
        self._memory = program.image.copy()
        buffers = program.buffers_in(self._memory.view(np.int8))
        rng = np.random.default_rng(0)
        self._execution = LoweredExecution(program.lowered, buffers, rng)
        self._execution.begin(inputs)

    def states(self) -> Iterator[tuple[int, LayerCall, NDArray[np.uint8]]]:
        """Number and call of each layer, and memory before it; after `next` the layer has run.

        When the caller takes a state, the reference already holds the outputs of its layer.
        """
        index = 0
        for call in self._program.lowered.calls:
            if isinstance(call, HostCall):
                self._execution.host(call, self._program.lowered.graph)
                continue
            before = self._memory.copy()
            self._execution.layer(call)
            yield index, call, before
            index += 1

    def outputs_of(self, call: LayerCall) -> NDArray[np.int8]:
        """What the layer that ran last has made, int8 [K, P, Q]."""
        (first, last), places = output_places(self._program, call)
        memory = self._memory[first:last].view(np.int8)
        return _outputs(memory, places, call.layer.K, self._program.beat_bytes)

    def results(self) -> dict[str, Array]:
        """The outputs of the network, after all calls."""
        return {
            tensor.name: self._execution.read(tensor) for tensor in self._program.lowered.outputs
        }


def _simulated(jobs: Iterator[_Job], count: int, num_processes: int) -> Iterator[LayerReport]:
    """Reports in order; only as many states wait as keep all processes busy."""
    with worker_pool(min(num_processes, count), preload=__name__) as executor:
        if executor is None:
            yield from map(_run, jobs)
            return
        pending: list[Future[LayerReport]] = []
        for job in jobs:
            pending.append(executor.submit(_run, job))
            if len(pending) >= _PENDING_PER_PROCESS * num_processes:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


def _run(job: _Job) -> LayerReport:
    """Run one layer and compare; what runs in a worker."""
    accelerator = job.hardware.accelerator
    geometry = Geometry(accelerator=accelerator, layer=job.layer, mapping=job.mapping)
    timed = job.stalls is None and job.habits is None
    by_piece = timed and job.prediction.num_steps <= MAX_STEPS_BY_PIECE
    writes = list_writes(
        descriptors=job.descriptor, num_descriptors=1, writable=job.writable, base=job.base
    )
    (result,) = run_starts(
        job.hardware.build(),
        simulator=job.simulator,
        starts=[Start(writes=tuple(writes), reads=STATUS_REGISTERS)],
        dram_image=job.memory,
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
        **run_limits(accelerator, job.prediction, job.stalls, job.habits),
        stalls=job.stalls,
        habits=job.habits,
        want_events=by_piece,
        dump=job.dump,
        base=job.base,
    )
    made = _outputs(result.dram.view(np.int8), job.places, job.layer.K, accelerator.beat_bytes)
    return compare_run(
        geometry,
        job.prediction,
        result,
        timeline=timeline_of(geometry) if by_piece else None,
        output_mismatches=int(np.count_nonzero(made != job.expected)),
        timed=timed,
    )
