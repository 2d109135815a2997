"""The one sequencer: counters, and the addresses that follow them."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import BOUND_BITS
from naas_hw.rtl.primitives.config import LoopRecordSignature
from naas_hw.rtl.primitives.shared import SharedComponent


def encode(onehot: list[Value]) -> Value:
    """Number of the bit that is set; zero if none is."""
    bits = max(1, (len(onehot) - 1).bit_length())
    return Cat(
        Cat(flag for i, flag in enumerate(onehot) if i >> bit & 1).any() for bit in range(bits)
    )


def changes(last: Value, mask: Value) -> Value:
    """Whether the next advance moves a position of the mask or one outside it.

    `mask` has a bit for each position up to the innermost that moves the tensor.
    """
    return (last | mask).all()


def revisits(first: Value, mask: Value) -> Value:
    """Whether a position of the mask is not in its first trip: what it moves was there before."""
    return ~(first | ~mask).all()


def completes(last: Value, mask: Value) -> Value:
    """Whether all positions of the mask are in their last trip: what they move does not return."""
    return (last | ~mask).all()


def value_signature(values: tuple[tuple[str, int], ...]) -> wiring.Signature:
    """An output for each (name, width)."""
    return wiring.Signature({name: Out(width) for name, width in values})


class LoopNest(SharedComponent):
    """A nest of loops whose state is its counters and any number of linear values.

    `start` puts all counters at their first trip and all values at their start; `advance` steps
    the innermost loop that is not in its last trip and returns those inside it to their first.
    Both take effect at the end of their cycle; start wins. After the last iteration `advance` does
    nothing that is defined. Golden model: `itertools.product` over the bounds.

    One position steps in a cycle, so one counter and one adder a value serve all positions: trips,
    bounds and deltas stand in small memories that are read at the position. `last` and `first` are
    registers: nothing that follows from them waits for a comparison.

    Parameters
    ----------
    positions : number of loops; position 0 is the outermost.
    values : (name, width) of each linear value; arithmetic wraps.
    indexed : positions whose index is wanted.
    bound_bits : bits of a bound.

    Members
    -------
    record : In, `LoopRecordSignature`; taken at the end of the cycle. All positions have to be
        loaded before the cycle of `start`.
    start : In, 1 bit; puts the nest at its first iteration.
    advance : In, 1 bit; goes to the next iteration.
    origin : In, a port for each value, under its name: what it is after `start`.
    value : Out, a port for each value, under its name: what it is.
    last, first : Out, a bit for each position: it is in its last, first trip.
    final : Out, 1 bit; all positions are in their last trip.
    index : Out, `bound_bits` each; trips of the positions that are indexed, from 0 on.

    Latency
    -------
    All outputs follow `start` and `advance` by one cycle; the nest may advance in each cycle. After
    a reset all counters and records are undefined until the first `start`.

    Raises
    ------
    ValueError : there is no position, or one that is indexed does not exist.
    """

    def __init__(
        self,
        *,
        positions: int,
        values: tuple[tuple[str, int], ...],
        indexed: tuple[int, ...] = (),
        bound_bits: int = BOUND_BITS,
    ) -> None:
        if positions < 1:
            raise ValueError(f"positions must be at least 1, not {positions}")
        if not all(0 <= i < positions for i in indexed):
            raise ValueError(f"indexed must be positions below {positions}, not {indexed}")
        self.positions = positions
        self.values = values
        self.indexed = indexed
        self.bound_bits = bound_bits
        super().__init__(
            {
                "record": In(LoopRecordSignature(values)),
                "start": In(1),
                "advance": In(1),
                "origin": In(value_signature(values)),
                "value": Out(value_signature(values)),
                "last": Out(positions),
                "first": Out(positions),
                "final": Out(1),
                "index": Out(bound_bits).array(len(indexed)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.positions, self.values, self.indexed, self.bound_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        steps, wraps = self._moves(m)
        bound, deltas = self._records(m, encode(steps))
        self._counters(m, steps, wraps, bound)
        self._values(m, deltas)
        for i, index in zip(self.indexed, self.index, strict=True):
            with m.If(self.start | (self.advance & wraps[i])):
                m.d.sync += index.eq(0)
            with m.Elif(self.advance & steps[i]):
                m.d.sync += index.eq(index + 1)
        return m

    def _moves(self, m: Module) -> tuple[list[Value], list[Value]]:
        """For each position whether the next advance steps it, and whether it returns it."""
        steps = [Signal(name=f"step_{i}") for i in range(self.positions)]
        wraps = [Signal(name=f"wrap_{i}") for i in range(self.positions)]
        for i in range(self.positions):
            inner_last = self.last[i + 1 :].all()
            m.d.comb += [
                steps[i].eq(~self.last[i] & inner_last),
                wraps[i].eq(self.last[i] & inner_last),
            ]
        m.d.comb += self.final.eq(self.last.all())
        return list(steps), list(wraps)

    def _records(self, m: Module, stepping: Value) -> tuple[Value, Value]:
        """Bound and deltas of the position that steps."""
        deltas = [getattr(self.record.deltas, name) for name, _ in self.values]
        width = self.bound_bits + sum(width for _, width in self.values)
        m.submodules.records = records = Memory(shape=width, depth=self.positions, init=())
        write = records.write_port()
        read = records.read_port(domain="comb")
        record = Signal(width)
        m.d.comb += [
            write.en.eq(self.record.write),
            write.addr.eq(self.record.position),
            write.data.eq(Cat(self.record.bound[: self.bound_bits], *deltas)),
            read.addr.eq(stepping),
            record.eq(read.data),
        ]
        return record[: self.bound_bits], record[self.bound_bits :]

    def _counters(self, m: Module, steps: list[Value], wraps: list[Value], bound: Value) -> None:
        """Trips that are left of each position, counted from its second on."""
        m.submodules.trips = trips = Memory(shape=self.bound_bits, depth=self.positions, init=())
        write, read = trips.write_port(), trips.read_port(domain="comb")
        single = Signal(self.positions)
        left = Signal(self.bound_bits)  # the present trip included
        is_first = Cat(step & first for step, first in zip(steps, self.first, strict=True)).any()
        m.d.comb += [
            read.addr.eq(encode(steps)),
            left.eq(Mux(is_first, bound, read.data)),
            write.en.eq(self.advance),
            write.addr.eq(encode(steps)),
            write.data.eq(left - 1),
        ]
        for i in range(self.positions):
            with m.If(self.record.write & (self.record.position == i)):
                m.d.sync += single[i].eq(self.record.bound[: self.bound_bits] == 1)
            with m.If(self.start | (self.advance & wraps[i])):
                m.d.sync += [self.first[i].eq(1), self.last[i].eq(single[i])]
            with m.Elif(self.advance & steps[i]):
                m.d.sync += [self.first[i].eq(0), self.last[i].eq(left == 2)]

    def _values(self, m: Module, deltas: Value) -> None:
        for name, width in self.values:
            value = Signal(width, name=f"value_{name}", reset_less=True)
            m.d.comb += getattr(self.value, name).eq(value)
            delta, deltas = deltas[:width], deltas[width:]
            with m.If(self.start):
                m.d.sync += value.eq(getattr(self.origin, name))
            with m.Elif(self.advance):
                m.d.sync += value.eq(value + delta)
