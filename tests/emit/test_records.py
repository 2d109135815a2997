"""Records that are driven field by field are printed field by field."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.emit import expressions as ex
from naas_hw.emit.records import (
    FieldWire,
    assign_fields,
    bounds_of_parts,
    bounds_of_targets,
    choose_fields,
)
from naas_hw.emit.statements import Assign, CaseOf, If
from naas_hw.emit.verilog import emit_verilog

TAG = data.StructLayout({"kind": 2, "last": 1})
TRANSFER = data.StructLayout({"tag": TAG, "rows": 8, "columns": 8})
RECORD = ex.Name(12, "record")
CONDITION = ex.Name(1, "condition")


class Recorder(wiring.Component):
    """A record at the output that a function drives."""

    def __init__(self, logic: Callable[..., None]) -> None:
        self.logic = logic
        super().__init__({"i": In(TRANSFER), "start": In(1), "o": Out(TRANSFER)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.logic(m, self.i, self.start, self.o)
        return m


def printed(logic: Callable[..., None]) -> str:
    """The text of a component with this logic."""
    return emit_verilog(Recorder(logic), name="dut", banner="x")["dut.v"]


def in_register(m: Module, i: Any, start: Signal, o: Any) -> None:
    with m.If(start):
        m.d.sync += [o.tag.eq(i.tag), o.rows.eq(i.columns), o.columns.eq(o.columns + i.rows)]


def inner_fields(m: Module, i: Any, start: Signal, o: Any) -> None:
    m.d.sync += [o.tag.last.eq(start), o.rows.eq(i.columns)]


def as_a_whole(m: Module, i: Any, start: Signal, o: Any) -> None:
    m.d.sync += o.eq(i)


def without_register(m: Module, i: Any, start: Signal, o: Any) -> None:
    m.d.comb += [o.tag.eq(i.tag), o.rows.eq(i.columns), o.columns.eq(i.rows + start)]


def through_a_record(m: Module, i: Any, start: Signal, o: Any) -> None:
    """What is taken reads the inner record by its fields alone."""
    held = Signal(TRANSFER)
    m.d.sync += [held.rows.eq(i.rows), held.columns.eq(held.rows)]
    m.d.comb += [o.rows.eq(held.columns), o.columns.eq(held.rows[:4])]


def test_fields_of_a_register_are_registers() -> None:
    text = printed(in_register)
    assert "output wire [18:0] o" in text
    assert "reg [2:0] o_tag = 3'd0;" in text and "reg [7:0] o_rows = 8'd0;" in text
    assert "assign o = {o_columns, o_rows, o_tag};" in text
    assert "o_rows <= i_columns;" in text and "o_columns <= o_columns + i_rows;" in text


def test_a_field_that_is_driven_by_its_fields_is_cut_further() -> None:
    text = printed(inner_fields)
    assert "o_tag_last <= start;" in text
    assert "assign o = {o_columns, o_rows, o_tag_last, o_tag_kind};" in text


def test_a_record_that_is_driven_as_a_whole_stays_one() -> None:
    text = printed(as_a_whole)
    assert "output reg [18:0] o = 19'd0" in text and "o <= i;" in text


def test_fields_without_register_are_wires() -> None:
    text = printed(without_register)
    assert "wire [7:0] o_columns;" in text and "assign o_columns = i_rows + start;" in text
    assert "assign o = {o_columns, o_rows, o_tag};" in text


def test_a_record_that_nothing_reads_as_a_whole_is_not_put_together() -> None:
    text = printed(through_a_record)
    assert "held_columns <= held_rows;" in text and "held_rows[3:0]" in text
    assert not re.search(r"\bheld\b", text)


@pytest.mark.parametrize(
    "logic",
    [in_register, inner_fields, without_register, through_a_record],
    ids=lambda f: f.__name__,
)
def test_no_bits_of_a_record_are_assigned(logic: Callable[..., None]) -> None:
    assert not re.search(r"\bo\[[\d:]+\] <?=", printed(logic))


@pytest.mark.parametrize(
    ("fields", "bounds", "chosen"),
    [
        ([(0, 4), (4, 8)], [0, 4], [(0, 4), (4, 8)]),
        ([(0, 4), (0, 1), (1, 3), (4, 8)], [4, 12], [(0, 4), (4, 8)]),
        ([(0, 4), (0, 1), (1, 3), (4, 8)], [1], [(0, 1), (1, 3), (4, 8)]),
        ([(0, 4), (4, 8)], [2], [(0, 4), (4, 8)]),
        ([(0, 4), (5, 7)], [4], []),
        ([(0, 12)], [4], []),
    ],
    ids=["two", "as large as can be", "inner ones", "bits of a field", "a gap", "one field"],
)
def test_chosen_fields(
    fields: list[tuple[int, int]], bounds: list[int], chosen: list[tuple[int, int]]
) -> None:
    assert choose_fields(12, fields, bounds) == chosen


def test_bounds_of_parts() -> None:
    parts = ex.Concat(6, (ex.Name(2, "a"), ex.Name(4, "b")))
    assert bounds_of_parts(parts) == {0, 2, 6}
    assert bounds_of_parts(ex.Extend(9, parts, False)) == {0, 2, 6}
    assert bounds_of_parts(RECORD) == set()


def test_assignments_to_a_record_are_those_to_its_fields() -> None:
    """Wherever they stand; one to several fields at once becomes several."""
    fields = [FieldWire("low", 0, 4), FieldWire("high", 4, 8)]
    whole = Assign(RECORD, ex.Const(12, 0x123))
    part = Assign(ex.Slice(2, RECORD, 5), ex.Name(2, "value"))
    other = Assign(ex.Name(1, "other"), CONDITION)
    body = (If(((CONDITION, (whole,)),), (other,)), CaseOf(CONDITION, (((0,), (part,)),)))
    assert bounds_of_targets(body, "record") == {5, 7}
    low, high = ex.Name(4, "low"), ex.Name(8, "high")
    both = (Assign(low, ex.Const(4, 3)), Assign(high, ex.Const(8, 0x12)))
    inside = Assign(ex.Slice(2, high, 1), ex.Name(2, "value"))
    assert assign_fields(body, {"record": fields}) == (
        If(((CONDITION, both),), (other,)),
        CaseOf(CONDITION, (((0,), (inside,)),)),
    )
