"""Bus errors, impossible descriptors, a start while busy and a reset are survived.

The status says which of them happened, nothing hangs, and the next start is right. Lists of
descriptors take as long as the model says.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cases import CHANNELS, DEPTHWISE, LANES, PARTS, SPILLS, STEADY
from mutants import Mutant, generate_mutant
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.fields import BOUNDS, COUNTS, DESCRIPTOR_VERSION, NEST, OUTER
from naas_hw.compiler.layout import SLOT_BYTES, DescriptorLayout, descriptor_beats, layout_of
from naas_hw.compiler.program import LayerTask, Program, build_program
from naas_hw.cost.reference.accesses import accesses_of
from naas_hw.cost.reference.recurrence import Timeline, list_end, list_offsets, timeline_of
from naas_hw.rtl.accelerator import EVENTS
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import register_map
from naas_hw.rtl.control.status import Error
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.run import BenchResult, Stalls, Start, run_starts
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.case import Case
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import random_quantised_layer

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

REGISTERS = {register.name: register.offset for register in register_map(COUNTERS)}
BEAT = CHANNELS.beat_bytes
LATENCY = CHANNELS.dram_latency_cycles
CYCLE_LIMIT = 20_000
DONE, REFUSED = 0b01, 0b10  # bits of interrupt_status

MONITOR = """
  reg arrived = 1'b0, taken_before = 1'b0;
  wire taken_now = arrived && !controller.dram__r__ready;
  always @(posedge aclk) begin
    arrived <= aresetn && m_axi_rvalid && m_axi_rready;
    taken_before <= aresetn && taken_now;
    if (aresetn && taken_before !== (|reader.l2__enable ^ |reader.scales__enable))
      $display("naas_monitor: a beat that was %0d taken must be written, not write %0d scales %0d",
               taken_before, |reader.l2__enable, |reader.scales__enable);
    if (aresetn && m_axi_rvalid && !m_axi_rready)
      $display("naas_monitor: rready must be high with a beat");
  end
endmodule
"""
"""RREADY is high with every beat, and each beat goes to exactly one of descriptor, L2, scales."""


def watched(hardware: Hardware) -> Hardware:
    """The same with the monitor in its top module."""
    name = "naas_accelerator.v"
    body, end = hardware.sources[name].rstrip().rsplit("endmodule", 1)
    assert not end
    return replace(hardware, sources={**hardware.sources, name: body + MONITOR})


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    return watched(generate(CHANNELS))


def program_of(hardware: Hardware, *cases: Case) -> Program:
    """Layers with seeded tensors."""
    tasks = [
        LayerTask(
            layer=case.layer,
            mapping=case.mapping,
            tensors=random_quantised_layer(case.layer, np.random.default_rng(seed)),
        )
        for seed, case in enumerate(cases)
    ]
    return build_program(cases[0].accelerator, tasks, identity=hardware.identity)


def start(slot: int = 0, number: int = 1, **more: Any) -> Start:
    """Run `number` descriptors from a slot on."""
    writes = (
        (REGISTERS["interrupt_status"], DONE | REFUSED),
        (REGISTERS["interrupt_global_enable"], 1),
        (REGISTERS["interrupt_enable"], 1),
        (REGISTERS["write_first"], 0),
        (REGISTERS["write_last"], 0xFFFF_FFFF),
        (REGISTERS["descriptors_low"], slot * SLOT_BYTES),
        (REGISTERS["descriptors_high"], 0),
        (REGISTERS["num_descriptors"], number),
        (REGISTERS["control"], 1),
    )
    reads = tuple(REGISTERS[name] for name in ("status", "control", "interrupt_status"))
    return Start(writes=writes, reads=reads, **more)


def simulate(
    hardware: Hardware, image: NDArray[np.uint8], *starts: Start, **more: Any
) -> tuple[BenchResult, ...]:
    timing = {"latency": LATENCY, "period": 1} | more
    return run_starts(
        hardware.build(),
        simulator=find_simulator("icarus"),
        starts=starts,
        dram_image=image,
        cycle_limit=CYCLE_LIMIT,
        **timing,
    )


def status_of(result: BenchResult) -> set[Error]:
    """Errors that the status register names; the run has come to its end."""
    assert result.status == "done"
    assert result.registers[REGISTERS["control"]] == 0b1110  # done, idle, ready, not busy
    value = result.registers[REGISTERS["status"]]
    found = {error for error in Error.__members__.values() if value >> error & 1}
    assert sum(1 << error for error in found) == value
    return found


def is_right(program: Program, index: int, result: BenchResult) -> bool:
    """Whether the output of a layer is the golden convolution's."""
    task = program.tasks[index]
    output = program.output(index, result.dram)
    return np.array_equal(output, reference_output(task.layer, task.tensors))


def ran_as_predicted(case: Case, result: BenchResult) -> bool:
    """Cycles, beats on the bus and products of one layer."""
    accesses = accesses_of(case.geometry)
    return (
        result.cycles == timeline_of(case.geometry).end
        and result.counters["dram_write_beats"] == accesses.dram_outputs + accesses.dram_sums_out
        and result.counters["macs"] == accesses.macs
        and result.counters["protocol_errors"] == result.counters["ordering_errors"] == 0
        and result.messages == ()
    )


# Fields of a descriptor -----------------------------------------------------------------------

Values = dict[str, Any]


def descriptors_of(
    monkeypatch: pytest.MonkeyPatch, hardware: Hardware, *cases: Case
) -> tuple[Program, list[Values]]:
    """A program, and what its descriptors say before they are packed."""
    values: list[Values] = []

    pack = DescriptorLayout.pack

    def kept(layout: DescriptorLayout, given: Values) -> bytes:
        values.append(given)
        return pack(layout, given)

    with monkeypatch.context() as patch:
        patch.setattr(DescriptorLayout, "pack", kept)
        program = program_of(hardware, *cases)
    assert len(values) == len(cases)
    return program, values


def slot_with(
    values: Values, name: str, index: int, value: int, accelerator: Accelerator = CHANNELS
) -> NDArray[np.uint8]:
    """A slot of a list with the same descriptor but for one entry of a field."""
    entries = values[name]
    if isinstance(entries, tuple):
        changed: Any = (*entries[:index], value, *entries[index + 1 :])
    else:
        changed = value
    assert changed != entries
    packed = np.frombuffer(layout_of(accelerator).pack({**values, name: changed}), np.uint8)
    slot = np.zeros(SLOT_BYTES, np.uint8)
    slot[: packed.size] = packed
    return slot


def largest_of(name: str, accelerator: Accelerator = CHANNELS) -> int:
    """The largest value that a field of its descriptor takes."""
    (width,) = (spec.width for spec in layout_of(accelerator).fields if spec.name == name)
    return (1 << width) - 1


# Errors on the bus ----------------------------------------------------------------------------


@pytest.mark.parametrize("tensor", ["weight", "input"])
@pytest.mark.parametrize("where", ["first", "last"])
def test_a_read_error_is_told_and_the_layer_ends_in_its_time(
    monkeypatch: pytest.MonkeyPatch, hardware: Hardware, tensor: str, where: str
) -> None:
    """On the first and the last beat of a burst; the next layer runs as if nothing had been."""
    program, (values, _) = descriptors_of(monkeypatch, hardware, STEADY, DEPTHWISE)
    begin = values["dummy_input_address" if tensor == "input" else "load_weight_start"]
    length = values["weight_tile_words"] if tensor == "weight" else STEADY.layer.width
    address = (begin + (0 if where == "first" else length - 1)) * BEAT
    bad, good = simulate(
        hardware, program.image, start(), start(slot=1), read_error_address=address
    )
    assert status_of(bad) == {Error.DATA_READ}
    assert ran_as_predicted(STEADY, bad)
    assert status_of(good) == set()
    assert ran_as_predicted(DEPTHWISE, good)
    assert is_right(program, 1, good)


@pytest.mark.parametrize("beat", [0, descriptor_beats(CHANNELS) - 1])
def test_a_read_error_in_the_descriptor_ends_the_list(hardware: Hardware, beat: int) -> None:
    program = program_of(hardware, STEADY, DEPTHWISE)
    bad, good = simulate(
        hardware, program.image, start(number=2), start(slot=1), read_error_address=beat * BEAT
    )
    assert status_of(bad) == {Error.DESCRIPTOR_READ}
    assert bad.cycles == timeline_of(STEADY.geometry).start + 1
    assert bad.counters["dram_read_beats"] == descriptor_beats(CHANNELS)
    assert bad.counters["macs"] == bad.counters["dram_write_beats"] == 0
    assert status_of(good) == set()
    assert ran_as_predicted(DEPTHWISE, good)
    assert is_right(program, 1, good)


def test_a_bad_write_response_is_told_and_the_layer_ends_in_its_time(hardware: Hardware) -> None:
    program = program_of(hardware, STEADY, DEPTHWISE)
    bad, good = simulate(
        hardware,
        program.image,
        start(),
        start(slot=1),
        write_error_address=program.outputs[0][1] - BEAT,
    )
    assert status_of(bad) == {Error.DATA_WRITE}
    assert ran_as_predicted(STEADY, bad)
    assert status_of(good) == set()
    assert ran_as_predicted(DEPTHWISE, good)
    assert is_right(program, 1, good)


@pytest.mark.parametrize(("case", "region"), [(STEADY, "scales"), (SPILLS, "sums")])
def test_a_read_error_in_what_is_no_tile_is_told(
    hardware: Hardware, case: Case, region: str
) -> None:
    """Scales go past the global buffer; sums come back from DRAM."""
    program = program_of(hardware, case, DEPTHWISE)
    begin, _ = program.regions[0][region]
    bad, good = simulate(hardware, program.image, start(), start(slot=1), read_error_address=begin)
    assert status_of(bad) == {Error.DATA_READ}
    assert ran_as_predicted(replace(case, accelerator=CHANNELS), bad)
    assert status_of(good) == set()
    assert is_right(program, 1, good)


@pytest.mark.parametrize(("case", "region"), [(STEADY, "outputs"), (SPILLS, "sums")])
def test_a_bad_response_to_an_early_write_is_told(
    hardware: Hardware, case: Case, region: str
) -> None:
    """The first burst of outputs, and of sums that leave the chip."""
    program = program_of(hardware, case, DEPTHWISE)
    begin, _ = program.regions[0][region]
    bad, good = simulate(
        hardware, program.image, start(number=2), start(slot=1), write_error_address=begin
    )
    assert status_of(bad) == {Error.DATA_WRITE}
    assert is_right(program, 1, bad)
    assert status_of(good) == set()
    assert is_right(program, 1, good)


def test_an_address_that_nobody_answers_for_is_a_read_error(
    monkeypatch: pytest.MonkeyPatch, hardware: Hardware
) -> None:
    """A decode error; the layer goes to its end with whatever came."""
    program, (values,) = descriptors_of(monkeypatch, hardware, STEADY)
    image = program.image.copy()
    outside = image.size // BEAT + 16
    lost = slot_with(values, "load_weight_start", 0, outside)
    image[SLOT_BYTES : 2 * SLOT_BYTES] = lost
    bad, good = simulate(hardware, image, start(slot=1), start())
    assert status_of(bad) == {Error.DATA_READ}
    assert bad.cycles == timeline_of(STEADY.geometry).end
    assert all("a read must lie within" in message for message in bad.messages)
    assert status_of(good) == set()
    assert is_right(program, 0, good)


# Impossible descriptors -----------------------------------------------------------------------

IMPOSSIBLE: list[tuple[str, int, int, int]] = [
    ("magic", 0, 0, Error.NOT_A_DESCRIPTOR),
    ("format", 0, DESCRIPTOR_VERSION - 1, Error.OTHER_FORMAT),
    ("format", 0, DESCRIPTOR_VERSION + 1, Error.OTHER_FORMAT),
    ("identity", 0, 1, Error.OTHER_ACCELERATOR),
    *((name, i, 0, Error.ZERO_BOUND) for i, name in enumerate(BOUNDS[NEST] + BOUNDS[OUTER])),
    *((name, 0, 0, Error.ZERO_BOUND) for name in COUNTS),
    ("weight_groups", 2, 0, Error.ZERO_BOUND),
    ("need_weight_words", 0, 17, Error.DEPTH_EXCEEDED),
    ("need_input_bytes", 0, 17, Error.DEPTH_EXCEEDED),
    ("need_accumulator_words", 0, 17, Error.DEPTH_EXCEEDED),
    ("need_scale_words", 0, 9, Error.DEPTH_EXCEEDED),
    ("need_l2_words", 0, 8 * 256 + 1, Error.DEPTH_EXCEEDED),
    ("used", 0, 5, Error.USED_EXCEEDED),
    ("used", 1, 5, Error.USED_EXCEEDED),
    ("used", 1, 0, Error.USED_EXCEEDED),
    ("used", 2, 2, Error.USED_EXCEEDED),
]
"""Field, entry, value, and what is wrong with it; each is the least that is too much."""


def test_an_impossible_descriptor_is_refused_and_named(
    monkeypatch: pytest.MonkeyPatch, hardware: Hardware
) -> None:
    """One after the other in one simulation, and a good one behind them all."""
    program, (values,) = descriptors_of(monkeypatch, hardware, STEADY)
    slots = [slot_with(values, name, i, value) for name, i, value, _ in IMPOSSIBLE]
    first = program.image.size // SLOT_BYTES
    image = np.concatenate(
        [program.image, *slots, np.zeros(-len(slots) % 4 * SLOT_BYTES, np.uint8)]
    )
    *refused, good = simulate(
        hardware, image, *(start(slot=first + i) for i in range(len(slots))), start()
    )
    for (name, i, value, error), result in zip(IMPOSSIBLE, refused, strict=True):
        assert status_of(result) == {error}, (name, i, value)
        assert result.cycles == timeline_of(STEADY.geometry).start + 1
        assert result.counters["dram_read_beats"] == descriptor_beats(CHANNELS)
        assert result.counters["macs"] == result.counters["dram_write_beats"] == 0
    assert status_of(good) == set()
    assert ran_as_predicted(STEADY, good)
    assert is_right(program, 0, good)


def test_every_fault_of_a_descriptor_is_named(hardware: Hardware) -> None:
    """Memory without a descriptor: zeros are wrong in six ways."""
    program = program_of(hardware, STEADY)
    (result,) = simulate(hardware, np.zeros_like(program.image), start())
    assert status_of(result) == {
        Error.NOT_A_DESCRIPTOR,
        Error.OTHER_ACCELERATOR,
        Error.ZERO_BOUND,
        Error.USED_EXCEEDED,
        Error.CHECKSUM,
        Error.OTHER_FORMAT,
    }


def test_a_list_ends_at_its_impossible_descriptor(
    monkeypatch: pytest.MonkeyPatch, hardware: Hardware
) -> None:
    """What stands before it is done, what stands behind it is not."""
    program, values = descriptors_of(monkeypatch, hardware, STEADY, STEADY, DEPTHWISE)
    image = program.image.copy()
    image[SLOT_BYTES : 2 * SLOT_BYTES] = slot_with(values[1], "used", 0, 0)
    (result,) = simulate(hardware, image, start(number=3))
    assert status_of(result) == {Error.USED_EXCEEDED}
    assert is_right(program, 0, result)
    for begin, end in program.outputs[1:]:
        assert not result.dram[begin:end].any()


def test_lanes_that_a_layer_cannot_have_hang_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """All values but the right ones; nothing but the layer's own outputs and sums is written."""
    hardware = watched(generate(PARTS.accelerator))
    program, values = descriptors_of(monkeypatch, hardware, PARTS, LANES)
    latency = PARTS.accelerator.dram_latency_cycles
    wrong = [
        (layer, slot_with(values[layer], name, 0, value, PARTS.accelerator))
        for layer in range(len(values))
        for name in ("beat_lanes_log2", "weight_lanes_log2")
        for value in range(largest_of(name, PARTS.accelerator) + 1)
        if value != values[layer][name]
    ]
    first = program.image.size // SLOT_BYTES
    image = np.concatenate([program.image, *(slot for _, slot in wrong)])
    starts = [start(slot=first + i) for i in range(len(wrong))]
    *bad, parts, lanes = simulate(hardware, image, *starts, start(), start(slot=1), latency=latency)
    kept = np.ones(image.size, bool)
    for regions in program.regions:
        for region in ("outputs", "sums"):
            kept[slice(*regions.get(region, (0, 0)))] = False
    for (layer, _), result in zip(wrong, bad, strict=True):
        case = (PARTS, LANES)[layer]
        assert status_of(result) == set()
        assert result.cycles <= timeline_of(case.geometry).end
        assert result.messages == ()
        assert np.array_equal(result.dram[: image.size][kept], image[kept])
    for index, (case, result) in enumerate(((PARTS, parts), (LANES, lanes))):
        assert status_of(result) == set()
        assert ran_as_predicted(case, result)
        assert is_right(program, index, result)


def test_the_low_bits_of_a_list_s_address_are_not_looked_at(hardware: Hardware) -> None:
    """So no descriptor crosses a boundary of 4 KiB, wherever the list is said to be."""
    program = program_of(hardware, STEADY, DEPTHWISE)
    odd = start(slot=1)
    low = REGISTERS["descriptors_low"]
    writes = tuple((a, v + SLOT_BYTES - 1 if a == low else v) for a, v in odd.writes)
    (result,) = simulate(hardware, program.image, replace(odd, writes=writes))
    assert status_of(result) == set()
    assert result.messages == ()
    assert ran_as_predicted(DEPTHWISE, result)
    assert is_right(program, 1, result)


def test_an_empty_list_is_done_at_once(hardware: Hardware) -> None:
    program = program_of(hardware, STEADY)
    empty, good = simulate(hardware, program.image, start(number=0), start())
    assert (status_of(empty), empty.cycles) == (set(), 2)
    assert empty.counters["dram_read_bursts"] == 0
    assert status_of(good) == set()
    assert ran_as_predicted(STEADY, good)


# Start while busy, reset ----------------------------------------------------------------------


def test_a_start_while_busy_is_refused_and_changes_nothing(hardware: Hardware) -> None:
    program = program_of(hardware, STEADY, DEPTHWISE)
    again = ((REGISTERS["descriptors_low"], SLOT_BYTES), (REGISTERS["control"], 1))
    busy, good = simulate(hardware, program.image, start(writes_while_busy=again), start(slot=1))
    assert status_of(busy) == {Error.START_WHILE_BUSY}
    assert busy.registers[REGISTERS["interrupt_status"]] == DONE | REFUSED
    assert ran_as_predicted(STEADY, busy)
    assert is_right(program, 0, busy)
    assert status_of(good) == set()
    assert good.registers[REGISTERS["interrupt_status"]] == DONE
    assert ran_as_predicted(DEPTHWISE, good)
    assert is_right(program, 1, good)


def reset_cycles(timeline: Timeline) -> list[int]:
    """In the midst of the descriptor, of every piece of load and store, of compute and drain."""
    begins = [timeline.start, *timeline.load_end[:-1].tolist()]
    loads = [(a + b) // 2 for a, b in zip(begins, timeline.load_end.tolist(), strict=True)]
    stores = [end - 8 for end in timeline.store_end.tolist()]
    steps = [int(timeline.compute_end[0]) - 2, int(timeline.drain_end[-1]) - 2]
    return sorted({timeline.start // 2, *loads, *stores, *steps})


def test_a_reset_in_the_midst_leaves_nothing_behind(hardware: Hardware) -> None:
    """At many times of one simulation; then two layers run as predicted."""
    program = program_of(hardware, STEADY, DEPTHWISE)
    cycles = reset_cycles(timeline_of(STEADY.geometry))
    assert len(cycles) >= 6
    *cut, first, second = simulate(
        hardware,
        program.image,
        *(start(reset_after=cycle - 2) for cycle in cycles),  # the write's response takes two
        start(),
        start(slot=1),
    )
    assert [result.status for result in cut] == ["reset"] * len(cycles)
    for result in cut:
        assert result.registers[REGISTERS["status"]] == 0
        assert result.registers[REGISTERS["control"]] == 0b1100  # idle, ready
    for index, (case, result) in enumerate(((STEADY, first), (DEPTHWISE, second))):
        assert status_of(result) == set()
        assert ran_as_predicted(case, result)
        assert is_right(program, index, result)


# Lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency", "period"),
    [
        (12, 1),
        pytest.param(1, 17, marks=pytest.mark.slow),
        pytest.param(60, 2, marks=pytest.mark.slow),
    ],
)
def test_a_list_runs_layer_by_layer_in_the_predicted_time(
    hardware: Hardware, latency: int, period: int
) -> None:
    """Also where the beat period is so long that the next descriptor waits for it."""
    outside = {"dram_latency_cycles": latency, "dram_beat_period_cycles": period}
    cases = [
        replace(case, accelerator=CHANNELS.model_copy(update=outside))
        for case in (STEADY, SPILLS, DEPTHWISE)
    ]
    timelines = [timeline_of(case.geometry) for case in cases]
    program = program_of(hardware, *cases)
    (result,) = simulate(
        hardware, program.image, start(number=3), latency=latency, period=period, want_events=True
    )
    assert status_of(result) == set()
    assert result.messages == ()
    assert result.cycles == list_end(timelines, latency=latency)
    layers, computed = (
        result.events[result.events[:, 1] == EVENTS.index(name), 0].tolist()
        for name in ("layer", "compute_end")
    )
    offsets = list_offsets(timelines, latency=latency)
    pairs = list(zip(offsets, timelines, strict=True))
    assert layers == [offset + timeline.start for offset, timeline in pairs]
    assert computed == [
        offset + end for offset, timeline in pairs for end in timeline.compute_end.tolist()
    ]
    assert all(is_right(program, index, result) for index in range(3))


# RREADY ---------------------------------------------------------------------------------------


def test_every_beat_is_taken_under_random_stalls(hardware: Hardware) -> None:
    """RREADY is high with every beat, and every beat is written."""
    program = program_of(hardware, STEADY, SPILLS)
    (result,) = simulate(
        hardware, program.image, start(number=2), stalls=Stalls(seed=3, percent=40)
    )
    assert status_of(result) == set()
    assert result.messages == ()
    assert result.counters["rready_low"] == 0
    assert all(is_right(program, index, result) for index in range(2))


@pytest.mark.slow
def test_the_monitor_sees_a_beat_that_is_dropped() -> None:
    """And a run that waits for it for ever counts as hung."""
    mutant = Mutant(
        name="dropped beats",
        module="engines.reader",
        old="taken.eq(receiving & self.dram.r.valid)",
        new="taken.eq(receiving & self.dram.r.valid & (tensor != Tensor.INPUTS))",
        case="steady",
    )
    hardware = watched(generate_mutant(mutant, CHANNELS))
    (result,) = simulate(hardware, program_of(hardware, STEADY).image, start())
    assert result.status == "hang"
    assert any(message.startswith("naas_monitor: a beat") for message in result.messages)
