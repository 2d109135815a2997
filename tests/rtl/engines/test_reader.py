# amaranth: UnusedElaboratable=no
"""Load writes the right beats to the right words whatever the bus does, and can be halted."""

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from kit import STALLS, Stalls, simulate

from naas_hw.arch import timing
from naas_hw.rtl.engines.reader import ADDRESS_PIPELINE, Reader
from naas_hw.rtl.primitives.transfer import COMPONENT_SHIFT, LoadOptions, OptionalTensor, Tensor

BEAT = 8
FIELDS = {
    "input_block_pitch": 4096,
    "input_row_pitch": 64,
    "input_pixel_pitch": 1,
    "output_block_pitch": 512,
    "output_row_pitch": 16,
    "scale_tile_words": 32,
    "input_l2_row_pitch": 40,
    "input_l2_column_pitch": 5,
    "output_l2_row_pitch": 24,
    "output_l2_column_pitch": 3,
}


@dataclass(frozen=True)
class Transfer:
    """A box of beats."""

    tensor: int
    dram_address: int
    destination: int
    blocks: int = 1
    rows: int = 1
    columns: int = 1
    opens_tile: int = 0
    releases_fill: int = 0
    releases_drain: int = 0
    output_run: int = 0
    pixel_pitch: int = 1

    @property
    def pitches(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """From block to block, row to row, column to column: in DRAM and on the chip."""
        f = FIELDS
        match self.tensor:
            case Tensor.SCALES:
                return (f["scale_tile_words"], 0, 1), (1 << COMPONENT_SHIFT, 0, 1)
            case Tensor.WEIGHTS | OptionalTensor.TABLE:
                return (0, 0, 1), (0, 0, 1)
            case Tensor.INPUTS:
                dram = f["input_block_pitch"], f["input_row_pitch"], f["input_pixel_pitch"]
                return dram, (1, f["input_l2_row_pitch"], f["input_l2_column_pitch"])
            case OptionalTensor.RESIDUAL:
                dram = f["output_block_pitch"], f["output_row_pitch"], self.pixel_pitch
                return dram, (1, f["output_l2_row_pitch"], f["output_l2_column_pitch"])
        dram = 4 * f["output_block_pitch"], 4 * f["output_row_pitch"], 4
        l2 = 4, 4 * f["output_l2_row_pitch"], 4 * f["output_l2_column_pitch"]
        return dram, l2

    @property
    def beats(self) -> list[tuple[int, int]]:
        """(DRAM beat, word on the chip) of each beat, in order."""
        each = 4 if self.tensor == Tensor.PARTIAL_SUMS else 1
        dram, chip = self.pitches
        return [
            (
                self.dram_address + sum(i * p for i, p in zip(index, dram, strict=True)) + k,
                self.destination + sum(i * p for i, p in zip(index, chip, strict=True)) + k,
            )
            for index in product(range(self.blocks), range(self.rows), range(self.columns))
            for k in range(each)
        ]

    def payload(self, loads: LoadOptions) -> dict[str, Any]:
        """Its fields, as a stream carries them."""
        names = ("dram_address", "destination", "blocks", "rows", "columns")
        releases_drain = ("releases_drain",) if loads.residual else ()
        tags = ("tensor", "opens_tile", "releases_fill", "output_run", *releases_drain)
        tag = {name: int(getattr(self, name)) for name in tags}
        return {"tag": tag, **{name: int(getattr(self, name)) for name in names}}


TRANSFERS = [
    Transfer(Tensor.SCALES, 100, 4, blocks=3, columns=3, opens_tile=1),
    Transfer(Tensor.WEIGHTS, 500, 20, columns=300),
    Transfer(Tensor.INPUTS, 9000, 0, blocks=2, rows=3, columns=4, releases_fill=1),
    Transfer(Tensor.INPUTS, 1021, 9, rows=2, columns=7, opens_tile=1, releases_fill=1),
    Transfer(
        Tensor.PARTIAL_SUMS,
        2040,
        60,
        blocks=2,
        rows=2,
        columns=3,
        output_run=2,
        releases_drain=1,
    ),
]
ALL = LoadOptions(table_words=32, residual=True, pitched=True)
RESIDUAL = Transfer(OptionalTensor.RESIDUAL, 3000, 31, blocks=2, rows=3, columns=4, pixel_pitch=3)
ALL_TRANSFERS = [
    Transfer(OptionalTensor.TABLE, 4000, 0, columns=32, opens_tile=1),
    replace(TRANSFERS[0], opens_tile=0),
    *TRANSFERS[1:3],
    replace(RESIDUAL, releases_drain=1),
    TRANSFERS[3],
    replace(RESIDUAL, destination=90, output_run=1),
    replace(TRANSFERS[4], output_run=1),
]
"""Those of all options; the last run has both sums and a residual."""


def word(address: int) -> int:
    """What DRAM holds."""
    return address * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF


@dataclass
class Memory:
    """DRAM: takes addresses and answers in order, with stalls on both channels."""

    address_stalls: Stalls
    data_stalls: Stalls
    requested: list[int] = field(default_factory=list)
    num_beats: int = 0
    offered: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.address_pauses, self.data_pauses = iter(self.address_stalls), iter(self.data_stalls)

    def cycle(self, ctx: Any, dut: Reader) -> None:
        """One cycle up to its edge."""
        ar, r = dut.dram.ar, dut.dram.r
        now = ctx.get(ar.address), ctx.get(ar.length)
        if self.offered is not None and ctx.get(ar.valid):
            assert now == self.offered, "an address must not change while it waits"
        ready = not next(self.address_pauses)
        ctx.set(ar.ready, ready)
        answers = self.num_beats < len(self.requested) and not next(self.data_pauses)
        ctx.set(r.valid, answers)
        if answers:
            ctx.set(r.data, word(self.requested[self.num_beats]))
            self.num_beats += ctx.get(r.ready)
        taken = ctx.get(ar.valid) and ready
        self.offered = now if ctx.get(ar.valid) and not ready else None
        if taken:
            self.requested += range(now[0], now[0] + now[1] + 1)


@dataclass
class Chip:
    """L2 and the memories of scales and tables: what is written, in order."""

    written: list[tuple[str, int, int]] = field(default_factory=list)
    """(port, address, data)"""

    def cycle(self, ctx: Any, dut: Reader) -> None:
        for name in ("l2", "scales", *(("table",) if dut.loads.table_words else ())):
            port = getattr(dut, name)
            if ctx.get(port.enable):
                assert ctx.get(port.enable) == ((1 << BEAT) - 1 if name == "l2" else 1)
                self.written.append((name, ctx.get(port.address), ctx.get(port.data)))


FIRST = ADDRESS_PIPELINE + 1
"""Cycles from the first transfer that is offered to its first address."""

PORTS = {Tensor.SCALES: "scales", OptionalTensor.TABLE: "table"}
"""Where a tensor goes; all others go to L2."""


async def start(ctx: Any, dut: Reader, fields: dict[str, int] | None = None) -> None:
    """Begin a layer."""
    for name, value in (fields or FIELDS).items():
        ctx.set(getattr(dut.fields, name), value)
    await ctx.tick()


def offer(ctx: Any, dut: Reader, transfers: list[Transfer], taken: int) -> None:
    """The transfer that waits, if there is one."""
    ctx.set(dut.i.valid, taken < len(transfers))
    if taken < len(transfers):
        ctx.set(dut.i.payload, transfers[taken].payload(dut.loads))


@pytest.mark.takes_seconds
@pytest.mark.sampled(3)
@pytest.mark.parametrize("address_stalls", STALLS)
@pytest.mark.parametrize("data_stalls", STALLS)
@pytest.mark.parametrize(
    ("loads", "transfers"), [(LoadOptions(), TRANSFERS), (ALL, ALL_TRANSFERS)], ids=["four", "all"]
)
def test_every_beat_comes_to_its_word(
    address_stalls: str, data_stalls: str, loads: LoadOptions, transfers: list[Transfer]
) -> None:
    """In order; credits are given with the last beat of a transfer."""
    dut = Reader(loads, beat_bytes=BEAT)
    memory = Memory(STALLS[address_stalls](), STALLS[data_stalls]())
    chip = Chip()
    done: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        pitch = {"output_pixel_pitch": RESIDUAL.pixel_pitch} if loads.pitched else {}
        await start(ctx, dut, FIELDS | pitch)
        ctx.set(dut.stored_run.stored, 1)
        taken = 0
        while len(done) < len(transfers):
            offer(ctx, dut, transfers, taken)
            memory.cycle(ctx, dut)
            chip.cycle(ctx, dut)
            taken += ctx.get(dut.i.valid & dut.i.ready)
            loaded = ctx.get(dut.tile_loaded.give), ctx.get(dut.output_tile_loaded.give)
            if ctx.get(dut.transfer_done):
                assert memory.num_beats == sum(len(t.beats) for t in transfers[: len(done) + 1])
                done.append(loaded)
            else:
                assert loaded == (0, 0)
            await ctx.tick()
        chip.cycle(ctx, dut)
        await ctx.tick()
        assert ctx.get(dut.quiet)

    simulate(dut, bench)
    assert chip.written == [
        (PORTS.get(transfer.tensor, "l2"), to, word(at))
        for transfer in transfers
        for at, to in transfer.beats
    ]
    assert done == [(t.releases_fill, t.releases_drain) for t in transfers]


def test_an_image_with_a_stride_is_read_beat_by_beat() -> None:
    """Other tensors still come in runs."""
    dut = Reader(beat_bytes=BEAT)
    memory = Memory(STALLS["never"](), STALLS["never"]())
    chip = Chip()
    transfers = [
        Transfer(Tensor.INPUTS, 300, 2, rows=2, columns=3, releases_fill=1),
        Transfer(Tensor.WEIGHTS, 100, 50, columns=4),
    ]
    pitch = 3

    async def bench(ctx: Any) -> None:
        await start(ctx, dut, {**FIELDS, "input_pixel_pitch": pitch})
        taken = 0
        for _ in range(60):
            offer(ctx, dut, transfers, taken)
            memory.cycle(ctx, dut)
            chip.cycle(ctx, dut)
            taken += ctx.get(dut.i.valid & dut.i.ready)
            await ctx.tick()

    simulate(dut, bench)
    inputs = [300 + r * FIELDS["input_row_pitch"] + c * pitch for r in range(2) for c in range(3)]
    assert memory.requested == [*inputs, *range(100, 104)]
    destinations = [to for transfer in transfers for _, to in transfer.beats]
    assert [to for _, to, _ in chip.written] == destinations


def first_address(dut: Reader, transfers: list[Transfer], events: dict[int, Any]) -> list[int]:
    """Cycles in which bursts are taken; `events` are ports that are high in one cycle."""
    cycles = []

    async def bench(ctx: Any) -> None:
        await start(ctx, dut)
        ctx.set(dut.dram.ar.ready, 1)
        taken = 0
        for cycle in range(40):
            for at, port in events.items():
                ctx.set(port, cycle == at)
            offer(ctx, dut, transfers, taken)
            if ctx.get(dut.dram.ar.valid):
                cycles.append(cycle)
            taken += ctx.get(dut.i.valid & dut.i.ready)
            await ctx.tick()

    simulate(dut, bench)
    return cycles


def test_addresses_follow_one_another_without_a_gap() -> None:
    """Rows of one transfer, and those of the next."""
    dut = Reader(beat_bytes=BEAT)
    transfers = [
        Transfer(Tensor.INPUTS, 64 * i, 0, rows=2, columns=2, releases_fill=1) for i in range(3)
    ]
    cycles = first_address(dut, transfers, {})
    assert cycles == list(range(FIRST, FIRST + 6))


def test_a_third_tile_waits_until_fill_has_left_the_first() -> None:
    dut = Reader(beat_bytes=BEAT)
    transfers = [Transfer(Tensor.WEIGHTS, 64 * i, 0, columns=2, opens_tile=1) for i in range(3)]
    freed = 20
    cycles = first_address(dut, transfers, {freed: dut.tile_freed.give})
    assert cycles[1:] == [FIRST + 1, freed + timing.FILL_TO_LOAD]


def test_a_third_half_of_scales_waits_until_drain_has_left_the_first() -> None:
    dut = Reader(beat_bytes=BEAT)
    transfers = [Transfer(Tensor.SCALES, 64 * i, 0, columns=2) for i in range(3)]
    freed = 20
    cycles = first_address(dut, transfers, {freed: dut.scales_freed.give})
    assert cycles[1:] == [FIRST + 1, freed + timing.DRAIN_TO_SCALES]


def test_partial_sums_wait_until_those_of_the_run_before_last_are_stored() -> None:
    """They ask for their own run."""
    dut = Reader(beat_bytes=BEAT)
    transfers = [Transfer(Tensor.PARTIAL_SUMS, 0, 0, columns=1, output_run=7)]
    asked = []

    async def bench(ctx: Any) -> None:
        await start(ctx, dut)
        offer(ctx, dut, transfers, 0)
        assert ctx.get(dut.i.ready)
        await ctx.tick()
        for _ in range(10):
            asked.append((ctx.get(dut.stored_run.ask), ctx.get(dut.stored_run.output_run)))
            assert not ctx.get(dut.i.ready)
            await ctx.tick()
        ctx.set(dut.stored_run.stored, 1)
        assert ctx.get(dut.i.ready)

    simulate(dut, bench)
    assert asked == [(1, 7)] * 10


@pytest.mark.parametrize("run", [0, 1, 2, 3, 257, 260])
def test_a_residual_waits_until_drain_has_left_the_run_before_last(run: int) -> None:
    """Of all runs, with and without a residual; their number wraps."""
    dut = Reader(LoadOptions(residual=True), beat_bytes=BEAT)
    weights = Transfer(Tensor.WEIGHTS, 0, 0, output_run=run % 256)
    transfers = [weights, replace(RESIDUAL, output_run=run % 256)]
    drained = range(run + 1)
    begin = max(0, run - 4)
    addresses = []

    async def bench(ctx: Any) -> None:
        await start(ctx, dut)
        ctx.set(dut.dram.ar.ready, 1)
        taken = 0
        for cycle in range(run + 30):
            ctx.set(dut.output_tile_drained.give, cycle in drained)
            if cycle >= begin:
                offer(ctx, dut, transfers, taken)
            if ctx.get(dut.dram.ar.valid):
                addresses.append(cycle)
            taken += ctx.get(dut.i.valid & dut.i.ready)
            await ctx.tick()

    simulate(dut, bench)
    unhindered = begin + FIRST + 1
    waits_until = drained[run - 2] + timing.DRAIN_TO_RESIDUAL if run >= 2 else 0
    assert addresses[1] == max(unhindered, waits_until)


def test_no_more_beats_are_asked_for_than_can_be_counted() -> None:
    """A memory that takes every address and answers nothing stops the addresses."""
    dut = Reader(beat_bytes=BEAT)
    limit = timing.READ_AHEAD_BEATS

    async def bench(ctx: Any) -> None:
        await start(ctx, dut)
        offer(ctx, dut, [Transfer(Tensor.WEIGHTS, 0, 0, columns=limit + 2000)], 0)
        ctx.set(dut.dram.ar.ready, 1)
        asked = 0
        for _ in range(200):
            if ctx.get(dut.dram.ar.valid):
                asked += ctx.get(dut.dram.ar.length) + 1
            await ctx.tick()
        assert limit <= asked < limit + 2 * 256
        assert not ctx.get(dut.quiet)

    simulate(dut, bench)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("seed", range(8))
def test_a_halt_takes_what_was_asked_for_and_asks_for_nothing_more(seed: int) -> None:
    """At a random moment, on a slow bus."""
    rng = np.random.default_rng(seed)
    dut = Reader(beat_bytes=BEAT)
    memory = Memory(STALLS["mostly"](), STALLS["mostly"]())
    moment = int(rng.integers(5, 300))

    async def bench(ctx: Any) -> None:
        await start(ctx, dut)
        ctx.set(dut.stored_run.stored, 1)
        taken = 0
        for _ in range(moment):
            offer(ctx, dut, TRANSFERS, taken)
            memory.cycle(ctx, dut)
            taken += ctx.get(dut.i.valid & dut.i.ready)
            await ctx.tick()
        ctx.set(dut.halt, 1)
        ar = dut.dram.ar
        most = len(memory.requested) + (ctx.get(ar.length) + 1 if ctx.get(ar.valid) else 0)
        memory.cycle(ctx, dut)
        await ctx.tick()
        while not ctx.get(dut.quiet):
            assert not ctx.get(ar.valid)
            memory.cycle(ctx, dut)
            await ctx.tick()
        assert memory.num_beats == len(memory.requested) <= most

    simulate(dut, bench)


@pytest.mark.parametrize("beat_bytes", [0, 12])
def test_init_wrong_beat_bytes(beat_bytes: int) -> None:
    with pytest.raises(ValueError, match=f"^beat_bytes must be a power of two, not {beat_bytes}$"):
        Reader(beat_bytes=beat_bytes)
