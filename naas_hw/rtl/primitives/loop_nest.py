"""The one sequencer: counters, and the addresses that follow them."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import BOUND_BITS
from naas_hw.rtl.primitives.config import LoopRecordSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.ram import Ram
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

    A nest that need not advance in each cycle is faster and smaller. With a `pace` of two cycles a
    register stands behind the memories, and one tells which position steps, so an advance begins at
    registers. With three the records stand in a block memory.

    Parameters
    ----------
    positions : number of loops; position 0 is the outermost.
    values : (name, width) of each linear value; arithmetic wraps.
    indexed : positions whose index is wanted.
    bound_bits : bits of a bound.
    pace : 1, 2 or 3; least number of cycles from `start` or `advance` to the next `advance`.

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
    ready : Out, 1 bit; the nest may advance in this cycle, as far as its pace is concerned.
    index : Out, `bound_bits` each; trips of the positions that are indexed, from 0 on.

    Latency
    -------
    All outputs follow `start` and `advance` by one cycle; with a pace of 1 the nest may advance in
    each cycle. After a reset all counters and records are undefined until the first `start`.

    Raises
    ------
    ValueError : there is no position, one that is indexed does not exist, or no such pace.
    """

    def __init__(
        self,
        *,
        positions: int,
        values: tuple[tuple[str, int], ...],
        indexed: tuple[int, ...] = (),
        bound_bits: int = BOUND_BITS,
        pace: int = 1,
    ) -> None:
        if positions < 1:
            raise ValueError(f"positions must be at least 1, not {positions}")
        if not all(0 <= i < positions for i in indexed):
            raise ValueError(f"indexed must be positions below {positions}, not {indexed}")
        if pace not in (1, 2, 3):
            raise ValueError(f"pace must be 1, 2 or 3, not {pace}")
        self.positions = positions
        self.values = values
        self.indexed = indexed
        self.bound_bits = bound_bits
        self.pace = pace
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
                "ready": Out(1),
                "index": Out(bound_bits).array(len(indexed)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.positions, self.values, self.indexed, self.bound_bits, self.pace)

    def build(self, platform: Any) -> Module:
        m = Module()
        steps, wraps = self._moves(m)
        record = self._records(m, encode(steps))
        left = self._trips_left(m, steps, record[: self.bound_bits])
        steps = self._paced(m, Cat(steps), "steps")
        wraps = self._paced(m, Cat(wraps), "wraps")
        self._counters(m, steps, wraps, left)
        self._values(m, self._paced(m, record[self.bound_bits :], "deltas"))
        self._keep_pace(m)
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

    def _keep_pace(self, m: Module) -> None:
        """Tell whether enough cycles have passed."""
        moves = Signal()
        recent = [delayed(m, moves, cycles, f"moved_{cycles}") for cycles in range(1, self.pace)]
        m.d.comb += [moves.eq(self.start | self.advance), self.ready.eq(~any_of(recent))]

    def _paced(self, m: Module, value: Value, name: str) -> Value:
        """The value of the cycle before, where the pace leaves time for it."""
        if self.pace == 1:
            return value
        late = Signal(len(value), name=f"ready_{name}", reset_less=True)
        m.d.sync += late.eq(value)
        return late

    def _records(self, m: Module, stepping: Value) -> Value:
        """The bound and the deltas of the position that steps, or stepped a cycle ago."""
        deltas = [getattr(self.record.deltas, name) for name, _ in self.values]
        entries = Cat(self.record.bound[: self.bound_bits], *deltas)
        width = self.bound_bits + sum(width for _, width in self.values)
        record = Signal(width)
        if self.pace == 3:
            m.submodules.records = ram = Ram(width=width, depth=self.positions, style="block")
            m.d.comb += [
                ram.write.enable.eq(self.record.write),
                ram.write.address.eq(self.record.position),
                ram.write.data.eq(entries),
                ram.read.enable.eq(1),
                ram.read.address.eq(stepping),
                record.eq(ram.read.data),
            ]
            return record
        m.submodules.records = records = Memory(shape=width, depth=self.positions, init=())
        write = records.write_port()
        read = records.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.record.write),
            write.addr.eq(self.record.position),
            write.data.eq(entries),
            read.addr.eq(stepping),
            record.eq(read.data),
        ]
        return record

    def _trips_left(self, m: Module, steps: list[Value], bound: Value) -> Signal:
        """Trips that are left of the position that steps, the present one included.

        They are counted from its second on.
        """
        m.submodules.trips = trips = Memory(shape=self.bound_bits, depth=self.positions, init=())
        write, read = trips.write_port(), trips.read_port(domain="comb")
        left = Signal(self.bound_bits)
        position = encode(steps)
        is_first = Cat(step & first for step, first in zip(steps, self.first, strict=True)).any()
        m.d.comb += [
            read.addr.eq(position),
            left.eq(self._paced(m, Mux(is_first, bound, read.data), "left")),
            write.en.eq(self.advance),
            write.addr.eq(self._paced(m, position, "position")),
            write.data.eq(left - 1),
        ]
        return left

    def _counters(self, m: Module, steps: Value, wraps: Value, left: Signal) -> None:
        """Whether each position is in its first and its last trip."""
        single = Signal(self.positions)
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
