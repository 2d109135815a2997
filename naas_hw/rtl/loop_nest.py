"""The one sequencer: counters, and the addresses that follow them."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from naas_hw.mapping.descriptor import BOUND_BITS
from naas_hw.rtl.config import PLACE_BITS
from naas_hw.rtl.shared import SharedComponent


def encode(onehot: list[Value]) -> Value:
    """Number of the bit that is set; zero if none is."""
    bits = max(1, (len(onehot) - 1).bit_length())
    return Cat(
        Cat(bit for i, bit in enumerate(onehot) if i >> place & 1).any() for place in range(bits)
    )


def changes(last: Value, mask: Value) -> Value:
    """Whether the next advance moves a position of the mask or one outside it.

    `mask` has a bit for each position up to the innermost that moves the tensor.
    """
    return (last | mask).all()


class LoopNest(SharedComponent):
    """A nest of loops whose state is its counters and any number of linear values.

    `last` and `first` are registers: nothing that follows from them waits for a comparison.

    `start` puts all counters at their first trip and all values at their start; `advance` steps
    the innermost loop that is not in its last trip and returns those inside it to their first.
    Both take effect at the end of their cycle; start wins. After the last iteration `advance` does
    nothing that is defined. Golden model: `itertools.product` over the bounds.

    Parameters
    ----------
    positions : number of loops; position 0 is the outermost.
    values : (name, width) of each linear value; arithmetic wraps.
    bound_bits : bits of a bound.

    Members
    -------
    start, advance : In.
    bounds : In, trips of each position, at least 1; steady from the cycle of `start` on.
    last, first : Out, a bit for each position: it is in its last, first trip.
    counts : Out, the trip of each position, from 1 on.
    final : Out, all positions are in their last trip.
    NAME_start : In; NAME : Out; for each value, where it begins, and where it is.
    load, place, NAME_delta : In, what each value gains when this position steps is taken at the
        end of the cycle; all positions have to be loaded before the first step.
    """

    def __init__(
        self,
        *,
        positions: int,
        values: tuple[tuple[str, int], ...],
        bound_bits: int = BOUND_BITS,
    ) -> None:
        if positions < 1:
            raise ValueError(f"positions must be at least 1, not {positions}")
        self.positions = positions
        self.values = values
        self.bound_bits = bound_bits
        ports = {
            "start": In(1),
            "advance": In(1),
            "bounds": In(data.ArrayLayout(bound_bits, positions)),
            "last": Out(positions),
            "first": Out(positions),
            "final": Out(1),
            "counts": Out(data.ArrayLayout(bound_bits, positions)),
        }
        for name, width in values:
            ports[f"{name}_start"] = In(width)
            ports[f"{name}_delta"] = In(signed(width))
            ports[name] = Out(width)
        if values:
            ports |= {"load": In(1), "place": In(PLACE_BITS)}
        super().__init__(ports)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.positions, self.values, self.bound_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        steps = self._counters(m)
        if self.values:
            self._values(m, steps)
        return m

    def _values(self, m: Module, steps: list[Value]) -> None:
        """Values, and a small memory of what they gain."""
        width = sum(width for _, width in self.values)
        m.submodules.gains = gains = Memory(shape=width, depth=self.positions, init=())
        write, read = gains.write_port(), gains.read_port(domain="comb")
        gain = Signal(width)
        m.d.comb += [
            write.en.eq(self.load),
            write.addr.eq(self.place),
            write.data.eq(Cat(getattr(self, f"{name}_delta") for name, _ in self.values)),
            read.addr.eq(encode(steps)),
            gain.eq(read.data),
        ]
        for name, width in self.values:
            value = getattr(self, name)
            mine, gain = gain[:width], gain[width:]
            with m.If(self.start):
                m.d.sync += value.eq(getattr(self, f"{name}_start"))
            with m.Elif(self.advance):
                m.d.sync += value.eq(value + mine)

    def _counters(self, m: Module) -> list[Value]:
        """Counters; returns for each position whether it is the one that steps."""
        steps: list[Value] = []
        inner_last: Value = Cat()
        for i in reversed(range(self.positions)):
            step = Signal(name=f"step_{i}")
            wrap = Signal(name=f"wrap_{i}")
            m.d.comb += [
                step.eq(~self.last[i] & inner_last.all()),
                wrap.eq(self.last[i] & inner_last.all()),
            ]
            with m.If(self.start | (self.advance & wrap)):
                m.d.sync += [
                    self.counts[i].eq(1),
                    self.first[i].eq(1),
                    self.last[i].eq(self.bounds[i] == 1),
                ]
            with m.Elif(self.advance & step):
                m.d.sync += [
                    self.counts[i].eq(self.counts[i] + 1),
                    self.first[i].eq(0),
                    self.last[i].eq(self.counts[i] + 1 == self.bounds[i]),
                ]
            steps.insert(0, step)
            inner_last = Cat(self.last[i], inner_last)
        m.d.comb += self.final.eq(self.last.all())
        return steps
