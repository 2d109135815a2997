"""Weights in memory and on the bus: the image that the compiler makes, and the beats of load."""

import numpy as np
import pytest

from naas_hw.arch.presets import find_preset
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.images import pack_weights
from naas_hw.experiments.weight_traffic import WeightTraffic, weight_traffic
from naas_hw.mapping.geometry import Geometry
from naas_hw.search import map_fixed
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

NETWORK = Network(
    name="net",
    layers=(
        Layer(name="conv", K=24, C=20, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)),
        Layer(name="pair", groups=2, K=8, C=4, P=6, Q=6, height=6, width=6),
    ),
)


@pytest.mark.parametrize("name", ["eyeriss", "nvdla-256", "shidiannao"])
def test_the_image_is_the_compilers_and_loads_are_counted(name: str):
    preset = find_preset(name)
    accelerator = preset.accelerator
    result = map_fixed(accelerator, NETWORK, preset.dataflow, table=SIZED)
    found = weight_traffic(accelerator, result)
    image = 0
    for layer in NETWORK.layers:
        mapping = result.mappings[layer.name]
        geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
        weights = np.ones((layer.K, layer.C, layer.R, layer.S), np.int8)
        image += layer.groups * len(pack_weights(geometry, weights))
    beats = sum(layer.accesses.dram_weights for layer in result.report.layers)
    assert found.network_bytes == 24 * 20 * 9 + 2 * 8 * 4
    assert found.image_bytes == image
    assert found.loaded_bytes == beats * accelerator.beat_bytes >= image


def test_loads_are_bytes_on_the_bus_by_bytes_in_memory():
    assert WeightTraffic(network_bytes=80, image_bytes=100, loaded_bytes=250).num_loads == 2.5
