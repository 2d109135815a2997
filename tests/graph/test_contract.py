"""Each operator beside LiteRT's reference kernels, on the same input bytes."""

from dataclasses import replace

import numpy as np
import pytest
from tflite_models import OperatorOfFile, TensorOfFile, file_content
from trained_models import model_path

from naas_hw.core.errors import InputError
from naas_hw.graph.contract import compare_with_litert, measure_contract
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.importers.tflite_file import read_tflite
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.onnx_writer import write_onnx
from naas_hw.graph.quantised import HostFunction

NUM_RUNS = 3


def random_tensor(name, *shape, scale=0.05, zero_point=3):
    return TensorOfFile(name=name, shape=shape, scales=(scale,), zero_points=(zero_point,))


def constant(name, values, dtype="int32", **more):
    return TensorOfFile(name=name, shape=np.shape(values), dtype=dtype, values=values, **more)


def compared(path, rng, num_runs=NUM_RUNS):
    graph = quantised_graph(folded(read_tflite(path)))
    inputs = [
        {
            name: rng.integers(-128, 128, graph.tensors[name].graph_shape, dtype=np.int8)
            for name in graph.inputs
        }
        for _ in range(num_runs)
    ]
    return graph, compare_with_litert(path, graph, inputs)


def report_of(tmp_path, tensors, operator, inputs=("x",), outputs=("y",)):
    path = tmp_path / "one.tflite"
    path.write_bytes(file_content(tensors, [operator], inputs, outputs))
    return compared(path, np.random.default_rng(5))


def largest(report):
    assert report.operators
    return max(one.largest_difference for one in report.operators)


def convolution(rng, *, depthwise=False, stride=1, padding=0, dilation=1, activation=0, factor=1.0):
    channels, outputs, kernel = 6, 12 if depthwise else 10, 3
    shape = (1, kernel, kernel, outputs) if depthwise else (outputs, kernel, kernel, channels)
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.002, 0.01, outputs))
    weights = TensorOfFile(
        name="w",
        shape=shape,
        scales=scales,
        axis=3 if depthwise else 0,
        values=rng.integers(-127, 128, shape),
    )
    bias = constant(
        "b",
        rng.integers(-3000, 3000, outputs),
        scales=tuple(float(np.float32(0.05 * s)) for s in scales),
    )
    size = 9 if padding == 0 else 9 - (kernel - 1) * dilation
    size = -(-size // stride)
    fields = {
        "padding": padding,
        "strideH": stride,
        "strideW": stride,
        "dilationHFactor": dilation,
        "dilationWFactor": dilation,
        "fusedActivationFunction": activation,
    }
    if depthwise:
        fields["depthMultiplier"] = 2
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    operator = OperatorOfFile(
        kind=kind,
        inputs=("x", "w", "b"),
        outputs=("y",),
        options="DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
        fields=fields,
    )
    tensors = [
        random_tensor("x", 1, 9, 9, channels),
        weights,
        bias,
        random_tensor("y", 1, size, size, outputs, scale=0.1 * factor, zero_point=-5),
    ]
    return tensors, operator


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "activation"),
    [(1, 0, 1, 0), (2, 0, 1, 1), (2, 1, 1, 3), (1, 0, 2, 2), (1, 1, 2, 0)],
)
def test_convolutions_are_equal(tmp_path, depthwise, stride, padding, dilation, activation):
    tensors, operator = convolution(
        np.random.default_rng(1),
        depthwise=depthwise,
        stride=stride,
        padding=padding,
        dilation=dilation,
        activation=activation,
    )
    graph, report = report_of(tmp_path, tensors, operator)
    assert len(graph.operators) == 1
    assert largest(report) == 0


def test_a_factor_of_one_or_more_grows_the_weights(tmp_path):
    tensors, operator = convolution(np.random.default_rng(2), factor=0.002)
    small = TensorOfFile(
        name="w",
        shape=tensors[1].shape,
        scales=tensors[1].scales,
        values=np.random.default_rng(2).integers(-15, 16, tensors[1].shape),
    )
    graph, report = report_of(tmp_path, [tensors[0], small, *tensors[2:]], operator)
    assert largest(report) == 0
    assert not isinstance(graph.operators[0], HostFunction)
    assert np.abs(graph.operators[0].weights).max() > 15


def test_weights_that_cannot_grow_are_the_hosts(tmp_path):
    tensors, operator = convolution(np.random.default_rng(2), factor=0.002)
    graph, _ = report_of(tmp_path, tensors, operator)
    assert isinstance(graph.operators[0], HostFunction)
    assert "so small a scale" in graph.operators[0].reason
    assert graph.operators[0].macs == 9 * 9 * 10 * 6 * 9


def linear(rng, shape, num_outputs, *, per_output=False, has_bias=True, activation=0, factor=0.05):
    """A fully connected layer whose outputs use their range; a row for each vector of `shape`."""
    num_inputs = shape[-1] if len(shape) == 2 else int(np.prod(shape))
    scales = rng.uniform(0.002, 0.01, num_outputs if per_output else 1).astype(np.float32)
    tensors = [
        random_tensor("x", *shape),
        constant(
            "w",
            rng.integers(-127, 128, (num_outputs, num_inputs)),
            "int8",
            scales=tuple(scales.tolist()),
        ),
        constant(
            "b",
            rng.integers(-900, 900, num_outputs),
            scales=tuple((np.float32(0.05) * scales).tolist()),
        ),
        random_tensor(
            "y",
            shape[0],
            num_outputs,
            scale=float(rng.uniform(1, 2) * factor * num_inputs**0.5),
            zero_point=-5,
        ),
    ]
    operator = OperatorOfFile(
        kind="FULLY_CONNECTED",
        inputs=("x", "w", "b") if has_bias else ("x", "w", ""),
        outputs=("y",),
        options="FullyConnectedOptions",
        fields={"fusedActivationFunction": activation},
    )
    return tensors if has_bias else [*tensors[:2], tensors[3]], operator


def marks(graph):
    """Which of its layers round once."""
    return [one.rounds_once for one in graph.operators]


@pytest.mark.parametrize("per_output", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_linear_layers_are_equal(tmp_path, seed, per_output):
    tensors, operator = linear(
        np.random.default_rng(seed),
        (1, 64),
        2000,
        per_output=per_output,
        has_bias=seed % 2 == 0,
        activation=seed % 3 % 2,
    )
    graph, report = report_of(tmp_path, tensors, operator)
    assert marks(graph) == [True]
    assert {one.kind for one in report.kinds} == {"linear layer"} <= report.exact
    assert largest(report) == 0


@pytest.mark.parametrize("per_output", [False, True])
def test_linear_layers_that_rounded_twice_would_differ(tmp_path, per_output):
    """What the mark is for: with two roundings some bytes of these layers are others."""
    differing = 0
    for seed in range(6):
        tensors, operator = linear(
            np.random.default_rng(seed), (1, 64), 2000, per_output=per_output
        )
        graph, _ = report_of(tmp_path, tensors, operator)
        (one,) = graph.operators
        twice = replace(graph, operators=(replace(one, rounds_once=False),))
        inputs = {"x": np.random.default_rng(seed).integers(-128, 128, (1, 64), dtype=np.int8)}
        report = compare_with_litert(tmp_path / "one.tflite", twice, [inputs])
        assert largest(report) <= 1
        differing += sum(one.num_differing for one in report.operators)
    assert differing > 0


@pytest.mark.parametrize("per_output", [False, True])
def test_a_linear_layer_of_rows_is_equal(tmp_path, per_output):
    tensors, operator = linear(np.random.default_rng(7), (60, 64), 40, per_output=per_output)
    path = tmp_path / "one.tflite"
    path.write_bytes(file_content(tensors, [operator], ("x",), ("y",)))
    graph = quantised_graph(folded(read_tflite(path)))
    x = np.random.default_rng(7).integers(-128, 128, (60, 64), dtype=np.int8)
    result = model_values(graph.tensors["y"], run_integers(graph, {"x": x})["y"])
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    model = litert.Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
    )
    model.allocate_tensors()
    model.set_tensor(model.get_input_details()[0]["index"], x)
    model.invoke()
    expected = model.get_tensor(model.get_output_details()[0]["index"])
    np.testing.assert_array_equal(result, expected)


def test_a_linear_layer_is_equal_after_it_was_written_as_onnx(tmp_path):
    tensors, operator = linear(np.random.default_rng(8), (1, 64), 2000)
    report_of(tmp_path, tensors, operator)
    path = tmp_path / "one.tflite"
    write_onnx(folded(read_tflite(path)), tmp_path / "one.onnx")
    graph = quantised_graph(folded(read_graph(tmp_path / "one.onnx")))
    inputs = {"x": np.random.default_rng(8).integers(-128, 128, (1, 64), dtype=np.int8)}
    report = compare_with_litert(path, graph, [inputs])
    assert marks(graph) == [True]
    assert largest(report) == 0


def test_a_linear_layer_of_an_image_is_equal(tmp_path):
    tensors, operator = linear(np.random.default_rng(3), (1, 4, 5, 6), 7, activation=1)
    graph, report = report_of(tmp_path, tensors, operator)
    assert graph.operators[0].weights.shape == (7, 6, 4, 5)  # the flatten is in the weights
    assert [one.kind for one in report.kinds] == ["linear layer"]
    assert largest(report) == 0


def test_a_linear_layer_with_a_factor_above_one_is_equal(tmp_path):
    tensors, operator = linear(np.random.default_rng(4), (1, 64), 2000, factor=2e-5)
    small = replace(tensors[1], values=tensors[1].values // 16)
    graph, report = report_of(tmp_path, [tensors[0], small, *tensors[2:]], operator)
    assert np.abs(graph.operators[0].weights).max() > 8
    assert largest(report) == 0


@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "AVERAGE_POOL_2D"])
@pytest.mark.parametrize(("kernel", "padding"), [((2, 2), 1), ((3, 2), 1), ((3, 3), 0)])
def test_pools_are_equal(tmp_path, kind, kernel, padding):
    size = [4 if padding == 0 else (8 - length) // 2 + 1 for length in kernel]
    tensors = [
        random_tensor("x", 1, 8, 8, 5, zero_point=-20),
        random_tensor("y", 1, *size, 5, zero_point=-20),
    ]
    operator = OperatorOfFile(
        kind=kind,
        inputs=("x",),
        outputs=("y",),
        options="Pool2DOptions",
        fields={
            "padding": padding,
            "strideH": 2,
            "strideW": 2,
            "filterHeight": kernel[0],
            "filterWidth": kernel[1],
        },
    )
    _, report = report_of(tmp_path, tensors, operator)
    own = {"MAX_POOL_2D": "maximum pool", "AVERAGE_POOL_2D": "average pool"}[kind]
    hosted = kind == "AVERAGE_POOL_2D" and padding == 0  # the divisor depends on the place
    assert [one.kind for one in report.kinds] == ["average_pool on the host" if hosted else own]
    assert largest(report) <= (1 if hosted else 0)


def test_a_padded_mean_is_equal_where_its_divisor_is_constant(tmp_path):
    """A kernel that covers the whole of a small image, wherever it is."""
    tensors = [random_tensor(name, 1, 2, 2, 50, zero_point=-20) for name in "xy"]
    operator = OperatorOfFile(
        kind="AVERAGE_POOL_2D",
        inputs=("x",),
        outputs=("y",),
        options="Pool2DOptions",
        fields={"strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 3},
    )
    _, report = report_of(tmp_path, tensors, operator)
    assert [one.kind for one in report.kinds] == ["average pool"]
    assert largest(report) == 0


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
def test_sums_differ_by_one_unit_at_most(tmp_path, kind):
    tensors = [
        random_tensor("a", 1, 8, 8, 5, scale=0.031, zero_point=-20),
        random_tensor("b", 1, 8, 8, 5, scale=0.057, zero_point=11),
        random_tensor("y", 1, 8, 8, 5, scale=0.083, zero_point=-7),
    ]
    operator = OperatorOfFile(
        kind=kind,
        inputs=("a", "b"),
        outputs=("y",),
        options=f"{kind.capitalize()}Options",
        fields={"fusedActivationFunction": 1},
    )
    graph, report = report_of(tmp_path, tensors, operator, ("a", "b"))
    assert [one.kind for one in report.kinds] == ["sum"]
    assert largest(report) <= 1


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
def test_numbers_of_channels_are_a_layer_of_one_pixel(tmp_path, kind):
    rng = np.random.default_rng(4)
    tensors = [
        random_tensor("x", 1, 8, 8, 5, scale=0.031, zero_point=-20),
        constant("c", rng.integers(-127, 128, (5,)), "int8", scales=(0.02,), zero_points=(4,)),
        random_tensor("y", 1, 8, 8, 5, scale=0.05, zero_point=-7),
    ]
    operator = OperatorOfFile(
        kind=kind,
        inputs=("x", "c"),
        outputs=("y",),
        options=f"{kind.capitalize()}Options",
    )
    _, report = report_of(tmp_path, tensors, operator)
    assert [one.kind for one in report.kinds] == ["depthwise or grouped convolution"]
    assert largest(report) <= 1


@pytest.mark.parametrize(
    ("kind", "options", "fields"),
    [
        ("LOGISTIC", "", {}),
        ("TANH", "", {}),
        ("HARD_SWISH", "HardSwishOptions", {}),
        ("RELU", "", {}),
        ("RELU6", "", {}),
        ("LEAKY_RELU", "LeakyReluOptions", {"alpha": 0.1}),
        ("QUANTIZE", "QuantizeOptions", {}),
    ],
)
def test_tables_differ_by_one_unit_at_most(tmp_path, kind, options, fields):
    fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    scale, zero_point = fixed.get(kind, (0.041, -50))
    tensors = [
        random_tensor("x", 1, 16, 16, 1, scale=0.05, zero_point=12),
        random_tensor("y", 1, 16, 16, 1, scale=scale, zero_point=zero_point),
    ]
    operator = OperatorOfFile(
        kind=kind, inputs=("x",), outputs=("y",), options=options, fields=fields
    )
    _, report = report_of(tmp_path, tensors, operator)
    assert [one.kind for one in report.kinds] == ["lookup"]
    assert largest(report) <= 1


MOVES = [
    ("RESHAPE", (1, 4, 6, 5), (1, 120), [[1, 120]], "", {}, 0),
    ("TRANSPOSE", (1, 4, 6, 5), (1, 6, 4, 5), [[0, 2, 1, 3]], "", {}, 0),
    ("PAD", (1, 4, 6, 5), (1, 7, 9, 5), [[[0, 0], [1, 2], [2, 1], [0, 0]]], "PadOptions", {}, 0),
    ("SLICE", (1, 4, 6, 5), (1, 2, 6, 3), [[0, 1, 0, 2], [1, 2, 6, 3]], "SliceOptions", {}, 0),
    (
        "STRIDED_SLICE",
        (1, 4, 6, 5),
        (1, 2, 3, 5),
        [[0, 0, 1, 0], [1, 4, 6, 5], [1, 2, 2, 1]],
        "StridedSliceOptions",
        {"endMask": 8},
        0,
    ),
    ("MEAN", (1, 4, 6, 5), (1, 5), [[1, 2]], "ReducerOptions", {}, 1),
    ("MEAN", (1, 4, 6, 5), (1, 1, 1, 5), [[1, 2]], "ReducerOptions", {"keepDims": True}, 1),
    (
        "RESIZE_NEAREST_NEIGHBOR",
        (1, 4, 6, 5),
        (1, 8, 18, 5),
        [[8, 18]],
        "ResizeNearestNeighborOptions",
        {"halfPixelCenters": True},
        0,
    ),
    (
        "RESIZE_NEAREST_NEIGHBOR",
        (1, 4, 6, 5),
        (1, 8, 18, 5),
        [[8, 18]],
        "ResizeNearestNeighborOptions",
        {},
        0,
    ),
    (
        "RESIZE_BILINEAR",
        (1, 4, 6, 5),
        (1, 8, 12, 5),
        [[8, 12]],
        "ResizeBilinearOptions",
        {"halfPixelCenters": True},
        1,
    ),
    ("DEPTH_TO_SPACE", (1, 4, 6, 8), (1, 8, 12, 2), [], "DepthToSpaceOptions", {"blockSize": 2}, 0),
    ("SPACE_TO_DEPTH", (1, 4, 6, 2), (1, 2, 3, 8), [], "SpaceToDepthOptions", {"blockSize": 2}, 0),
    ("EXPAND_DIMS", (1, 6, 5), (1, 1, 6, 5), [1], "ExpandDimsOptions", {}, 0),
    ("SQUEEZE", (1, 1, 6, 5), (1, 6, 5), [], "SqueezeOptions", {}, 0),
]


@pytest.mark.parametrize(
    ("kind", "before", "after", "constants", "options", "fields", "units"),
    MOVES,
    ids=[f"{move[0]}-{i}" for i, move in enumerate(MOVES)],
)
def test_moves(tmp_path, kind, before, after, constants, options, fields, units):
    tensors = [random_tensor("x", *before), random_tensor("y", *after)]
    tensors += [constant(f"c{i}", np.array(values)) for i, values in enumerate(constants)]
    operator = OperatorOfFile(
        kind=kind,
        inputs=("x", *(f"c{i}" for i in range(len(constants)))),
        outputs=("y",),
        options=options,
        fields=fields,
    )
    _, report = report_of(tmp_path, tensors, operator)
    assert largest(report) <= units


def test_parts_of_an_image(tmp_path):
    tensors = [
        constant("axis", np.array(3)),
        random_tensor("x", 1, 4, 6, 6),
        random_tensor("a", 1, 4, 6, 3),
        random_tensor("b", 1, 4, 6, 3),
    ]
    operator = OperatorOfFile(
        kind="SPLIT",
        inputs=("axis", "x"),
        outputs=("a", "b"),
        options="SplitOptions",
        fields={"numSplits": 2},
    )
    graph, report = report_of(tmp_path, tensors, operator, ("x",), ("a", "b"))
    assert {one.kind for one in report.kinds} == {"crop"}
    assert largest(report) == 0


def test_concatenation_rescales_by_tables(tmp_path):
    tensors = [
        random_tensor("a", 1, 4, 6, 3, scale=0.05, zero_point=3),
        random_tensor("b", 1, 4, 6, 4, scale=0.031, zero_point=-9),
        random_tensor("y", 1, 4, 6, 7, scale=0.05, zero_point=3),
    ]
    operator = OperatorOfFile(
        kind="CONCATENATION",
        inputs=("a", "b"),
        outputs=("y",),
        options="ConcatenationOptions",
        fields={"axis": 3},
    )
    path = tmp_path / "one.tflite"
    path.write_bytes(file_content(tensors, [operator], ("a", "b"), ("y",)))
    graph = quantised_graph(read_tflite(path))
    assert [type(one).__name__ for one in graph.operators] == ["Lookup", "Concatenation"]


def test_transposed_convolution(tmp_path):
    rng = np.random.default_rng(6)
    tensors = [
        constant("shape", np.array([1, 9, 9, 4])),
        constant(
            "w", rng.integers(-127, 128, (4, 3, 3, 5)), "int8", scales=(0.004, 0.003, 0.002, 0.001)
        ),
        random_tensor("x", 1, 4, 4, 5),
        random_tensor("y", 1, 9, 9, 4, scale=0.1, zero_point=-5),
    ]
    operator = OperatorOfFile(
        kind="TRANSPOSE_CONV",
        inputs=("shape", "w", "x"),
        outputs=("y",),
        options="TransposeConvOptions",
        fields={"padding": 1, "strideH": 2, "strideW": 2},
    )
    _, report = report_of(tmp_path, tensors, operator)
    assert [one.kind for one in report.kinds] == ["transposed convolution"]
    assert largest(report) == 0


@pytest.mark.parametrize(
    "name", "kws_ref_model vww_96_int8 pretrainedResnet_quant ad01_int8".split()
)
def test_trained_models(name):
    path = model_path(f"{name}.tflite")
    report = measure_contract(path, num_inputs=1, seed=7)
    assert report.not_compared == ()
    units = {one.kind: one.largest_difference for one in report.kinds}
    for kind in (*report.exact, "average pool"):
        assert units.get(kind, 0) == 0, kind
    assert max(units.values()) <= 1


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("micro_kws_qdq", "onnx.reference"),
        # Its operators of com.microsoft are unknown to the reference.
        ("micro_kws_qoperator", "onnxruntime"),
    ],
)
def test_trained_onnx_models(name, other):
    path = model_path(f"{name}.onnx")
    if other == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime is missing")
    report = measure_contract(path, num_inputs=1, seed=8)
    assert report.other.startswith(other)
    assert report.not_compared == ()
    assert {one.kind: one.num_operators for one in report.kinds} == {
        "average pool": 2,
        "convolution": 3,
        "depthwise or grouped convolution": 3,
        "linear layer": 3,
        "maximum pool": 1,
        "softmax on the host": 1,
    }
    assert max(one.largest_difference for one in report.kinds) <= 1
    assert max(one.share for one in report.kinds if one.num_bytes > 5000) < 0.03


def test_init_wrong_model_that_is_not_quantised():
    path = model_path("micro_kws_fp32.onnx")
    with pytest.raises(InputError, match="must be a quantised model"):
        measure_contract(path)
