"""The roofline: each layer takes as long as its busiest part, by hand."""

import pytest

from naas_hw.arch.budget import Budget
from naas_hw.experiments.roofline import roofline
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

BUDGET = Budget(name="small", max_pes=8, on_chip_bytes=16384, beat_bytes=8)
POINTWISE = Layer(name="point", K=16, C=4, P=8, Q=8, height=8, width=8)
"""4096 products, 64 weights and 256 inputs, 1024 outputs."""


def network(*layers: Layer) -> Network:
    return Network(name="net", layers=layers)


@pytest.mark.parametrize(
    "lanes, max_pes, period, cycles, drain_share",
    [
        (2, 16, 1, 1024 / 2, 1),
        (4, 16, 1, 1024 / 4, 1),  # as many as the products need: drain counts
        (8, 16, 1, 4096 / 16, 0),
        (8, 64, 1, 1024 / 8, 1),  # as many as the bus needs for outputs
        (8, 64, 4, 1024 * 4 / 8, 0),
    ],
)
def test_a_layer_takes_the_largest_of_its_parts(
    lanes: int, max_pes: int, period: int, cycles: float, drain_share: float
):
    budget = BUDGET.model_copy(update={"max_pes": max_pes, "dram_beat_period_cycles": period})
    found = roofline(network(POINTWISE), budget, lanes)
    assert (found.cycles, found.drain_share) == (cycles, drain_share)


def test_loads_are_weights_and_inputs():
    dense = Layer(name="dense", K=8, C=512, height=1, width=1)
    budget = BUDGET.model_copy(update={"max_pes": 4096})
    assert roofline(network(dense), budget, 2).cycles == (8 * 512 + 512) / 8


def test_the_share_of_drain_is_that_of_the_layers_it_bounds():
    depthwise = Layer(
        name="deep",
        kind=Kind.DEPTHWISE,
        K=16,
        P=8,
        Q=8,
        R=3,
        S=3,
        height=8,
        width=8,
        padding=(1, 1),
    )
    found = roofline(network(POINTWISE, depthwise), BUDGET, 4)
    point, deep = 4096 / 8, 1024 * 9 / 8
    assert (found.cycles, found.drain_share) == (point + deep, 0)
    wide = BUDGET.model_copy(update={"max_pes": 32})
    found = roofline(network(POINTWISE, depthwise), wide, 4)
    point, deep = 1024 / 4, 1024 * 9 / 32
    assert found.cycles == point + deep
    assert found.drain_share == pytest.approx(point / (point + deep))
