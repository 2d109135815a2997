"""The one sequencer: counters, and the addresses that follow them."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.rtl.primitives.box_address_generator import FIRST_FOLLOWING
from naas_hw.rtl.primitives.config import LoopRecordSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import all_behind, any_of
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent


def encode(onehot: list[Value]) -> Value:
    """Number of the bit that is set; zero if none is."""
    bits = max(1, (len(onehot) - 1).bit_length())
    return Cat(
        Cat(flag for i, flag in enumerate(onehot) if i >> bit & 1).any() for bit in range(bits)
    )


def steps_of(last: Sequence[Value]) -> list[Value]:
    """A bit for each position: the next advance steps it."""
    return [~one & inner for one, inner in zip(last, all_behind(last), strict=True)]


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


class _Move(NamedTuple):
    """What the next advance of a nest does, but for what hangs on a trip that is counted.

    `inner` : a bit for each position, all positions inside it are in their last trip.
    `position` : number of the one that steps.
    `is_first` : it is in its first trip.
    `may_end` : the nest comes to its last iteration, if that position comes to its last trip.
    """

    inner: Value
    position: Value
    is_first: Value
    may_end: Value


class LoopNest(SharedComponent):
    """A nest of loops whose state is its counters and any number of linear values.

    `start` puts all counters at their first trip and all values at their start; `advance` steps
    the innermost loop that is not in its last trip and returns those inside it to their first.
    Both take effect at the end of their cycle; start wins. After the last iteration `advance` does
    nothing that is defined. Golden model: `itertools.product` over the bounds.

    One position steps in a cycle, so one adder a value serves all positions: deltas stand in a
    small memory that is read at the position, which is a register. So are `last`, `first` and
    `final`: nothing that follows from them waits for a comparison.

    A nest that need not advance in each cycle is faster and smaller. With a `pace` of two cycles
    all that an advance follows from is in registers, and one counter serves all positions: trips
    and bounds stand in memories, too. With three the records stand in a block memory with a
    register at its output.

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
    penultimate : Out, 1 bit; the next advance leads to the last iteration; it counts where the nest
        is `ready`.
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
                "penultimate": Out(1),
                "ready": Out(1),
                "index": Out(bound_bits).array(len(indexed)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.positions, self.values, self.indexed, self.bound_bits, self.pace)

    def build(self, platform: Any) -> Module:
        m = Module()
        single = self._singles(m)
        early = self._move(single)
        move = self._paced(m, early)
        steps = Signal(self.positions)
        wraps = Signal(self.positions)
        m.d.comb += [steps.eq(~self.last & move.inner), wraps.eq(self.last & move.inner)]
        bound, deltas = self._records(m, (early if self.pace == 3 else move).position)
        if self.pace == 1:
            comes_last = self._count_each(m, move, wraps)
        else:
            comes_last = self._count_one(m, move, bound)
        coming = self._follow(m, move.inner, single, comes_last)
        if self.pace == 1:
            with m.If(self.start | self.advance):
                m.d.sync += move.position.eq(encode(steps_of(list(coming))))
        for i, index in zip(self.indexed, self.index, strict=True):
            with m.If(self.start | (self.advance & move.inner[i])):
                m.d.sync += index.eq(index + 1)
            with m.If(self.start | (self.advance & wraps[i])):
                m.d.sync += index.eq(0)
        m.d.comb += self.penultimate.eq(move.may_end & (steps & comes_last).any())
        with m.If(self.start):
            m.d.sync += self.final.eq(single.all())
        with m.Elif(self.advance):
            m.d.sync += self.final.eq(self.penultimate)
        self._values(m, deltas)
        self._keep_pace(m)
        return m

    def _singles(self, m: Module) -> Signal:
        """Whether each position has one trip."""
        single = Signal(self.positions)
        for i in range(self.positions):
            with m.If(self.record.write & (self.record.position == i)):
                m.d.sync += single[i].eq(self.record.bound[: self.bound_bits] == 1)
        return single

    def _move(self, single: Signal) -> _Move:
        last = self.last
        steps = steps_of(list(last))
        ends = [~last[i] & last[:i].all() & single[i + 1 :].all() for i in range(self.positions)]
        return _Move(
            inner=Cat(all_behind(list(last))),
            position=encode(steps),
            is_first=(Cat(steps) & self.first).any(),
            may_end=Cat(ends).any(),
        )

    def _keep_pace(self, m: Module) -> None:
        """Tell whether enough cycles have passed."""
        moves = Signal()
        recent = [delayed(m, moves, cycles, f"moved_{cycles}") for cycles in range(1, self.pace)]
        m.d.comb += [moves.eq(self.start | self.advance), self.ready.eq(~any_of(recent))]

    def _paced(self, m: Module, move: _Move) -> _Move:
        """What was known in the cycle before, where the pace leaves time for it.

        With a pace of 1 it is the position alone, which is found in the cycle of the move before.
        """
        if self.pace == 1:
            position = Signal(len(move.position), name="ready_position", reset_less=True)
            return move._replace(position=position)
        late = {}
        for name, value in move._asdict().items():
            late[name] = Signal(len(value), name=f"ready_{name}", reset_less=True)
            m.d.sync += late[name].eq(value)
        return _Move(**late)

    def _records(self, m: Module, position: Value) -> tuple[Value, Value]:
        """Bound and deltas of a position: two cycles later from a block memory.

        There is no bound where each position counts by itself.
        """
        given = self.record.bound[: self.bound_bits]
        bound = Cat() if self.pace == 1 else Cat(given, given == 2)
        entries = Cat(bound, *(getattr(self.record.deltas, name) for name, _ in self.values))
        if not len(entries):
            return entries, entries
        has_time = self.pace == 3
        m.submodules.records = records = Ram(
            width=len(entries),
            depth=self.positions,
            style="block" if has_time else "auto",
            latency=2 if has_time else 0,
        )
        m.d.comb += [
            records.write.enable.eq(self.record.write),
            records.write.address.eq(self.record.position),
            records.write.data.eq(entries),
            records.read.enable.eq(1),
            records.read.address.eq(position),
        ]
        record = records.read.data
        return record[: len(bound)], record[len(bound) :]

    def _count_each(self, m: Module, move: _Move, wraps: Value) -> Value:
        """Whether each position comes to its last trip if it steps.

        Each counts which trip follows.
        """
        comes_last = Signal(self.positions)
        for i in range(self.positions):
            bound = Signal(self.bound_bits, name=f"bound_{i}", reset_less=True)
            changed = Signal(self.bound_bits, name=f"following_changed_{i}", reset_less=True)
            following = (changed ^ FIRST_FOLLOWING)[: self.bound_bits]
            with m.If(self.record.write & (self.record.position == i)):
                m.d.sync += bound.eq(self.record.bound)
            with m.If(self.start | (self.advance & move.inner[i])):
                m.d.sync += changed.eq((following + 1) ^ FIRST_FOLLOWING)
            with m.If(self.start | (self.advance & wraps[i])):
                m.d.sync += changed.eq(0)
            m.d.comb += comes_last[i].eq(following == bound)
        return comes_last

    def _count_one(self, m: Module, move: _Move, bound: Value) -> Value:
        """The same; the position that steps has the counter.

        What is left of its trips is kept from its second on. Beside it stands whether these are
        two, and beside `bound` too, so that nothing that follows waits for the comparison.
        """
        m.submodules.trips = trips = Ram(width=len(bound), depth=self.positions, latency=0)
        left = Signal(self.bound_bits)
        are_two = Signal()
        m.d.comb += [
            trips.read.enable.eq(1),
            trips.read.address.eq(move.position),
            Cat(left, are_two).eq(Mux(move.is_first, bound, trips.read.data)),
            trips.write.enable.eq(self.advance),
            trips.write.address.eq(move.position),
            trips.write.data.eq(Cat((left - 1)[: self.bound_bits], left == 3)),
        ]
        return are_two.replicate(self.positions)

    def _follow(self, m: Module, inner: Value, single: Signal, comes_last: Value) -> Value:
        """Whether each position is in its first and its last trip; gives the latter a cycle early.

        A position that moves begins anew where it was in its last trip, and steps otherwise.
        """
        coming = []
        for i in range(self.positions):
            moves = Signal(name=f"moves_{i}")
            begins = Signal(name=f"begins_{i}")
            is_last = Signal(name=f"is_last_{i}")
            m.d.comb += [
                moves.eq(self.start | (self.advance & inner[i])),
                begins.eq(self.start | self.last[i]),
                is_last.eq(Mux(begins, single[i], comes_last[i])),
            ]
            with m.If(moves):
                m.d.sync += [self.first[i].eq(begins), self.last[i].eq(is_last)]
            coming.append(Mux(moves, is_last, self.last[i]))
        return Cat(coming)

    def _values(self, m: Module, deltas: Value) -> None:
        for name, width in self.values:
            value = Signal(width, name=f"value_{name}", reset_less=True)
            m.d.comb += getattr(self.value, name).eq(value)
            delta, deltas = deltas[:width], deltas[width:]
            with m.If(self.start):
                m.d.sync += value.eq(getattr(self.origin, name))
            with m.Elif(self.advance):
                m.d.sync += value.eq(value + delta)
