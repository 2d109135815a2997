"""A short FIFO whose head is visible the cycle after it was pushed."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Shape, ShapeLike, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent


class Queue(SharedComponent):
    """First in, first out, in a `Ram` that is read without a clock (an FPGA's LUTs).

    A payload may come and another go in the same cycle. Golden model: `collections.deque`.

    With a `reserve` the input never refuses: its sender looks at `room` before it begins to
    compute what it sends later, and at most `reserve` payloads are on their way at a time. It
    must not send into a full queue.

    Parameters
    ----------
    shape : shape of a payload.
    depth : payloads that the queue holds, a power of two.
    reserve : payloads that may be on their way when `room` is seen; zero, the default: the
        input has a `ready` instead.

    Members
    -------
    i : In, stream of `shape`; always ready where there is a reserve.
    o : Out, stream of `shape`.
    room : Out, 1 bit; at least `reserve` payloads fit in, as was known a cycle ago.

    Latency
    -------
    What comes in cycle t is offered from cycle t + 1 on if the queue was empty. One payload a
    cycle. The queue is empty after reset.

    Raises
    ------
    ValueError : the depth is no power of two, or the reserve does not fit in.
    """

    def __init__(self, *, shape: ShapeLike, depth: int, reserve: int = 0) -> None:
        if depth < 1 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, not {depth}")
        if not 0 <= reserve <= depth:
            raise ValueError(f"reserve must be 0 to {depth}, not {reserve}")
        self.shape = shape
        self.depth = depth
        self.reserve = reserve
        super().__init__(
            {
                "i": In(stream.Signature(shape, always_ready=reserve > 0)),
                "o": Out(stream.Signature(shape)),
                "room": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.shape, self.depth, self.reserve)

    def build(self, platform: Any) -> Module:
        m = Module()
        push = Signal()
        pop = Signal()
        m.d.comb += [
            push.eq(self.i.valid & self.i.ready),
            pop.eq(self.o.valid & self.o.ready),
        ]
        self._payloads(m, push, pop)
        self._level(m, push, pop)
        return m

    def _payloads(self, m: Module, push: Signal, pop: Signal) -> None:
        """The payloads in a ring, written at its back and read at its front."""
        if self.depth == 1:
            payload = Signal(self.shape, reset_less=True)
            m.d.comb += self.o.payload.eq(payload)
            with m.If(push):
                m.d.sync += payload.eq(self.i.payload)
            return
        width = Shape.cast(self.shape).width
        m.submodules.payloads = payloads = Ram(width=width, depth=self.depth, latency=0)
        back = Signal(range(self.depth))
        front = Signal(range(self.depth))
        m.d.comb += [
            payloads.write.enable.eq(push),
            payloads.write.address.eq(back),
            payloads.write.data.eq(self.i.payload),
            payloads.read.enable.eq(1),
            payloads.read.address.eq(front),
            self.o.payload.eq(payloads.read.data),
        ]
        with m.If(push):
            m.d.sync += back.eq(back + 1)
        with m.If(pop):
            m.d.sync += front.eq(front + 1)

    def _level(self, m: Module, push: Signal, pop: Signal) -> None:
        """How many payloads there are.

        One that leaves counts for a cycle more, so that little hangs on the other side's `ready`.
        """
        level = Signal(range(self.depth + 1))
        reserve = max(1, self.reserve)
        m.d.comb += self.room.eq(~level.matches(*range(self.depth - reserve + 1, self.depth + 1)))
        if not self.reserve:
            m.d.comb += self.i.ready.eq(self.room)
        popped = Signal()
        more = Mux(popped, level > 2, level > 1)
        m.d.sync += [
            popped.eq(pop),
            level.eq(level + push - popped),
            self.o.valid.eq(push | (self.o.valid & (~self.o.ready | more))),
        ]
