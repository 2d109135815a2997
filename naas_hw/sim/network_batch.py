"""Many inputs of a network on the RTL, in one simulation a segment: a program of their own each.

Each input gets a copy of the program in memory, and the base register says which copy a start runs.
Nothing is taken from the reference: every layer reads what the layers before it have written.
"""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.technology import SIZED
from naas_hw.compiler.lowering.execution import LoweredExecution
from naas_hw.compiler.network_program import NetworkProgram, Segment
from naas_hw.compiler.program import PAGE_BYTES, WINDOW_BYTES
from naas_hw.core.errors import InputError, SimulationError
from naas_hw.cost.evaluate import chained_cycles, evaluate
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.mapping import Mapping
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.layer import CYCLES_TO_SPARE, STATUS_REGISTERS
from naas_hw.sim.registers import REGISTERS, list_writes
from naas_hw.sim.run import BenchResult, Start, run_starts
from naas_hw.sim.simulators import Simulator

Array = NDArray[Any]

ALL_INTERRUPTS: Final = 0b11
"""What clears the interrupt of the start before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchRun:
    """What the RTL made of some inputs.

    Parameters
    ----------
    outputs : of each input, int8 [C, H, W] or what the host made, by name.
    cycles : of each input, of all its starts.
    predicted_cycles : of one input, which are the same for all.
    counters : name -> count, of all inputs and starts together.
    seconds : of wall time.
    """

    outputs: tuple[AbstractMapping[str, Array], ...]
    cycles: tuple[int, ...]
    predicted_cycles: int
    counters: AbstractMapping[str, int]
    seconds: float

    @property
    def max_cycle_difference(self) -> int:
        """Between what was predicted and what was simulated, over all inputs."""
        return max((abs(cycles - self.predicted_cycles) for cycles in self.cycles), default=0)


def run_batch(
    hardware: Hardware,
    program: NetworkProgram,
    mappings: AbstractMapping[str, Mapping],
    inputs: Sequence[AbstractMapping[str, Array]],
    *,
    simulator: Simulator,
) -> BatchRun:
    """Run a network on each of some inputs.

    Parameters
    ----------
    program : of this hardware and these mappings.
    inputs : each by name, as the model's user hands them in; at least one.

    Raises
    ------
    InputError : there is no input, or all copies of the program need more than 4 GiB.
    SimulationError : a start does not end.
    """
    if not inputs:
        raise InputError("inputs must be at least 1, not 0")
    begin = monotonic()
    stride = ceil_div(program.image.size, PAGE_BYTES) * PAGE_BYTES
    if stride * len(inputs) > WINDOW_BYTES:
        raise InputError(f"inputs must be at most {WINDOW_BYTES // stride}, not {len(inputs)}")
    memory = np.zeros((len(inputs), stride), np.uint8)
    memory[:, : program.image.size] = program.image
    executions = [_execution(program, copy, one) for copy, one in zip(memory, inputs, strict=True)]
    cycles = np.zeros(len(inputs), np.int64)
    counters: dict[str, int] = {}
    predicted = 0
    for step in program.steps:
        if not isinstance(step, Segment):
            for execution in executions:
                execution.host(step, program.lowered.graph)
            continue
        limit = _predicted_cycles(hardware, step, mappings)
        predicted += limit
        results = _run_segment(hardware, program, step, memory, limit, simulator)
        memory[:] = results[-1].dram.reshape(memory.shape)
        cycles += [result.cycles for result in results]
        for result in results:
            for name, count in result.counters.items():
                counters[name] = counters.get(name, 0) + count
    return BatchRun(
        outputs=tuple(
            {tensor.name: execution.read(tensor) for tensor in program.lowered.outputs}
            for execution in executions
        ),
        cycles=tuple(cycles.tolist()),
        predicted_cycles=predicted,
        counters=counters,
        seconds=monotonic() - begin,
    )


def _execution(
    program: NetworkProgram, memory: NDArray[np.uint8], inputs: AbstractMapping[str, Array]
) -> LoweredExecution:
    """What the host does of one input, in its copy of the program."""
    buffers = program.buffers_in(memory.view(np.int8))
    execution = LoweredExecution(program.lowered, buffers, np.random.default_rng(0))
    execution.begin(inputs)
    return execution


def _predicted_cycles(
    hardware: Hardware, segment: Segment, mappings: AbstractMapping[str, Mapping]
) -> int:
    """From the accepted start of a segment to its interrupt."""
    reports = [
        evaluate(hardware.accelerator, call.layer, mappings[call.layer.name], SIZED)
        for call in segment.calls
    ]
    return chained_cycles(reports)


def _run_segment(
    hardware: Hardware,
    program: NetworkProgram,
    segment: Segment,
    memory: NDArray[np.uint8],
    predicted: int,
    simulator: Simulator,
) -> tuple[BenchResult, ...]:
    """One start for each copy of the program; memory as all of them leave it."""
    stride = memory.shape[1]
    starts = [
        Start(
            writes=(
                (REGISTERS["interrupt_status"], ALL_INTERRUPTS),
                *list_writes(
                    descriptors=segment.descriptor_address,
                    num_descriptors=segment.num_descriptors,
                    writable=program.writable,
                    base=index * stride,
                ),
            ),
            reads=STATUS_REGISTERS,
        )
        for index in range(len(memory))
    ]
    accelerator = hardware.accelerator
    results = run_starts(
        hardware.build(),
        simulator=simulator,
        starts=starts,
        dram_image=memory.reshape(-1),
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
        cycle_limit=predicted + CYCLES_TO_SPARE,
    )
    for index, result in enumerate(results):
        status = result.registers.get(REGISTERS["status"], -1)
        if result.status != "done" or status or result.messages:
            raise SimulationError(
                f"start {index} must end without an error, not with {result.status}, "
                f"status {status:#x} {'; '.join(result.messages)}".rstrip()
            )
    return results
