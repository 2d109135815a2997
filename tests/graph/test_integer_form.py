"""The integer form of each kind: within a unit of what the graph itself says in real numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from quantised_models import QuantisedModel
from trained_models import model_path

from naas_hw.core.errors import InputError
from naas_hw.graph.contract import compare_operators
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Operator
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.onnx_writer import write_onnx
from naas_hw.graph.operators import TABLE_KINDS
from naas_hw.graph.quantised import Convolution, Crop, HostFunction, Padded

POOL = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0, 0, 0), "dilation": (1, 1)}


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def values_of(graph, rng):
    return {
        name: rng.normal(0, 3, graph.tensors[name].shape).astype(np.float32)
        for name in graph.inputs
    }


def checked(graph, rng, units=1):
    """The integer form, after a check of each operator against the float execution."""
    made = quantised_graph(graph)
    inputs = values_of(graph, rng)
    compared, missing = compare_operators(made, {**run_floats(graph, inputs), **inputs})
    assert missing == []
    assert max(one.largest_difference for one in compared) <= units
    return made


def kinds(graph):
    return [type(one).__name__ for one in graph.operators]


def layer(model, x, rng, name="y", outputs=6, kernel=3, dtype="int8", zero_point=0):
    """A convolution of an image with 4 channels; gives the float result."""
    low, high = (-127, 128) if dtype == "int8" else (1, 256)
    values = rng.integers(low, high, (outputs, 4, kernel, kernel))
    scales = rng.uniform(0.001, 0.01, outputs)
    w = model.weights(f"{name}_w", values, scales, zero_point, 0, dtype)
    bias = rng.integers(-2000, 2000, outputs)
    b = model.weights(f"{name}_b", bias, 0.05 * scales, axis=0, dtype="int32")
    side = kernel // 2
    return model.append(
        "conv",
        [x, w, b],
        name,
        (1, outputs, 8, 8),
        stride=(1, 1),
        padding=(side, side, side, side),
        dilation=(1, 1),
        groups=1,
    )


def test_a_convolution_with_its_bounds(rng):
    model = QuantisedModel()
    y = layer(model, model.input("x", (1, 4, 8, 8)), rng)
    y = model.append("clamp", [y], "r", (1, 6, 8, 8), minimum=0.0, maximum=6.0)
    made = checked(model.graph(model.quantised(y, 0.04, -100)), rng)
    (one,) = made.operators
    assert isinstance(one, Convolution)
    assert (one.clamp_min, one.clamp_max) == (-100, 50)
    assert one.output == "r_real"
    assert made.tensors["r_real"].graph_dtype == "float32"
    assert one.sources == ("conv y", "clamp r", "quantize r_bytes")
    assert made.num_weights == 6 * 4 * 9


def test_unsigned_bytes_become_signed(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8), zero_point=131, dtype="uint8")
    y = layer(model, x, rng, dtype="uint8", zero_point=128)
    made = checked(model.graph(model.quantised(y, 0.3, 120, "uint8")), rng)
    assert kinds(made) == ["Convolution"]
    assert made.tensors["x"].zero_point == 3
    assert made.tensors["y_real"].zero_point == -8


def test_weights_with_a_zero_point_are_the_hosts(rng):
    model = QuantisedModel()
    y = layer(model, model.input("x", (1, 4, 8, 8)), rng, dtype="uint8", zero_point=120)
    made = checked(model.graph(model.quantised(y, 0.3, 0)), rng)
    (one,) = made.operators
    assert isinstance(one, HostFunction)
    assert one.reason == "its weights have a zero point"
    assert one.macs == 64 * 6 * 4 * 9


def test_a_bias_of_one_scale_that_is_not_the_sums(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 10))
    w = model.weights("w", rng.integers(-127, 128, (7, 10)), 0.01)
    b = model.weights("b", rng.integers(-127, 128, 7), [0.02], zero_point=5)
    y = model.append("linear", [x, w, b], "y", (1, 7))
    assert kinds(checked(model.graph(model.quantised(y, 0.05, 0)), rng)) == ["Convolution"]


@pytest.mark.parametrize("kind", sorted(TABLE_KINDS))
def test_functions_of_a_byte_are_tables(kind, rng):
    attributes: dict[str, dict[str, Any]] = {
        "hard_sigmoid": {"alpha": 0.2, "beta": 0.5},
        "gelu": {"approximate": False},
        "leaky_relu": {"alpha": 0.1},
        "elu": {"alpha": 1.0},
        "clamp": {"minimum": -1.0, "maximum": None},
    }
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.append(kind, [x], "y", (1, 4, 8, 8), **attributes.get(kind, {}))
    made = checked(model.graph(model.quantised(y, 0.03, -10)), rng, units=0)
    assert kinds(made) == ["Lookup"]


def test_a_chain_of_functions_with_roundings_between_is_one_table(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    s = model.quantised(model.append("sigmoid", [x], "s", (1, 4, 8, 8)), 1 / 256, -128)
    y = model.append("multiply", [x, s], "y", (1, 4, 8, 8))
    graph = model.graph(model.quantised(y, 0.03, -10))
    made = quantised_graph(graph)
    assert kinds(made) == ["Lookup"]
    inputs = values_of(graph, rng)
    wanted = run_floats(graph, inputs)["y_bytes"]
    assert np.array_equal(run_integers(made, inputs)["y_real"][None], wanted)


def test_a_table_that_changes_nothing_is_left_out(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8), zero_point=-128)
    y = model.append("clamp", [x], "y", (1, 4, 8, 8), minimum=0.0, maximum=None)
    y = layer(model, model.quantised(y, 0.05, -128), rng, "z")
    assert kinds(checked(model.graph(model.quantised(y, 0.4, 0)), rng)) == ["Convolution"]


@pytest.mark.parametrize("kind", ["add", "subtract"])
def test_sums(kind, rng):
    model = QuantisedModel()
    a, b = model.input("a", (1, 4, 8, 8)), model.input("b", (1, 4, 8, 8), 0.021, -9)
    y = model.append(kind, [a, b], "y", (1, 4, 8, 8))
    y = model.append("clamp", [y], "r", (1, 4, 8, 8), minimum=0.0, maximum=None)
    assert kinds(checked(model.graph(model.quantised(y, 0.04, -20)), rng)) == ["Sum"]


def test_a_pixel_is_repeated_for_a_sum(rng):
    model = QuantisedModel()
    a, b = model.input("a", (1, 4, 8, 8)), model.input("b", (1, 4, 1, 1), 0.021, -9)
    y = model.append("add", [a, b], "y", (1, 4, 8, 8))
    made = quantised_graph(model.graph(model.quantised(y, 0.04, -20)))
    assert kinds(made) == ["Upsampling", "Sum"]


@pytest.mark.parametrize("kind", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("constant_first", [False, True])
def test_numbers_of_channels(kind, constant_first, rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    numbers = np.array([1.5, -0.7, 3.0, 0.001], np.float32).reshape(1, 4, 1, 1)
    inputs = [model.constant("c", numbers), x]
    y = model.append(kind, inputs if constant_first else inputs[::-1], "y", (1, 4, 8, 8))
    made = checked(model.graph(model.quantised(y, 0.09, 5)), rng)
    hosted = kind == "divide"  # a factor of 1,000, and a constant divided by x
    assert kinds(made) == ["HostFunction" if hosted else "Convolution"]


def test_batch_norm_alone(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    parts = [
        model.constant(name, rng.uniform(0.5, 2, 4).astype(np.float32))
        for name in ("scale", "bias", "mean", "variance")
    ]
    y = model.append("batch_norm", [x, *parts], "y", (1, 4, 8, 8), epsilon=1e-5)
    assert kinds(checked(model.graph(model.quantised(y, 0.09, 5)), rng)) == ["Convolution"]


def test_average_pools(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.append(
        "average_pool",
        [x],
        "y",
        (1, 4, 4, 4),
        kernel=(3, 3),
        stride=(2, 2),
        padding=(1, 1, 0, 0),
        count_include_pad=True,
    )
    y = model.append(
        "reduce_mean", [model.quantised(y, 0.04, 0)], "z", (1, 4), axes=(2, 3), keepdims=False
    )
    made = checked(model.graph(model.quantised(y, 0.02, 7)), rng)
    assert kinds(made) == ["AveragePool", "AveragePool"]


def test_a_divisor_that_depends_on_the_place_is_the_hosts(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.append(
        "average_pool",
        [x],
        "y",
        (1, 4, 8, 8),
        kernel=(3, 3),
        stride=(1, 1),
        padding=(1, 1, 1, 1),
        count_include_pad=False,
    )
    made = checked(model.graph(model.quantised(y, 0.04, 0)), rng)
    assert made.operators[0].reason == "its divisor depends on the place"


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "outputs"),
    [(6, 7, (0, 0, 1, 1), 1), (2, 3, (1, 1, 1, 1), 2)],
)
def test_a_divisor_is_constant_where_each_kernel_has_as_many_rows_and_columns(
    size, kernel, padding, outputs, rng
):
    model = QuantisedModel()
    x = model.input("x", (1, 4, size, size))
    y = model.append(
        "average_pool",
        [x],
        "y",
        (1, 4, outputs, outputs),
        kernel=(kernel, kernel),
        stride=(1, 1),
        padding=padding,
        count_include_pad=False,
    )
    made = checked(model.graph(model.quantised(y, 0.03, 5)), rng)
    assert kinds(made) == ["AveragePool"]


def test_a_mean_of_one_scale_goes_away_from_the_byte_0(rng):
    """As that of TensorFlow Lite: the sum of bytes inside, divided, a tie away from 0."""
    model = QuantisedModel()
    x = model.input("x", (1, 4, 2, 2))
    y = model.append(
        "average_pool",
        [x],
        "y",
        (1, 4, 2, 2),
        kernel=(3, 3),
        stride=(1, 1),
        padding=(1, 1, 1, 1),
        count_include_pad=False,
    )
    made = quantised_graph(model.graph(model.quantised(y, 0.05, 3)))
    values = run_integers(made, values_of(model.graph(), rng))
    sums = values[made.inputs[0]].astype(int).sum(axis=(1, 2))
    wanted = np.sign(sums) * ((np.abs(sums) + 2) // 4)
    assert np.array_equal(
        values[made.outputs[0]], np.broadcast_to(wanted[:, None, None], (4, 2, 2))
    )


def test_a_maximum_before_it_is_quantised(rng):
    model = QuantisedModel()
    y = layer(model, model.input("x", (1, 4, 8, 8)), rng)
    y = model.append(
        "max_pool", [y], "m", (1, 6, 4, 4), kernel=(2, 2), stride=(2, 2), padding=(0, 0, 0, 0)
    )
    y = model.append("clamp", [y], "r", (1, 6, 4, 4), minimum=0.0, maximum=None)
    made = checked(model.graph(model.quantised(y, 0.3, -128)), rng)
    assert kinds(made) == ["Convolution", "MaximumPool"]


def test_parts_of_a_concatenation_are_rescaled(rng):
    model = QuantisedModel()
    a, b = model.input("a", (1, 4, 8, 8)), model.input("b", (1, 3, 8, 8), 0.02, -9)
    y = model.append("concat", [a, b], "y", (1, 7, 8, 8), axis=1)
    made = quantised_graph(model.graph(model.quantised(y, 0.05, 3)))
    assert kinds(made) == ["Lookup", "Concatenation"]


@pytest.mark.parametrize(
    ("axis", "second", "whole"),
    [(2, (1, 4, 3, 8), (1, 4, 11, 8)), (3, (1, 4, 8, 2), (1, 4, 8, 10))],
)
def test_rows_and_columns_are_put_together_as_a_sum(axis, second, whole, rng):
    model = QuantisedModel()
    a, b = model.input("a", (1, 4, 8, 8)), model.input("b", second, 0.02, -9)
    y = model.append("concat", [a, b], "y", whole, axis=axis)
    graph = model.graph(model.quantised(y, 0.05, 3))
    made = quantised_graph(graph)
    assert kinds(made) == ["Lookup", "Padded", "Padded", "Sum"]
    inputs = values_of(graph, rng)
    wanted = run_floats(graph, inputs)["y_bytes"]
    assert np.array_equal(run_integers(made, inputs)["y_real"][None], wanted)


def test_a_concatenation_of_images_is_the_hosts(rng):
    model = QuantisedModel()
    a, b = model.input("a", (1, 4, 8, 8)), model.input("b", (1, 4, 8, 8), 0.02, -9)
    y = model.append("concat", [a, b], "y", (2, 4, 8, 8), axis=0)
    assert kinds(checked(model.graph(model.quantised(y, 0.05, 3)), rng)) == ["HostFunction"]


def test_a_flatten_goes_into_the_weights(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 3, 5))
    x = model.append("transpose", [x], "t", (1, 3, 5, 4), axes=(0, 2, 3, 1))
    x = model.append("reshape", [x], "f", (1, 60))
    w = model.weights("w", rng.integers(-127, 128, (7, 60)), 0.01)
    y = model.append("linear", [x, w], "y", (1, 7))
    graph = model.graph(model.quantised(y, 0.3, 0))
    made = checked(graph, rng)
    (one,) = made.operators
    assert isinstance(one, Convolution)
    assert one.weights.shape == (7, 4, 3, 5)


@pytest.mark.parametrize("rows", [1, 6])
@pytest.mark.parametrize("mark", [{}, {"rounds_once": False}, {"rounds_once": True}])
def test_a_linear_layer_keeps_its_rounding(mark, rows, rng):
    model = QuantisedModel()
    x = model.input("x", (rows, 10))
    w = model.weights("w", rng.integers(-127, 128, (7, 10)), 0.01)
    y = model.append("linear", [x, w], "y", (rows, 7), **mark)
    made = quantised_graph(model.graph(model.quantised(y, 0.3, 0)))
    (one,) = (one for one in made.operators if isinstance(one, Convolution))
    assert one.rounds_once is mark.get("rounds_once", False)


def test_rows_of_vectors(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 6, 10))
    w = model.weights("w", rng.integers(-127, 128, (7, 10)), rng.uniform(0.01, 0.02, 7), axis=0)
    y = model.append("linear", [x, w], "y", (1, 6, 7))
    graph = model.graph(model.quantised(y, 0.3, 0))
    made = quantised_graph(graph)
    assert kinds(made) == ["Rearranged", "Convolution", "Rearranged"]
    inputs = values_of(graph, rng)
    wanted = run_floats(graph, inputs)["y_bytes"].astype(int)
    got = run_integers(made, inputs)["y_real"].reshape(wanted.shape)
    assert np.abs(got - wanted).max() <= 1


def test_groups_of_a_transposed_convolution(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 5, 5))
    w = model.weights("w", rng.integers(-127, 128, (4, 3, 3, 3)), 0.004)
    y = model.append(
        "conv_transposed",
        [x, w],
        "y",
        (1, 6, 11, 11),
        stride=(2, 2),
        padding=(0, 0, 0, 0),
        dilation=(1, 1),
        groups=2,
        output_padding=(0, 0),
    )
    assert kinds(checked(model.graph(model.quantised(y, 0.1, 0)), rng)) == ["TransposedConvolution"]


@pytest.mark.parametrize("largest", [1 << 30, (1 << 31) - 1])
def test_a_bias_with_which_sums_leave_int32_is_the_hosts(largest, rng):
    """The accelerator's sums would wrap, and a large output would become a small one."""
    model = QuantisedModel()
    x = model.input("x", (1, 10))
    w = model.weights("w", rng.integers(-127, 128, (7, 10)), 0.01)
    b = model.weights("b", np.full(7, largest), 0.01 * 0.05, dtype="int32")
    y = model.append("linear", [x, w, b], "y", (1, 7))
    (one,) = checked(model.graph(model.quantised(y, 0.05, 0)), rng).operators
    assert isinstance(one, Convolution if largest == 1 << 30 else HostFunction)


def test_transposed_convolutions(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 5, 5))
    scales = rng.uniform(0.001, 0.01, 6)
    w = model.weights("w", rng.integers(-127, 128, (4, 6, 3, 3)), scales, axis=1)
    y = model.append(
        "conv_transposed",
        [x, w],
        "y",
        (1, 6, 10, 10),
        stride=(2, 2),
        padding=(1, 1, 1, 1),
        dilation=(1, 1),
        groups=1,
        output_padding=(1, 1),
    )
    made = checked(model.graph(model.quantised(y, 0.1, 0)), rng)
    assert kinds(made) == ["TransposedConvolution"]


def test_a_frame_is_the_padding_of_its_reader(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 6, 6))
    x = model.append(
        "pad", [x], "p", (1, 4, 8, 8), padding=(0, 0, 1, 1, 0, 0, 1, 1), value=0.0, mode="constant"
    )
    y = layer(model, x, rng, kernel=1)
    made = quantised_graph(model.graph(model.quantised(y, 0.3, 0)))
    (one,) = made.operators
    assert isinstance(one, Convolution)
    assert one.padding == (1, 1, 1, 1)


def test_a_frame_of_another_value_stays(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 6, 6))
    x = model.append(
        "pad", [x], "p", (1, 4, 8, 8), padding=(0, 0, 1, 1, 0, 0, 1, 1), value=1.0, mode="constant"
    )
    y = layer(model, x, rng, kernel=1)
    made = checked(model.graph(model.quantised(y, 0.3, 0)), rng)
    assert kinds(made) == ["Padded", "Convolution"]
    assert isinstance(made.operators[0], Padded)
    assert made.operators[0].value == 23


@pytest.mark.parametrize(
    ("sides", "kind"),
    [((0, 0, 4, 0, 0, 0), "Padded"), ((0, 2, 0, 0, 0, 0), "HostFunction")],
)
def test_a_frame_around_a_line_and_one_around_channels(sides, kind, rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 9))
    shape = tuple(size + sides[i] + sides[3 + i] for i, size in enumerate((1, 4, 9)))
    y = model.append("pad", [x], "y", shape, padding=sides, value=0.0, mode="constant")
    y = model.append("clamp", [y], "z", shape, minimum=0.0, maximum=None)
    made = quantised_graph(model.graph(model.quantised(y, 0.05, 3)))
    assert kinds(made)[0] == kind


def test_negative_frames_crop(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.append(
        "pad",
        [x],
        "y",
        (1, 4, 7, 6),
        padding=(0, 0, -1, 0, 0, 0, 0, -2),
        value=0.0,
        mode="constant",
    )
    made = checked(model.graph(y), rng)
    (one,) = made.operators
    assert isinstance(one, Crop)
    assert (one.starts, one.ends) == ((0, 1, 0), (4, 8, 6))


@pytest.mark.parametrize(
    ("cut", "kept"), [((-1, 0), ["Crop", "Convolution"]), ((1, 1), ["Convolution"])]
)
def test_what_is_cut_off_is_not_seen_as_padding(cut, kept, rng):
    """A reader with padding of its own must see zero points where rows were cut off."""
    model = QuantisedModel()
    rows = 8 - sum(cut)
    x = model.input("x", (1, 4, rows, 8))
    x = model.append(
        "pad",
        [x],
        "p",
        (1, 4, 8, 8),
        padding=(0, 0, cut[0], 0, 0, 0, cut[1], 0),
        value=0.0,
        mode="constant",
    )
    y = layer(model, x, rng)
    graph = model.graph(model.quantised(y, 0.3, 0))
    made = quantised_graph(graph)
    assert kinds(made) == kept
    inputs = values_of(graph, rng)
    wanted = run_floats(graph, inputs)["y_bytes"][0].astype(int)
    assert np.abs(run_integers(made, inputs)["y_real"] - wanted).max() <= 1


def test_channels_last_at_the_doors(rng):
    model = QuantisedModel()
    model.inputs.append(model.tensor("x", (1, 8, 8, 4)))
    model.append("transpose", ["x"], "t", (1, 4, 8, 8), axes=(0, 3, 1, 2))
    y = layer(model, model.quantised("t", 0.05, 3), rng)
    y = model.quantised(y, 0.3, 0)
    y = model.append("transpose", [y], "out", (1, 8, 8, 6), axes=(0, 2, 3, 1))
    graph = model.graph(y)
    made = quantised_graph(graph)
    assert kinds(made) == ["Convolution"]
    assert made.tensors["x"].channels_last and made.tensors["out"].channels_last
    inputs = values_of(graph, rng)
    wanted = run_floats(graph, inputs)["out"]
    got = model_values(made.tensors["out"], run_integers(made, inputs)["out"])
    assert np.abs(got - wanted).max() <= 0.3001


def test_a_tensor_that_is_two_outputs(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.quantised(layer(model, x, rng), 0.3, 0)
    flat = model.append("reshape", [y], "flat", (1, 384))
    made = quantised_graph(model.graph(y, flat, x))
    assert made.outputs == (y, flat, x)
    assert kinds(made).count("Rearranged") == 2
    assert made.tensors[flat].graph_shape == (1, 384)


def test_numbers_that_are_not_quantised_are_the_hosts(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.append("softmax", [x], "y", (1, 4, 8, 8), axis=1)
    y = model.append("reduce_max", [y], "z", (1, 4, 1, 1), axes=(2, 3), keepdims=True)
    graph = model.graph(y)
    made = quantised_graph(graph)
    assert [one.kind for one in made.operators] == ["softmax", "reduce_max"]  # type: ignore[attr-defined]
    assert made.tensors["z"].dtype == "float32"
    inputs = values_of(graph, rng)
    wanted = run_floats(graph, inputs)["z"]
    assert np.array_equal(run_integers(made, inputs)["z"].reshape(wanted.shape), wanted)


def test_a_result_that_several_read(rng):
    """The host's result is computed once, and rounded once for each scale."""
    model = QuantisedModel()
    a, b = model.input("a", (1, 4, 8, 8)), model.input("b", (1, 4, 8, 8))
    y = model.append("multiply", [a, b], "y", (1, 4, 8, 8))
    first = model.quantised(y, 0.1, 0)
    second = model.append("softmax", [y], "s", (1, 4, 8, 8), axis=1)
    made = quantised_graph(model.graph(first, second))
    assert [one.kind for one in made.operators] == ["multiply", "identity", "softmax"]  # type: ignore[attr-defined]


def test_depth_and_space(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 8, 4, 6))
    y = model.append("depth_to_space", [x], "d", (1, 2, 8, 12), block=2, mode="CRD")
    y = model.append("space_to_depth", [y], "s", (1, 8, 4, 6), block=2, mode="DCR")
    y = model.append("depth_to_space", [y], "e", (1, 2, 8, 12), block=2, mode="DCR")
    graph = model.graph(y)
    made = quantised_graph(graph)
    assert kinds(made) == ["Rearranged"]  # the last two undo one another
    inputs = values_of(graph, rng)
    got = model_values(made.tensors["e"], run_integers(made, inputs)["e"])
    assert np.array_equal(got, run_floats(graph, inputs)["e"])


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype", "message"),
    [
        (0.0, 0, "int8", "must have scales above 0, with .* not 0.0"),
        (-1.0, 0, "int8", "must have scales above 0, with .* not -1.0"),
        (0.1, 300, "uint8", "must have a zero point 0 to 255, not 300"),
        (0.1, 0, "int16", "must make int8 or uint8 numbers, not int16"),
    ],
)
def test_init_wrong_quantisation(scale, zero_point, dtype, message):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8), scale, zero_point, dtype)
    with pytest.raises(InputError, match=message):
        quantised_graph(model.graph(x))


def test_init_wrong_several_scales():
    model = QuantisedModel()
    model.inputs.append(model.tensor("x", (1, 2)))
    given = {"scale": (0.1, 0.2), "zero_point": (0, 0), "axis": 1, "dtype": "int8"}
    y = model.append("quantize", ["x"], "y", (1, 2), **given)
    with pytest.raises(InputError, match="must have one scale, as all activations have"):
        quantised_graph(model.graph(y))


def test_init_wrong_output():
    model = QuantisedModel()
    model.input("x", (1, 2))
    c = model.constant("c", np.ones(3, np.float32))
    with pytest.raises(InputError, match="output 'c' must depend on the model's inputs"):
        quantised_graph(model.graph(c))


def test_bytes_that_the_model_makes_real_are_read_by_a_table(rng):
    """An image of uint8 pixels, brought to -1 to 1 before it is quantised."""
    model = QuantisedModel()
    model.inputs.append(model.tensor("x", (1, 4, 8, 8), "uint8"))
    y = model.append("cast", ["x"], "c", (1, 4, 8, 8), dtype="float32")
    y = model.append(
        "divide", [y, model.constant("d", np.array([127.5], np.float32))], "d_", (1, 4, 8, 8)
    )
    y = model.append(
        "subtract", [y, model.constant("o", np.array([1.0], np.float32))], "o_", (1, 4, 8, 8)
    )
    graph = model.graph(model.quantised(y, 1 / 100, 5))
    made = quantised_graph(graph)
    assert kinds(made) == ["Lookup"]
    inputs = {"x": rng.integers(0, 256, (1, 4, 8, 8), dtype=np.uint8)}
    wanted = run_floats(graph, inputs)["o__bytes"]
    assert np.array_equal(run_integers(made, inputs)["o__real"][None], wanted)


def test_outputs_that_only_the_host_can_make(rng):
    model = QuantisedModel()
    x = model.input("x", (1, 8))
    model.tensor("first", (1, 3))
    model.tensor("second", (1, 3))
    model.operators.append(
        Operator(name="t", kind="top_k", inputs=(x,), outputs=("first", "second"))
    )
    made = quantised_graph(model.graph("second"))
    assert [one.output for one in made.operators] == ["second"]
    with pytest.raises(InputError, match="must be of a kind that can be executed"):
        run_integers(made, values_of(model.graph("second"), rng))


def in_qoperator_form(qdq: Path, folder: Path) -> Path:
    """The same network with the same scales as onnxruntime writes it, with QLinear operators."""
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is missing")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "qoperator.onnx")
    options.log_severity_level = 3
    runtime.InferenceSession(str(qdq), options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(folder / "qoperator.onnx").graph.node}
    assert {"QLinearConv", "QLinearMatMul"} & kinds
    return folder / "qoperator.onnx"


def assert_same_bytes(first: Path, second: Path, rng, num_inputs=5):
    """Every operator makes the same bytes in both."""
    one, other = (quantised_graph(folded(read_graph(path))) for path in (first, second))
    assert kinds(one) == kinds(other)
    for _ in range(num_inputs):
        inputs = {
            name: rng.normal(0, 2, one.tensors[name].graph_shape).astype(np.float32)
            for name in one.inputs
        }
        ours, theirs = run_integers(one, inputs), run_integers(other, inputs)
        for mine, its in zip(one.operators, other.operators, strict=True):
            np.testing.assert_array_equal(ours[mine.output], theirs[its.output], mine.name)


def test_both_quantised_forms_give_the_same_bytes(rng, tmp_path):
    model = QuantisedModel()
    x = model.input("x", (1, 4, 8, 8))
    y = model.quantised(layer(model, x, rng, "a"), 0.09, 5)
    y = model.append("max_pool", [y], "m", (1, 6, 4, 4), **POOL)
    y = model.append("reshape", [model.quantised(y, 0.09, 5)], "f", (1, 96))
    y = model.quantised(y, 0.09, 5)
    w = model.weights("w", rng.integers(-127, 128, (96, 7)), 0.01)
    y = model.quantised(model.append("matmul", [y, w], "y", (1, 7)), 0.3, 0)
    write_onnx(model.graph(y), tmp_path / "qdq.onnx")
    assert_same_bytes(
        tmp_path / "qdq.onnx", in_qoperator_form(tmp_path / "qdq.onnx", tmp_path), rng
    )


def test_both_quantised_forms_of_a_trained_network_give_the_same_bytes(rng, tmp_path):
    path = model_path("micro_kws_qdq.onnx")
    assert_same_bytes(path, in_qoperator_form(path, tmp_path), rng)


def test_files_of_one_network_with_other_scales_have_the_same_weights():
    """So their bytes differ, and nothing but the scales is a reason for it."""
    paths = [model_path(f"micro_kws_{form}.onnx") for form in ("qdq", "qoperator")]
    one, other = (quantised_graph(folded(read_graph(path))) for path in paths)
    assert kinds(one) == kinds(other)
    layers = [graph.operators for graph in (one, other)]
    for mine, its in zip(*layers, strict=True):
        if isinstance(mine, Convolution) and not mine.name.startswith("Add"):
            np.testing.assert_array_equal(mine.weights, its.weights)
            assert one.tensors[mine.output].scale != other.tensors[its.output].scale
