"""Addresses of a box: nested counters with a base address at each level."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.shared import SharedComponent

FIRST_FOLLOWING: Final = 2
"""The trip after the first. A counter that begins there is kept with this bit changed, so that the
reset of a register, which costs no logic, puts it there."""


class _Level:
    """The counter of a level, and what it tells the others.

    `step` : the next advance steps it; a register.
    `moves` : the next advance steps it or one further out; a register.
    `wrap` : the next advance returns it to its first trip; a register.
    `turns` : the next advance steps it or returns it; a register.
    `is_one` : a box that starts now has one trip of it.
    `comes_last` : it is in its last trip after the next advance.
    """

    def __init__(self, name: str) -> None:
        self.step = Signal(name=f"step_{name}")
        self.moves = Signal(name=f"moves_{name}")
        self.wrap = Signal(name=f"wrap_{name}")
        self.turns = Signal(name=f"turns_{name}")
        self.is_one = Signal(name=f"is_one_{name}")
        self.comes_last = Signal(name=f"comes_last_{name}")


class BoxAddressGenerator(SharedComponent):
    """Steps through a box, innermost level fastest, one address a step.

    Unlike a `LoopNest` it needs no differences made beforehand, so its counts may be known only
    at run time: a level keeps the address at which its present trip began. `last`, `is_last`,
    `is_first` and which level steps next are registers: nothing that follows from them waits for a
    comparison.

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
    index : Out, a member for each level: its present trip, from 0 on.
    address : Out, address_bits.
    last : Out, 1 bit; this is the last step of the box.
    penultimate : Out, 1 bit; this is the step before the last; in the last one it means nothing.
    is_last : Out, a field of 1 bit for each level: it is in its last trip.
    is_first : Out, a field of 1 bit for each level: it is in its first trip.

    Latency
    -------
    The first address is there in the cycle after `start`, each other in the cycle after
    `advance`: one address a cycle. The outputs mean nothing from reset until the first `start`, and
    from the end of a box to the next one.

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
                "index": Out(wiring.Signature(counts)),
                "address": Out(address_bits),
                "last": Out(1),
                "penultimate": Out(1),
                "is_last": Out(flags),
                "is_first": Out(flags),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.levels, self.address_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        levels = [_Level(name) for name, _ in self.levels]
        for i, level in enumerate(levels):
            self._count(m, i, level)
        stepping = self._follow(m, levels)
        self._address(m, levels, stepping)
        return m

    def _count(self, m: Module, i: int, level: _Level) -> None:
        """The trips of a level; it goes on at `step` and returns to its first trip at `wrap`."""
        name, bits = self.levels[i]
        is_last, is_first = self.is_last[name], self.is_first[name]
        count = getattr(self.counts, name)
        trips = Signal(bits, name=f"trips_{name}", reset_less=True)
        changed = Signal(bits, name=f"following_changed_{name}", reset_less=True)
        following = changed ^ FIRST_FOLLOWING  # trip, from 2 on
        is_single = Signal(name=f"is_single_{name}")
        m.d.comb += [
            level.is_one.eq(count == 1),
            level.comes_last.eq(
                Mux(level.step, following == trips, Mux(level.wrap, is_single, is_last))
            ),
            getattr(self.index, name).eq(following - FIRST_FOLLOWING),
        ]
        with m.If(self.start):
            m.d.sync += [trips.eq(count), is_single.eq(level.is_one)]
        with m.If(self.start | (self.advance & level.turns)):
            m.d.sync += [changed.eq((following + 1) ^ FIRST_FOLLOWING), is_first.eq(0)]
        with m.If(self.start | (self.advance & level.wrap)):
            m.d.sync += [changed.eq(0), is_first.eq(1)]

    def _follow(self, m: Module, levels: list[_Level]) -> Signal:
        """Which levels are in their last trip, and which one steps next; gives its number."""
        following = Signal(len(levels))
        stepping = Signal(range(len(levels)))
        m.d.comb += [
            following.eq(Cat(Mux(self.start, level.is_one, level.comes_last) for level in levels)),
            self.penultimate.eq(Cat(level.comes_last for level in levels).all()),
        ]
        inside = [following[i + 1 :].all() for i in range(len(levels))]
        steps = [~following[i] & inside[i] for i in range(len(levels))]
        with m.If(self.start | self.advance):
            m.d.sync += [self.is_last.as_value().eq(following), self.last.eq(following.all())]
            for i, level in enumerate(levels):
                m.d.sync += [
                    level.step.eq(steps[i]),
                    level.moves.eq(~following[: i + 1].all() & inside[i]),
                    level.wrap.eq(following[i] & inside[i]),
                    level.turns.eq(inside[i]),
                ]
            for bit in range(len(stepping)):
                with_bit = [step for i, step in enumerate(steps) if i >> bit & 1]
                m.d.sync += stepping[bit].eq(any_of(with_bit))
        return stepping

    def _address(self, m: Module, levels: list[_Level], stepping: Signal) -> None:
        """Where each level's present trip began; the innermost level's is the address."""
        bases = [
            Signal(self.address_bits, name=f"base_{name}", reset_less=True)
            for name, _ in self.levels[:-1]
        ]
        bases.append(self.address)
        pitches = [getattr(self.pitches, name) for name, _ in self.levels]
        target = Signal(self.address_bits)
        m.d.comb += target.eq(Array(bases)[stepping] + Array(pitches)[stepping])
        for one, level in zip(bases, levels, strict=True):
            with m.If(self.start):
                m.d.sync += one.eq(self.origin)
            with m.Elif(self.advance & level.moves):
                m.d.sync += one.eq(target)
