"""The layer's descriptor in hardware: a shift register with named fields."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Member, Out

from naas_hw.mapping.descriptor import LAYOUT, FieldSpec
from naas_hw.rtl.shared import SharedComponent

FIELDS = {spec.name: spec for spec in LAYOUT}


def field_shape(spec: FieldSpec) -> Shape | data.ArrayLayout:
    """Shape of a field; an array layout where it has more than one entry."""
    shape = signed(spec.width) if spec.signed else unsigned(spec.width)
    return shape if spec.count == 1 else data.ArrayLayout(shape, spec.count)


def field_ports(names: tuple[str, ...]) -> dict[str, Member]:
    """One input for each of these descriptor fields, under its own name."""
    return {name: In(field_shape(FIELDS[name])) for name in names}


def connect_fields(m: Module, source: "ConfigRegister", engine: wiring.Component) -> None:
    """Drive every descriptor field that the engine has as an input."""
    for name in engine.signature.members:
        if name in FIELDS:
            m.d.comb += getattr(engine, name).eq(getattr(source, name))


class ConfigRegister(SharedComponent):
    """Takes a descriptor beat by beat, first beat first, and holds it.

    Parameters
    ----------
    beat_bits : bits of a beat.

    Members
    -------
    shift : In, takes `beat` at the end of this cycle.
    beat : In, beat_bits.
    one output for each field of the descriptor, under its name.
    """

    def __init__(self, *, beat_bits: int) -> None:
        self.beat_bits = beat_bits
        ports = {name: Out(field_shape(spec)) for name, spec in FIELDS.items()}
        super().__init__({"shift": In(1), "beat": In(beat_bits), **ports})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bits,)

    def build(self, platform: Any) -> Module:
        m = Module()
        parts = [Signal(spec.width * spec.count, name=f"held_{n}") for n, spec in FIELDS.items()]
        held = Cat(*parts)
        with m.If(self.shift):
            m.d.sync += held.eq(Cat(held, self.beat)[self.beat_bits :])
        for part, name in zip(parts, FIELDS, strict=True):
            port = getattr(self, name)
            m.d.comb += (port if isinstance(port, Signal) else port.as_value()).eq(part)
        return m
