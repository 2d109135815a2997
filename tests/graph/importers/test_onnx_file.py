"""A model read from ONNX computes what ONNX says, whatever form the file has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from trained_models import model_path

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Graph
from naas_hw.graph.importers.onnx_file import graph_of_model
from naas_hw.graph.importers.reader import read_graph

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

Shapes = Mapping[str, Sequence[int | str]]


def model_of(
    nodes: Sequence[onnx.NodeProto],
    inputs: Shapes,
    *,
    constants: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 13,
) -> onnx.ModelProto:
    """A model of some nodes; all inputs are float."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def values_of(shapes: Mapping[str, Sequence[int]], seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {n: (2 * rng.standard_normal(s)).astype(np.float32) for n, s in shapes.items()}


def run_reference(model: onnx.ModelProto, inputs: Mapping[str, Any]) -> Any:
    return ReferenceEvaluator(model).run(None, dict(inputs))


def run_runtime(model: onnx.ModelProto, inputs: Mapping[str, Any]) -> Any:
    """What onnxruntime computes, for operators of which the reference is wrong."""
    runtime = pytest.importorskip("onnxruntime")
    for output in model.graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, dict(inputs))


def assert_computes(model: onnx.ModelProto, graph: Graph, oracle: Any = run_reference) -> None:
    """The graph, as read and folded, computes what the oracle computes."""
    inputs = values_of({name: graph.tensors[name].shape for name in graph.inputs})
    expected = oracle(model, inputs)
    for form in (graph, folded(graph)):
        results = run_floats(form, inputs, wanted=form.outputs)
        for name, values in zip(form.outputs, expected, strict=True):
            assert results[name].shape == np.shape(values)
            np.testing.assert_allclose(results[name], values, rtol=1e-4, atol=1e-5)


def check(
    operator: str,
    shape: Sequence[int],
    *arrays: Any,
    opset: int = 13,
    outputs: Sequence[str] = ("y",),
    oracle: Any = run_reference,
    **attributes: Any,
) -> Graph:
    """One operator of an input `x` and of constants computes what the oracle computes."""
    names = [f"c{i}" if a is not None else "" for i, a in enumerate(arrays)]
    node = helper.make_node(operator, ["x", *names], outputs, name="n", **attributes)
    constants = {n: a for n, a in zip(names, arrays, strict=True) if n}
    model = model_of([node], {"x": shape}, constants=constants, outputs=outputs, opset=opset)
    graph = graph_of_model(model, name="test")
    assert_computes(model, graph, oracle)
    return graph


def floats(*shape: int) -> Any:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def integers(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"pads": [1, 1, 1, 1], "strides": [2, 2]},
        {"pads": [0, 1, 2, 3], "dilations": [2, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER", "strides": [2, 1]},
        {"auto_pad": "VALID"},
        {"kernel_shape": [3, 2], "pads": [3, 3, 4, 4]},
    ],
)
def test_convolutions_pad_as_onnx_does(attributes):
    check("Conv", (1, 4, 9, 8), floats(6, 4, 3, 2), floats(6), **attributes)
    check("Conv", (1, 4, 9, 8), floats(4, 1, 3, 2), group=4, **attributes)
    check("Conv", (1, 4, 9, 8), floats(6, 2, 3, 2), group=2, **attributes)


def test_a_one_dimensional_convolution_is_one_of_one_row():
    graph = check("Conv", (1, 4, 9), floats(6, 4, 3), floats(6), pads=[1, 2], strides=[2])
    assert [operator.kind for operator in graph.operators] == ["reshape", "conv", "reshape"]


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"strides": [2, 3], "pads": [1, 0, 0, 1], "output_padding": [1, 0]},
        {"strides": [2, 2], "output_shape": [9, 11]},
        {"strides": [2, 2], "dilations": [2, 1]},
    ],
)
def test_transposed_convolutions(group, attributes):
    weights, bias = floats(4, 3, 3, 2), floats(3 * group)
    options = {"oracle": run_runtime, "group": group, **attributes}
    check("ConvTranspose", (1, 4, 5, 5), weights, bias, **options)


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    "attributes",
    [
        {"kernel_shape": [3, 3], "strides": [2, 2]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"kernel_shape": [3, 2], "auto_pad": "SAME_LOWER", "strides": [2, 2]},
    ],
)
def test_pooling(operator, attributes):
    check(operator, (1, 3, 7, 9), oracle=run_runtime, **attributes)


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 1]])
@pytest.mark.parametrize("included", [0, 1])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (3, 3), (2, 3)])
def test_sizes_that_are_rounded_up(pads, included, kernel, stride):
    options = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "ceil_mode": 1, "pads": pads}
    check("MaxPool", (1, 3, 7, 9), oracle=run_runtime, **options)
    options["count_include_pad"] = included
    check("AveragePool", (1, 3, 7, 9), opset=19, oracle=run_runtime, **options)


def test_local_response_normalisation():
    check("LRN", (1, 8, 4, 6), size=3, bias=2.0, oracle=run_runtime)


def test_softmax_was_over_all_axes_from_one_on():
    check("Softmax", (1, 8, 4, 6), axis=1, opset=11, oracle=run_runtime)


def test_padding_counts_in_the_divisor_if_the_file_says_so():
    check("AveragePool", (1, 2, 6, 6), kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("GlobalAveragePool", {}),
        ("GlobalMaxPool", {}),
        ("ReduceMean", {"axes": [2, 3], "keepdims": 0}),
        ("ReduceMean", {"axes": [-1]}),
        ("ReduceMax", {"axes": [2, 3]}),
        ("ReduceMin", {"axes": [1]}),
        ("ReduceL1", {"axes": [1], "keepdims": 0}),
        ("ReduceL2", {"axes": [1]}),
        ("ReduceSumSquare", {"axes": [1]}),
        ("Relu", {}),
        ("Sigmoid", {}),
        ("HardSigmoid", {"alpha": 0.3}),
        ("Softplus", {}),
        ("LeakyRelu", {"alpha": 0.1}),
        ("Elu", {"alpha": 0.7}),
        ("Selu", {}),
        ("Celu", {"alpha": 0.7}),
        ("Abs", {}),
        ("Neg", {}),
        ("Erf", {}),
        ("Tanh", {}),
        ("Exp", {}),
        ("Reciprocal", {}),
        ("Softsign", {}),
        ("Softmax", {"axis": 1}),
        ("LogSoftmax", {}),
        ("Flatten", {}),
        ("Flatten", {"axis": 2}),
        ("Transpose", {"perm": [0, 2, 3, 1]}),
        ("Transpose", {}),
        ("DepthToSpace", {"blocksize": 2}),
        ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}),
        ("SpaceToDepth", {"blocksize": 2}),
        ("ArgMax", {"axis": 1, "keepdims": 0}),
        ("Identity", {}),
        ("Squeeze", {}),
    ],
)
def test_operators_of_one_input(operator, attributes):
    check(operator, (1, 8, 4, 6), **attributes)


@pytest.mark.parametrize(
    ("operator", "arrays", "opset", "attributes"),
    [
        ("Clip", (np.float32(-1), np.float32(0.5)), 13, {}),
        ("Clip", (None, np.float32(0.5)), 13, {}),
        ("Clip", (), 6, {"min": -0.5, "max": 1.0}),
        ("Pad", (integers(0, 0, 1, 2, 0, 0, 0, 3), np.float32(2)), 13, {}),
        ("Pad", (integers(1, 2, 0, 3), np.float32(2), integers(2, -1)), 18, {}),
        ("Pad", (), 2, {"pads": [0, 0, 1, 2, 0, 0, 3, 1], "mode": "reflect"}),
        ("Slice", (), 9, {"starts": [1, 0], "ends": [3, -1], "axes": [1, 3]}),
        ("Slice", (integers(-1), integers(-9), integers(3), integers(-2)), 13, {}),
        ("Slice", (integers(0, 1), integers(99, 3), integers(2, 3)), 10, {}),
        ("Unsqueeze", (integers(0, -1),), 13, {}),
        ("Unsqueeze", (), 11, {"axes": [1]}),
        ("Squeeze", (integers(0),), 13, {}),
        ("ReduceMean", (integers(2, 3),), 18, {"keepdims": 0}),
        ("ReduceSum", (integers(1),), 13, {}),
        ("Reshape", (integers(0, -1, 12),), 13, {}),
        ("Expand", (integers(2, 1, 1, 1),), 13, {}),
        ("Tile", (integers(1, 2, 1, 3),), 13, {}),
        ("Gather", (integers(0, -1),), 13, {"axis": 1}),
        ("PRelu", (floats(8, 1, 1),), 13, {}),
        ("Gelu", (), 20, {}),
        ("Gelu", (), 20, {"approximate": "tanh"}),
        ("HardSwish", (), 14, {}),
        ("Mish", (), 18, {}),
        ("LayerNormalization", (floats(6), floats(6)), 17, {}),
        ("InstanceNormalization", (floats(8), floats(8)), 13, {}),
        ("GroupNormalization", (floats(8), floats(8)), 21, {"num_groups": 4}),
        ("BatchNormalization", (floats(8), floats(8), floats(8), floats(8) ** 2), 15, {}),
        ("Add", (floats(8, 1, 1),), 13, {}),
        ("Pow", (np.float32(2),), 13, {}),
        ("Sum", (floats(1, 8, 4, 6), floats(8, 1, 1)), 13, {}),
        ("Mean", (floats(1, 8, 4, 6), floats(8, 1, 1)), 13, {}),
        ("Max", (floats(8, 1, 1),), 13, {}),
        ("Cast", (), 13, {"to": TensorProto.INT32}),
    ],
)
def test_signatures_of_many_opsets(operator, arrays, opset, attributes):
    check(operator, (1, 8, 4, 6), *arrays, opset=opset, **attributes)


@pytest.mark.parametrize(
    ("arrays", "opset", "count", "attributes"),
    [
        ((), 11, 2, {"axis": 1}),
        ((), 11, 2, {"axis": 1, "split": [3, 5]}),
        ((integers(2, 5, 1),), 13, 3, {"axis": 1}),
        ((), 18, 3, {"axis": -1, "num_outputs": 3}),
    ],
)
def test_a_split_is_a_slice_for_each_output(arrays, opset, count, attributes):
    outputs = [f"y{i}" for i in range(count)]
    graph = check("Split", (1, 8, 4, 6), *arrays, opset=opset, outputs=outputs, **attributes)
    assert {operator.kind for operator in graph.operators} == {"slice"}


SCALES = np.array([1, 1, 2, 1.5], dtype=np.float32)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize(
    "coordinates", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
)
def test_resizing_places_pixels_as_onnx_does(mode, coordinates):
    options = {"mode": mode, "coordinate_transformation_mode": coordinates}
    check("Resize", (1, 2, 4, 6), None, SCALES, opset=13, **options)
    sizes = integers(1, 2, 7, 3)
    check("Resize", (1, 2, 4, 6), None, None, sizes, opset=13, **options)


@pytest.mark.parametrize("rounding", ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
def test_nearest_pixels_are_rounded_as_onnx_does(rounding):
    check("Resize", (1, 2, 4, 6), None, SCALES, mode="nearest", nearest_mode=rounding)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm_is_a_linear_layer_if_its_weights_are_constant(constant, transposed):
    weights = floats(5, 3) if transposed else floats(3, 5)
    inputs: dict[str, Sequence[int]] = {"a": (2, 3)}
    constants = {"c": floats(1, 5)}
    if constant:
        constants["b"] = weights
    else:
        inputs["b"] = weights.shape
    node = helper.make_node(
        "Gemm", ["a", "b", "c"], ["y"], transB=transposed, alpha=0.5, beta=2.0, name="g"
    )
    model = model_of([node], inputs, constants=constants)
    graph = graph_of_model(model, name="test")
    assert_computes(model, graph)
    kinds = [operator.kind for operator in folded(graph).operators]
    assert kinds == ["linear"] if constant else "matmul" in kinds


def test_a_product_with_constant_weights_and_a_bias_is_one_linear_layer():
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], name="m"),
        helper.make_node("Add", ["b", "m"], ["y"], name="a"),
    ]
    model = model_of(nodes, {"x": (1, 4)}, constants={"w": floats(4, 3), "b": floats(3)})
    graph = graph_of_model(model, name="test")
    assert_computes(model, graph)
    assert [operator.kind for operator in folded(graph).operators] == ["linear"]


def test_chains_of_shapes_become_constants():
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["batch"]),
        helper.make_node("Unsqueeze", ["batch", "zero"], ["batches"]),
        helper.make_node("Concat", ["batches", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    constants = {"zero": integers(0), "first": np.int64(0), "rest": integers(-1, 4)}
    model = model_of(nodes, {"x": ("N", 2, 6)}, constants=constants)
    graph = graph_of_model(model, name="test")
    assert [operator.kind for operator in graph.operators] == ["reshape"]
    assert graph.tensors["y"].shape == (1, 3, 4)
    assert {operator.source for operator in graph.folded} == {
        "Shape",
        "Gather",
        "Unsqueeze",
        "Concat",
    }
    assert len(graph.notes) == 1


def test_constants_of_operators_that_have_no_kind_here():
    """What torch writes for `expand`: a size of -1 is one that stays."""
    one = numpy_helper.from_array(integers(1))
    nodes = [
        helper.make_node("ConstantOfShape", ["rank"], ["ones"], value=one),
        helper.make_node("Mul", ["ones", "minus"], ["open"]),
        helper.make_node("Equal", ["wanted", "open"], ["is_open"]),
        helper.make_node("Where", ["is_open", "ones", "wanted"], ["shape"]),
        helper.make_node("Expand", ["x", "shape"], ["y"]),
    ]
    constants = {"rank": integers(3), "minus": np.int64(-1), "wanted": integers(2, -1, 5)}
    model = model_of(nodes, {"x": (1, 4, 1)}, constants=constants)
    graph = graph_of_model(model, name="test")
    assert_computes(model, graph)
    assert [operator.kind for operator in graph.operators] == ["expand"]


def test_weights_may_be_quantised_in_the_file_and_their_bias_not():
    """Scales of shape [1], no zero point, scales of weights along axis 0."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((6, 4, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xr"]),
        helper.make_node("QuantizeLinear", ["w", "sw", "zw"], ["wq"], axis=0),
        helper.make_node("DequantizeLinear", ["wq", "sw"], ["wr"], axis=0),
        helper.make_node("Conv", ["xr", "wr", "b"], ["y"], name="layer"),
    ]
    constants = {
        "s": np.array([0.03], dtype=np.float32),
        "z": np.zeros(1, dtype=np.int8),
        "w": weights,
        "sw": np.abs(weights).max(axis=(1, 2, 3)) / np.float32(127),
        "zw": np.zeros(6, dtype=np.int8),
        "b": floats(6),
    }
    model = model_of(nodes, {"x": (1, 4, 8, 8)}, constants=constants, opset=19)
    graph = graph_of_model(model, name="test")
    assert_computes(model, graph, run_runtime)
    kinds = [operator.kind for operator in folded(graph).operators]
    assert kinds == ["quantize", "dequantize", "dequantize", "conv"]


def test_weights_come_through_constants_of_every_kind():
    """Initializers listed as inputs, Constant nodes, Reshape, Transpose, ConstantOfShape."""
    value = numpy_helper.from_array(np.array([0.5], dtype=np.float32))
    nodes = [
        helper.make_node("Constant", [], ["flat"], value=numpy_helper.from_array(floats(24))),
        helper.make_node("Reshape", ["flat", "shape"], ["turned"]),
        helper.make_node("Transpose", ["turned"], ["w"], perm=[3, 2, 0, 1]),
        helper.make_node("ConstantOfShape", ["size"], ["b"], value=value),
        helper.make_node("Conv", ["x", "w", "b"], ["y"], name="conv"),
    ]
    constants = {"shape": integers(2, 1, 4, 3), "size": integers(3)}
    model = model_of(nodes, {"x": (1, 4, 5, 5)}, constants=constants)
    listed = helper.make_tensor_value_info("size", TensorProto.INT64, [1])
    model.graph.input.append(listed)
    graph = graph_of_model(model, name="test")
    assert graph.inputs == ("x",)
    assert [operator.kind for operator in graph.operators] == ["conv"]
    assert_computes(model, graph)


def test_an_operator_that_nobody_knows_keeps_its_name_and_shape():
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Hardmax", ["r"], ["y"], name="strange", axis=1),
    ]
    graph = graph_of_model(model_of(nodes, {"x": (1, 4)}), name="test")
    assert [operator.kind for operator in graph.operators] == ["clamp", "hardmax"]
    assert graph.tensors["y"].shape == (1, 4)


@pytest.mark.parametrize(
    ("operator", "attributes", "kind"),
    [
        ("Pad", {"mode": "wrap"}, "onnx.pad"),
        ("Resize", {"mode": "linear", "antialias": 1}, "onnx.resize"),
        ("Resize", {"coordinate_transformation_mode": "tf_crop_and_resize"}, "onnx.resize"),
        ("ArgMax", {"select_last_index": 1}, "onnx.argmax"),
        ("MaxPool", {"kernel_shape": [1, 1]}, "maxpool"),
    ],
)
def test_what_means_something_else_is_no_kind_of_ours(operator, attributes, kind):
    inputs = {"Pad": ["x", "pads"], "Resize": ["x", "", "scales"]}.get(operator, ["x"])
    outputs = ["y", "indices"] if operator == "MaxPool" else ["y"]
    node = helper.make_node(operator, inputs, outputs, **attributes)
    constants = {"pads": integers(*range(8)), "scales": SCALES}
    model = model_of([node], {"x": (1, 8, 8, 8)}, constants=constants, opset=19)
    assert graph_of_model(model, name="test").operators[0].kind == kind


def test_corners_stay_where_they_are_whatever_the_size_is_rounded_to():
    scales = np.array([1, 1, 0.6, 0.6], dtype=np.float32)
    align = "align_corners"
    check("Resize", (1, 1, 4, 4), None, scales, mode="linear", coordinate_transformation_mode=align)


def test_open_sizes_need_a_shape():
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], {"x": ("N", 3, "H", "W")})
    with pytest.raises(InputError, match="--input-shape"):
        graph_of_model(model, name="test")
    graph = graph_of_model(model, name="test", input_shapes={"x": (1, 3, 8, 9)})
    assert graph.tensors["y"].shape == (1, 3, 8, 9)


@pytest.mark.parametrize("shapes", [{"z": (1, 3)}, {"x": (1,)}, {"x": (0, 3)}])
def test_a_shape_that_does_not_fit_is_refused(shapes):
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], {"x": ("N", 3)})
    with pytest.raises(InputError, match="--input-shape"):
        graph_of_model(model, name="test", input_shapes=shapes)


@pytest.mark.parametrize("name", ["x", ""])
def test_a_shape_replaces_that_of_the_file(name):
    """Without a name it is that of the only input."""
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], {"x": (10, 3, 32, 32)})
    graph = graph_of_model(model, name="test", input_shapes={name: (1, 3, 8, 9)})
    assert graph.tensors["y"].shape == (1, 3, 8, 9)


LIGHT_KINDS = {
    "bvlc_alexnet": 5 + 3,
    "densenet121": 121,
    "inception_v1": 57 + 1,
    "inception_v2": 69 + 1,
    "resnet50": 53 + 1,
    "shufflenet": 49 + 1,
    "squeezenet": 26,
    "vgg19": 16 + 3,
    "zfnet512": 5 + 3,
}


@pytest.mark.parametrize("name", LIGHT_KINDS)
def test_networks_of_the_zoo_are_read(name):
    """Every layer arrives, with its weights."""
    graph = read_graph(LIGHT / f"light_{name}.onnx")
    layers = [operator for operator in graph.operators if operator.kind in ("conv", "linear")]
    assert len(layers) == LIGHT_KINDS[name]
    assert all(graph.tensors[layer.inputs[1]].is_constant for layer in layers)


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet"])
def test_networks_of_the_zoo_compute_what_they_did_when_folded(name):
    graph = read_graph(LIGHT / f"light_{name}.onnx")
    inputs = values_of({name: graph.tensors[name].shape for name in graph.inputs})
    smaller = folded(graph)
    output = graph.outputs[0]
    np.testing.assert_allclose(
        run_floats(smaller, inputs)[output], run_floats(graph, inputs)[output], rtol=1e-5
    )
    assert "batch_norm" not in {operator.kind for operator in smaller.operators}


def test_one_trained_network_gives_one_answer_in_three_forms():
    inputs = values_of({"serving_default_input:0": (1, 1960)})
    answers = []
    for form in ("fp32", "qdq", "qoperator"):
        graph = folded(read_graph(model_path(f"micro_kws_{form}.onnx")))
        answers.append(run_floats(graph, inputs)[graph.outputs[0]])
    assert np.abs(answers[1] - answers[0]).max() < 0.1
    assert np.abs(answers[2] - answers[1]).max() < 0.03


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A float model with the blocks of small networks."""
    rng = np.random.default_rng(3)
    constants: dict[str, Any] = {"zero": np.float32(0), "six": np.float32(6)}
    nodes: list[onnx.NodeProto] = []

    def weights(*shape: int) -> str:
        name = f"w{len(constants)}"
        constants[name] = (rng.standard_normal(shape) / 4).astype(np.float32)
        return name

    def add(operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"t{len(nodes)}"
        nodes.append(helper.make_node(operator, list(inputs), [output], f"n{output}", **attributes))
        return output

    stem = add("Relu", add("Conv", "x", weights(8, 3, 3, 3), weights(8), strides=[2, 2]))
    depth = add("Conv", stem, weights(8, 1, 3, 3), weights(8), group=8, pads=[1] * 4)
    point = add("Conv", add("Clip", depth, "zero", "six"), weights(8, 8, 1, 1), weights(8))
    total = add("Add", stem, point)
    largest = add("MaxPool", total, kernel_shape=[2, 2], strides=[2, 2])
    mean = add("AveragePool", total, kernel_shape=[2, 2], strides=[2, 2])
    both = add("Concat", largest, mean, add("Sigmoid", mean), axis=1)
    flat = add("Flatten", add("GlobalAveragePool", add("LeakyRelu", both)))
    hidden = add("Gemm", flat, weights(24, 10), weights(10))
    add("Softmax", add("Add", add("MatMul", hidden, weights(10, 5)), weights(5)), output="y")
    model = model_of(nodes, {"x": (1, 3, 15, 15)}, constants=constants, opset=17)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    path = tmp_path_factory.mktemp("trained") / "float.onnx"
    onnx.save_model(model, path)
    return path


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
def test_files_that_onnxruntime_quantised_compute_what_it_computes(form, activations, trained):
    """The same bytes between dequantise and quantise; the last ones make the probabilities."""
    quantization = pytest.importorskip("onnxruntime.quantization")

    class Calibration(quantization.CalibrationDataReader):  # type: ignore[name-defined]
        def __init__(self) -> None:
            self._images = iter([values_of({"x": (1, 3, 15, 15)}, seed) for seed in range(3)])

        def get_next(self) -> Any:
            return next(self._images, None)

    path = trained.with_name(f"{form}_{activations}.onnx")
    quantization.quantize_static(
        trained,
        path,
        Calibration(),
        quant_format=quantization.QuantFormat[form],
        activation_type=quantization.QuantType[activations],
        per_channel=True,
    )
    graph = read_graph(path)
    smaller = folded(graph)
    inputs = values_of({"x": (1, 3, 15, 15)}, seed=9)
    (expected,) = run_runtime(onnx.load_model(path), inputs)
    for one in (graph, smaller):
        assert np.abs(run_floats(one, inputs)["y"] - expected).max() < 1 / 100
    kinds = [operator.kind for operator in smaller.operators]
    assert kinds.count("conv") == 3 and kinds.count("linear") == 2
    assert all(
        smaller.tensors[name].dtype == np.float32
        for operator in smaller.operators
        if operator.kind != "dequantize"
        for name in operator.inputs
    )
