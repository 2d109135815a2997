"""Addresses of a box: nested counters with a base address at each level."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.shared import SharedComponent


class BoxAddressGenerator(SharedComponent):
    """Steps through a box, innermost level fastest, one address a step.

    Unlike a `LoopNest` it needs no differences made beforehand, so its counts may be known only
    at run time: a level keeps the address at which its present trip began. `is_last` and
    `is_first` are registers: nothing that follows from them waits for a comparison.

    Both `start` and `advance` take effect at the end of their cycle; start wins, so a box may
    start in the last step of the one before. Golden model: `itertools.product` over the counts.

    Parameters
    ----------
    levels : (name, bits of its count) of each level, outermost first.
    address_bits : bits of the address; arithmetic wraps.

    Members
    -------
    start : In, 1 bit; go to the first step of a box.
    advance : In, 1 bit; go to the next step.
    origin : In, address_bits, with `start`; address of the first step.
    counts : In, with `start`; a member for each level: its trips, at least 1.
    pitches : In, steady from the cycle after `start` to the end of the box; a member of
        address_bits for each level: distance between its trips.
    trips : Out, a member for each level: its present trip, from 1 on.
    address : Out, address_bits.
    last : Out, 1 bit; this is the last step of the box.
    is_last : Out, a field of 1 bit for each level: it is in its last trip.
    is_first : Out, a field of 1 bit for each level: it is in its first trip.

    Latency
    -------
    The first address is there in the cycle after `start`, each other in the cycle after
    `advance`: one address a cycle. The outputs mean nothing from reset until the first `start`.

    Raises
    ------
    ValueError : there is no level.
    """

    def __init__(self, *, levels: tuple[tuple[str, int], ...], address_bits: int) -> None:
        if not levels:
            raise ValueError("levels must have at least 1 entry, not 0")
        self.levels = levels
        self.address_bits = address_bits
        counts = {name: Out(bits) for name, bits in levels}
        flags = data.StructLayout({name: 1 for name, _ in levels})
        super().__init__(
            {
                "start": In(1),
                "advance": In(1),
                "origin": In(address_bits),
                "counts": In(wiring.Signature(counts)),
                "pitches": In(wiring.Signature({name: Out(address_bits) for name in counts})),
                "trips": Out(wiring.Signature(counts)),
                "address": Out(address_bits),
                "last": Out(1),
                "is_last": Out(flags),
                "is_first": Out(flags),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.levels, self.address_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        steps = [Signal(name=f"step_{name}") for name, _ in self.levels]
        inside: Value = Const(1)  # all levels further in are in their last trip
        for step, (name, bits) in reversed(list(zip(steps, self.levels, strict=True))):
            wrap = Signal(name=f"wrap_{name}")
            m.d.comb += [
                step.eq(~self.is_last[name] & inside),
                wrap.eq(self.is_last[name] & inside),
            ]
            self._count(m, name, bits, step, wrap)
            inside = wrap
        m.d.comb += self.last.eq(inside)
        self._address(m, steps)
        return m

    def _count(self, m: Module, name: str, bits: int, step: Signal, wrap: Signal) -> None:
        """The trips of a level; it goes on at `step` and returns to its first trip at `wrap`."""
        count = getattr(self.counts, name)
        trip = Signal(bits, name=f"trip_{name}", reset_less=True)
        trips = Signal(bits, name=f"num_trips_{name}", reset_less=True)
        single = count == 1
        is_single = Signal(name=f"is_single_{name}")
        m.d.comb += getattr(self.trips, name).eq(trip)
        with m.If(self.start):
            m.d.sync += [trips.eq(count), is_single.eq(single)]
        with m.If(self.start | (self.advance & wrap)):
            m.d.sync += [trip.eq(1), self.is_first[name].eq(1)]
            m.d.sync += self.is_last[name].eq(Mux(self.start, single, is_single))
        with m.Elif(self.advance & step):
            m.d.sync += [trip.eq(trip + 1), self.is_first[name].eq(0)]
            m.d.sync += self.is_last[name].eq(trip + 1 == trips)

    def _address(self, m: Module, steps: list[Signal]) -> None:
        """Where each level's present trip began; the innermost level's is the address."""
        bases = [
            Signal(self.address_bits, name=f"base_{name}", reset_less=True)
            for name, _ in self.levels
        ]
        pitches = [getattr(self.pitches, name) for name, _ in self.levels]
        base: Value = bases[-1]
        pitch: Value = pitches[-1]
        for i in reversed(range(len(steps) - 1)):
            base = Mux(steps[i], bases[i], base)
            pitch = Mux(steps[i], pitches[i], pitch)
        target = Signal(self.address_bits)
        m.d.comb += [target.eq(base + pitch), self.address.eq(bases[-1])]
        for i in range(len(steps)):
            with m.If(self.start):
                m.d.sync += bases[i].eq(self.origin)
            with m.Elif(self.advance & any_of(steps[: i + 1])):
                m.d.sync += bases[i].eq(target)
