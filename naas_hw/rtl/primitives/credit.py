"""Permission that one engine gives another: a counter with a delay."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent


class Credit(SharedComponent):
    """Counts what was given and not yet taken.

    What is given in cycle t can be taken from cycle t + distance on. Giving and taking in the same
    cycle leave the count as it is. `clear` puts the count back to `initial` and forgets what is
    on its way; it wins. Taking without `available` is not allowed.

    Parameters
    ----------
    initial : count after `clear`.
    distance : cycles from `give` to its first effect, at least 1.
    width : bits of the counter.

    Members
    -------
    clear, give, take : In.
    available : Out, the count is not zero.
    """

    def __init__(self, *, initial: int, distance: int, width: int = 3) -> None:
        self.initial = initial
        self.distance = distance
        self.width = width
        if distance < 1:
            raise ValueError(f"distance must be at least 1, not {distance}")
        super().__init__({"clear": In(1), "give": In(1), "take": In(1), "available": Out(1)})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.initial, self.distance, self.width)

    def build(self, platform: Any) -> Module:
        m = Module()
        count = Signal(self.width)
        given = delayed(m, self.give, self.distance - 1, "given", clear=self.clear)
        m.d.comb += self.available.eq(count != 0)
        with m.If(self.clear):
            m.d.sync += count.eq(self.initial)
        with m.Elif(given ^ self.take):
            m.d.sync += count.eq(Mux(given, count + 1, count - 1))
        return m
