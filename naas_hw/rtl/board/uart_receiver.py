"""Takes bytes from a serial line."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.board.serial_line import FRAME_BITS, check_divisor
from naas_hw.rtl.primitives.shared import SharedComponent


class UartReceiver(SharedComponent):
    """Bytes of a serial line: a start bit, eight bits with the lowest first, a stop bit.

    A frame begins where the line falls. Each bit is sampled once, in its middle. A frame whose stop
    bit is low gives no byte; where all of its bits are low it is a break. Golden model: the bytes
    that were sent.

    Parameters
    ----------
    divisor : cycles of a bit.

    Members
    -------
    line : In, 1 bit; of any clock, high at rest.
    o : Out, stream of 8 bits, always ready.
    broken : Out, 1 bit, strobe; a break came.

    Latency
    -------
    A byte is there in the middle of its stop bit, two cycles later. After reset the line counts as
    at rest.

    Raises
    ------
    ValueError : a divisor that is too small or too large.
    """

    def __init__(self, *, divisor: int) -> None:
        self.divisor = check_divisor(divisor)
        super().__init__(
            {
                "line": In(1),
                "o": Out(stream.Signature(8, always_ready=True)),
                "broken": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.divisor,)

    def build(self, platform: Any) -> Module:
        m = Module()
        first = Signal(init=1)
        line = Signal(init=1)
        before = Signal(init=1)
        starts = Signal()
        frame = Signal(FRAME_BITS)
        left = Signal(range(FRAME_BITS + 1))
        ends = Signal()
        m.d.comb += starts.eq((left == 0) & before & ~line)
        m.d.sync += [first.eq(self.line), line.eq(first), before.eq(line), ends.eq(0)]
        is_sampled = self._timer(m, starts)
        with m.If(starts):
            m.d.sync += left.eq(FRAME_BITS)
        with m.Elif((left != 0) & is_sampled):
            m.d.sync += [frame.eq(frame >> 1), frame[-1].eq(line), left.eq(left - 1)]
            m.d.sync += ends.eq(left == 1)
        m.d.comb += [
            self.o.payload.eq(frame[1:-1]),
            self.o.valid.eq(ends & frame[-1] & ~frame[0]),
            self.broken.eq(ends & (frame == 0)),
        ]
        return m

    def _timer(self, m: Module, starts: Signal) -> Value:
        """Whether a bit is in its middle; the first one half a bit after the start."""
        count = Signal(range(self.divisor))
        m.d.sync += count.eq(count - 1)
        with m.If(starts):
            m.d.sync += count.eq(self.divisor // 2 - 1)
        with m.Elif(count == 0):
            m.d.sync += count.eq(self.divisor - 1)
        return count == 0
