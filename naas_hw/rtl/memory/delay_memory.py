"""Numbers some cycles later, without a register for each cycle."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent


class DelayMemory(SharedComponent):
    """A number in each cycle, and the same numbers a fixed time later.

    They go round in a memory, of which one word is written and the oldest is read in each cycle.
    Golden model: a list.

    Parameters
    ----------
    width : bits of a number, at least 1.
    cycles : how much later, at least 2.

    Members
    -------
    i : In, width.
    o : Out, width.

    Latency
    -------
    `cycles` cycles from `i` to `o`. After a reset numbers mean nothing until then.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, width: int, cycles: int) -> None:
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        if cycles < 2:
            raise ValueError(f"cycles must be at least 2, not {cycles}")
        self.width = width
        self.cycles = cycles
        super().__init__({"i": In(width), "o": Out(width)})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.width, self.cycles)

    def build(self, platform: Any) -> Module:
        """The word behind the one that is written is the oldest: it is read a cycle ahead."""
        m = Module()
        m.submodules.memory = memory = Ram(width=self.width, depth=self.cycles)
        newest = Signal(range(self.cycles))
        oldest = Signal(range(self.cycles))
        m.d.comb += [
            oldest.eq(Mux(newest == self.cycles - 1, 0, newest + 1)),
            memory.write.enable.eq(1),
            memory.write.address.eq(newest),
            memory.write.data.eq(self.i),
            memory.read.enable.eq(1),
            memory.read.address.eq(oldest),
            self.o.eq(memory.read.data),
        ]
        m.d.sync += newest.eq(oldest)
        return m
