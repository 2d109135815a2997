# amaranth: UnusedElaboratable=no
"""What is sent has a start bit, eight bits and a stop bit, each as long as the divisor says."""

from typing import Any

import pytest
from kit import simulate

from naas_hw.rtl.board.uart_transmitter import UartTransmitter

BYTES = [0x00, 0xA5, 0xFF]


@pytest.mark.parametrize("divisor", [4, 7])
def test_the_line_is_the_frames(divisor: int) -> None:
    dut = UartTransmitter(divisor=divisor)
    line: list[int] = []

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.line)
        for byte in BYTES:
            ctx.set(dut.i.payload, byte)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            assert not ctx.get(dut.i.ready)
            for _ in range(10 * divisor):
                line.append(ctx.get(dut.line))
                await ctx.tick()
        assert ctx.get(dut.i.ready) and ctx.get(dut.line)

    simulate(dut, bench)
    frames = [[0, *(byte >> bit & 1 for bit in range(8)), 1] for byte in BYTES]
    assert line == [bit for frame in frames for bit in frame for _ in range(divisor)]


@pytest.mark.parametrize("divisor", [3, 65537])
def test_a_divisor_out_of_range_is_refused(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"divisor must be 4 to 65536, not {divisor}"):
        UartTransmitter(divisor=divisor)
