# amaranth: UnusedElaboratable=no
"""The two parts of an AXI4-Lite subordinate, with stalls on both sides of every channel."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from kit import STALLS, Bench, Stalls, at_random, simulate

from naas_hw.rtl.control.axi_lite import AxiLiteReads, AxiLiteWrites
from naas_hw.rtl.control.counters import COUNTER_BITS
from naas_hw.rtl.control.register_map import COUNTERS_OFFSET, REGISTERS, Access, register_map
from naas_hw.rtl.primitives.axi import Response

COUNTERS = ("a", "b")
ALL_REGISTERS = register_map(COUNTERS)
OFFSETS = {register.offset for register in ALL_REGISTERS}
WRITABLE = [one for one in ALL_REGISTERS if one.access != Access.READ_ONLY]
NUM_ACCESSES = 40


def random_offset(rng: np.random.Generator) -> int:
    """Mostly of a register; the low two bits do not count."""
    offset = int(rng.choice(sorted(OFFSETS)) if rng.random() < 0.8 else 4 * rng.integers(1 << 10))
    return offset + int(rng.integers(4))


def response_to(offset: int) -> Response:
    return Response.OKAY if offset & ~3 in OFFSETS else Response.SLVERR


def manager(channel: Any, items: Iterable[dict[str, int]], stalls: Stalls) -> Bench:
    """Offers items on a channel, each until it is taken."""

    async def bench(ctx: Any) -> None:
        pauses = iter(stalls)
        for item in items:
            while next(pauses):
                await ctx.tick()
            for name, value in item.items():
                ctx.set(getattr(channel, name), value)
            ctx.set(channel.valid, 1)
            await ctx.tick().until(channel.ready)
            ctx.set(channel.valid, 0)

    return bench


def taker(channel: Any, names: tuple[str, ...], taken: list[Any], stalls: Stalls) -> Bench:
    """Takes all answers of a channel; an answer stays until it is taken."""

    async def bench(ctx: Any) -> None:
        pauses = iter(stalls)
        waiting = None
        while len(taken) < NUM_ACCESSES:
            ready = not next(pauses)
            ctx.set(channel.ready, ready)
            values = [getattr(channel, name) for name in names]
            _, _, valid, *answer = await ctx.tick().sample(channel.valid, *values)
            assert waiting is None or (valid and answer == waiting)
            waiting = answer if valid and not ready else None
            if valid and ready:
                taken.append(tuple(answer))

    return bench


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("seed", range(2))
def test_writes_happen_in_order_and_once(stalls: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = AxiLiteWrites(registers=ALL_REGISTERS)
    offsets = [random_offset(rng) for _ in range(NUM_ACCESSES)]
    data = [int(rng.integers(1 << 32)) for _ in offsets]
    strobes = [int(rng.integers(16)) for _ in offsets]
    fired: list[tuple[int, int, int]] = []
    responses: list[tuple[int]] = []

    async def watch(ctx: Any) -> None:
        signals = (dut.fire, dut.chosen.as_value(), dut.data, dut.strobe)
        while True:
            _, _, fire, *write = await ctx.tick().sample(*signals)
            if fire:
                fired.append(tuple(write))

    simulate(
        dut,
        manager(dut.aw, ({"addr": offset} for offset in offsets), STALLS[stalls]()),
        manager(
            dut.w,
            ({"data": d, "strb": s} for d, s in zip(data, strobes, strict=True)),
            at_random(seed + 10),
        ),
        taker(dut.b, ("resp",), responses, at_random(seed + 20)),
        background=[watch],
    )
    chosen = [
        sum(1 << i for i, one in enumerate(WRITABLE) if one.offset == offset & ~3)
        for offset in offsets
    ]
    assert fired == list(zip(chosen, data, strobes, strict=True)), f"seed {seed}"
    assert responses == [(response_to(offset),) for offset in offsets], f"seed {seed}"


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("seed", range(2))
def test_reads_are_answered_in_order(stalls: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = AxiLiteReads(counters=COUNTERS)
    values = {register.offset: int(rng.integers(1 << 32)) for register in REGISTERS}
    counts = [int(rng.integers(1 << COUNTER_BITS)) for _ in COUNTERS]
    for i, count in enumerate(counts):
        offset = COUNTERS_OFFSET + 8 * i
        values |= {offset: count & 0xFFFF_FFFF, offset + 4: count >> 32}
    offsets = [random_offset(rng) for _ in range(NUM_ACCESSES)]
    answers: list[tuple[int, int]] = []

    async def values_of_registers(ctx: Any) -> None:
        for register in REGISTERS:
            ctx.set(getattr(dut.values, register.name), values[register.offset])

    async def turns(ctx: Any) -> None:
        while True:
            for turn, count in enumerate(counts):
                ctx.set(dut.counts.turn, turn)
                ctx.set(dut.counts.count, count)
                await ctx.tick()

    simulate(
        dut,
        values_of_registers,
        manager(dut.ar, ({"addr": offset} for offset in offsets), STALLS[stalls]()),
        taker(dut.r, ("data", "resp"), answers, at_random(seed + 20)),
        background=[turns],
    )
    assert answers == [(values.get(offset & ~3, 0), response_to(offset)) for offset in offsets], (
        f"seed {seed}"
    )


def test_a_write_takes_three_cycles_and_a_read_five() -> None:
    """Where the other side waits for nothing."""
    writes = AxiLiteWrites(registers=ALL_REGISTERS)
    reads = AxiLiteReads(counters=COUNTERS)

    async def write(ctx: Any) -> None:
        for channel in (writes.aw, writes.w):
            ctx.set(channel.valid, 1)
        ctx.set(writes.b.ready, 1)
        for cycle in range(9):
            assert ctx.get(writes.aw.ready) == (cycle % 3 == 0)
            assert ctx.get(writes.fire) == (cycle % 3 == 1)
            assert ctx.get(writes.b.valid) == (cycle % 3 == 2)
            await ctx.tick()

    async def read(ctx: Any) -> None:
        ctx.set(reads.ar.valid, 1)
        ctx.set(reads.r.ready, 1)
        for cycle in range(15):
            assert ctx.get(reads.ar.ready) == (cycle % 5 == 0)
            assert ctx.get(reads.r.valid) == (cycle % 5 == 4)
            await ctx.tick()

    simulate(writes, write)
    simulate(reads, read)
