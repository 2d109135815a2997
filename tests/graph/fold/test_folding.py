"""Each rule that makes a graph smaller leaves what it computes as it was."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Graph
from naas_hw.graph.importers.builder import GraphBuilder

Add = Callable[..., str]

SHAPE = (1, 4, 6, 6)
NO_PADDING = (0, 0, 0, 0)
QUANTISATION = {"scale": 0.05, "zero_point": 3, "axis": None, "dtype": "int8"}


def graph_of(build: Callable[[GraphBuilder, Add], str], shape: tuple[int, ...] = SHAPE) -> Graph:
    """A graph of an input `x`; `build` adds operators and returns the name of the output."""
    builder = GraphBuilder()
    builder.add_input("x", shape, np.dtype(np.float32))

    def add(kind: str, *inputs: str | float, shape: Any = None, **attributes: Any) -> str:
        names = [
            x if isinstance(x, str) else builder.add_constant("c", np.asarray(x, dtype=np.float32))
            for x in inputs
        ]
        return builder.add(kind, names, attributes, name=kind, source=kind, shape=shape)

    return builder.finished("test", ["x"], [build(builder, add)])


def kinds_after_folding(graph: Graph, tolerance: float = 1e-5) -> list[str]:
    """The kinds that are left; the results are those of the graph before."""
    inputs = {"x": 3 * np.random.default_rng(2).standard_normal(graph.tensors["x"].shape)}
    smaller = folded(graph)
    name = graph.outputs[0]
    expected, result = run_floats(graph, inputs)[name], run_floats(smaller, inputs)[name]
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=tolerance)
    gone = len(graph.operators) + len(graph.folded) - len(smaller.operators)
    assert gone <= len(smaller.folded)
    return [operator.kind for operator in smaller.operators]


def weights(builder: GraphBuilder, *shape: int) -> str:
    values = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    return builder.add_constant("w", values)


def conv(builder: GraphBuilder, add: Add, x: str, **attributes: Any) -> str:
    options = {"stride": (1, 1), "padding": NO_PADDING, "dilation": (1, 1), "groups": 1}
    return add("conv", x, weights(builder, 4, 4, 3, 3), **(options | attributes))


def batch_norm(builder: GraphBuilder, add: Add, x: str) -> str:
    statistics = [weights(builder, 4) for _ in range(3)]
    variance = builder.add_constant("variance", np.array([1, 2, 3, 4], dtype=np.float32))
    return add("batch_norm", x, *statistics, variance, epsilon=1e-3)


def test_batch_norm_goes_into_the_layer_before():
    graph = graph_of(lambda b, add: batch_norm(b, add, conv(b, add, "x")))
    assert kinds_after_folding(graph) == ["conv"]


@pytest.mark.parametrize("groups", [1, 2])
def test_batch_norm_goes_into_a_transposed_convolution(groups):
    def build(b: GraphBuilder, add: Add) -> str:
        options = {"stride": (2, 2), "padding": NO_PADDING, "groups": groups}
        layer = add("conv_transposed", "x", weights(b, 4, 4 // groups, 2, 2), **options)
        return batch_norm(b, add, layer)

    assert kinds_after_folding(graph_of(build)) == ["conv_transposed"]


def test_batch_norm_that_has_no_layer_before_it_becomes_one():
    def build(b: GraphBuilder, add: Add) -> str:
        return batch_norm(b, add, add("clamp", "x", minimum=0.0, maximum=None))

    assert kinds_after_folding(graph_of(build)) == ["clamp", "conv"]


def test_batch_norm_of_a_vector_is_a_factor_and_an_addend():
    graph = graph_of(lambda b, add: batch_norm(b, add, "x"), shape=(3, 4))
    assert kinds_after_folding(graph) == ["multiply", "add"]


def test_batch_norm_stays_apart_from_a_layer_that_others_read():
    def build(b: GraphBuilder, add: Add) -> str:
        layer = conv(b, add, "x")
        return add("add", layer, batch_norm(b, add, layer))

    assert kinds_after_folding(graph_of(build)) == ["conv", "conv", "add"]


@pytest.mark.parametrize("kind", ["add", "subtract", "multiply", "divide"])
def test_factors_and_addends_go_into_the_layer_before(kind):
    def build(b: GraphBuilder, add: Add) -> str:
        constant = b.add_constant("k", np.arange(1, 5, dtype=np.float32).reshape(4, 1, 1))
        return add(kind, conv(b, add, "x"), constant)

    assert kinds_after_folding(graph_of(build)) == ["conv"]


def test_factors_of_vectors_without_a_layer_stay():
    graph = graph_of(lambda _, add: add("multiply", "x", 0.5), shape=(3,))
    assert kinds_after_folding(graph) == ["multiply"]


def test_an_addend_that_differs_inside_a_channel_stays():
    def build(b: GraphBuilder, add: Add) -> str:
        return add("add", conv(b, add, "x"), weights(b, 4, 4))

    assert kinds_after_folding(graph_of(build)) == ["conv", "add"]


FUNCTIONS: dict[str, Callable[[Add], str]] = {
    "hard_swish": lambda add: add(
        "divide", add("multiply", "x", add("clamp", add("add", "x", 3), minimum=0, maximum=6)), 6
    ),
    "hard_swish by hard sigmoid": lambda add: add(
        "multiply", add("hard_sigmoid", "x", alpha=1 / 6, beta=0.5), "x"
    ),
    "hard_swish by minimum": lambda add: add(
        "multiply",
        "x",
        add("multiply", add("minimum", add("maximum", add("add", "x", 3), 0), 6), 1 / 6),
    ),
    "hard_sigmoid": lambda add: add(
        "divide", add("clamp", add("add", "x", 3), minimum=0, maximum=6), 6
    ),
    "silu": lambda add: add("multiply", "x", add("sigmoid", "x")),
    "sigmoid": lambda add: add("divide", 1, add("add", add("exp", add("negate", "x")), 1)),
    "mish": lambda add: add("multiply", "x", add("tanh", add("softplus", "x"))),
    "gelu": lambda add: add(
        "multiply",
        add("multiply", "x", add("add", add("erf", add("divide", "x", math.sqrt(2))), 1)),
        0.5,
    ),
    "gelu of halves": lambda add: add(
        "multiply",
        add("multiply", "x", 0.5),
        add("add", 1, add("erf", add("multiply", "x", math.sqrt(0.5)))),
    ),
    "leaky_relu": lambda add: add("maximum", "x", add("multiply", "x", 0.1)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_are_spelled_out_get_their_names(name):
    graph = graph_of(lambda _, add: FUNCTIONS[name](add))
    assert kinds_after_folding(graph) == [name.split()[0]]


def test_gelu_by_tanh_is_another_kind_than_by_erf():
    def build(_b: GraphBuilder, add: Add) -> str:
        cube = add("multiply", add("power", "x", 3), 0.044715)
        inner = add("multiply", add("add", "x", cube), math.sqrt(2 / math.pi))
        product = add("multiply", "x", add("add", add("tanh", inner), 1))
        return add("multiply", product, 0.5)

    smaller = folded(graph_of(build))
    (operator,) = smaller.operators
    assert (operator.kind, operator.attributes["approximate"]) == ("gelu", True)


def test_a_product_with_another_gate_stays():
    def build(_b: GraphBuilder, add: Add) -> str:
        return add("multiply", "x", add("sigmoid", add("multiply", "x", 1.5)))

    assert kinds_after_folding(graph_of(build)) == ["multiply", "sigmoid", "multiply"]


def test_bounds_that_follow_each_other_are_one_clamp():
    def build(_b: GraphBuilder, add: Add) -> str:
        return add("minimum", add("maximum", add("clamp", "x", minimum=-1, maximum=9), 0), 6)

    smaller = folded(graph_of(build))
    (operator,) = smaller.operators
    assert dict(operator.attributes) == {"minimum": 0.0, "maximum": 6.0}


@pytest.mark.parametrize("keepdims", [False, True])
def test_a_mean_over_rows_and_columns_is_pooling(keepdims):
    graph = graph_of(lambda _, add: add("reduce_mean", "x", axes=(2, 3), keepdims=keepdims))
    assert kinds_after_folding(graph) == ["average_pool"] + ["reshape"] * (not keepdims)


def padded(add: Add, x: str, value: float, *sides: int) -> str:
    top, left, bottom, right = sides
    padding = (0, 0, top, left, 0, 0, bottom, right)
    return add("pad", x, padding=padding, value=value, mode="constant")


def pool(kind: str, add: Add, x: str, **attributes: Any) -> str:
    options = {"kernel": (3, 3), "stride": (2, 2), "padding": NO_PADDING}
    return add(kind, x, **(options | attributes))


def test_zeros_around_the_image_of_a_convolution_are_its_padding():
    graph = graph_of(lambda b, add: conv(b, add, padded(add, "x", 0, 3, 3, 4, 4)))
    assert kinds_after_folding(graph) == ["conv"]


def test_zeros_around_a_mean_count_in_its_divisor():
    graph = graph_of(lambda _, add: pool("average_pool", add, padded(add, "x", 0, 1, 1, 1, 1)))
    assert kinds_after_folding(graph) == ["average_pool"]


@pytest.mark.parametrize("value", [-math.inf, -1.0])
def test_what_no_number_is_below_may_surround_a_maximum(value):
    def build(_b: GraphBuilder, add: Add) -> str:
        bounded = add("clamp", "x", minimum=-1, maximum=None)
        return pool("max_pool", add, padded(add, bounded, value, 1, 1, 1, 1))

    assert kinds_after_folding(graph_of(build)) == ["clamp", "max_pool"]


@pytest.mark.parametrize(
    "build",
    [
        lambda b, add: conv(b, add, padded(add, "x", 1, 1, 1, 1, 1)),
        lambda b, add: pool("max_pool", add, padded(add, "x", 0, 1, 1, 1, 1)),
        lambda b, add: conv(b, add, padded(add, "x", 0, -1, 1, 1, 1)),
    ],
)
def test_other_padding_stays(build):
    assert kinds_after_folding(graph_of(build))[0] == "pad"


@pytest.mark.parametrize("changed", [False, True])
def test_padding_goes_through_quantisation_that_keeps_the_scale(changed):
    def build(b: GraphBuilder, add: Add) -> str:
        other = QUANTISATION | ({"scale": 0.1} if changed else {})
        x = add("dequantize", add("quantize", "x", **QUANTISATION), **QUANTISATION)
        x = padded(add, x, 0, 1, 1, 1, 1)
        return conv(b, add, add("dequantize", add("quantize", x, **other), **other))

    assert ("pad" in kinds_after_folding(graph_of(build))) == changed


def test_layout_of_weights_moves_before_their_dequantisation():
    def build(b: GraphBuilder, add: Add) -> str:
        numbers = b.add_constant("q", np.arange(24, dtype=np.int8).reshape(6, 4))
        scales = (1.0, 2.0, 0.5, 0.25)
        axis = {"scale": scales, "zero_point": (0,) * 4, "axis": 1, "dtype": "int8"}
        turned = add("transpose", add("dequantize", numbers, **axis), axes=(1, 0))
        return add("linear", "x", add("reshape", turned, shape=(4, 6)))

    graph = graph_of(build, shape=(2, 6))
    assert kinds_after_folding(graph) == ["dequantize", "linear"]
    dequantize = folded(graph).operators[0]
    assert dequantize.attributes["axis"] == 0
    assert folded(graph).constant(dequantize.inputs[0]) is not None


def layer_norm(add: Add, square: Callable[[str], str]) -> str:
    centred = add("subtract", "x", add("reduce_mean", "x", axes=(-1,), keepdims=True))
    variance = add("reduce_mean", square(centred), axes=(-1,), keepdims=True)
    return add("divide", centred, add("sqrt", add("add", variance, 1e-5)))


@pytest.mark.parametrize("by_power", [False, True])
def test_layer_normalisation_that_is_spelled_out_gets_its_name(by_power):
    def build(b: GraphBuilder, add: Add) -> str:
        def square(x: str) -> str:
            return add("power", x, 2) if by_power else add("multiply", x, x)

        return add("add", add("multiply", layer_norm(add, square), weights(b, 6)), weights(b, 6))

    assert kinds_after_folding(graph_of(build)) == ["layer_norm"]


def test_operators_on_bytes_become_operators_on_real_numbers():
    def build(_b: GraphBuilder, add: Add) -> str:
        quantised = add("quantize", "x", **QUANTISATION)
        pooled = pool("max_pool", add, padded(add, quantised, 5, 0, 0, 1, 1))
        both = add("concat", pooled, pooled, axis=1)
        return add("dequantize", add("reshape", both, shape=(1, 72)), **QUANTISATION)

    kinds = kinds_after_folding(graph_of(build))
    assert kinds == [
        "quantize",
        *("dequantize", "pad", "quantize"),
        *("dequantize", "max_pool", "quantize"),
        *("dequantize", "concat", "quantize"),
        *("dequantize", "reshape", "quantize"),
        "dequantize",
    ]


def test_bytes_that_get_their_own_scale_again_stay_as_they_are():
    def build(_b: GraphBuilder, add: Add) -> str:
        x = add("dequantize", add("quantize", "x", **QUANTISATION), **QUANTISATION)
        return add("dequantize", add("quantize", x, **QUANTISATION), **QUANTISATION)

    assert kinds_after_folding(graph_of(build)) == ["quantize", "dequantize"]


def test_equal_operators_become_one():
    """The gate of SiLU and its other factor are quantised apart, with the same scale."""

    def build(_b: GraphBuilder, add: Add) -> str:
        first, second = (
            add("dequantize", add("quantize", "x", **QUANTISATION), **QUANTISATION)
            for _ in range(2)
        )
        return add("multiply", first, add("sigmoid", second))

    assert kinds_after_folding(graph_of(build)) == ["quantize", "dequantize", "silu"]


def test_layouts_that_follow_each_other_are_one():
    def build(_b: GraphBuilder, add: Add) -> str:
        turned = add("transpose", add("transpose", "x", axes=(0, 2, 3, 1)), axes=(0, 3, 1, 2))
        flat = add("reshape", add("reshape", turned, shape=(4, 36)), shape=(1, 144))
        return add("clamp", flat, minimum=0.0, maximum=None)

    assert kinds_after_folding(graph_of(build)) == ["reshape", "clamp"]


def test_a_transposition_of_one_pixel_is_a_reshape():
    graph = graph_of(lambda _, add: add("transpose", "x", axes=(0, 2, 3, 1)), (1, 4, 1, 1))
    assert kinds_after_folding(graph) == ["reshape"]


def test_an_output_keeps_its_name_and_what_nothing_needs_goes():
    def build(b: GraphBuilder, add: Add) -> str:
        add("sigmoid", "x")
        return add("identity", add("add", conv(b, add, "x"), 0))

    graph = graph_of(build)
    smaller = folded(graph)
    assert smaller.outputs == graph.outputs
    assert [operator.kind for operator in smaller.operators] == ["conv"]
    assert {operator.kind for operator in smaller.folded} == {"sigmoid", "identity", "add"}
    assert run_floats(smaller, {"x": np.ones(SHAPE)})[graph.outputs[0]].shape == (1, 4, 4, 4)
