"""The critical path in words names both ends, and what lies between them."""

import pytest

from naas_hw.fpga.critical_path import PathStep, path_text


def step(kind: str, component: str, cell: str, delay_ns: float) -> PathStep:
    return PathStep(kind=kind, component=component, cell=cell, delay_ns=delay_ns)


PATH = (
    step("clk-to-q", "core.drain_path", "core.drain_path.beat_0_TRELLIS_FF_Q_2", 0.5),
    step("routing", "core.global_buffer", "core.global_buffer.sums_CCU2C_S0$CCU2_COMB0", 1.25),
    step("logic", "core.global_buffer", "core.global_buffer.sums_CCU2C_S0$CCU2_COMB0", 0.5),
    step("routing", "core.global_buffer.bank_4", "core.global_buffer.bank_4.words.0.0", 2.0),
    step("setup", "core.global_buffer.bank_4", "core.global_buffer.bank_4.words.0.0", 0.25),
)


def test_a_path_goes_from_an_end_through_components_to_an_end():
    assert path_text(PATH) == (
        "from register beat_0 of core.drain_path through core.global_buffer "
        "to memory words of core.global_buffer.bank_4: 4.5 ns, 3.2 of it routing"
    )


def test_a_path_within_one_component_goes_through_nothing_else():
    ends = (step("clk-to-q", "core.a", "core.a.x_TRELLIS_FF_Q", 1.0),
            step("setup", "core.a", "core.a.product_MULT18X18D_A", 1.0))  # fmt: skip
    assert path_text(ends) == (
        "from register x of core.a to multiplier product of core.a: 2.0 ns, 0.0 of it routing"
    )


def test_without_a_path_there_is_no_sentence():
    assert path_text(()) == ""


@pytest.mark.parametrize(
    ("component", "cell", "text"),
    [
        ("harness", "outputs_TRELLIS_FF_Q_12", "register outputs of harness"),
        ("core.q", "core.q.entries.0.3$RAMW_BLOCK$0", "memory entries of core.q"),
        ("harness", "load$tr_io", "pin load of harness"),
        ("core.a", "core.a.strange", "strange of core.a"),
    ],
)
def test_an_end_is_named_after_what_it_is(component, cell, text):
    assert path_text([step("setup", component, cell, 1.0)]).startswith(f"from {text} to")
