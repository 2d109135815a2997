"""A short FIFO whose head is visible the cycle after it was pushed."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.shared import SharedComponent


class Queue(SharedComponent):
    """First in, first out, in a memory that is read without a clock (an FPGA's LUTs).

    What is pushed in cycle t is at the head from t + 1 on if the queue was empty. A push and a pop
    may coincide. Pushing without room and popping without `valid` are not allowed. `clear` empties
    it and wins.

    Parameters
    ----------
    width : bits of an entry.
    depth : entries, a power of two.
    reserve : `room` falls when fewer than this many entries are free: they may be on their way.

    Members
    -------
    clear, push, pop : In.
    entry : In, width.
    valid : Out, head is an entry.
    head : Out, width.
    room : Out, at least `reserve` entries are free.
    """

    def __init__(self, *, width: int, depth: int, reserve: int = 1) -> None:
        self.width = width
        self.depth = depth
        self.reserve = reserve
        if depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, not {depth}")
        super().__init__(
            {
                "clear": In(1),
                "push": In(1),
                "entry": In(width),
                "room": Out(1),
                "pop": In(1),
                "valid": Out(1),
                "head": Out(width),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.width, self.depth, self.reserve)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.entries = entries = Memory(shape=self.width, depth=self.depth, init=())
        write_port, read_port = entries.write_port(), entries.read_port(domain="comb")
        back = Signal(range(self.depth))
        front = Signal(range(self.depth))
        level = Signal(range(self.depth + 1))
        m.d.comb += [
            self.valid.eq(level != 0),
            self.room.eq(~level.matches(*range(self.depth - self.reserve + 1, self.depth + 1))),
            write_port.en.eq(self.push),
            write_port.addr.eq(back),
            write_port.data.eq(self.entry),
            read_port.addr.eq(front),
            self.head.eq(read_port.data),
        ]
        with m.If(self.push):
            m.d.sync += back.eq(back + 1)
        with m.If(self.pop):
            m.d.sync += front.eq(front + 1)
        with m.If(self.push ^ self.pop):
            m.d.sync += level.eq(Mux(self.push, level + 1, level - 1))
        with m.If(self.clear):
            m.d.sync += [level.eq(0), front.eq(0), back.eq(0)]
        return m
