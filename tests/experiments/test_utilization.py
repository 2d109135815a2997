"""Compulsory bytes are those that a brute-force walk touches.

A compute-bound layer is held to both limits, on the RTL too.
"""

from dataclasses import replace
from itertools import product

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.core.errors import InputError
from naas_hw.experiments.utilization import (
    compulsory_bytes,
    is_compute_bound,
    measure_utilization,
    utilization_markdown,
)
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.catalogue import load_builtin
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

LAYERS = [
    Layer(name="padded", K=3, C=2, P=4, Q=5, R=3, S=3, height=4, width=5, padding=(1, 1)),
    Layer(name="strided", K=4, C=3, P=3, Q=3, height=7, width=6, stride=(2, 2)),
    Layer(name="dilated", K=2, C=2, P=2, Q=3, R=2, S=2, height=9, width=9, dilation=(4, 3)),
    Layer(name="dw", kind=Kind.DEPTHWISE, K=5, P=2, Q=2, R=3, S=3, height=5, width=5,
          stride=(2, 2)),
    Layer(name="groups", K=2, C=3, P=2, Q=2, height=2, width=2, groups=3),
    Layer(name="fc", kind=Kind.LINEAR, K=7, C=9, height=1, width=1),
]  # fmt: skip


def touched(layer: Layer) -> int:
    """Distinct weights, inputs and outputs that the loops of a group touch."""
    weights, inputs, outputs = set(), set(), set()
    for k, c, p, q, r, s in product(*(range(bound) for bound in layer.bounds.values())):
        weights.add((k, c, r, s))
        outputs.add((k, p, q))
        y = p * layer.stride[0] + r * layer.dilation[0] - layer.padding[0]
        x = q * layer.stride[1] + s * layer.dilation[1] - layer.padding[1]
        if 0 <= y < layer.height and 0 <= x < layer.width:
            inputs.add((k if layer.kind is Kind.DEPTHWISE else c, y, x))
    return layer.groups * (len(weights) + len(inputs) + len(outputs))


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_compulsory_bytes_are_those_that_are_touched(layer):
    assert compulsory_bytes(layer) == touched(layer)


def test_a_layer_is_compute_bound_where_its_channels_fill_the_axes_and_the_bus_needs_less():
    accelerator = PRESETS["nvdla-256"].accelerator
    layer = Layer(name="l", K=32, C=16, P=24, Q=24, R=1, S=1, height=24, width=24)
    busy = layer.num_macs / 256
    assert busy < 1.5 * (32 * 16 + 16 * 24 * 24 + 32 * 24 * 24) / 16
    assert not is_compute_bound(accelerator, layer)
    large = layer.model_copy(update={"R": 3, "S": 3, "padding": (1, 1)})
    assert is_compute_bound(accelerator, large)
    assert not is_compute_bound(accelerator, large.model_copy(update={"C": 24}))
    assert not is_compute_bound(accelerator, large.model_copy(update={"K": 40}))


def test_resnet50_has_layers_of_every_stage_that_are_compute_bound():
    accelerator = PRESETS["nvdla-256"].accelerator
    bound_layers = [
        layer for layer in load_builtin("resnet50").layers if is_compute_bound(accelerator, layer)
    ]
    for stage in range(1, 5):
        sizes = {layer.R for layer in bound_layers if layer.name.startswith(f"layer{stage}.")}
        assert sizes == {1, 3}


ARRAY = Accelerator(
    name="small",
    axes=(Axis(dim="C", size=4), Axis(dim="K", size=4)),
    weight_buffer_bytes=64,
    input_buffer_bytes=128,
    accumulator_words=256,
    bank_bytes=2048,
    beat_bytes=8,
)
NETWORK = Network(
    name="net",
    layers=(
        Layer(name="a", K=8, C=8, P=16, Q=16, R=3, S=3, height=16, width=16, padding=(1, 1)),
        Layer(name="twin", K=8, C=8, P=16, Q=16, R=3, S=3, height=16, width=16, padding=(1, 1)),
        Layer(name="ragged", K=6, C=8, P=16, Q=16, R=3, S=3, height=18, width=18),
    ),
)


@pytest.mark.sim
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_a_layer_that_is_compute_bound_is_fast_on_the_rtl_as_predicted():
    (entry,) = measure_utilization(
        ARRAY, NETWORK, evaluations=400, simulator=find_simulator("icarus"), layers=["twin"]
    )
    assert entry.names == ("a", "twin")
    assert entry.simulated is not None and entry.simulated.ok
    macs = 8 * 8 * 16 * 16 * 9
    assert entry.utilization == macs / (16 * entry.simulated.simulated_cycles)
    assert entry.ok and entry.utilization >= 0.85 and entry.of_slowest <= 1.1
    text = utilization_markdown(ARRAY, NETWORK, [entry])
    assert f"| {entry.predicted.cycles:,} | {entry.simulated.simulated_cycles:,} |" in text
    assert "1 distinct layers, 1 of them simulated at full size, 1 equal" in text
    wrong = replace(entry, simulated=replace(entry.simulated, output_mismatches=1))
    assert not wrong.ok
    assert "**differs**" in utilization_markdown(ARRAY, NETWORK, [wrong])


@pytest.mark.parametrize("name", ["ragged", "missing"])
def test_a_layer_that_is_not_due_is_not_simulated(name):
    with pytest.raises(InputError, match=f"must be of net and not held up by memory, not '{name}'"):
        measure_utilization(ARRAY, NETWORK, evaluations=64, simulator=None, layers=[name])


def test_a_slow_layer_is_not_passed():
    (entry,) = measure_utilization(ARRAY, NETWORK, evaluations=200, simulator=None)
    slow = replace(entry, predicted=replace(entry.predicted, utilization=0.84))
    assert not slow.ok
    idle = replace(entry, predicted=replace(entry.predicted, cycles=2 * entry.predicted.cycles))
    assert not idle.ok
