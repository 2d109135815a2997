"""Post-training quantisation from end to end: integers close to the float model."""

from dataclasses import replace

import numpy as np
import pytest
from float_networks import NetworkBuilder, images, residual_network

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.graph import tensor_of
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.quantise.quantisation import quantise, quantise_measured
from naas_hw.graph.quantise.settings import Observer, QuantiseSettings
from naas_hw.graph.quantised import HostFunction

SHAPE = (1, 3, 8, 8)


@pytest.mark.parametrize("observer", list(Observer))
def test_integers_follow_the_float_model(observer: Observer) -> None:
    graph = residual_network()
    done = quantise_measured(graph, images(SHAPE), QuantiseSettings(observer=observer))
    assert done.error < 0.002
    integers = quantised_graph(done.graph)
    assert not any(isinstance(operator, HostFunction) for operator in integers.operators)
    (output,) = integers.outputs
    for image in images(SHAPE, seed=5):
        wanted = run_floats(graph, image)[graph.outputs[0]]
        emulated = run_floats(done.graph, image)[graph.outputs[0]]
        found = model_values(integers.tensors[output], run_integers(integers, image)[output])
        assert np.abs(found - emulated).max() <= 3.01 * integers.tensors[output].scale
        assert np.abs(found - wanted).max() < 0.15 * np.abs(wanted).max()


def test_what_shares_a_scale_and_what_is_rounded() -> None:
    graph = quantise(residual_network(), images(SHAPE))
    made = {operator.outputs[0]: operator for operator in graph.operators}
    scales = {
        name.removesuffix("/int8"): (x.attributes["scale"], x.attributes["zero_point"])
        for name, x in made.items()
        if x.kind == "quantize"
    }
    of_kind = {x.kind: x for x in residual_network().operators}
    concat, pool = of_kind["concat"], of_kind["max_pool"]
    shared = {scales[name] for name in (*concat.inputs, *concat.outputs, *pool.outputs)}
    assert len(shared) == 1
    convs = [x for x in residual_network().operators if x.kind == "conv"]
    assert convs[0].outputs[0] not in scales and of_kind["add"].outputs[0] not in scales
    assert convs[1].outputs[0] in scales and convs[2].outputs[0] in scales


def test_a_host_operator_keeps_its_numbers() -> None:
    build = NetworkBuilder()
    flat = build.add(
        "reshape",
        [build.conv(build.image(1, 2, 4, 4), 3)],
        name="flat",
        source="test",
        shape=(1, 48),
    )
    graph = build.graph(build.one("softmax", flat, axis=1))
    done = quantise(graph, images((1, 2, 4, 4)))
    assert done.operators[-1].kind == "softmax"
    integers = quantised_graph(done)
    assert integers.tensors[integers.outputs[0]].graph_dtype == "float32"


def test_the_range_of_dead_channels_and_of_large_biases() -> None:
    """A channel without weights has a scale nevertheless, and its bias fits into int32."""
    build = NetworkBuilder()
    y = build.conv(build.image(1, 2, 4, 4), 3)
    graph = build.graph(y)
    weights, bias = graph.operators[0].inputs[1:]
    changed = np.array(graph.constant(weights))
    changed[1] = 0
    biases = np.array([0.1, 50.0, -0.2], np.float32)
    tensors = {**graph.tensors, weights: tensor_of(weights, changed), bias: tensor_of(bias, biases)}
    graph = replace(graph, tensors=tensors)
    done = quantise(graph, images((1, 2, 4, 4)), QuantiseSettings(observer=Observer.MINMAX))
    image = images((1, 2, 4, 4), seed=3)[0]
    wanted, found = (run_floats(x, image)[y] for x in (graph, done))
    assert np.abs(wanted - found).max() < 0.25


def test_a_layer_whose_results_are_almost_equal_stays_on_the_accelerator() -> None:
    """Its sums would have to be multiplied by more than 1; its range is widened instead."""
    build = NetworkBuilder()
    a = build.conv(build.image(1, 2, 4, 4), 1, 1, bias=False)
    graph = build.graph(build.relu(build.conv(build.relu(a), 3, 1), 1e-4))
    first = images((1, 2, 4, 4))[:1]
    integers = quantised_graph(quantise(graph, first, QuantiseSettings(observer=Observer.MINMAX)))
    assert not any(isinstance(operator, HostFunction) for operator in integers.operators)


@pytest.mark.parametrize("size", [1e-36, 1e18, 1e37])
def test_numbers_of_any_size_are_quantised_or_refused(size: float) -> None:
    """No sum overflows on the way: such a warning fails the test."""
    build = NetworkBuilder()
    graph = build.graph(build.conv(build.image(1, 2, 4, 4), 3))
    data = [{"x": image["x"] * np.float32(size)} for image in images((1, 2, 4, 4))]
    if size < 1e30:
        quantise(graph, data)
        return
    with pytest.raises(InputError, match="the partial sums of conv0 must fit float32"):
        quantise(graph, data)


def test_numbers_that_are_none_are_refused() -> None:
    graph = residual_network()
    broken = images(SHAPE)
    broken[2]["x"][0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="'x' must be finite on calibration data, not NaN"):
        quantise(graph, broken)
    with pytest.raises(InputError, match="at least one image, not none"):
        quantise(graph, [])
    with pytest.raises(InputError, match="not one that is quantised already"):
        quantise(quantise(graph, images(SHAPE)), images(SHAPE))
    infinite = np.full(5, np.inf, np.float32)
    tensors = {**graph.tensors, "fc.b": tensor_of("fc.b", infinite)}
    with pytest.raises(InputError, match="fc.b of net must be finite"):
        quantise(replace(graph, tensors=tensors), images(SHAPE))
    build = NetworkBuilder()
    only_host = build.graph(build.one("softmax", build.image(1, 4), axis=1))
    with pytest.raises(InputError, match="has no operator that the accelerator runs"):
        quantise(only_host, images((1, 4)))
    with pytest.raises(InputError, match="percentile must be above 50"):
        QuantiseSettings(percentile=20)
