# amaranth: UnusedElaboratable=no
"""Random components do in Icarus what they do in Amaranth, and no bit is X."""

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Cat, ClockDomain, Const, Module, Mux, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from random_components import (
    RandomComponent,
    bench_of,
    emitted,
    random_rows,
    simulate_in_amaranth,
    simulate_in_icarus,
)

from naas_hw.emit.verilog import emit_verilog

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

CYCLES = 30


def differences(seeds: range, folder: Path) -> list[str]:
    """Where the printed text of some seeds and Amaranth differ first."""
    files: dict[str, str] = {}
    benches: dict[str, str] = {}
    expected: dict[str, list[str]] = {}
    for seed in seeds:
        name, component = f"dut_{seed}", RandomComponent(seed=seed)
        texts = emitted(seed)
        for file, text in texts.items():
            files[f"{seed}_{file}"] = text.replace("naas_random", f"naas_{seed}_random")
        rows = random_rows(component, seed, CYCLES)
        benches[name] = bench_of(name, component, rows)
        expected[name] = simulate_in_amaranth(component, rows)
    found = simulate_in_icarus(benches, files, folder)
    return [
        f"{name}, cycle {cycle}: {lines} is not {wanted}"
        for name in benches
        for cycle, (lines, wanted) in enumerate(zip(found[name], expected[name], strict=True))
        if lines != wanted
    ]


def test_random_components(tmp_path: Path) -> None:
    assert differences(range(20), tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 2000, 50))
def test_many_random_components(first: int, tmp_path: Path) -> None:
    assert differences(range(first, first + 50), tmp_path) == []


class One(wiring.Component):
    """One output that a function gives of signed inputs `a` and `b`, unsigned `u` and `v`."""

    def __init__(self, logic: Callable[..., Any], domain: str = "comb") -> None:
        self.logic = logic
        self.domain = domain
        ports = {"a": In(signed(4)), "b": In(signed(4)), "u": In(4), "v": In(1), "o": Out(12)}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        given = self.logic(m, self.a, self.b, self.u, self.v, self.o)
        if isinstance(given, Value):
            m.d[self.domain] += self.o.eq(given)
        return m


def hold_at_last(m: Module, a: Value, b: Value, u: Value, v: Value, o: Value) -> None:
    m.d.sync += o.eq(u + 1)
    with m.If(v):
        m.d.sync += o.eq(o)


def read_one_word(m: Module, a: Value, b: Value, u: Value, v: Value, o: Value) -> Value:
    m.submodules.memory = memory = Memory(shape=4, depth=1, init=[5])
    write = memory.write_port()
    m.d.comb += [write.en.eq(v), write.data.eq(u)]
    return memory.read_port(domain="comb").data


def switch_by_signed(m: Module, a: Value, b: Value, u: Value, v: Value, o: Value) -> None:
    with m.Switch(0 - a):
        for value in range(8):
            with m.Case(value):
                m.d.sync += o.eq(value + u)


def partly_registered(m: Module, a: Value, b: Value, u: Value, v: Value, o: Value) -> None:
    with m.If(v):
        m.d.sync += o.bit_select(u, 3).eq(a)
    m.d.sync += o[2].eq((Mux(v, u, a) + 1)[1])


def arms_that_overlap(m: Module, a: Value, b: Value, u: Value, v: Value, o: Value) -> None:
    with m.Switch(u[:2]):
        with m.Case(1):
            pass
        with m.Case(0, 1):
            m.d.sync += o.eq(a)
        with m.Case(2, 3):
            m.d.sync += o.eq(b)


LOGIC: dict[str, Callable[..., Any]] = {
    "two_signs": lambda m, a, b, u, v, o: operator.neg(-v),
    "inverted_reduction": lambda m, a, b, u, v, o: ~Cat(u.any(), Const(0, 3)),
    "unsigned_order_of_signed": lambda m, a, b, u, v, o: a.as_unsigned() < b.as_unsigned(),
    "unsigned_extension_of_signed": lambda m, a, b, u, v, o: Cat(a, Const(0, 4)) + Cat(b),
    "unsigned_order_of_negation": lambda m, a, b, u, v, o: u.any() >= (-v).as_unsigned(),
    "comparison_with_a_wider_sum": lambda m, a, b, u, v, o: (
        (Mux(v, a, b - 9).as_unsigned() + a).as_unsigned() <= (~u - v).as_unsigned()[:5]
    ),
    "signed_shift_of_a_shift": lambda m, a, b, u, v, o: (
        Cat((Cat((u >> v)[:3], Const(0, 2)) >> v)[:5], Const(0, 1)).as_signed() >> u[:2]
    ),
    "shift_by_all_bits": lambda m, a, b, u, v, o: u >> 4,
    "signed_index": lambda m, a, b, u, v, o: u.bit_select(a[:2].as_signed().as_unsigned(), 1),
    "sum_as_index": lambda m, a, b, u, v, o: Cat(a, b, u, a, b, u).word_select((u + v)[:2], 3),
    "product_that_drops_bits": lambda m, a, b, u, v, o: Cat(a, b, u, a, b, u).bit_select(
        (u[:3] * 3)[:3], 2
    ),
    "hold_at_last": hold_at_last,
    "memory_of_one_word": read_one_word,
    "case_of_signed": switch_by_signed,
    "partly_registered": partly_registered,
    "arms_that_overlap": arms_that_overlap,
}


@pytest.mark.parametrize("name", LOGIC)
def test_logic_that_is_hard_to_print(name: str, tmp_path: Path) -> None:
    """Most of it was printed wrongly once; the rest looks as if it could be."""
    component = One(LOGIC[name])
    rows = random_rows(component, 1, 100)
    files = emit_verilog(One(LOGIC[name]), name="dut", banner="x")
    found = simulate_in_icarus({"dut": bench_of("dut", component, rows)}, files, tmp_path)
    assert found["dut"] == simulate_in_amaranth(component, rows)


def read_at_clock(m: Module, *_: Value) -> Value:
    m.submodules.memory = memory = Memory(shape=4, depth=4, init=[])
    return memory.read_port().data


def falling_edge(m: Module, a: Value, b: Value, u: Value, v: Value, o: Value) -> None:
    m.domains.fall = ClockDomain("fall", clk_edge="neg")
    m.d.fall += o.eq(u)


@pytest.mark.parametrize(
    ("logic", "message"),
    [
        (read_at_clock, "a read port of a memory must be in the domain 'comb'"),
        (falling_edge, "a register must take its value at the rising edge of its clock"),
        (lambda m, a, b, u, v, o: u // 3, "a cell must be one that Verilog is printed of, not"),
        (lambda m, a, b, u, v, o: a.bit_select(u, 3), "selects of a signed value must lie inside"),
    ],
    ids=["read at the clock", "falling edge", "division", "beyond a signed value"],
)
def test_what_has_no_text_is_refused(logic: Callable[..., Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        emit_verilog(One(logic), name="dut", banner="x")
