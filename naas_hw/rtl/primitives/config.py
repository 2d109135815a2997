"""The layer's descriptor in hardware: registers with named fields, and records on their way."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Member, Out

from naas_hw.compiler.fields import BOUND_BITS, LAYOUT, NEST, OUTER, FieldSpec
from naas_hw.compiler.layout import DescriptorLayout
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = {spec.name: spec for spec in LAYOUT}

RECORD_STROBES: Final = {NEST: "nest_write", OUTER: "outer_write"}
"""Number of positions -> strobe: bounds and deltas of one position are there."""

POSITION_BITS: Final = (NEST - 1).bit_length()


class Phase(enum.IntEnum, shape=2):  # type: ignore[call-arg]  # amaranth's own keyword
    """What the beats of a descriptor that come now hold."""

    STATIC = 0
    NEST_RECORDS = 1
    OUTER_RECORDS = 2


RECORD_PHASES: Final = {NEST: Phase.NEST_RECORDS, OUTER: Phase.OUTER_RECORDS}
"""Number of positions -> phase: the records of this nest come."""


def field_shape(spec: FieldSpec) -> Shape | data.ArrayLayout:
    """Shape of a field; an array layout where all of its entries are there at once."""
    shape = signed(spec.width) if spec.signed else unsigned(spec.width)
    is_single = spec.count == 1 or not spec.is_static
    return shape if is_single else data.ArrayLayout(shape, spec.count)


class FieldSignature(wiring.Signature):
    """Some fields of the descriptor, as the config register gives them to one engine.

    A static field keeps its value from the end of the descriptor to the next one. A bound or
    delta field belongs to a loop nest and has the entry of one position at a time, in the cycle
    of its strobe.

    Parameters
    ----------
    names : of the fields.

    Members
    -------
    one for each name : Out, of the field's shape.
    nest_write, outer_write : Out(1), strobe where a name is a bound or delta of a nest with `NEST`
        or `OUTER` positions: such fields hold the entries of position
    record_position : Out(POSITION_BITS).

    Raises
    ------
    ValueError : a name is not that of a field.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        for name in self.names:
            if name not in FIELDS:
                raise ValueError(f"names must be fields of the descriptor, not {name!r}")
        members: dict[str, Member] = {name: Out(field_shape(FIELDS[name])) for name in self.names}
        for spec in (FIELDS[name] for name in self.names):
            if not spec.is_static:
                strobe = RECORD_STROBES[spec.count]
                members |= {strobe: Out(1), "record_position": Out(POSITION_BITS)}
        super().__init__(members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSignature) and self.names == other.names

    def __repr__(self) -> str:
        return f"FieldSignature({self.names!r})"

    def create(self, *, path: Any = None, src_loc_at: int = 0) -> "FieldInterface":
        return FieldInterface(self, path=path, src_loc_at=1 + src_loc_at)


class LoopRecordSignature(wiring.Signature):
    """One position of a loop nest at a time: its trips, and the deltas of its values.

    Parameters
    ----------
    values : (name, width) of each value of the nest.

    Members
    -------
    write : Out(1), strobe: all below are those of a position.
    position : Out(POSITION_BITS), 0 is the outermost.
    bound : Out(BOUND_BITS), trips of the position, at least 1.
    deltas : Out, a signed port for each value, under its name: what is added when the position
        steps and all positions inside it return to their first trip.
    """

    def __init__(self, values: tuple[tuple[str, int], ...]) -> None:
        self.values = values
        deltas = wiring.Signature({name: Out(signed(width)) for name, width in values})
        super().__init__(
            {
                "write": Out(1),
                "position": Out(POSITION_BITS),
                "bound": Out(BOUND_BITS),
                "deltas": Out(deltas),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoopRecordSignature) and self.values == other.values

    def __repr__(self) -> str:
        return f"LoopRecordSignature({self.values!r})"


class FieldInterface(wiring.PureInterface):
    """An interface with the members of a `FieldSignature`."""

    def select(self, names: Iterable[str]) -> "FieldInterface":
        """The part of it that an engine reads; it consists of the same signals."""
        signature = FieldSignature(names)
        part = signature.create()
        for name in signature.members:
            setattr(part, name, getattr(self, name))
        return part

    def loop_record(self, *, bound: str, deltas: Mapping[str, str]) -> wiring.PureInterface:
        """The record of one loop nest; it consists of the same signals.

        Parameters
        ----------
        bound : name of the field with the trips.
        deltas : name of a value of the nest -> name of the field with its deltas.
        """
        values = tuple((value, FIELDS[name].width) for value, name in deltas.items())
        record = LoopRecordSignature(values).create()
        record.write = getattr(self, RECORD_STROBES[FIELDS[bound].count])
        record.position = self.record_position
        record.bound = getattr(self, bound)
        for value, name in deltas.items():
            setattr(record.deltas, value, getattr(self, name))
        return record


class ConfigRegister(SharedComponent):
    """Takes a descriptor beat by beat, holds its static fields, and passes on its loop records.

    A field of the descriptor may be narrower than its port, which has the largest width; it is then
    extended, by its sign where it has one.

    Golden model: `naas_hw.compiler.layout.DescriptorLayout.pack`.

    Parameters
    ----------
    layout : which fields there are, and the width of a beat.

    Members
    -------
    shift : In, 1 bit; `beat` is taken at the end of this cycle.
    beat : In, 8 * layout.beat_bytes.
    fields : Out, `FieldSignature` of all fields of the layout.

    Latency
    -------
    A beat may come in each cycle. A record and its strobe are there in the cycle after its last
    beat, the static fields from the cycle after the last of their beats until the first beat of the
    next descriptor. After a reset the next beat is the first one of a descriptor.

    Raises
    ------
    Nothing.
    """

    def __init__(self, layout: DescriptorLayout) -> None:
        self.layout = layout
        super().__init__(
            {
                "shift": In(1),
                "beat": In(8 * layout.beat_bytes),
                "fields": Out(FieldSignature(spec.name for spec in layout.fields)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.layout,)

    def build(self, platform: Any) -> Module:
        m = Module()
        is_static = self._sequence(m)
        self._static_fields(m, is_static)
        self._loop_records(m)
        return m

    def _sequence(self, m: Module) -> Value:
        """Counts beats; strobes with each record. Gives whether the beat belongs to no record."""
        first = self.layout.static_beats
        lengths = {count: self.layout.record_beats(count) for count in self.layout.loop_records}
        phase = Signal(Phase)
        phases = [RECORD_PHASES[count] for count in lengths]
        position = Signal(POSITION_BITS)
        beats = Signal(range(max(first, *lengths.values()) + 1), init=1)
        for strobe in RECORD_STROBES.values():
            m.d.sync += getattr(self.fields, strobe).eq(0)
        with m.If(self.shift):
            m.d.sync += beats.eq(beats + 1)
            with m.Switch(phase):
                with m.Case(Phase.STATIC):
                    with m.If(beats == first):
                        m.d.sync += [phase.eq(phases[0]), beats.eq(1), position.eq(0)]
                for count, following in zip(lengths, [*phases[1:], Phase.STATIC], strict=True):
                    with m.Case(RECORD_PHASES[count]):
                        with m.If(beats == lengths[count]):
                            m.d.sync += beats.eq(1)
                            with m.If(self._end_record(m, count, position)):
                                m.d.sync += phase.eq(following)
        return Value.cast(phase == Phase.STATIC)

    def _end_record(self, m: Module, count: int, position: Signal) -> Value:
        """Strobe with a record and go on to the next position. Gives whether it was the last."""
        is_last = position == count - 1
        m.d.sync += [
            getattr(self.fields, RECORD_STROBES[count]).eq(1),
            self.fields.record_position.eq(position),
            position.eq(position + 1),
        ]
        with m.If(is_last):
            m.d.sync += position.eq(0)
        return is_last

    def _static_fields(self, m: Module, is_static: Value) -> None:
        """The beats that belong to no record, as one long shift register."""
        held = [
            Signal(spec.width * spec.count, name=f"held_{spec.name}", reset_less=True)
            for spec in self.layout.static_fields
        ]
        with m.If(self.shift & is_static):
            m.d.sync += Cat(*held).eq(Cat(*held, self.beat)[8 * self.layout.beat_bytes :])
        for register, spec in zip(held, self.layout.static_fields, strict=True):
            port = Value.cast(getattr(self.fields, spec.name))
            width = FIELDS[spec.name].width
            for i in range(spec.count):
                m.d.comb += port[i * width : (i + 1) * width].eq(_entry(register, i, spec))

    def _loop_records(self, m: Module) -> None:
        """The last beats that came, as the entries of a record."""
        records = self.layout.loop_records
        bits = 8 * self.layout.beat_bytes * max(map(self.layout.record_beats, records))
        latest = Signal(bits, reset_less=True)
        with m.If(self.shift):
            m.d.sync += latest.eq(Cat(latest, self.beat)[8 * self.layout.beat_bytes :])
        for specs in records.values():
            bit = bits - sum(spec.width for spec in specs)
            for spec in specs:
                entry = latest[bit : bit + spec.width]
                m.d.comb += getattr(self.fields, spec.name).eq(_entry(entry, 0, spec))
                bit += spec.width


def _entry(entries: Value, i: int, spec: FieldSpec) -> Value:
    """One of the entries of a field side by side; as a port takes it, which may be wider."""
    entry = entries[i * spec.width : (i + 1) * spec.width]
    return entry.as_signed() if spec.signed else entry
