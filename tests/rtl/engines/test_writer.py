# amaranth: UnusedElaboratable=no
"""Store writes the right bytes whatever the bus does, stays in its range, and can be halted."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch import timing
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.engines.writer import DATA_PIPELINE, FIELDS, Writer
from naas_hw.workload.option import Option

BEAT = 8
PITCHES = dict(zip(FIELDS, (64, 16, 4, 1), strict=True))  # DRAM block, row; L2 row, column
EVERYWHERE = (0, (1 << 20) - 1)
PITCHED = frozenset({Option.PITCHED_STORE})


@dataclass(frozen=True)
class Piece:
    """A tile that leaves."""

    address: int
    blocks: int = 1
    rows: int = 1
    columns: int = 1
    sums: int = 0
    place: int = 0
    pixel: int = 1

    @property
    def beats(self) -> list[tuple[int, int]]:
        """(DRAM beat, L2 word) of each beat, in order."""
        each = 4 if self.sums else 1
        pixel = 1 if self.sums else self.pixel
        rows = [
            [b * PITCHES[FIELDS[0]] + r * PITCHES[FIELDS[1]] for r in range(self.rows)]
            for b in range(self.blocks)
        ]
        return [
            (
                self.address + each * (rows[b][r] + c * pixel) + k,
                self.place + each * (b + r * PITCHES[FIELDS[2]] + c * PITCHES[FIELDS[3]]) + k,
            )
            for b in range(self.blocks)
            for r in range(self.rows)
            for c in range(self.columns)
            for k in range(each)
        ]


@dataclass
class Bus:
    """A subordinate with habits, which checks the rules that a manager has to keep.

    `ready` says for a channel and the VALIDs of AW and W whether it is ready in this cycle.
    """

    ready: Any
    respond: Any
    bursts: list[tuple[int, int]] = field(default_factory=list)
    beats: list[tuple[int, int, int]] = field(default_factory=list)  # data, strobe, last
    num_responses: int = 0
    offered: dict[str, tuple[int, ...]] = field(default_factory=dict)
    addresses: list[tuple[int, int]] = field(default_factory=list)  # in the register at the bus

    @property
    def written(self) -> int:
        """Bursts of which address and all data have come."""
        return min(len(self.bursts), sum(last for _, _, last in self.beats))

    def cycle(self, ctx: Any, dut: Writer) -> None:
        """One cycle up to its edge."""
        now: dict[str, Any] = {
            "aw": self.addresses[0] if self.addresses else (),
            "w": (ctx.get(dut.dram.w.data), ctx.get(dut.dram.w.strobe), ctx.get(dut.dram.w.last)),
        }
        valid = {"aw": int(bool(self.addresses)), "w": ctx.get(dut.dram.w.valid)}
        for channel, payload in self.offered.items():
            assert valid[channel], f"{channel} must stay valid until it is ready"
            assert now[channel] == payload, f"{channel} must not change while it waits"
        is_ready = {channel: self.ready(self, channel, valid) for channel in ("aw", "w")}
        ctx.set(dut.dram.w.ready, is_ready["w"])
        self.offered = {
            channel: now[channel] for channel in valid if valid[channel] and not is_ready[channel]
        }
        answer = self.num_responses < self.written and self.respond()
        ctx.set(dut.dram.b.valid, answer)
        self.num_responses += answer
        self._take_address(ctx, dut)
        if valid["aw"] and is_ready["aw"]:
            self.bursts.append(self.addresses.pop(0))
        if valid["w"] and is_ready["w"]:
            data, strobe, last = now["w"]
            self.beats.append((data, strobe, last))

    def _take_address(self, ctx: Any, dut: Writer) -> None:
        """Addresses pass a register of two."""
        aw = dut.dram.aw
        ctx.set(aw.ready, len(self.addresses) < 2)
        if ctx.get(aw.valid & aw.ready):
            self.addresses.append((ctx.get(aw.address), ctx.get(aw.length)))

    def written_beats(self) -> list[tuple[int, int, int]]:
        """(DRAM beat, data, strobe) of all complete bursts; the lengths have to fit."""
        found = []
        beats = iter(self.beats)
        for address, length in self.bursts[: self.written]:
            for i in range(length + 1):
                data, strobe, last = next(beats)
                assert last == (i == length), "wlast must be high in the last beat and no other"
                found.append((address + i, data, strobe))
        return found


@dataclass
class Engine:
    """What stands around the writer: planner, drain, L2."""

    pieces: list[Piece]
    popped: int = 0
    asked: list[int | None] = field(default_factory=lambda: [None] * (timing.L2_LATENCY - 1))

    async def start(self, ctx: Any, dut: Writer, writable: tuple[int, int]) -> None:
        """Begin a layer."""
        for name, value in PITCHES.items():
            ctx.set(getattr(dut.fields, name), value)
        if dut.is_pitched:
            ctx.set(dut.fields.output_pixel_pitch, self.pieces[0].pixel)
        ctx.set(dut.first_block, writable[0])
        ctx.set(dut.last_block, writable[1])
        await ctx.tick()

    async def cycle(self, ctx: Any, dut: Writer, bus: Bus, *, drained: bool = False) -> None:
        """One cycle; the word that was asked for is there L2_LATENCY cycles later."""
        ctx.set(dut.tile_drained.give, drained)
        ctx.set(dut.i.valid, self.popped < len(self.pieces))
        if self.popped < len(self.pieces):
            piece = self.pieces[self.popped]
            ctx.set(
                dut.i.payload,
                {
                    "partial_sums": piece.sums,
                    "dram_address": piece.address,
                    "blocks": piece.blocks,
                    "rows": piece.rows,
                    "columns": piece.columns,
                    "l2_address": piece.place,
                },
            )
        bus.cycle(ctx, dut)
        self.popped += ctx.get(dut.i.valid & dut.i.ready)
        self.asked.append(ctx.get(dut.l2.address) if ctx.get(dut.l2.enable) else None)
        await ctx.tick()
        address = self.asked.pop(0)
        if address is not None:
            ctx.set(dut.l2.data, word(address))


def word(address: int) -> int:
    """What L2 holds."""
    return address * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF


def always(bus: Bus, channel: str, valid: dict[str, int]) -> int:
    """Ready before valid."""
    return 1


def habits(rng: np.random.Generator) -> dict[str, Any]:
    """Every order of handshakes that AXI4 allows."""

    def after_valid(bus: Bus, channel: str, valid: dict[str, int]) -> int:
        return valid[channel] & int(rng.random() < 0.5)

    def address_after_data(bus: Bus, channel: str, valid: dict[str, int]) -> int:
        """The address of a burst waits until its data are offered, or there already."""
        is_there = len(bus.bursts) < sum(last for _, _, last in bus.beats)
        return int(channel == "w" or is_there or valid["w"])

    def data_after_address(bus: Bus, channel: str, valid: dict[str, int]) -> int:
        is_there = len(bus.bursts) > sum(last for _, _, last in bus.beats)
        return int(channel == "aw" or is_there)

    def random(bus: Bus, channel: str, valid: dict[str, int]) -> int:
        return int(rng.random() < 0.3)

    return {
        habit.__name__: habit
        for habit in (always, after_valid, address_after_data, data_after_address, random)
    }


PIECES = [
    Piece(address=1000, rows=3, columns=5, place=7),
    Piece(address=2040, blocks=2, rows=2, columns=3, sums=1, place=40),
    Piece(address=505, columns=300, place=100),
    Piece(address=3, rows=4, columns=1, place=2),
]


@pytest.mark.takes_seconds
@pytest.mark.sampled(7)
@pytest.mark.parametrize("habit", list(habits(np.random.default_rng())))
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("pixel", [None, 1, 3])
def test_pieces_are_written_whatever_the_order_of_handshakes(
    habit: str, seed: int, pixel: int | None
) -> None:
    """Data in particular are offered before their address is accepted."""
    rng = np.random.default_rng(seed)
    dut = Writer(frozenset() if pixel is None else PITCHED, beat_bytes=BEAT)
    bus = Bus(ready=habits(rng)[habit], respond=lambda: rng.random() < 0.2)
    pieces = [replace(piece, pixel=pixel or 1) for piece in PIECES]
    engine = Engine(pieces)

    async def bench(ctx: Any) -> None:
        await engine.start(ctx, dut, EVERYWHERE)
        given = 0
        for _ in range(20_000):
            if given == len(pieces) and ctx.get(dut.settled):
                return
            drained = given < len(pieces) and given - engine.popped < 2 and rng.random() < 0.1
            given += drained
            await engine.cycle(ctx, dut, bus, drained=bool(drained))
        raise AssertionError("the writer must settle")

    simulate(dut, bench)
    expected = [(beat, word(at), 1) for piece in pieces for beat, at in piece.beats]
    assert bus.written_beats() == expected
    if pixel == 3:
        assert {length for _, length in bus.bursts[:15]} == {0}


@pytest.mark.parametrize("pixel", [1, 2, 7])
def test_pixels_that_are_apart_cost_no_cycle(pixel: int) -> None:
    """A beat a cycle from DATA_PIPELINE on, over the borders of rows and transfers too."""
    dut = Writer(PITCHED, beat_bytes=BEAT)
    shape = {"blocks": 2, "rows": 5, "columns": 9, "pixel": pixel}
    pieces = [Piece(address=512 * i, place=50 * i, **shape) for i in range(4)]
    num_beats = sum(len(piece.beats) for piece in pieces)
    bus = Bus(ready=always, respond=lambda: True)
    engine = Engine(pieces)
    taken: list[int] = []

    async def bench(ctx: Any) -> None:
        await engine.start(ctx, dut, EVERYWHERE)
        for cycle in range(num_beats + 60):
            before = len(bus.beats), engine.popped
            await engine.cycle(ctx, dut, bus, drained=cycle < len(pieces))
            taken.extend([cycle] if not before[1] and engine.popped else [])
            taken.extend([cycle] if len(bus.beats) > before[0] else [])
        assert ctx.get(dut.settled)

    simulate(dut, bench)
    accepted, *beats = taken
    assert beats == list(range(accepted + DATA_PIPELINE, accepted + DATA_PIPELINE + num_beats))
    assert len(bus.bursts) == (num_beats if pixel > 1 else 2 * 5 * len(pieces))


@pytest.mark.parametrize("option", [Option.MAXIMUM, Option.TABLE, Option.RESIDUAL])
def test_the_first_beat_comes_when_drain_has_written_the_tile(option: Option) -> None:
    """Later, where drain has an epilogue."""
    dut = Writer(frozenset({option}), beat_bytes=BEAT)
    bus = Bus(ready=always, respond=lambda: True)
    engine = Engine([Piece(address=0)])
    valid: list[bool] = []

    async def bench(ctx: Any) -> None:
        await engine.start(ctx, dut, EVERYWHERE)
        for cycle in range(40):
            valid.append(bool(ctx.get(dut.dram.w.valid)))
            await engine.cycle(ctx, dut, bus, drained=cycle == 5)

    simulate(dut, bench)
    has_epilogue = option is not Option.MAXIMUM
    assert valid.index(True) == 5 + timing.drain_to_store(has_epilogue=has_epilogue)


def test_a_burst_outside_the_range_goes_on_without_strobes() -> None:
    """The blocks at both ends belong to the range."""
    dut = Writer(beat_bytes=BEAT)
    block_beats = RANGE_BYTES // BEAT
    pieces = [Piece(address=block * block_beats + 2, columns=3) for block in range(2, 7)]
    bus = Bus(ready=always, respond=lambda: True)
    engine = Engine(pieces)
    told = []

    async def bench(ctx: Any) -> None:
        await engine.start(ctx, dut, (3, 5))
        for cycle in range(200):
            told.append(ctx.get(dut.outside))
            await engine.cycle(ctx, dut, bus, drained=cycle < len(pieces))
        assert ctx.get(dut.settled)

    simulate(dut, bench)
    inside = [3 <= beat // block_beats <= 5 for beat, _, _ in bus.written_beats()]
    assert [strobe for _, _, strobe in bus.written_beats()] == inside
    assert len(inside) == 3 * len(pieces)
    assert sum(told) == 2


@pytest.mark.takes_seconds
@pytest.mark.parametrize("seed", range(12))
def test_a_halt_completes_what_was_offered_and_writes_nothing_more(seed: int) -> None:
    """At a random moment, on a slow bus."""
    rng = np.random.default_rng(seed)
    dut = Writer(beat_bytes=BEAT)
    names = list(habits(rng))
    bus = Bus(ready=habits(rng)[names[seed % len(names)]], respond=lambda: rng.random() < 0.1)
    moment = int(rng.integers(5, 300))

    async def bench(ctx: Any) -> None:
        engine = Engine(PIECES)
        await engine.start(ctx, dut, EVERYWHERE)
        for cycle in range(moment):
            await engine.cycle(ctx, dut, bus, drained=cycle < len(PIECES))
        ctx.set(dut.halt, 1)
        waiting = bus.offered.get("w")
        strobed = sum(strobe for _, strobe, _ in bus.beats) + (waiting is not None)
        for _ in range(20_000):
            if ctx.get(dut.quiet):
                break
            await engine.cycle(ctx, dut, bus)
        assert ctx.get(dut.quiet)
        assert bus.num_responses == len(bus.bursts) == bus.written
        assert sum(strobe for _, strobe, _ in bus.beats) <= strobed + 1
        bus.written_beats()

    simulate(dut, bench)


@pytest.mark.takes_seconds
def test_responses_of_a_run_are_not_lost_behind_any_number_of_bursts() -> None:
    """Sums of run 0 are back in memory however many bursts run 1 has."""
    dut = Writer(beat_bytes=BEAT)
    many = (1 << 15) + 10
    bus = Bus(ready=always, respond=lambda: True)
    engine = Engine([Piece(address=0, sums=1), Piece(address=64, rows=many, columns=1)])

    async def bench(ctx: Any) -> None:
        await engine.start(ctx, dut, EVERYWHERE)
        for cycle in range(60):
            await engine.cycle(ctx, dut, bus, drained=cycle < 2)
        missing = bus.written - bus.num_responses
        for _ in range(many + 60):  # every burst has one beat now
            ctx.set(dut.dram.b.valid, missing > 0)
            missing += ctx.get(dut.dram.w.valid) - (missing > 0)
            await ctx.tick()
        ctx.set(dut.dram.b.valid, 0)
        assert ctx.get(dut.settled)
        ctx.set(dut.stored_run.ask, 1)
        ctx.set(dut.stored_run.output_run, 2)  # asks for run 0
        await ctx.tick()
        assert ctx.get(dut.stored_run.stored)

    simulate(dut, bench)


def test_no_more_bursts_wait_for_a_response_than_can_be_counted() -> None:
    """A memory that takes everything and answers nothing stops the addresses."""
    dut = Writer(beat_bytes=BEAT)
    bus = Bus(ready=always, respond=lambda: False)
    limit = timing.WRITE_AHEAD_BURSTS
    engine = Engine([Piece(address=0, rows=limit + 100, columns=1)])

    async def bench(ctx: Any) -> None:
        await engine.start(ctx, dut, EVERYWHERE)
        for cycle in range(limit + 100):
            await engine.cycle(ctx, dut, bus, drained=cycle < 1)
        assert limit <= len(bus.bursts) <= limit + 1
        bus.respond = lambda: True
        for _ in range(limit + 200):
            await engine.cycle(ctx, dut, bus)
        assert ctx.get(dut.settled)

    simulate(dut, bench)
    assert len(bus.bursts) == limit + 100


@pytest.mark.parametrize("beat_bytes", [0, 12])
def test_init_wrong_beat_bytes(beat_bytes: int) -> None:
    with pytest.raises(ValueError, match=f"^beat_bytes must be a power of two, not {beat_bytes}$"):
        Writer(beat_bytes=beat_bytes)
