"""Layers with a residual, a table or both, each equal to the model in all that it counts."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from stored_cases import CaseList, read_case_list

from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import LayerReport, simulate_layer
from naas_hw.sim.run import Stalls
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.option import Option

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

FOLDER = Path(__file__).parents[1] / "cases"
BANKS_OF_A_RESIDUAL = 4
ALL = frozenset({Option.RESIDUAL, Option.TABLE})
CASES = {
    "outputs in one run": ("c8_k8", 3),
    "sums to DRAM and back": ("c8_k8", 7),
    "narrow beats, a long table": ("c2_beat4", 1),
    "a residual behind every tile": ("p4_q4_k4", 3),
}
"""Name -> list and number of a triple."""


@cache
def cases_of(name: str) -> CaseList:
    return read_case_list(FOLDER / f"{name}.yaml")


@cache
def hardware_of(name: str, options: frozenset[Option]) -> Hardware:
    """The list's accelerator with these options, and banks for a residual."""
    accelerator = cases_of(name).accelerator
    flags = dict.fromkeys((option.value for option in options), True)
    banks = {"num_banks": accelerator.num_banks + BANKS_OF_A_RESIDUAL}
    return generate(accelerator.model_copy(update=flags | banks))


def simulate(
    what: str,
    there: frozenset[Option],
    used: frozenset[Option],
    stalls: Stalls | None = None,
) -> LayerReport:
    """A triple on an accelerator that has some options, of which the layer uses some."""
    name, index = CASES[what]
    case, hardware = cases_of(name).case(index), hardware_of(name, there)
    memory = {
        field: getattr(case.accelerator, field)
        for field in ("dram_latency_cycles", "dram_beat_period_cycles")
    }
    accelerator = hardware.accelerator.model_copy(update=memory)
    layer = case.layer.model_copy(update={option.value: True for option in used})
    return simulate_layer(
        replace(hardware, accelerator=accelerator),
        layer,
        case.mapping,
        simulator=find_simulator("icarus"),
        rng=layer_generator(0, accelerator, layer),
        stalls=stalls,
    )


def assert_equal(report: LayerReport) -> None:
    """Cycles piece by piece, counts and output bytes."""
    assert report.messages == ()
    assert report.status == "done"
    assert report.first_piece is None
    assert report.counts == ()
    assert report.output_mismatches == 0
    assert report.ok


@pytest.mark.sampled(5)
@pytest.mark.parametrize("used", [frozenset(), {Option.RESIDUAL}, {Option.TABLE}, ALL], ids=sorted)
@pytest.mark.parametrize("what", CASES)
def test_a_layer_may_use_what_is_there(what: str, used: frozenset[Option]) -> None:
    """Or nothing of it."""
    assert_equal(simulate(what, ALL, used))


@pytest.mark.parametrize("option", sorted(ALL))
def test_one_option_stands_alone(option: Option) -> None:
    """Hardware of one option without that of the other."""
    only = frozenset({option})
    assert_equal(simulate("narrow beats, a long table", only, only))


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_a_memory_that_stalls_changes_no_byte(seed: int) -> None:
    """Residuals come late, or early."""
    stalls = Stalls(seed=seed, percent=50)
    report = simulate("a residual behind every tile", ALL, ALL, stalls)
    assert report.ok, report
