"""One layer on the RTL, beside what the model said of it."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.program import LayerTask, build_program
from naas_hw.cost.evaluate import evaluate
from naas_hw.cost.reference.accesses import Accesses
from naas_hw.cost.reference.recurrence import StallCycles, Timeline, timeline_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.rtl.accelerator import EVENTS
from naas_hw.rtl.control.counters import COUNTERS, L2_PORTS, RESIDUAL_PORT, l2_ports
from naas_hw.sim.hang import diagnose_deadlock
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.memory_habits import MemoryHabits
from naas_hw.sim.preludes import PRELUDES, Prelude, Scene
from naas_hw.sim.registers import REGISTERS, start_writes
from naas_hw.sim.run import BenchResult, Stalls, Start, run_starts
from naas_hw.sim.simulators import Simulator
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import Tensors, random_quantised_layer
from naas_hw.workload.layer import Layer

STATUS_REGISTERS: Final = (
    REGISTERS["status"],
    *(REGISTERS[f"{name}_low"] for name in COUNTERS),
)
"""What is read at the end of a run."""

CYCLES_TO_SPARE = 2000
STALLED_FACTOR = 60
LATE_FACTOR: Final = 2
"""Timeout: this many times the cycles of all beats sent singly, for any memory behaviour."""

IDLE_FACTOR: Final = 20  # of the time of one such beat, in which something has to move
MAX_STEPS_BY_PIECE: Final = 200_000
"""Layers of more steps are compared as a whole only: the recurrence that knows every piece is slow,
the compiled one knows totals."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of one group of a layer, before anything runs.

    Parameters
    ----------
    pes_used : PEs at work in a step.
    num_steps : of the array.
    cycles : from the accepted start to the interrupt.
    ports : of L2, by their names among the counters.
    """

    name: str
    num_macs: int
    num_pes: int
    pes_used: int
    num_steps: int
    cycles: int
    stalls: StallCycles
    accesses: Accesses
    ports: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Every count that the bench or a performance counter sees, under its name there."""
        return predicted_counts(self.cycles, self.stalls, self.accesses, self.ports)

    @property
    def num_beats(self) -> int:
        """On the bus, in both directions."""
        return self.counts["dram_read_beats"] + self.counts["dram_write_beats"]


def predict_layer(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> Prediction:
    """Cycles and counts by the compiled model, the one that the search uses.

    Raises
    ------
    LegalityError : the accelerator cannot run the mapping.
    """
    layer = layer.model_copy(update={"groups": 1})
    report = evaluate(accelerator, layer, mapping, SIZED)
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    return Prediction(
        name=layer.name,
        num_macs=layer.num_macs,
        num_pes=accelerator.num_pes,
        pes_used=geometry.pes_used,
        num_steps=geometry.num_steps,
        cycles=report.cycles,
        stalls=report.stalls,
        accesses=report.accesses,
        ports=l2_ports(accelerator),
    )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One figure that the RTL and the model do not share."""

    what: str
    predicted: int
    simulated: int

    def __str__(self) -> str:
        return f"{self.what}: predicted {self.predicted}, simulated {self.simulated}"


@dataclass(frozen=True, kw_only=True)
class LayerReport:
    """What `simulate_layer` found; equal if `ok`.

    Parameters
    ----------
    status : of the bench; "done" unless it hangs.
    predicted_cycles, simulated_cycles : from the accepted start to the interrupt.
    first_piece : the first piece of an engine whose time differs; None if none does.
    groups : of the layer, of which one was simulated.
    pieces_compared : whether the time of every piece was compared, not of the whole only.
    counts : every count that differs.
    predicted, counted : every count, by the names of `predicted_counts`.
    output_mismatches : bytes of the output that differ from the golden convolution's.
    waves : file of waves, where they were asked for.
    """

    name: str
    num_macs: int
    num_pes: int
    pes_used: int
    status: str
    predicted_cycles: int
    simulated_cycles: int
    first_piece: Difference | None
    counts: tuple[Difference, ...]
    output_mismatches: int
    timed: bool
    accesses: Accesses
    messages: tuple[str, ...] = ()
    pieces_compared: bool = True
    groups: int = 1
    predicted: AbstractMapping[str, int] = field(default_factory=dict)
    counted: AbstractMapping[str, int] = field(default_factory=dict)
    waves: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing differs; under random stalls, whether no bit does."""
        if self.status != "done" or self.output_mismatches or self.messages:
            return False
        return not self.timed or (
            self.predicted_cycles == self.simulated_cycles
            and self.first_piece is None
            and not self.counts
        )

    @property
    def utilization(self) -> float:
        """MACs over what all PEs could do in the simulated cycles."""
        return self.num_macs / (self.num_pes * max(1, self.simulated_cycles))

    @property
    def count_difference(self) -> int:
        """The largest difference among the counts."""
        return max((abs(d.predicted - d.simulated) for d in self.counts), default=0)


def simulate_layer(
    hardware: Hardware,
    layer: Layer,
    mapping: Mapping,
    *,
    simulator: Simulator,
    rng: np.random.Generator,
    stalls: Stalls | None = None,
    habits: MemoryHabits | None = None,
    tensors: Tensors = Tensors.SPREAD,
    before: str | None = None,
    defines: dict[str, str] | None = None,
    prediction: Prediction | None = None,
    waves: Path | None = None,
    max_steps_by_piece: int = MAX_STEPS_BY_PIECE,
    base: int = 0,
) -> LayerReport:
    """Predict, run on the RTL, compare: cycles piece by piece, counts, output bytes.

    Of a layer with groups one group runs. Latency and period of DRAM are the accelerator's.

    Parameters
    ----------
    tensors : their kind, drawn from `rng`.
    before : the name of what happens before, a key of `PRELUDES`.
    stalls, habits : of the memory; with either, only output bytes are compared.
    prediction : of `predict_layer`; made here if None.
    waves : file for waves, without its suffix.
    max_steps_by_piece : layers of more steps are compared as a whole only.
    base : where the program stands in memory, a multiple of 4 KiB.
    """
    groups, layer = layer.groups, layer.model_copy(update={"groups": 1})
    accelerator = hardware.accelerator
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    (prelude_rng,) = rng.spawn(1)
    quantised = random_quantised_layer(layer, rng, tensors)
    task = LayerTask(layer=layer, mapping=mapping, tensors=quantised)
    tasks = [task] if before is None else [task, task]
    program = build_program(accelerator, tasks, identity=hardware.identity)
    prediction = prediction or predict_layer(accelerator, layer, mapping)
    least = prediction.cycles if habits is None else _least_cycles(accelerator, layer, mapping)
    scene = Scene(program=program, cycles=least, rng=prelude_rng, base=base)
    prelude, starts = _starts(scene, before)
    timed = stalls is None and habits is None
    by_piece = timed and prediction.num_steps <= max_steps_by_piece
    timeline = timeline_of(geometry) if by_piece else None
    *ran_before, result = run_starts(
        hardware.build(defines=defines),
        simulator=simulator,
        starts=starts,
        dram_image=program.image if prelude is None else prelude.image,
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
        **run_limits(accelerator, prediction, stalls, habits),
        stalls=stalls,
        habits=habits,
        read_error_address=None if prelude is None else prelude.read_error_address,
        write_error_address=None if prelude is None else prelude.write_error_address,
        want_events=prediction.num_steps <= max_steps_by_piece,
        dump=program.outputs[-1],
        waves=waves,
        base=base,
    )
    output = program.output(len(tasks) - 1, result.dram, first=program.outputs[-1][0])
    report = compare_run(
        geometry,
        prediction,
        result,
        timeline=timeline,
        output_mismatches=int(np.count_nonzero(output != reference_output(layer, quantised))),
        timed=timed,
    )
    before_it = _complaints_before(prelude, ran_before)
    return replace(report, messages=(*before_it, *report.messages), groups=groups)


def compare_run(
    geometry: Geometry,
    prediction: Prediction,
    result: BenchResult,
    *,
    timeline: Timeline | None,
    output_mismatches: int,
    timed: bool,
) -> LayerReport:
    """Compare what the bench saw of a layer with what was predicted.

    Parameters
    ----------
    timeline : of every piece of the layer; None compares the whole only.
    output_mismatches : bytes that are wrong.
    timed : whether cycles and counts are compared too, not the bytes only.
    """
    counted = counts_of(result)
    return LayerReport(
        name=geometry.layer.name,
        num_macs=geometry.layer.num_macs,
        num_pes=geometry.accelerator.num_pes,
        pes_used=geometry.pes_used,
        status=result.status,
        predicted_cycles=prediction.cycles,
        simulated_cycles=result.cycles,
        first_piece=first_difference(timeline, result.events) if timeline else None,
        counts=tuple(_count_differences(prediction.counts, counted, timed=timed)),
        output_mismatches=output_mismatches,
        timed=timed,
        accesses=prediction.accesses,
        messages=_complaints(result, geometry, prediction, timeline),
        pieces_compared=timeline is not None,
        predicted=prediction.counts,
        counted=counted,
        waves=result.waves,
    )


def _least_cycles(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> int:
    """Cycles of a layer with the fastest memory: habits may be faster than the accelerator's."""
    fastest = {"dram_latency_cycles": 1, "dram_beat_period_cycles": 1}
    return predict_layer(accelerator.model_copy(update=fastest), layer, mapping).cycles


def _starts(scene: Scene, before: str | None) -> tuple[Prelude | None, list[Start]]:
    """The run that counts, and what happens before it."""
    reads = STATUS_REGISTERS
    if before is None:
        writes = start_writes(scene.program, base=scene.base)
        return None, [Start(writes=tuple(writes), reads=reads)]
    prelude = PRELUDES[before](scene)
    return prelude, [prelude.start, replace(scene.start(1), reads=reads)]


def _complaints_before(prelude: Prelude | None, results: Sequence[BenchResult]) -> list[str]:
    if prelude is None:
        return []
    complaints = [prelude.complaint(result) for result in results]
    return [complaint for complaint in complaints if complaint is not None]


class RunLimits(TypedDict):
    """After how many cycles, and how many in which nothing moves, a run counts as hung."""

    cycle_limit: int
    idle_limit: int | None


def run_limits(
    accelerator: Accelerator,
    prediction: Prediction,
    stalls: Stalls | None,
    habits: MemoryHabits | None,
) -> RunLimits:
    """After how many cycles a run of this layer counts as hung."""
    cycles = (prediction.cycles + CYCLES_TO_SPARE) * (STALLED_FACTOR if stalls else 1)
    if habits is None:
        return {"cycle_limit": cycles, "idle_limit": None}
    beat = habits.cycles_of_a_beat(
        latency=accelerator.dram_latency_cycles, period=accelerator.dram_beat_period_cycles
    ) * (STALLED_FACTOR if stalls else 1)
    return {
        "cycle_limit": cycles + LATE_FACTOR * prediction.num_beats * beat,
        "idle_limit": CYCLES_TO_SPARE + IDLE_FACTOR * beat,
    }


def _complaints(
    result: BenchResult, geometry: Geometry, prediction: Prediction, timeline: Timeline | None
) -> tuple[str, ...]:
    complaints = list(result.messages)
    if result.status == "hang":
        complaints.append(
            diagnose_deadlock(geometry, result.events, counts_of(result), prediction.counts)
        )
    if timeline is not None and timeline.end != prediction.cycles:
        complaints.append(
            f"the recurrence must end in cycle {prediction.cycles} as the compiled model, "
            f"not {timeline.end}"
        )
    return (*complaints, *errors_of(result))


def errors_of(result: BenchResult) -> Iterator[str]:
    """What the accelerator says in its status, and what was wrong on the bus."""
    if result.registers.get(REGISTERS["status"], 0):
        yield f"status register is {result.registers[REGISTERS['status']]:#x}, not 0"
    for name in ("protocol_errors", "ordering_errors"):
        if result.counters[name]:
            yield f"{name} must be 0, not {result.counters[name]}"


def first_difference(timeline: Timeline, events: NDArray[np.int64]) -> Difference | None:
    """The earliest piece whose time in the log is not the predicted one."""
    predicted = {
        "layer": np.array([timeline.start]),
        "load_end": timeline.load_end,
        "fill_end": timeline.fill_end,
        "compute_end": timeline.compute_end,
        "drain_start": timeline.drain_go,
        "drain_end": timeline.drain_end,
        "store_end": timeline.store_end,
    }
    differences: list[tuple[int, Difference]] = []
    for name, times in predicted.items():
        logged = events[events[:, 1] == EVENTS.index(name), 0]
        length = min(len(times), len(logged))
        wrong = np.flatnonzero(times[:length] != logged[:length])
        if wrong.size:
            at = int(wrong[0])
            told = Difference(
                what=f"{name} of piece {at}", predicted=int(times[at]), simulated=int(logged[at])
            )
            differences.append((min(told.predicted, told.simulated), told))
        elif len(times) != len(logged):
            told = Difference(what=f"number of {name}", predicted=len(times), simulated=len(logged))
            differences.append((int(1e18), told))
    return min(differences, key=lambda entry: entry[0])[1] if differences else None


def predicted_counts(
    cycles: int, stalls: StallCycles, accesses: Accesses, ports: Sequence[str]
) -> dict[str, int]:
    """Every count that the bench or a performance counter sees, under its name there."""
    a = accesses
    writes = a.dram_outputs + a.dram_sums_out
    reads = a.dram - writes
    l2 = {
        "weights": a.l2_fill_weights,
        "inputs": a.l2_fill_inputs,
        "sums": a.l2_drain_sums,
        "store": a.l2_store_outputs + a.l2_store_sums,
        "load": a.l2_load_weights + a.l2_load_inputs + a.l2_load_residual + a.l2_load_sums,
        "drain": a.l2_drain,
        RESIDUAL_PORT: a.l2_drain_residual,
    }
    return {
        "dram_read_beats": reads,
        "dram_write_beats": writes,
        "weight_buffer_writes": a.l1_weight_writes,
        "input_buffer_writes": a.l1_input_writes,
        "weight_buffer_reads": a.l1_weight_reads,
        "input_buffer_reads": a.l1_input_reads,
        "accumulator_reads": a.accumulator_reads,
        "accumulator_writes": a.accumulator_writes,
        "macs": a.macs,
        **{f"l2 {name}": l2[name] for name in ports},
        "register cycles": cycles,
        "register active": stalls.compute,
        "register stall_load": stalls.load,
        "register stall_fill": stalls.fill,
        "register stall_drain": stalls.drain,
        "register stall_store": stalls.store,
        "register descriptor": stalls.descriptor,
        "register l2_reads": a.l2 - l2["load"] - l2["drain"],
        "register l2_writes": l2["load"] + l2["drain"],
        "register dram_reads": reads,
        "register dram_writes": writes,
    }


def counts_of(result: BenchResult) -> dict[str, int]:
    """What the bench and the performance counters counted; -1 where a register did not answer."""
    ports = (*L2_PORTS, RESIDUAL_PORT)[: len(result.l2_accesses)]
    return {
        **result.counters,
        **{f"l2 {name}": n for name, n in zip(ports, result.l2_accesses, strict=True)},
        **{
            f"register {name}": result.registers.get(REGISTERS[f"{name}_low"], -1)
            for name in COUNTERS
        },
    }


def _count_differences(
    predicted: AbstractMapping[str, int], counted: AbstractMapping[str, int], *, timed: bool
) -> list[Difference]:
    return [
        Difference(what=name, predicted=expected, simulated=counted[name])
        for name, expected in predicted.items()
        if counted[name] != expected and (timed or not name.startswith("register"))
    ]
