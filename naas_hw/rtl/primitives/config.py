"""The layer's descriptor in hardware: registers with named fields, and records on their way."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Member, Out

from naas_hw.compiler.layout import (
    HELD,
    LAYOUT,
    NEST,
    OUTER,
    RECORDS,
    FieldSpec,
    held_beats,
    record_beats,
)
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = {spec.name: spec for spec in LAYOUT}

WRITES = {NEST: "nest_write", OUTER: "outer_write"}
"""Strobes: bounds and deltas of one position are there."""

PLACE = "record_place"
PLACE_BITS = (NEST - 1).bit_length()


def field_shape(spec: FieldSpec) -> Shape | data.ArrayLayout:
    """Shape of a field; an array layout where all of its entries are there at once."""
    shape = signed(spec.width) if spec.signed else unsigned(spec.width)
    return shape if spec.count == 1 or spec not in HELD else data.ArrayLayout(shape, spec.count)


def field_ports(names: tuple[str, ...]) -> dict[str, Member]:
    """One input for each of these descriptor fields, under its own name.

    A delta field has one entry at a time: with it come the strobe of its record, and its position.
    """
    ports = {name: In(field_shape(FIELDS[name])) for name in names}
    for count, specs in RECORDS.items():
        if any(spec.name in names for spec in specs):
            ports |= {WRITES[count]: In(1), PLACE: In(PLACE_BITS)}
    return ports


def connect_fields(m: Module, source: "ConfigRegister", engine: wiring.Component) -> None:
    """Drive every descriptor field that the engine has as an input."""
    for name in engine.signature.members:
        if name in FIELDS or name in (*WRITES.values(), PLACE):
            m.d.comb += getattr(engine, name).eq(getattr(source, name))


class ConfigRegister(SharedComponent):
    """Takes a descriptor beat by beat, holds its fields, and passes on its records.

    Parameters
    ----------
    beat_bytes : bytes of a beat.

    Members
    -------
    shift : In, takes `beat` at the end of this cycle.
    beat : In.
    one output for each field of the descriptor, under its name; of a delta field one entry:
    nest_write, outer_write : Out, strobes in the cycle after the last beat of a record: the delta
        fields of its nests hold the entries of position
    record_place : Out.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        ports = {name: Out(field_shape(spec)) for name, spec in FIELDS.items()}
        writes = {name: Out(1) for name in WRITES.values()}
        beat = {"shift": In(1), "beat": In(8 * beat_bytes)}
        super().__init__({**beat, **writes, PLACE: Out(PLACE_BITS), **ports})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        holding = self._sequence(m)
        parts = [
            Signal(spec.width * spec.count, name=f"held_{spec.name}", reset_less=True)
            for spec in HELD
        ]
        held = Cat(*parts)
        with m.If(self.shift & holding):
            m.d.sync += held.eq(Cat(held, self.beat)[8 * self.beat_bytes :])
        for part, spec in zip(parts, HELD, strict=True):
            port = getattr(self, spec.name)
            m.d.comb += (port if isinstance(port, Signal) else port.as_value()).eq(part)
        self._records(m)
        return m

    def _sequence(self, m: Module) -> Value:
        """Counts beats; strobes with each record. Gives whether the beat belongs to no record."""
        first = held_beats(self.beat_bytes)
        each = {count: record_beats(count, self.beat_bytes) for count in RECORDS}
        longest = max(first, *each.values())
        phase = Signal(2)
        place = Signal(PLACE_BITS)
        beats = Signal(range(longest + 1), init=1)
        for write in WRITES.values():
            m.d.sync += getattr(self, write).eq(0)
        with m.If(self.shift):
            m.d.sync += beats.eq(beats + 1)
            with m.Switch(phase):
                with m.Case(0):
                    with m.If(beats == first):
                        m.d.sync += [phase.eq(1), beats.eq(1), place.eq(0)]
                for at, (count, length) in enumerate(each.items(), start=1):
                    with m.Case(at):
                        with m.If(beats == length):
                            m.d.sync += [
                                getattr(self, WRITES[count]).eq(1),
                                self.record_place.eq(place),
                                place.eq(place + 1),
                                beats.eq(1),
                            ]
                            with m.If(place == count - 1):
                                m.d.sync += [phase.eq((at + 1) % (len(each) + 1)), place.eq(0)]
        return phase == 0

    def _records(self, m: Module) -> None:
        """The last beats that came, as the entries of a record."""
        bits = max(8 * self.beat_bytes * record_beats(count, self.beat_bytes) for count in RECORDS)
        latest = Signal(bits, reset_less=True)
        with m.If(self.shift):
            m.d.sync += latest.eq(Cat(latest, self.beat)[8 * self.beat_bytes :])
        for specs in RECORDS.values():
            position = bits - sum(spec.width for spec in specs)
            for spec in specs:
                m.d.comb += getattr(self, spec.name).eq(latest[position : position + spec.width])
                position += spec.width
