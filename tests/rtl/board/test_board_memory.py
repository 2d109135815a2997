# amaranth: UnusedElaboratable=no
"""The memory of a board has the time that the model expects, and its host takes what is left."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.board.board_memory import LATENCY, BoardMemory

SIZE = 4096


def contents(beat_bytes: int) -> bytes:
    return np.random.default_rng(beat_bytes).bytes(SIZE)


async def host_write(ctx: Any, dut: BoardMemory, word: int, value: int) -> None:
    ctx.set(dut.host.valid, 1)
    ctx.set(dut.host.write, 1)
    ctx.set(dut.host.address, word)
    ctx.set(dut.host.data, value)
    await ctx.tick().until(dut.host.ready)
    ctx.set(dut.host.valid, 0)


async def host_read(ctx: Any, dut: BoardMemory, word: int) -> int:
    ctx.set(dut.host.valid, 1)
    ctx.set(dut.host.write, 0)
    ctx.set(dut.host.address, word)
    await ctx.tick().until(dut.host.ready)
    ctx.set(dut.host.valid, 0)
    (value,) = await ctx.tick().sample(dut.host.read_data).until(dut.host.read_valid)
    return int(value)


async def fill(ctx: Any, dut: BoardMemory, data: bytes) -> None:
    for word, value in enumerate(np.frombuffer(data, "<u4")):
        await host_write(ctx, dut, word, int(value))


async def offer_read(ctx: Any, dut: BoardMemory, address: int, beats: int) -> None:
    ar = dut.s_axi.ar
    ctx.set(ar.addr, address)
    ctx.set(ar.len, beats - 1)
    ctx.set(ar.valid, 1)
    await ctx.tick().until(ar.ready)
    ctx.set(ar.valid, 0)


@pytest.mark.parametrize("beat_bytes", [4, 8, 16])
def test_what_the_host_writes_a_burst_reads_and_the_other_way_round(beat_bytes: int) -> None:
    """The first beat LATENCY cycles after its address, then one a cycle; the response likewise."""
    dut = BoardMemory(size_bytes=SIZE, beat_bytes=beat_bytes)
    data = contents(beat_bytes)
    written = np.random.default_rng(7).bytes(3 * beat_bytes)

    async def bench(ctx: Any) -> None:
        await fill(ctx, dut, data)
        bus = dut.s_axi
        ctx.set(bus.r.ready, 1)
        await offer_read(ctx, dut, 8 * beat_bytes, 5)
        for cycle in range(1, LATENCY + 5):
            valid = ctx.get(bus.r.valid)
            assert valid == (LATENCY <= cycle < LATENCY + 5)
            if valid:
                beat = 8 + cycle - LATENCY
                wanted = data[beat * beat_bytes : (beat + 1) * beat_bytes]
                assert ctx.get(bus.r.data) == int.from_bytes(wanted, "little")
                assert ctx.get(bus.r.last) == (cycle == LATENCY + 4)
            await ctx.tick()
        ctx.set(bus.b.ready, 1)
        ctx.set(bus.aw.addr, 2 * beat_bytes)
        ctx.set(bus.aw.len, 2)
        ctx.set(bus.aw.valid, 1)
        ctx.set(bus.w.valid, 1)
        ctx.set(bus.w.strb, (1 << beat_bytes) - 1)
        assert not ctx.get(bus.w.ready)
        await ctx.tick()
        ctx.set(bus.aw.valid, 0)
        for beat in range(3):
            part = written[beat * beat_bytes : (beat + 1) * beat_bytes]
            ctx.set(bus.w.data, int.from_bytes(part, "little"))
            assert ctx.get(bus.w.ready)
            await ctx.tick()
        ctx.set(bus.w.valid, 0)
        for _ in range(1, LATENCY):
            assert not ctx.get(bus.b.valid)
            await ctx.tick()
        assert ctx.get(bus.b.valid) and ctx.get(bus.b.resp) == 0
        first = 2 * beat_bytes // 4
        for word in range(3 * beat_bytes // 4):
            value = int.from_bytes(written[4 * word : 4 * word + 4], "little")
            assert await host_read(ctx, dut, first + word) == value

    simulate(dut, bench)


def test_bursts_follow_without_a_gap_and_wait_for_ready() -> None:
    """Bursts of a beat each, with a reader that stops now and then, while the host reads too."""
    dut = BoardMemory(size_bytes=SIZE, beat_bytes=4)
    data = contents(4)
    got: list[int] = []
    seen: list[int] = []

    async def addresses(ctx: Any) -> None:
        await fill(ctx, dut, data)
        for beat in range(40):
            await offer_read(ctx, dut, 4 * beat, 1)

    async def beats(ctx: Any) -> None:
        rng = np.random.default_rng(3)
        while len(got) < 40:
            ready = bool(rng.random() < 0.7)
            ctx.set(dut.s_axi.r.ready, ready)
            _, _, valid, value = await ctx.tick().sample(dut.s_axi.r.valid, dut.s_axi.r.data)
            if valid and ready:
                got.append(value)
        for word in range(4):
            seen.append(await host_read(ctx, dut, word))

    simulate(dut, addresses, beats)
    assert got == list(np.frombuffer(data, "<u4")[:40])
    assert seen == got[:4]


def test_a_burst_outside_is_an_error_and_changes_nothing() -> None:
    dut = BoardMemory(size_bytes=SIZE, beat_bytes=4)

    async def bench(ctx: Any) -> None:
        await host_write(ctx, dut, 0, 0x1234_5678)
        bus = dut.s_axi
        ctx.set(bus.r.ready, 1)
        await offer_read(ctx, dut, SIZE, 1)
        (response,) = await ctx.tick().sample(bus.r.resp).until(bus.r.valid)
        assert response == 2
        ctx.set(bus.aw.addr, 1 << 40)
        ctx.set(bus.aw.valid, 1)
        ctx.set(bus.w.valid, 1)
        ctx.set(bus.w.strb, 15)
        await ctx.tick()
        ctx.set(bus.aw.valid, 0)
        await ctx.tick()
        ctx.set(bus.w.valid, 0)
        (response,) = await ctx.tick().sample(bus.b.resp).until(bus.b.valid)
        assert response == 2
        assert await host_read(ctx, dut, 0) == 0x1234_5678

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("size_bytes", "beat_bytes", "sentence"),
    [
        (4096, 2, "beat_bytes must be at least 4, not 2"),
        (4096, 12, "beat_bytes must be a power of two, not 12"),
        (6000, 8, "size_bytes must be a multiple of 4096, not 6000"),
        (0, 8, "size_bytes must be a multiple of 4096, not 0"),
    ],
)
def test_wrong_sizes_are_refused(size_bytes: int, beat_bytes: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        BoardMemory(size_bytes=size_bytes, beat_bytes=beat_bytes)


def test_reads_are_as_fast_as_in_a_memory_that_takes_every_address_at_once() -> None:
    """Of bursts that are offered one behind the other no beat comes later than the model says.

    That memory offers a beat LATENCY cycles after the address of its burst was taken at the
    earliest, and one a cycle.
    """
    dut = BoardMemory(size_bytes=SIZE, beat_bytes=4)
    rng = np.random.default_rng(11)
    lengths = [int(n) for n in rng.choice([1, 1, 2, 5], size=60)]
    pauses = [1, *(int(n) for n in rng.choice([0, 0, 0, 9], size=59))]
    beats: list[int] = []

    async def watch(ctx: Any) -> None:
        cycle = 0
        while True:
            _, _, valid = await ctx.tick().sample(dut.s_axi.r.valid)
            beats.extend([cycle] if valid else [])
            cycle += 1

    async def addresses(ctx: Any) -> None:
        ar = dut.s_axi.ar
        ctx.set(dut.s_axi.r.ready, 1)
        for length, pause in zip(lengths, pauses, strict=True):
            ctx.set(ar.valid, 0)
            for _ in range(pause):
                await ctx.tick()
            ctx.set(ar.len, length - 1)
            ctx.set(ar.valid, 1)
            await ctx.tick().until(ar.ready)
        ctx.set(ar.valid, 0)
        await ctx.tick().repeat(sum(lengths))

    simulate(dut, addresses, background=[watch])
    expected: list[int] = []
    taken = -1
    for length, pause in zip(lengths, pauses, strict=True):
        taken += pause + 1
        begin = max(taken + LATENCY, expected[-1] + 1 if expected else 0)
        expected += range(begin, begin + length)
    assert beats == expected
