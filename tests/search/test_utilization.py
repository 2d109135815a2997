"""On the nvdla-256 preset, layers of ResNet50 that can be fast are found to be fast."""

from importlib.resources import files

import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.search import MappingSettings, Objective
from naas_hw.search.mapping.network_search import search_layers
from naas_hw.workload.files import read_network
from naas_hw.workload.layer import Layer

ACCELERATOR = PRESETS["nvdla-256"].accelerator
RESNET50 = read_network(str(files("naas_hw.workload") / "data" / "resnet50.yaml"))
DUE = 0.85


def dram_cycles(layer: Layer) -> float:
    """Beats of each input, weight and output once."""
    num_bytes = layer.height * layer.width * layer.C + layer.K * (
        layer.C * layer.R * layer.S + layer.P * layer.Q
    )
    return num_bytes / ACCELERATOR.beat_bytes


COMPUTE_BOUND = [
    layer
    for layer in RESNET50.distinct_layers
    if layer.K % 16 == layer.C % 16 == 0
    and layer.num_macs / ACCELERATOR.num_pes >= 1.5 * dram_cycles(layer)
]


def test_the_rule_covers_most_of_the_network():
    assert len(COMPUTE_BOUND) >= 20


@pytest.mark.parametrize("layer", COMPUTE_BOUND, ids=lambda layer: layer.name)
def test_utilization_is_at_least_85_percent(layer: Layer):
    settings = MappingSettings(objective=Objective.LATENCY, table=SIZED)
    (result,) = search_layers(ACCELERATOR, [layer], settings)
    assert result is not None
    assert layer.num_macs / (ACCELERATOR.num_pes * result.best.cycles) >= DUE
