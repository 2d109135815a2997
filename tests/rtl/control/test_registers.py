# amaranth: UnusedElaboratable=no
"""The registers: AXI4-Lite rules, the start strobe's cycle, interrupt, counters."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from naas_hw.rtl.control.register_map import (
    MAX_COUNTERS,
    RANGE_BYTES,
    Access,
    register_map,
)
from naas_hw.rtl.control.registers import AxiLiteRegisters
from naas_hw.rtl.primitives.axi import Response

DIGEST = 0x0123456789ABCDEF
Bench = Callable[[Any], Coroutine[Any, Any, None]]
OFFSETS = {register.name: register.offset for register in register_map(("cycles", "stalls"))}


def make() -> AxiLiteRegisters:
    return AxiLiteRegisters(identity=0x4E414153, digest=DIGEST, counters=("cycles", "stalls"))


def simulate(dut: AxiLiteRegisters, *benches: Bench, background: Sequence[Bench] = ()) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


async def write(
    ctx: Any,
    dut: AxiLiteRegisters,
    offset: int,
    data: int,
    *,
    strobe: int = 0xF,
    data_delay: int = 0,
    response_delay: int = 0,
) -> int:
    """Write with W `data_delay` cycles after AW (before it where negative); the response."""
    ctx.set(dut.s_axil.aw.addr, offset)
    ctx.set(dut.s_axil.w.data, data)
    ctx.set(dut.s_axil.w.strb, strobe)
    delays = {"aw": max(0, -data_delay), "w": max(0, data_delay)}
    pending = set(delays)
    cycle = 0
    while pending:
        for channel in pending:
            ctx.set(getattr(dut.s_axil, channel).valid, cycle >= delays[channel])
        taken = {
            channel
            for channel in pending
            if cycle >= delays[channel] and ctx.get(getattr(dut.s_axil, channel).ready)
        }
        await ctx.tick()
        pending -= taken
        for channel in taken:
            ctx.set(getattr(dut.s_axil, channel).valid, 0)
        cycle += 1
    assert not ctx.get(dut.s_axil.b.valid)
    await ctx.tick()
    for _ in range(response_delay):
        assert ctx.get(dut.s_axil.b.valid)
        await ctx.tick()
    ctx.set(dut.s_axil.b.ready, 1)
    assert ctx.get(dut.s_axil.b.valid)
    response = ctx.get(dut.s_axil.b.resp)
    await ctx.tick()
    ctx.set(dut.s_axil.b.ready, 0)
    assert not ctx.get(dut.s_axil.b.valid)
    return int(response)


async def read(
    ctx: Any, dut: AxiLiteRegisters, offset: int, *, response_delay: int = 0
) -> tuple[int, int]:
    """(data, response)."""
    ctx.set(dut.s_axil.ar.addr, offset)
    ctx.set(dut.s_axil.ar.valid, 1)
    await ctx.tick().until(dut.s_axil.ar.ready)
    ctx.set(dut.s_axil.ar.valid, 0)
    ctx.set(dut.s_axil.ar.addr, 0)
    while not ctx.get(dut.s_axil.r.valid):
        await ctx.tick()
    for _ in range(response_delay):
        assert ctx.get(dut.s_axil.r.valid)
        assert not ctx.get(dut.s_axil.ar.ready)
        await ctx.tick()
    ctx.set(dut.s_axil.r.ready, 1)
    assert ctx.get(dut.s_axil.r.valid)
    answer = int(ctx.get(dut.s_axil.r.data)), int(ctx.get(dut.s_axil.r.resp))
    await ctx.tick()
    ctx.set(dut.s_axil.r.ready, 0)
    return answer


@pytest.mark.parametrize("data_delay", [-3, -1, 0, 1, 3])
@pytest.mark.parametrize("response_delay", [0, 2])
def test_a_write_is_taken_in_any_order_of_address_and_data(
    data_delay: int, response_delay: int
) -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        for value in (0x01234567, 0x89ABCDEF):
            response = await write(
                ctx,
                dut,
                OFFSETS["descriptors_high"],
                value,
                data_delay=data_delay,
                response_delay=response_delay,
            )
            assert response == Response.OKAY
            assert ctx.get(dut.command.descriptors) == value << 32

    simulate(dut, bench)


def test_byte_strobes_select_bytes() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        await write(ctx, dut, OFFSETS["num_descriptors"], 0x11223344)
        await write(ctx, dut, OFFSETS["num_descriptors"], 0xAABBCCDD, strobe=0b0101)
        assert ctx.get(dut.command.num_descriptors) == 0x11BB33DD
        assert await read(ctx, dut, OFFSETS["num_descriptors"]) == (0x11BB33DD, Response.OKAY)

    simulate(dut, bench)


def test_constants_and_counters_read_back_and_cannot_be_written() -> None:
    dut = make()
    expected = {
        "identity": 0x4E414153,
        "digest_low": DIGEST & 0xFFFFFFFF,
        "digest_high": DIGEST >> 32,
        "cycles_low": 0x55667788,
        "cycles_high": 0x44,
        "stalls_low": 7,
        "stalls_high": 0,
    }

    async def bench(ctx: Any) -> None:
        for name, value in expected.items():
            assert await write(ctx, dut, OFFSETS[name], 0xFFFFFFFF) == Response.OKAY
            assert await read(ctx, dut, OFFSETS[name], response_delay=2) == (value, Response.OKAY)

    async def turns(ctx: Any) -> None:
        while True:
            for turn, count in enumerate((0x4455667788, 7)):
                ctx.set(dut.counts.turn, turn)
                ctx.set(dut.counts.count, count)
                await ctx.tick()

    simulate(dut, bench, background=[turns])


@pytest.mark.parametrize("offset", [0x50, 0x54, 0x800, 0xFFC])
def test_an_address_without_a_register_answers_slverr(offset: int) -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        assert await write(ctx, dut, offset, 0xFFFFFFFF) == Response.SLVERR
        assert await read(ctx, dut, offset) == (0, Response.SLVERR)
        assert await read(ctx, dut, OFFSETS["identity"]) == (0x4E414153, Response.OKAY)

    simulate(dut, bench)


@pytest.mark.parametrize("data_delay", [-2, 0, 2])
def test_start_is_high_in_the_cycle_after_the_later_handshake_and_only_there(
    data_delay: int,
) -> None:
    dut = make()
    starts: list[int] = []
    handshakes: list[int] = []

    async def watch(ctx: Any) -> None:
        for cycle in range(14):
            _, _, start, aw, aw_ready, w, w_ready = await ctx.tick().sample(
                dut.command.start,
                dut.s_axil.aw.valid,
                dut.s_axil.aw.ready,
                dut.s_axil.w.valid,
                dut.s_axil.w.ready,
            )
            starts.extend([cycle] if start else [])
            handshakes.extend([cycle] * (int(aw and aw_ready) + int(w and w_ready)))

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(2)
        await write(ctx, dut, OFFSETS["control"], 1, data_delay=data_delay, response_delay=3)

    simulate(dut, watch, bench)
    assert len(handshakes) == 2
    assert starts == [max(handshakes) + 1]


@pytest.mark.parametrize(("data", "strobe"), [(0xFFFFFFFE, 0xF), (1, 0b1110), (1, 0)])
def test_no_start_without_bit_0_and_its_strobe(data: int, strobe: int) -> None:
    dut = make()

    async def never(ctx: Any) -> None:
        for _ in range(12):
            _, _, start, refused = await ctx.tick().sample(
                dut.command.start, dut.command.start_while_busy
            )
            assert not start and not refused

    async def bench(ctx: Any) -> None:
        await write(ctx, dut, OFFSETS["control"], data, strobe=strobe)

    simulate(dut, never, bench)


def test_a_start_while_busy_only_raises_its_strobe() -> None:
    dut = make()
    seen: list[tuple[int, int]] = []

    async def watch(ctx: Any) -> None:
        for _ in range(12):
            _, _, start, refused = await ctx.tick().sample(
                dut.command.start, dut.command.start_while_busy
            )
            seen.append((int(start), int(refused)))

    async def bench(ctx: Any) -> None:
        ctx.set(dut.command.errors, 1 << 3)
        await ctx.tick()
        ctx.set(dut.command.errors, 0)
        ctx.set(dut.command.busy, 1)
        await write(ctx, dut, OFFSETS["control"], 1)
        assert await read(ctx, dut, OFFSETS["control"]) == (0b0001, Response.OKAY)
        assert await read(ctx, dut, OFFSETS["status"]) == (1 << 3, Response.OKAY)
        assert await read(ctx, dut, OFFSETS["interrupt_status"]) == (0b10, Response.OKAY)

    simulate(dut, watch, bench)
    assert seen.count((0, 1)) == 1
    assert not any(start for start, _ in seen)


def test_done_and_status_stay_until_the_next_accepted_start() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        assert await read(ctx, dut, 0) == (0b1100, Response.OKAY)
        ctx.set(dut.command.done, 1)
        ctx.set(dut.command.errors, 0x8001)
        await ctx.tick()
        ctx.set(dut.command.done, 0)
        ctx.set(dut.command.errors, 0)
        assert await read(ctx, dut, OFFSETS["control"]) == (0b1110, Response.OKAY)
        assert await read(ctx, dut, OFFSETS["status"]) == (0x8001, Response.OKAY)
        await write(ctx, dut, OFFSETS["control"], 1)
        assert await read(ctx, dut, OFFSETS["control"]) == (0b1100, Response.OKAY)
        assert await read(ctx, dut, OFFSETS["status"]) == (0, Response.OKAY)

    simulate(dut, bench)


def test_the_interrupt_rises_one_cycle_after_done_and_falls_when_cleared() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        await write(ctx, dut, OFFSETS["interrupt_global_enable"], 1)
        await write(ctx, dut, OFFSETS["interrupt_enable"], 1)
        ctx.set(dut.command.done, 1)
        assert not ctx.get(dut.interrupt)
        await ctx.tick()
        ctx.set(dut.command.done, 0)
        assert ctx.get(dut.interrupt)
        await write(ctx, dut, OFFSETS["interrupt_status"], 0b10)
        assert ctx.get(dut.interrupt)
        await write(ctx, dut, OFFSETS["interrupt_status"], 0b01)
        assert not ctx.get(dut.interrupt)

    simulate(dut, bench)


@pytest.mark.parametrize(("global_enable", "enable"), [(0, 3), (1, 0), (1, 2)])
def test_a_disabled_interrupt_keeps_its_status_but_not_the_line(
    global_enable: int, enable: int
) -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        await write(ctx, dut, OFFSETS["interrupt_global_enable"], global_enable)
        await write(ctx, dut, OFFSETS["interrupt_enable"], enable)
        ctx.set(dut.command.done, 1)
        await ctx.tick()
        ctx.set(dut.command.done, 0)
        assert not ctx.get(dut.interrupt)
        assert await read(ctx, dut, OFFSETS["interrupt_status"]) == (1, Response.OKAY)

    simulate(dut, bench)


def test_random_traffic_leaves_what_a_dictionary_would_hold() -> None:
    dut = make()
    rng = np.random.default_rng(3)
    names = [r.name for r in register_map() if r.access is Access.READ_WRITE and r.offset >= 0x20]
    held = dict.fromkeys(names, 0) | {"write_first": (1 << 32) - RANGE_BYTES}

    async def bench(ctx: Any) -> None:
        for _ in range(200):
            name = names[rng.integers(len(names))]
            if rng.random() < 0.5:
                data, strobe = int(rng.integers(1 << 32)), int(rng.integers(16))
                mask = sum(0xFF << (8 * byte) for byte in range(4) if strobe >> byte & 1)
                held[name] = (held[name] & ~mask) | (data & mask)
                await write(
                    ctx,
                    dut,
                    OFFSETS[name],
                    data,
                    strobe=strobe,
                    data_delay=int(rng.integers(-2, 3)),
                    response_delay=int(rng.integers(3)),
                )
            else:
                delay = int(rng.integers(3))
                answer = await read(ctx, dut, OFFSETS[name], response_delay=delay)
                assert answer == (held[name], Response.OKAY)

    simulate(dut, bench)


def test_init_wrong_identity() -> None:
    with pytest.raises(ValueError, match=r"^identity must have at most 32 bits, not the value -1$"):
        AxiLiteRegisters(identity=-1, digest=0)


def test_init_wrong_digest() -> None:
    with pytest.raises(
        ValueError, match=rf"^digest must have at most 64 bits, not the value {1 << 64}$"
    ):
        AxiLiteRegisters(identity=0, digest=1 << 64)


def test_init_wrong_counters() -> None:
    with pytest.raises(
        ValueError, match=rf"^there must be at most {MAX_COUNTERS} counters, not 600$"
    ):
        AxiLiteRegisters(identity=0, digest=0, counters=[f"c{i}" for i in range(600)])
