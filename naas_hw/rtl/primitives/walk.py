"""Addresses of a box: nested counters with a base address at each level."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.shared import SharedComponent


class Walk(SharedComponent):
    """Steps through a box, innermost level fastest, one address a step.

    Unlike a `LoopNest` it needs no differences made beforehand, so its counts may be known only
    at run time: a level keeps the address at which its present trip began. `at_last`
    and `at_first` are registers: nothing that follows from them waits for a comparison.

    `start` (with `origin`) puts the walk at its first step; `advance` goes on by one. Both take
    effect at the end of their cycle; start wins, so a walk may start in its last step.

    Parameters
    ----------
    count_bits : bits of the count of each level, outermost first.
    address_bits : bits of the address; arithmetic wraps.

    Members
    -------
    start, advance : In.
    origin, count_0.. : In, with `start`: address of the first step, and trips of each level, at
        least 1.
    pitch_0.. : In, distance of each level; steady from the cycle after `start` to the walk's end.
    address : Out.
    last : Out, this is the walk's last step.
    trip_0.. : Out, the trip of each level, from 1 on.
    at_last, at_first : Out, a bit for each level: it is in its last, first trip.
    """

    def __init__(self, *, count_bits: tuple[int, ...], address_bits: int) -> None:
        self.count_bits = count_bits
        self.address_bits = address_bits
        ports = {
            "start": In(1),
            "advance": In(1),
            "origin": In(address_bits),
            "address": Out(address_bits),
            "last": Out(1),
            "at_last": Out(len(count_bits)),
            "at_first": Out(len(count_bits)),
        }
        for i, bits in enumerate(count_bits):
            ports[f"count_{i}"] = In(bits)
            ports[f"pitch_{i}"] = In(address_bits)
            ports[f"trip_{i}"] = Out(bits)
        super().__init__(ports)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.count_bits, self.address_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        levels = len(self.count_bits)
        bases = [
            Signal(self.address_bits, name=f"base_{i}", reset_less=True) for i in range(levels)
        ]
        steps = self._counters(m)
        base: Value = bases[-1]
        pitch: Value = getattr(self, f"pitch_{levels - 1}")
        for i in reversed(range(levels - 1)):
            base = Mux(steps[i], bases[i], base)
            pitch = Mux(steps[i], getattr(self, f"pitch_{i}"), pitch)
        target = Signal(self.address_bits)
        m.d.comb += [target.eq(base + pitch), self.address.eq(bases[-1])]
        for i in range(levels):
            with m.If(self.start):
                m.d.sync += bases[i].eq(self.origin)
            with m.Elif(self.advance & any_of(steps[: i + 1])):
                m.d.sync += bases[i].eq(target)
        return m

    def _counters(self, m: Module) -> list[Value]:
        steps: list[Value] = []
        inside: Value = Const(1)
        for i in reversed(range(len(self.count_bits))):
            step = Signal(name=f"step_{i}")
            chain = Signal(name=f"chain_{i}")
            m.d.comb += [
                step.eq(~self.at_last[i] & inside),
                chain.eq(self.at_last[i] & inside),
            ]
            self._counter(m, i, step, chain)
            steps.insert(0, step)
            inside = chain
        m.d.comb += self.last.eq(inside)
        return steps

    def _counter(self, m: Module, i: int, step: Signal, chain: Signal) -> None:
        count = getattr(self, f"count_{i}")
        bits = self.count_bits[i]
        trip = Signal(bits, name=f"present_{i}", reset_less=True)
        trips = Signal(bits, name=f"trips_{i}", reset_less=True)
        m.d.comb += getattr(self, f"trip_{i}").eq(trip)
        single = count == 1
        is_single = Signal(name=f"is_single_{i}")
        with m.If(self.start):
            m.d.sync += [trips.eq(count), is_single.eq(single)]
        with m.If(self.start | (self.advance & chain)):
            m.d.sync += [trip.eq(1), self.at_first[i].eq(1)]
            m.d.sync += self.at_last[i].eq(Mux(self.start, single, is_single))
        with m.Elif(self.advance & step):
            m.d.sync += [trip.eq(trip + 1), self.at_first[i].eq(0)]
            m.d.sync += self.at_last[i].eq(trip + 1 == trips)
