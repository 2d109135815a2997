"""A first layer without its stride is the same layer."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from integer_networks import convolution, network

from naas_hw.compiler.lowering.execution import run_lowered
from naas_hw.compiler.lowering.input_folding import fold_inputs, folded, folded_shape
from naas_hw.compiler.lowering.lower import lower
from naas_hw.graph.integer_execution import run_integers, run_operator
from naas_hw.graph.quantised import Convolution, QuantisedGraph
from naas_hw.graph.random_graph import random_inputs

PAIR = st.tuples(st.integers(1, 4), st.integers(1, 4))


def first_layer(
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> QuantisedGraph:
    """A network of one convolution of the input x."""
    size = [
        (shape[1 + i] + padding[i] + padding[2 + i] - kernel[i]) // stride[i] + 1 for i in (0, 1)
    ]
    return network(
        {"x": shape, "y": (5, size[0], size[1])},
        convolution("x", "y", (5, shape[0], *kernel), stride=stride, padding=padding),
    )


def folded_image(image, fold, zero_point):
    """Row a + rows h and column b + columns w become channel (a, b), row h, column w."""
    channels, rows, columns = image.shape
    _, *size = folded_shape(image.shape, fold)
    wide = np.full((channels, size[0] * fold[0], size[1] * fold[1]), zero_point, np.int8)
    wide[:, :rows, :columns] = image
    split = wide.reshape(channels, size[0], fold[0], size[1], fold[1])
    return split.transpose(2, 4, 0, 1, 3).reshape(-1, *size)


@settings(max_examples=120, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(3, 9), st.integers(3, 9)),
    kernel=PAIR,
    stride=PAIR,
    padding=st.tuples(*[st.integers(-1, 3)] * 4),
    axes=st.tuples(st.booleans(), st.booleans()),
)
def test_the_folded_convolution_of_the_folded_image_is_the_same(
    shape, kernel, stride, padding, axes
):
    assume(all(shape[1 + i] + padding[i] + padding[2 + i] >= kernel[i] for i in (0, 1)))
    assume(all(shape[1 + i] + min(padding[i], 0) + min(padding[2 + i], 0) >= 1 for i in (0, 1)))
    graph = first_layer(shape, kernel, stride, padding)
    inputs = random_inputs(graph, np.random.default_rng(0))
    (operator,) = graph.operators
    assert isinstance(operator, Convolution)
    fold = (stride[0] if axes[0] else 1, stride[1] if axes[1] else 1)
    image = folded_image(inputs["x"][0], fold, graph.tensors["x"].zero_point)
    result = run_operator(folded(operator, shape, fold), graph.tensors, [image])
    assert np.array_equal(result, run_integers(graph, inputs)["y"])


@pytest.mark.parametrize("size", [(9, 9), (8, 7)])
@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
def test_the_input_lies_folded_and_the_network_is_the_same(size, beat_bytes):
    graph = first_layer((3, *size), (3, 3), (2, 2), (1, 1, 1, 1))
    inputs = random_inputs(graph, np.random.default_rng(0))
    lowered = lower(graph, beat_bytes=beat_bytes)
    results = run_lowered(lowered, inputs)
    assert np.array_equal(results["y"], run_integers(graph, inputs)["y"])
    assert np.array_equal(results["x"], inputs["x"][0])
    assert lowered.inputs[0].shape == (3, *size)


def test_three_channels_with_a_stride_of_two_become_twelve():
    """With 16 bytes a beat, 4 positions of the kernel in place of 9; with 4, 12 in place of 9."""
    graph = first_layer((3, 8, 8), (3, 3), (2, 2), (1, 1, 1, 1))
    (call,) = lower(graph, beat_bytes=16).layer_calls
    assert (call.layer.C, call.layer.R, call.layer.S, call.layer.stride) == (12, 2, 2, (1, 1))
    assert fold_inputs(graph, 4).folds == {"x": (1, 1)}


def test_it_is_asked_for():
    graph = first_layer((3, 8, 8), (3, 3), (2, 2), (1, 1, 1, 1))
    lowered = lower(graph, beat_bytes=16, may_fold_inputs=False)
    assert (lowered.layer_calls[0].layer.C, lowered.inputs[0].fold) == (3, (1, 1))


def test_an_input_with_another_reader_stays():
    shapes = {"x": (3, 8, 8), "y": (5, 4, 4), "z": (5, 4, 4)}
    readers = [
        convolution("x", name, (5, 3, 2, 2), stride=(2, 2), padding=(0, 0, 0, 0)) for name in "yz"
    ]
    assert fold_inputs(network(shapes, *readers), 16).folds == {"x": (1, 1)}
    assert fold_inputs(network(shapes, readers[0], outputs=("x", "y")), 16).folds["x"] == (1, 1)
