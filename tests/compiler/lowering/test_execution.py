"""Lowered networks give the bytes of the network in integers, tensor by tensor."""

from dataclasses import replace

import numpy as np
import pytest
from integer_networks import convolution, host_function, network

from naas_hw.compiler.lowering.execution import run_lowered
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.values import HostCall, LayerCall, LoweredNetwork
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import HostFunction, QuantisedGraph
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.workload.option import Option

NO_OPTIONS: frozenset[Option] = frozenset()


def assert_same(graph: QuantisedGraph, lowered: LoweredNetwork, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = random_inputs(graph, rng)
    wanted = run_integers(graph, inputs)
    results = run_lowered(lowered, inputs, rng=rng)
    assert set(graph.outputs) <= set(results)
    for name in set(results) & set(wanted):
        assert np.array_equal(results[name], wanted[name]), (name, seed, lowered.beat_bytes)


@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
def test_random_networks_give_the_same_bytes(beat_bytes):
    for seed in range(100):
        graph = random_graph(seed)
        assert_same(graph, lower(graph, beat_bytes=beat_bytes), seed)


@pytest.mark.parametrize("beat_bytes", [4, 16])
def test_with_all_hardware_only_host_functions_are_left(beat_bytes):
    for seed in range(100):
        for call in lower(random_graph(seed), beat_bytes=beat_bytes).host_calls:
            assert isinstance(call.operator, HostFunction)


@pytest.mark.parametrize("missing", list(Option))
def test_what_needs_missing_hardware_goes_to_the_host(missing):
    options = frozenset(Option) - {missing}
    for seed in range(40):
        graph = random_graph(seed)
        lowered = lower(graph, beat_bytes=8, options=options)
        assert all(missing not in call.layer.options for call in lowered.layer_calls)
        assert_same(graph, lowered, seed)


def test_without_any_option_networks_still_run():
    for seed in range(40):
        graph = random_graph(seed)
        lowered = lower(graph, beat_bytes=8, options=NO_OPTIONS)
        assert all(not call.layer.options for call in lowered.layer_calls)
        assert_same(graph, lowered, seed)


def test_real_numbers_between_operators_of_the_host_lie_in_no_buffer():
    shape = (4, 3, 3)
    graph = network(
        {name: shape for name in "xaefy"},
        convolution("x", "a", (4, 4, 1, 1)),
        host_function("a", "e", "exp"),
        host_function("e", "f", "softmax", axis=1),
        convolution("f", "y", (4, 4, 1, 1)),
    )
    tensors = {**graph.tensors, "e": replace(graph.tensors["e"], dtype="float32")}
    graph = replace(graph, tensors=tensors)
    lowered = lower(graph, beat_bytes=4)
    assert [type(call) for call in lowered.calls] == [LayerCall, HostCall, HostCall, LayerCall]
    assert "e" not in lowered.buffers
    assert_same(graph, lowered, 0)


def test_a_real_input_goes_to_the_host():
    graph = network(
        {name: (4, 3, 3) for name in "xsy"},
        host_function("x", "s", "softmax", axis=1),
        convolution("s", "y", (4, 4, 1, 1)),
    )
    tensors = {**graph.tensors, "x": replace(graph.tensors["x"], dtype="float32")}
    graph = replace(graph, tensors=tensors)
    inputs = {"x": np.random.default_rng(0).normal(size=(1, 4, 3, 3)).astype(np.float32)}
    results = run_lowered(lower(graph, beat_bytes=4), inputs)
    assert np.array_equal(results["y"], run_integers(graph, inputs)["y"])
