"""Whole networks become layers; the host keeps what no layer computes, and nothing else."""

from collections import Counter

import pytest
from networks import NETWORKS, calibrated

from naas_hw.compiler.lowering.lower import lower
from naas_hw.graph.importers.torch_program import read_torch_module
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.integers.products import macs_of
from naas_hw.graph.quantise.quantisation import quantise
from naas_hw.graph.quantised import HostFunction

pytestmark = [pytest.mark.needs("torch"), pytest.mark.takes_seconds]

SIZE = 32
HOST = {"mobile_net_v3_small": Counter(multiply=9), "yolo": Counter(softmax=1)}
"""Of MobileNetV3-small the factors of its nine squeezes, of YOLO the shares of distances."""


@pytest.mark.parametrize("name", NETWORKS)
def test_the_host_keeps_softmax_and_products_of_two_activations_only(name: str) -> None:
    module, images = calibrated(NETWORKS[name](), (1, 3, SIZE, SIZE))
    graph = read_torch_module(module, input_shapes={"x": (1, 3, SIZE, SIZE)})
    assert graph.notes == ()
    integers = quantised_graph(quantise(graph, [{graph.inputs[0]: image} for image in images]))
    lowered = lower(integers, beat_bytes=8)

    calls = [call.operator for call in lowered.host_calls]
    assert Counter(getattr(call, "kind", type(call).__name__) for call in calls) == HOST[name]
    for call in calls:
        assert isinstance(call, HostFunction)
        assert not call.constants
        if call.kind == "multiply":
            gate, image = call.input_shapes
            assert gate == (*image[:2], 1, 1)
            assert call.output_shape == image

    products = {operator.name for operator in graph.operators if macs_of(graph, operator)}
    assert products <= {source for call in lowered.layer_calls for source in call.sources}
