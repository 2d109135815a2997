# amaranth: UnusedElaboratable=no
"""The config register gives what `pack` put into a descriptor."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Value
from amaranth.lib.wiring import connect
from kit import STALLS, at_random, simulate

from naas_hw.arch import timing
from naas_hw.compiler.fields import LAYOUT, NEST, OUTER, FieldSpec
from naas_hw.compiler.layout import DescriptorLayout
from naas_hw.rtl.primitives.config import (
    POSITION_BITS,
    RECORD_STROBES,
    ConfigRegister,
    FieldSignature,
)
from naas_hw.workload.option import Option

Values = dict[str, int | tuple[int, ...]]


def random_entry(rng: np.random.Generator, spec: FieldSpec) -> int:
    low = -(1 << (spec.width - 1)) if spec.signed else 0
    return low + int(rng.integers(1 << spec.width))


def random_values(rng: np.random.Generator) -> Values:
    entries = {spec: [random_entry(rng, spec) for _ in range(spec.count)] for spec in LAYOUT}
    return {s.name: tuple(e) if s.count > 1 else e[0] for s, e in entries.items()}


def layout_with_all(beat_bytes: int) -> DescriptorLayout:
    """The layout where all optional hardware is there."""
    return DescriptorLayout(beat_bytes=beat_bytes, options=frozenset(Option))


def beats_of(values: Values, layout: DescriptorLayout) -> list[int]:
    """The beats of a descriptor that go into the config register: all but the checksum."""
    beat_bytes = layout.beat_bytes
    packed = layout.pack(values)[: -timing.CHECKSUM_BEATS * beat_bytes]
    parts = range(0, len(packed), beat_bytes)
    return [int.from_bytes(packed[at : at + beat_bytes], "little") for at in parts]


def records_of(values: Values, layout: DescriptorLayout) -> list[tuple[int, int, dict[str, int]]]:
    """(number of positions, position, entries) of each loop record in its order."""
    records = []
    for count, specs in layout.loop_records.items():
        for position in range(count):
            entries = {}
            for spec in specs:
                value = values[spec.name]
                assert isinstance(value, tuple)
                entries[spec.name] = value[position]
            records.append((count, position, entries))
    return records


class Monitor:
    """Collects the records that strobe, with what the fields are in that cycle."""

    def __init__(self, dut: ConfigRegister) -> None:
        self.dut = dut
        self.records: list[tuple[int, int, dict[str, int]]] = []

    def sample(self, ctx: Any) -> None:
        fields = self.dut.fields
        for count, strobe in RECORD_STROBES.items():
            if ctx.get(getattr(fields, strobe)):
                entries = {
                    s.name: ctx.get(getattr(fields, s.name))
                    for s in self.dut.layout.loop_records[count]
                }
                self.records.append((count, ctx.get(fields.record_position), entries))


def read_static(ctx: Any, dut: ConfigRegister) -> Values:
    values: Values = {}
    for spec in dut.layout.static_fields:
        field = getattr(dut.fields, spec.name)
        entries = [ctx.get(field[i]) for i in range(spec.count)] if spec.count > 1 else []
        values[spec.name] = tuple(entries) if entries else ctx.get(field)
    return values


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("beat_bytes", [4, 8, 32])
def test_fields_are_those_of_two_descriptors(beat_bytes: int, stalls: str) -> None:
    """A second descriptor follows the first; beats come with stalls between them."""
    rng = np.random.default_rng(beat_bytes)
    dut = ConfigRegister(layout_with_all(beat_bytes))

    async def bench(ctx: Any) -> None:
        pauses = iter(STALLS[stalls]())
        for values in (random_values(rng), random_values(rng)):
            monitor = Monitor(dut)
            for beat in beats_of(values, dut.layout):
                while next(pauses):
                    await ctx.tick()
                    monitor.sample(ctx)
                ctx.set(dut.shift, 1)
                ctx.set(dut.beat, beat)
                await ctx.tick()
                ctx.set(dut.shift, 0)
                monitor.sample(ctx)
            assert monitor.records == records_of(values, dut.layout)
            expected = {spec.name: values[spec.name] for spec in dut.layout.static_fields}
            assert read_static(ctx, dut) == expected

    simulate(dut, bench)


def test_a_strobe_lasts_one_cycle_and_static_fields_stay() -> None:
    rng = np.random.default_rng(3)
    dut = ConfigRegister(DescriptorLayout(beat_bytes=32))
    values = random_values(rng)

    async def bench(ctx: Any) -> None:
        for beat in beats_of(values, dut.layout):
            ctx.set(dut.shift, 1)
            ctx.set(dut.beat, beat)
            await ctx.tick()
        ctx.set(dut.shift, 0)
        assert ctx.get(dut.fields.outer_write)
        before = read_static(ctx, dut)
        for pause, _ in zip(at_random(4), range(20), strict=False):
            ctx.set(dut.beat, int(pause))
            await ctx.tick()
            assert not ctx.get(dut.fields.outer_write) and not ctx.get(dut.fields.nest_write)
        assert read_static(ctx, dut) == before

    simulate(dut, bench)


def test_a_signature_has_the_strobes_of_the_loops_that_it_reads() -> None:
    def extra(*names: str) -> set[str]:
        return set(FieldSignature(names).members) - set(names)

    assert extra("image_rows", "weight_base") == set()
    assert extra("image_rows", "load_bound") == {"outer_write", "record_position"}
    assert extra("fill_row_delta") == {"nest_write", "record_position"}
    assert extra("fill_bound", "pe_bound") == {"nest_write", "outer_write", "record_position"}
    assert len(FieldSignature(["pe_bound"]).create().record_position) == POSITION_BITS
    assert set(RECORD_STROBES) == {NEST, OUTER}


def test_a_part_consists_of_the_same_signals() -> None:
    dut = ConfigRegister(DescriptorLayout(beat_bytes=8))
    names = ("weight_base", "pe_bound")
    part = dut.fields.select(names)
    assert part.pe_bound is dut.fields.pe_bound and part.outer_write is dut.fields.outer_write
    assert Value.cast(part.weight_base) is Value.cast(dut.fields.weight_base)
    assert part.signature == FieldSignature(names)


def test_a_part_connects_to_the_fields_of_an_engine() -> None:
    dut = ConfigRegister(DescriptorLayout(beat_bytes=8))
    names = ("weight_base", "pe_bound")
    engine = FieldSignature(names).flip().create()
    connect(Module(), dut.fields.select(names), engine)


def test_init_wrong_beat_bytes() -> None:
    with pytest.raises(ValueError, match=r"^beat_bytes must be a power of two, not 12$"):
        ConfigRegister(DescriptorLayout(beat_bytes=12))


def test_init_wrong_name() -> None:
    with pytest.raises(
        ValueError, match=r"^names must be fields of the descriptor, not 'load_bounds'$"
    ):
        FieldSignature(["load_bounds"])
