"""Presets that no other test or command simulates: their hardware is what the model speaks of."""

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import energy_table
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.objective import Objective
from naas_hw.sim.hardware import generate
from naas_hw.sim.layer import simulate_layer
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.layer import Kind, Layer

CONV = Layer(name="conv", K=96, C=64, P=14, Q=14, R=3, S=3, height=14, width=14, padding=(1, 1))
DEPTHWISE = CONV.model_copy(update={"name": "depthwise", "kind": Kind.DEPTHWISE, "C": 1})


LONG_AXIS = Accelerator(
    name="long",
    axes=(Axis(dim="P", size=300), Axis(dim="K", size=2)),
    weight_buffer_bytes=128,
    input_buffer_bytes=64,
    accumulator_words=64,
    bank_bytes=131072,
    scale_depth=64,
)
TALL = Layer(name="tall", K=6, C=5, P=450, Q=5, R=3, S=3, height=450, width=5, padding=(1, 1))


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("verilator")
def test_an_axis_of_hundreds_of_positions_is_equal_to_the_model() -> None:
    """600 PEs, 300 along one axis, of which the last pass uses half."""
    mapping = Mapping(
        l2=Bounds(K=3, C=5, Q=3, R=3),
        pe=Bounds(Q=2, S=3),
        spatial=Bounds(P=300, K=2),
    )
    assert violations(LONG_AXIS, TALL, mapping) == []
    report = simulate_layer(
        generate(LONG_AXIS),
        TALL,
        mapping,
        simulator=find_simulator("verilator"),
        rng=np.random.default_rng(6),
    )
    assert report.ok, report.messages


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("verilator")
@pytest.mark.parametrize("name", ["edgetpu-16x16", "shidiannao", "nvdla-256", "nvdla-1024"])
def test_searched_mappings_on_a_preset_are_equal_to_the_model(name: str) -> None:
    """Cycles, counts and output bytes; edgetpu is scaled to 16 x 16, and its name says so."""
    hardware = generate(PRESETS[name].accelerator)
    for layer in (CONV, DEPTHWISE):
        rng = np.random.default_rng(5)
        found = map_layer(
            hardware.accelerator,
            layer,
            objective=Objective.LATENCY,
            table=energy_table("sized"),
            budget_evaluations=300,
            rng=rng,
        )
        assert found is not None
        report = simulate_layer(
            hardware, layer, found.best.mapping, simulator=find_simulator("verilator"), rng=rng
        )
        assert report.ok, report.messages
        assert report.simulated_cycles == found.best.cycles
