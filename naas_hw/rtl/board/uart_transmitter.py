"""Sends bytes over a serial line."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.board.serial_line import FRAME_BITS, check_divisor
from naas_hw.rtl.primitives.shared import SharedComponent


class UartTransmitter(SharedComponent):
    """Bytes onto a serial line: a start bit, eight bits with the lowest first, a stop bit.

    Golden model: the bytes that came.

    Parameters
    ----------
    divisor : cycles of a bit.

    Members
    -------
    i : In, stream of 8 bits; ready where nothing is being sent.
    line : Out, 1 bit, a register; high at rest.

    Latency
    -------
    The start bit begins in the cycle after the byte was taken. A byte takes FRAME_BITS bits, and
    the next may be taken in the cycle behind its stop bit. At rest after reset.

    Raises
    ------
    ValueError : a divisor that is too small or too large.
    """

    def __init__(self, *, divisor: int) -> None:
        self.divisor = check_divisor(divisor)
        super().__init__({"i": In(stream.Signature(8)), "line": Out(1, init=1)})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.divisor,)

    def build(self, platform: Any) -> Module:
        m = Module()
        rest = Signal(FRAME_BITS - 1)
        left = Signal(range(FRAME_BITS + 1))
        count = Signal(range(self.divisor))
        m.d.comb += self.i.ready.eq(left == 0)
        with m.If(self.i.ready):
            m.d.sync += count.eq(self.divisor - 1)
            with m.If(self.i.valid):
                m.d.sync += [
                    left.eq(FRAME_BITS),
                    self.line.eq(0),
                    rest.eq(Cat(self.i.payload, Const(1, 1))),
                ]
        with m.Elif(count == 0):
            m.d.sync += [
                count.eq(self.divisor - 1),
                left.eq(left - 1),
                self.line.eq(rest[0]),
                rest.eq(Cat(rest[1:], Const(1, 1))),
            ]
        with m.Else():
            m.d.sync += count.eq(count - 1)
        return m
