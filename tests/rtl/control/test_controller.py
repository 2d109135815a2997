# amaranth: UnusedElaboratable=no
"""The controller runs lists of descriptors: its cycles, its errors, and what it refuses."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.wiring import connect
from kit import STALLS, Stalls, never, simulate

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.fields import DESCRIPTOR_VERSION, LAYOUT, MAGIC
from naas_hw.compiler.layout import SLOT_BYTES, descriptor_beats, layout_of
from naas_hw.rtl.control.controller import Controller
from naas_hw.rtl.control.status import Error
from naas_hw.rtl.primitives.config import ConfigRegister

BEAT_BYTES = 8
IDENTITY = 0x12345678
ACCELERATOR = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=4)),
    weight_buffer_bytes=32,
    input_buffer_bytes=32,
    accumulator_words=64,
    bank_bytes=256,
    beat_bytes=BEAT_BYTES,
    scale_depth=64,
)
BEATS = descriptor_beats(ACCELERATOR)
FIRST_SLOT = 5
"""Number of the slot at which the list begins."""
MAX_CYCLES = 5000


def good_values() -> dict[str, Any]:
    """A descriptor of the smallest layer: every count is one."""
    values: dict[str, Any] = {
        spec.name: (1,) * spec.count if spec.count > 1 else 1 for spec in LAYOUT
    }
    return values | {"magic": MAGIC, "format": DESCRIPTOR_VERSION, "identity": IDENTITY}


def descriptor(**changes: Any) -> bytes:
    return layout_of(ACCELERATOR).pack(good_values() | changes)


class Design(Elaboratable):
    """The controller with the config register that holds its fields."""

    def __init__(self) -> None:
        self.controller = Controller(ACCELERATOR, identity=IDENTITY)
        self.config = ConfigRegister(layout_of(ACCELERATOR))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.controller = controller = self.controller
        m.submodules.config = config = self.config
        names = controller.fields.signature.names
        connect(m, config.fields.select(names), controller.fields)
        m.d.comb += [config.shift.eq(controller.shift), config.beat.eq(controller.beat)]
        return m


@dataclass
class Run:
    """What stands around a controller: DRAM with descriptors, engines, and a log.

    Parameters
    ----------
    descriptors : in the order of their slots.
    layers : cycles from the go of each layer to the one in which it is done.
    stalls : of each channel of the DRAM.
    bad_beat : number of the beat, counted over all, that comes with an error.
    expires : cycle in which the watchdog expires.
    """

    descriptors: list[bytes]
    layers: Iterable[int] = ()
    stalls: Callable[[], Stalls] = never
    bad_beat: int | None = None
    expires: int | None = None
    requests: list[int] = field(default_factory=list)
    last_beats: list[int] = field(default_factory=list)
    goes: list[int] = field(default_factory=list)
    flushes: list[int] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    halts: list[int] = field(default_factory=list)
    busy: list[int] = field(default_factory=list)
    errors: int = 0
    done: int | None = None

    def play(self) -> "Run":
        design = Design()

        async def bench(ctx: Any) -> None:
            await self._bench(ctx, design.controller)

        simulate(design, bench)
        return self

    async def _bench(self, ctx: Any, dut: Controller) -> None:
        command = dut.command
        ctx.set(command.descriptors, FIRST_SLOT * SLOT_BYTES)
        ctx.set(command.num_descriptors, len(self.descriptors))
        await ctx.tick()
        ctx.set(command.start, 1)
        ctx.set(dut.quiet, 1)
        beats = self._beats()
        pauses = iter(self.stalls())
        address_pauses = iter(self.stalls())
        layers = iter(self.layers)
        waiting: list[tuple[int, bool]] = []
        end: int | None = None
        for cycle in range(MAX_CYCLES):
            ctx.set(dut.expired, self.expires is not None and cycle >= self.expires)
            ctx.set(dut.layer_done, cycle == end)
            is_offered = bool(waiting) and not next(pauses)
            ctx.set(dut.dram.r.valid, is_offered)
            ctx.set(dut.dram.r.data, waiting[0][0] if is_offered else 0)
            ctx.set(dut.dram.r.error, is_offered and waiting[0][1])
            is_ready = not next(address_pauses)
            ctx.set(dut.dram.ar.ready, is_ready)
            self._log(ctx, dut, cycle)
            if is_offered and ctx.get(dut.dram.r.ready):
                waiting.pop(0)
                if not waiting:
                    self.last_beats.append(cycle)
            if is_ready and ctx.get(dut.dram.ar.valid):
                assert ctx.get(dut.dram.ar.length) == BEATS - 1
                self.requests.append(ctx.get(dut.dram.ar.address))
                waiting = [next(beats) for _ in range(BEATS)]
            if ctx.get(dut.go):
                length = next(layers)
                end = cycle + length
            ended = self.done is not None
            await ctx.tick()
            ctx.set(command.start, 0)
            if ended:
                break
        assert not ctx.get(command.busy)
        self._log(ctx, dut, cycle + 1)

    def _log(self, ctx: Any, dut: Controller, cycle: int) -> None:
        for cycles, signal in (
            (self.goes, dut.go),
            (self.flushes, dut.flush),
            (self.restarts, dut.restart_watchdog),
            (self.halts, dut.halt),
            (self.busy, dut.command.busy),
        ):
            if ctx.get(signal):
                cycles.append(cycle)
        self.errors |= ctx.get(dut.command.errors)
        if ctx.get(dut.command.done):
            assert self.done is None
            self.done = cycle

    def _beats(self) -> Iterator[tuple[int, bool]]:
        number = 0
        for one in self.descriptors:
            for at in range(0, len(one), BEAT_BYTES):
                beat = int.from_bytes(one[at : at + BEAT_BYTES], "little")
                yield beat, number == self.bad_beat
                number += 1


def bits(*errors: Error) -> int:
    return sum(1 << error for error in errors)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("stalls", STALLS)
def test_a_list_runs_layer_by_layer(stalls: str) -> None:
    """The go follows the last beat, the next request the end of the layer, each in its time."""
    lengths = [3, 1, 40]
    run = Run([descriptor() for _ in lengths], lengths, STALLS[stalls]).play()
    assert run.errors == 0
    assert run.goes == [last + timing.DESCRIPTOR_TO_LAYER for last in run.last_beats]
    ends = [go + length for go, length in zip(run.goes, lengths, strict=True)]
    assert run.flushes == [end + 1 for end in ends]
    assert run.halts == []
    assert run.restarts == [1, *(end + 1 for end in ends[:-1])]
    assert run.done == ends[-1]
    assert run.busy == list(range(1, run.done + 1))
    slot_beats = SLOT_BYTES // BEAT_BYTES
    assert run.requests == [(FIRST_SLOT + i) * slot_beats for i in range(len(lengths))]


def test_an_empty_list_is_done_at_once() -> None:
    run = Run([]).play()
    assert (run.done, run.busy, run.requests, run.errors) == (0, [], [], 0)


WRONG: dict[Error, dict[str, Any]] = {
    Error.NOT_A_DESCRIPTOR: {"magic": MAGIC + 1},
    Error.OTHER_FORMAT: {"format": DESCRIPTOR_VERSION + 1},
    Error.OTHER_ACCELERATOR: {"identity": IDENTITY ^ 1},
    Error.ZERO_BOUND: {"pe_bound": (1, 1, 0, 1, 1, 1)},
    Error.DEPTH_EXCEEDED: {"need_l2_words": 511},
    Error.USED_EXCEEDED: {"used": (2, 5, 1)},
}


@pytest.mark.takes_seconds
@pytest.mark.parametrize(("error", "position"), [(error, i % 2) for i, error in enumerate(WRONG)])
def test_an_impossible_descriptor_ends_the_list(error: Error, position: int) -> None:
    """The layer before it runs; the one after it is not fetched."""
    descriptors = [descriptor()] * position + [descriptor(**WRONG[error]), descriptor()]
    run = Run(descriptors, [7] * position).play()
    assert run.errors == bits(error)
    assert len(run.goes) == position and len(run.requests) == position + 1
    assert run.done == run.last_beats[-1] + timing.DESCRIPTOR_TO_LAYER
    assert len(run.flushes) == position


def test_a_wrong_checksum_is_told_beside_the_rest() -> None:
    changed = bytearray(descriptor(magic=1))
    changed[-1] ^= 1
    run = Run([bytes(changed)]).play()
    assert run.errors == bits(Error.CHECKSUM, Error.NOT_A_DESCRIPTOR)


@pytest.mark.parametrize("beat", [0, 1, BEATS - 1])
def test_a_descriptor_with_a_read_error_says_nothing_else(beat: int) -> None:
    run = Run([descriptor(magic=1)], bad_beat=beat).play()
    assert run.errors == bits(Error.DESCRIPTOR_READ)
    assert run.goes == []


def test_an_expired_watchdog_stops_the_layer() -> None:
    run = Run([descriptor(), descriptor()], [10**6], expires=200).play()
    assert run.errors == bits(Error.WATCHDOG)
    assert len(run.goes) == 1 and run.goes[0] < 200
    assert run.done == 202 and run.halts == [201, 202, 203] and run.flushes == [203]


def test_an_expired_watchdog_refuses_what_is_fetched() -> None:
    run = Run([descriptor()], expires=10).play()
    assert run.errors == bits(Error.WATCHDOG)
    assert run.goes == [] and run.flushes == []


@pytest.mark.takes_seconds
@pytest.mark.parametrize("seed", range(3))
def test_random_damage_is_found_by_the_checksum(seed: int) -> None:
    """A descriptor with some bits changed is refused; `zlib` says the same."""
    rng = np.random.default_rng(seed)
    changed = bytearray(descriptor())
    for _ in range(int(rng.integers(1, 4))):
        changed[rng.integers(len(changed))] ^= 1 << int(rng.integers(8))
    is_whole = zlib.crc32(changed[:-4]) == int.from_bytes(changed[-4:], "little")
    run = Run([bytes(changed)], [5]).play()
    assert bool(run.errors & bits(Error.CHECKSUM)) == (not is_whole), f"seed {seed}"


def test_errors_of_the_bus_are_told_at_any_time() -> None:
    dut = Controller(ACCELERATOR, identity=IDENTITY)
    strobes = {
        Error.START_WHILE_BUSY: dut.command.start_while_busy,
        Error.DATA_READ: dut.data_read_error,
        Error.DATA_WRITE: dut.data_write_error,
        Error.WRITE_OUTSIDE: dut.write_outside,
    }

    async def bench(ctx: Any) -> None:
        for error, strobe in strobes.items():
            ctx.set(strobe, 1)
            assert ctx.get(dut.command.errors) == bits(error)
            await ctx.tick()
            ctx.set(strobe, 0)
        assert ctx.get(dut.command.errors) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("identity", [-1, 1 << 32])
def test_init_wrong_identity(identity: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^identity must have at most 32 bits, not the value {identity}$"
    ):
        Controller(ACCELERATOR, identity=identity)
