"""Credits: permission that one engine gives another, counted with a delay."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent


class CreditSignature(wiring.Signature):
    """What the giver of credits drives; whoever takes them counts them in a `Credit`.

    Members
    -------
    give : Out, 1 bit; one credit is given in each cycle in which it is high.
    """

    def __init__(self) -> None:
        super().__init__({"give": Out(1)})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __repr__(self) -> str:
        return "CreditSignature()"


class Credit(SharedComponent):
    """Counts credits that were given and not yet taken.

    Whether there is one is a register. One that is taken is counted a cycle later.
    Giving and taking in the same cycle leave the count as it is. Taking without `available` is not
    allowed. Golden model: an integer behind a delay line.

    Parameters
    ----------
    initial : count after a reset.
    distance : cycles from a credit to its first effect, at least 1.
    width : bits of the counter.

    Members
    -------
    i : In, `CreditSignature`; credits that are given.
    take : In, 1 bit; one credit is taken.
    available : Out, 1 bit; the count is not zero.
    coming : Out, 1 bit; it is not zero in the next cycle, if none is taken in this one.

    Latency
    -------
    A credit that is given in cycle t can be taken from cycle t + `distance` on; one can be given
    and one taken in each cycle.

    Raises
    ------
    ValueError : the distance is below 1, or the counter is too narrow for `initial`.
    """

    def __init__(self, *, initial: int, distance: int, width: int = 3) -> None:
        if distance < 1:
            raise ValueError(f"distance must be at least 1, not {distance}")
        if not 0 <= initial < 1 << width:
            raise ValueError(f"initial must be at least 0 and below {1 << width}, not {initial}")
        self.initial = initial
        self.distance = distance
        self.width = width
        super().__init__(
            {
                "i": In(CreditSignature()),
                "take": In(1),
                "available": Out(1, init=self.initial != 0),
                "coming": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.initial, self.distance, self.width)

    def build(self, platform: Any) -> Module:
        m = Module()
        count = Signal(self.width, init=self.initial)
        given = delayed(m, self.i.give, self.distance - 1, "given")
        taken = Signal()
        m.d.comb += self.coming.eq(given | self.available)
        more = Mux(taken, count > 2, count > 1)
        m.d.sync += [
            taken.eq(self.take),
            count.eq(count + given - taken),
            self.available.eq(given | (self.available & (~self.take | more))),
        ]
        return m
