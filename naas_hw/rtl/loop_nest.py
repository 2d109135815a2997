"""The one sequencer: counters, and the addresses that follow them."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from naas_hw.mapping.descriptor import BOUND_BITS
from naas_hw.rtl.shared import SharedComponent


def select(onehot: list[Value], choices: list[Value]) -> Value:
    """AND-OR multiplexer: the choice whose bit is set, zero if none is."""
    total: Value = Mux(onehot[0], choices[0], 0)
    for bit, choice in zip(onehot[1:], choices[1:], strict=True):
        total = total | Mux(bit, choice, 0)
    return total


def changes(last: Value, mask: Value) -> Value:
    """Whether the next advance moves a position of the mask or one outside it.

    `mask` has a bit for each position up to the innermost that moves the tensor.
    """
    return (last | mask).all()


class LoopNest(SharedComponent):
    """A nest of loops whose state is its counters and any number of linear values.

    `start` puts all counters at their first trip and all values at their start; `advance` steps
    the innermost loop that is not in its last trip and returns those inside it to their first.
    Both take effect at the end of their cycle; start wins. After the last iteration `advance` does
    nothing that is defined. Golden model: `itertools.product` over the bounds.

    Parameters
    ----------
    positions : number of loops; position 0 is the outermost.
    values : (name, width) of each linear value; arithmetic wraps.

    Members
    -------
    start, advance : In.
    bounds : In, trips of each position, at least 1.
    last, first : Out, a bit for each position: it is in its last, first trip.
    counts : Out, the trip of each position, from 1 on.
    final : Out, all positions are in their last trip.
    NAME_start, NAME_delta : In; value at the start, and gain when a position steps, for each value.
    NAME : Out.
    """

    def __init__(self, *, positions: int, values: tuple[tuple[str, int], ...]) -> None:
        if positions < 1:
            raise ValueError(f"positions must be at least 1, not {positions}")
        self.positions = positions
        self.values = values
        ports = {
            "start": In(1),
            "advance": In(1),
            "bounds": In(data.ArrayLayout(BOUND_BITS, positions)),
            "last": Out(positions),
            "first": Out(positions),
            "final": Out(1),
            "counts": Out(data.ArrayLayout(BOUND_BITS, positions)),
        }
        for name, width in values:
            ports[f"{name}_start"] = In(width)
            ports[f"{name}_delta"] = In(data.ArrayLayout(signed(width), positions))
            ports[name] = Out(width)
        super().__init__(ports)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.positions, self.values)

    def build(self, platform: Any) -> Module:
        m = Module()
        steps = self._counters(m)
        for name, width in self.values:
            value, delta = getattr(self, name), getattr(self, f"{name}_delta")
            gain = Signal(width, name=f"{name}_gain")
            m.d.comb += gain.eq(
                select(steps, [delta[i].as_unsigned() for i in range(self.positions)])
            )
            with m.If(self.start):
                m.d.sync += value.eq(getattr(self, f"{name}_start"))
            with m.Elif(self.advance):
                m.d.sync += value.eq(value + gain)
        return m

    def _counters(self, m: Module) -> list[Value]:
        """Counters; returns for each position whether it is the one that steps."""
        steps: list[Value] = []
        inner_last: Value = Cat()
        for i in reversed(range(self.positions)):
            step = Signal(name=f"step_{i}")
            wrap = Signal(name=f"wrap_{i}")
            m.d.comb += [
                self.last[i].eq(self.counts[i] == self.bounds[i]),
                self.first[i].eq(self.counts[i] == 1),
                step.eq(~self.last[i] & inner_last.all()),
                wrap.eq(self.last[i] & inner_last.all()),
            ]
            with m.If(self.start | (self.advance & wrap)):
                m.d.sync += self.counts[i].eq(1)
            with m.Elif(self.advance & step):
                m.d.sync += self.counts[i].eq(self.counts[i] + 1)
            steps.insert(0, step)
            inner_last = Cat(self.last[i], inner_last)
        m.d.comb += self.final.eq(self.last.all())
        return steps
