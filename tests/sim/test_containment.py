"""What a start may do at most: write within its range, and take no longer than it is allowed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_faults import (
    BEAT,
    CHANNELS,
    DEPTHWISE,
    REGISTERS,
    SPILLS,
    STEADY,
    descriptors_of,
    hardware,
    is_right,
    largest_of,
    program_of,
    ran_as_predicted,
    simulate,
    slot_with,
    start,
    status_of,
)

from naas_hw.arch import timing
from naas_hw.compiler.layout import SLOT_BYTES, descriptor_beats
from naas_hw.cost.reference.recurrence import timeline_of
from naas_hw.rtl.control.status import Error
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.run import Start

__all__ = ["hardware"]
pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

PAGE = 4096
UNIT = timing.WATCHDOG_UNIT


def with_registers(begin: Start, **registers: int) -> Start:
    """The same start with other values in registers."""
    offsets = {REGISTERS[name]: value for name, value in registers.items()}
    return replace(begin, writes=tuple((at, offsets.get(at, value)) for at, value in begin.writes))


def with_watchdog(begin: Start, units: int) -> Start:
    """The same start with a limit of time."""
    return replace(begin, writes=((REGISTERS["watchdog"], units), *begin.writes))


@pytest.mark.parametrize("case", [STEADY, SPILLS], ids=["outputs", "sums"])
def test_a_write_outside_the_range_is_not_made_and_told(hardware: Hardware, case: Any) -> None:
    """The layer takes its time; memory stays as it is, but for what is inside."""
    case = replace(case, accelerator=CHANNELS)
    program = program_of(hardware, case, DEPTHWISE)
    first, end = program.writable
    nowhere = with_registers(start(), write_first=end, write_last=end + PAGE - 1)
    only_second = with_registers(
        start(slot=1),
        write_first=program.outputs[1][0],
        write_last=program.outputs[1][0] + PAGE - 1,
    )
    bad, good = simulate(
        hardware,
        program.image,
        replace(nowhere, writable=(end, end + PAGE)),
        replace(only_second, writable=(program.outputs[1][0], program.outputs[1][0] + PAGE)),
    )
    assert status_of(bad) == {Error.WRITE_OUTSIDE}
    assert ran_as_predicted(case, bad)
    assert status_of(good) == set()
    assert is_right(program, 1, good)
    assert bad.counters["writes_outside"] == good.counters["writes_outside"] == 0
    left_alone = np.ones(program.image.size, np.bool_)
    left_alone[slice(*program.outputs[1])] = False
    assert np.array_equal(bad.dram[left_alone], program.image[left_alone])
    assert first < end


def test_the_bench_sees_writes_beyond_its_range(hardware: Hardware) -> None:
    """The monitor that says that there were none counts where there are some."""
    program = program_of(hardware, STEADY)
    first, _ = program.writable
    (result,) = simulate(hardware, program.image, replace(start(), writable=(first - PAGE, first)))
    assert result.counters["writes_outside"] == result.counters["dram_write_bursts"] > 0


def test_after_a_reset_nothing_may_be_written(hardware: Hardware) -> None:
    """Software that does not say where the accelerator may write is told so."""
    program = program_of(hardware, STEADY)
    silent = start()
    forgot = replace(
        silent,
        writes=tuple(
            (at, value)
            for at, value in silent.writes
            if at not in (REGISTERS["write_first"], REGISTERS["write_last"])
        ),
    )
    (result,) = simulate(hardware, program.image, forgot)
    assert status_of(result) == {Error.WRITE_OUTSIDE}
    assert np.array_equal(result.dram, program.image)


@pytest.mark.parametrize("byte", [0, 5, 200, descriptor_beats(CHANNELS) * BEAT - 1])
def test_a_wrong_checksum_is_refused_before_the_layer_starts(hardware: Hardware, byte: int) -> None:
    """In padding, in a field that nothing else checks, and in the checksum itself."""
    program = program_of(hardware, STEADY)
    image = program.image.copy()
    image[byte] ^= 0x10
    slot = np.zeros(PAGE, np.uint8)
    slot[: descriptor_beats(CHANNELS) * BEAT] = program.image[: descriptor_beats(CHANNELS) * BEAT]
    bad, good = simulate(
        hardware,
        np.concatenate([image, slot]),
        start(),
        start(slot=image.size // SLOT_BYTES),
    )
    assert Error.CHECKSUM in status_of(bad)
    assert bad.cycles == timeline_of(STEADY.geometry).start + 1
    assert bad.counters["macs"] == bad.counters["dram_write_beats"] == 0
    assert status_of(good) == set()
    assert ran_as_predicted(STEADY, good)
    assert is_right(program, 0, good)


STUCK = (
    ("store_bound", 0, 7),  # store waits for tiles that drain never leaves
    ("load_input_mask", 0, 0),  # fill waits for inputs that load does not bring
    ("fill_bound", 11, largest_of("fill_bound")),  # no tile is ever freed
    ("pe_bound", 5, largest_of("pe_bound")),  # a step takes longer than the layer may
    (
        "weight_tile_words",
        0,
        largest_of("weight_tile_words"),
    ),  # so does a tile, and more beats are asked for than come
)


def test_the_watchdog_stops_a_stuck_layer_and_the_next_start_is_exact(
    monkeypatch: pytest.MonkeyPatch, hardware: Hardware
) -> None:
    """Whichever engine waits, and with bursts under way."""
    program, (values,) = descriptors_of(monkeypatch, hardware, STEADY)
    slots = [slot_with(values, name, i, value) for name, i, value in STUCK]
    first = program.image.size // SLOT_BYTES
    image = np.concatenate([program.image, *slots])
    starts = []
    for i in range(len(STUCK)):
        starts += [with_watchdog(start(slot=first + i), 1), with_watchdog(start(), 1)]
    results = simulate(hardware, image, *starts)
    for (name, _, _), bad, good in zip(STUCK, results[::2], results[1::2], strict=True):
        assert status_of(bad) == {Error.WATCHDOG}, name
        assert bad.counters["protocol_errors"] == 0, name
        assert status_of(good) == set(), name
        assert ran_as_predicted(STEADY, good), name
        assert is_right(program, 0, good)


def test_a_limit_that_is_kept_changes_nothing(hardware: Hardware) -> None:
    """And it is that of a layer, not of the list."""
    program = program_of(hardware, STEADY, DEPTHWISE, STEADY)
    longest = max(timeline_of(case.geometry).end for case in (STEADY, DEPTHWISE))
    (result,) = simulate(
        hardware, program.image, with_watchdog(start(number=3), -(-longest // UNIT))
    )
    assert status_of(result) == set()
    assert all(is_right(program, index, result) for index in range(3))


def test_a_layer_that_takes_too_long_ends_the_list(hardware: Hardware) -> None:
    """Under a memory so slow that the first layer is over its limit."""
    program = program_of(hardware, STEADY, DEPTHWISE)
    slow, good = simulate(
        hardware,
        program.image,
        with_watchdog(start(number=2), 1),
        with_watchdog(start(slot=1), 0),
        latency=900,
        period=4,
    )
    assert status_of(slow) == {Error.WATCHDOG}
    assert UNIT < slow.cycles < UNIT + 2000 + 4 * (timing.READ_AHEAD_BEATS + 256)
    assert status_of(good) == set()
    assert is_right(program, 1, good)
