# amaranth: UnusedElaboratable=no
"""Bytes that go over a serial line arrive, at clocks that are some per cent apart."""

from typing import Any

import pytest
from kit import simulate

from naas_hw.rtl.board.uart_receiver import UartReceiver

BYTES = [0x00, 0xFF, 0x55, 0xA5, 0x80, 0x01]


async def send_bits(ctx: Any, dut: UartReceiver, bits: list[int], cycles: float) -> None:
    """Bits that last so many cycles each, in the mean."""
    begun = 0
    for number, bit in enumerate(bits, 1):
        ctx.set(dut.line, bit)
        end = round(number * cycles)
        await ctx.tick().repeat(end - begun)
        begun = end


def frame(byte: int) -> list[int]:
    return [0, *(byte >> bit & 1 for bit in range(8)), 1]


@pytest.mark.parametrize("cycles", [15.5, 16, 16.5])
def test_bytes_arrive_one_after_the_other(cycles: float) -> None:
    dut = UartReceiver(divisor=16)
    received: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.line, 1)
        await ctx.tick().repeat(40)
        for byte in BYTES:
            await send_bits(ctx, dut, frame(byte), cycles)
        ctx.set(dut.line, 1)
        await ctx.tick().repeat(40)

    simulate(dut, bench, background=[watcher(dut, received, [])])
    assert received == BYTES


def watcher(dut: UartReceiver, received: list[int], breaks: list[int]) -> Any:
    """Keeps the bytes that come, and how many had come at each break."""

    async def bench(ctx: Any) -> None:
        while True:
            sampled = await ctx.tick().sample(dut.o.valid, dut.o.payload, dut.broken)
            if sampled[2]:
                received.append(sampled[3])
            if sampled[4]:
                breaks.append(len(received))

    return bench


def test_a_break_is_told_and_a_frame_without_its_stop_bit_is_dropped() -> None:
    dut = UartReceiver(divisor=4)
    received: list[int] = []
    breaks: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.line, 1)
        await ctx.tick().repeat(10)
        await send_bits(ctx, dut, [*frame(0x42), 1, *[0] * 12, 1, 1], 4)
        await send_bits(ctx, dut, [*frame(0x43), 0, *[1] * 8, 0, 1, 1, *frame(0x44), 1, 1], 4)

    simulate(dut, bench, background=[watcher(dut, received, breaks)])
    assert (received, breaks) == ([0x42, 0x43, 0x44], [1])


@pytest.mark.parametrize("divisor", [3, 65537])
def test_a_divisor_out_of_range_is_refused(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"divisor must be 4 to 65536, not {divisor}"):
        UartReceiver(divisor=divisor)
