"""A file that is wrong in any way is refused in one sentence."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from naas_hw.core.errors import InputError
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.importers.onnx_file import graph_of_model, parsed_model
from naas_hw.graph.importers.reader import read_graph

WEIGHTS = np.ones((4, 3, 3, 3), dtype=np.float32)


def layer(weights: Any = WEIGHTS, **attributes: Any) -> ModelProto:
    """A convolution."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="layer", **attributes)
    return model_of([node], {"w": weights})


def model_of(nodes: list[Any], constants: dict[str, Any], shape: Any = (1, 3, 8, 8)) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def quantised(scale: Any, zero_point: Any, second: str = "DequantizeLinear") -> ModelProto:
    """Numbers that are quantised and dequantised."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="first"),
        helper.make_node(second, ["q", "s", "z"], ["y"], name="second"),
    ]
    return model_of(nodes, {"s": scale, "z": zero_point})


def qlinear_convolution(scale: float) -> ModelProto:
    """A convolution of bytes with an int32 bias, whose scale is the square of `scale`."""
    inputs = ["q", "s", "z", "w", "s", "z", "s", "z", "b"]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="first"),
        helper.make_node("QLinearConv", inputs, ["y"], name="second"),
    ]
    constants = {"s": np.float32(scale), "z": np.int8(0), "b": np.ones(4, np.int32)}
    return model_of(nodes, {**constants, "w": WEIGHTS.astype(np.int8)})


def with_weights(change: Callable[[TensorProto], None]) -> ModelProto:
    model = layer()
    change(model.graph.initializer[0])
    return model


def named(operator: str, *inputs: str, outputs: Any = ("y",), **attributes: Any) -> ModelProto:
    node = helper.make_node(operator, ["x", *inputs], list(outputs), name="n", **attributes)
    return model_of([node], {"w": WEIGHTS})


def marked(operator: str, *values: str) -> ModelProto:
    """A product whose metadata say how it rounds."""
    model = model_of(
        [helper.make_node(operator, ["x", "w"], ["y"], name="n")],
        {"w": np.ones((8, 2), dtype=np.float32)},
        (3, 8),
    )
    for value in values:
        model.graph.node[0].metadata_props.add(key="naas_hw.rounding", value=value)
    return model


def changed(tensor: TensorProto, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(tensor, name, value)


ONE = np.float32(1)
ZERO = np.int8(0)

WRONG: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "NaN": (lambda: layer(WEIGHTS * np.nan), "values of 'w' must be finite"),
    "infinite": (lambda: layer(WEIGHTS * np.inf), "values of 'w' must be finite"),
    "too large for float32": (lambda: layer(WEIGHTS.astype(np.float64) * 1e300), "must be finite"),
    "weights of other channels": (lambda: layer(WEIGHTS[:, :2]), "weights must be for 3 channels"),
    "kernel beyond the image": (lambda: layer(dilations=[9, 9]), "must fit into the image"),
    "strides of 0": (lambda: layer(strides=[0, 1]), "must be 2 numbers of 1 or more"),
    "too few strides": (lambda: layer(strides=[1]), "strides must be 2 numbers, not 1"),
    "unknown padding": (lambda: layer(auto_pad="SOMEHOW"), "auto_pad must be"),
    "groups of 0": (lambda: layer(group=0), "weights must be for 3 channels"),
    "scale 0": (lambda: quantised(ONE * 0, ZERO), "scales must be positive numbers"),
    "negative scale": (lambda: quantised(-ONE, ZERO), "scales must be positive numbers"),
    "infinite scale": (lambda: quantised(ONE * np.inf, ZERO), "scales must be positive numbers"),
    "scale beyond float32": (lambda: quantised(ONE * 3e38, ZERO), "all numbers are float32"),
    "scales whose product is beyond float32": (
        lambda: qlinear_convolution(1e20),
        "all numbers are float32, in QLinearConv",
    ),
    "int16": (lambda: quantised(ONE, np.int16(0)), "must be int8 or uint8, not int16"),
    "zero points of other channels": (
        lambda: quantised(np.ones(3, dtype=np.float32), np.zeros(2, dtype=np.int8)),
        "must be as many",
    ),
    "scales of other channels": (
        lambda: quantised(np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.int8)),
        "scales must be 3 or one, not 2",
    ),
    "dynamic quantisation": (
        lambda: named("DynamicQuantizeLinear", outputs=["y", "s", "z"]),
        "quantise statically",
    ),
    "integer convolution": (lambda: named("ConvInteger", "w"), "quantise statically"),
    "int4": (
        lambda: with_weights(lambda w: changed(w, data_type=TensorProto.INT4)),
        "'w' must be of float, int8, uint8, int32 or int64, not INT4",
    ),
    "an unknown type": (lambda: with_weights(lambda w: changed(w, data_type=99)), "not 99"),
    "too few values": (
        lambda: with_weights(lambda w: changed(w, raw_data=w.raw_data[:8])),
        "values of 'w' must fit its shape",
    ),
    "a size below 0": (
        lambda: with_weights(lambda w: w.dims.__setitem__(0, -4)),
        "sizes of 'w' must be 0 or more",
    ),
    "more than memory": (
        lambda: with_weights(lambda w: w.dims.__setitem__(0, 1 << 60)),
        "must have at most",
    ),
    "a tensor that nobody makes": (lambda: named("Add", "z"), "'z' must be made before"),
    "an unknown operator that reads what nobody makes": (
        lambda: named("CumSum", "z"),
        "'z' must be made before",
    ),
    "a tensor without numbers": (
        lambda: model_of(
            [helper.make_node("Slice", ["x", "s", "s", "a"], ["y"], name="n")],
            {"s": np.array([1]), "a": np.array([1])},
        ),
        r"sizes of 'y' must be 1 or more, not \[1, 0, 8, 8\]",
    ),
    "sizes below 0": (
        lambda: model_of(
            [helper.make_node("Resize", ["x", "", "s"], ["y"], name="n")],
            {"s": np.array([1, 1, 2, -1], np.float32)},
        ),
        r"sizes of 'y' must be 1 or more, not \[1, 3, 16, -8\]",
    ),
    "drawn numbers that no memory can hold": (
        lambda: model_of(
            [
                helper.make_node("RandomNormal", [], ["r"], shape=[1 << 20, 1 << 20]),
                helper.make_node("Relu", ["r"], ["y"]),
            ],
            {},
        ),
        "'r' must have at most",
    ),
    "constants that no memory can hold": (
        lambda: model_of(
            [
                helper.make_node("Einsum", ["c", "c"], ["r"], equation="ab,cd->abcd"),
                helper.make_node("Add", ["x", "r"], ["y"]),
            ],
            {"c": np.ones((256, 256), np.float32)},
        ),
        "'r' must have at most",
    ),
    "a missing input": (lambda: named("Add"), "inputs must be at least 2, not 1"),
    "a tensor made twice": (lambda: named("Relu", outputs=["x"]), "'x' must be made once"),
    "an output that nobody makes": (lambda: named("Relu", outputs=["z"]), "'y' must be made"),
    "an axis that is not there": (lambda: named("Softmax", axis=7), "an axis must be -4 to 3"),
    "a shape of another size": (
        lambda: model_of(
            [helper.make_node("Reshape", ["x", "s"], ["y"], name="n")], {"s": np.array([7, -1])}
        ),
        "a shape of 192 elements must be given",
    ),
    "an unknown operator of unknown shape": (
        lambda: model_of([helper.make_node("Strange", ["x"], ["y"], domain="some.where")], {}),
        "the shape of 'y' must be known",
    ),
    "an opset of the future": (lambda: _with_opset(99), "the opset must be 1 to"),
    "no operators": (lambda: ModelProto(), "has no operators"),
    "an unknown rounding": (
        lambda: marked("Gemm", "upwards"),
        "naas_hw.rounding of 'n' must be 'once', not 'upwards'",
    ),
    "two roundings": (lambda: marked("Gemm", "once", "once"), "must be 'once', not 'once', 'once'"),
    "a rounding of another operator": (
        lambda: marked("Mul", "once"),
        "naas_hw.rounding must belong to Gemm or MatMul, not to the Mul 'n'",
    ),
    "a scale that is computed": (
        lambda: model_of([helper.make_node("QuantizeLinear", ["x", "x"], ["y"], name="n")], {}),
        "quantise statically",
    ),
}


def _with_opset(version: int) -> ModelProto:
    model = layer()
    model.opset_import[0].version = version
    return model


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(name):
    build, message = WRONG[name]
    data = build().SerializeToString()
    with pytest.raises(InputError, match=message) as caught:
        graph_of_model(parsed_model(data, "model.onnx"), name="test")
    assert "\n" not in str(caught.value)


def calling(*bodies: tuple[str, ...]) -> ModelProto:
    """A model of a call of F0; function Fi calls what the i-th body names, one after the other."""
    model = named("F0")
    model.graph.node[0].domain = "own"
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    model.opset_import.append(opsets[1])
    for index, body in enumerate(bodies):
        tensors = ["a", *(f"t{i}" for i in range(len(body) - 1)), "b"]
        nodes = [
            helper.make_node(kind, [source], [target], domain="own" if kind[0] == "F" else "")
            for kind, source, target in zip(body, tensors, tensors[1:], strict=False)
        ]
        model.functions.append(
            helper.make_function("own", f"F{index}", ["a"], ["b"], nodes, opsets)
        )
    return model


def test_functions_are_put_where_they_are_called():
    graph = graph_of_model(calling(("F1", "F1"), ("Relu", "Neg")), name="test")
    assert [operator.source for operator in graph.operators] == ["Relu", "Neg"] * 2


def test_functions_that_call_one_another_are_refused():
    with pytest.raises(InputError, match="functions must not call themselves, but 'F0' does"):
        graph_of_model(calling(("F1",), ("F0",)), name="test")


def test_functions_that_become_too_many_nodes_are_refused():
    bodies = [(f"F{index + 1}",) * 2 for index in range(40)]
    with pytest.raises(InputError, match=f"not {2**40}"):
        graph_of_model(calling(*bodies, ("Relu",)), name="test")


def test_a_loop_over_constants_is_not_run():
    """It could run for ever; it is left to the host as an operator that is not known."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["more"], ["more2"]),
            helper.make_node("Identity", ["v"], ["v2"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("more2", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v2", TensorProto.FLOAT, [1]),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["count", "true", "one"], ["r"], name="loop", body=body),
        helper.make_node("Add", ["x", "r"], ["y"], name="sum"),
    ]
    constants = {"count": np.int64(1 << 60), "true": np.bool_(True), "one": np.ones(1, np.float32)}
    graph = graph_of_model(model_of(nodes, constants), name="test")
    assert [operator.kind for operator in graph.operators] == ["loop", "add"]


def test_names_that_are_no_text_are_refused():
    data = layer().SerializeToString().replace(b"layer", b"lay\xffr")
    with pytest.raises(InputError, match=r"names in model\.onnx must be UTF-8"):
        parsed_model(data, "model.onnx")


def test_one_infinite_number_may_be_a_bound():
    node = helper.make_node("Clip", ["x", "low"], ["y"], name="n")
    graph = graph_of_model(model_of([node], {"low": np.float32(-np.inf)}), name="test")
    assert graph.operators[0].attributes == {"minimum": None, "maximum": None}


@pytest.mark.parametrize("operator", ["Gemm", "MatMul"])
def test_a_linear_layer_may_say_that_it_rounds_once(operator):
    marks = [
        [one.attributes for one in graph_of_model(model, name="test").operators][-1]
        for model in (marked(operator), marked(operator, "once"))
    ]
    assert marks == [{}, {"rounds_once": True}]


def test_metadata_of_others_are_ignored():
    model = layer()
    model.graph.node[0].metadata_props.add(key="namespace", value=": model/conv")
    assert graph_of_model(model, name="test").operators[0].kind == "conv"


def saved_outside(folder: Path) -> Path:
    """A model whose weights lie in a second file."""
    path = folder / "model.onnx"
    model = layer()
    onnx.save_model(
        model, path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    return path


def test_weights_may_lie_beside_the_file(tmp_path: Path):
    graph = read_graph(saved_outside(tmp_path))
    np.testing.assert_array_equal(np.asarray(graph.constant("w")), WEIGHTS)


def test_weights_that_are_missing_are_named(tmp_path: Path):
    path = saved_outside(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(InputError, match="'weights.bin' must be in the folder"):
        read_graph(path)


def test_weights_that_are_cut_are_refused(tmp_path: Path):
    path = saved_outside(tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"1234")
    with pytest.raises(InputError, match="values of 'w' must be 432 bytes from byte 0"):
        read_graph(path)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "link", ""])
def test_weights_outside_the_folder_are_refused(location, tmp_path: Path):
    (tmp_path / "secret").write_bytes(bytes(432))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    path = saved_outside(folder)
    model = onnx.load_model(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = location
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="must be in the folder of the model"):
        read_graph(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="must be a file"):
        read_graph(tmp_path / "none.onnx")


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_read_or_refused(seed):
    """Bytes that are cut, changed or put in never end in another error."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Clip", ["c", "low"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], ceil_mode=1),
        helper.make_node("Reshape", ["m", "s"], ["f"]),
        helper.make_node("Gemm", ["f", "g"], ["y"], transB=1),
    ]
    constants = {
        "w": WEIGHTS,
        "low": np.float32(0),
        "s": np.array([1, -1]),
        "g": np.ones((2, 36), dtype=np.float32),
    }
    data = model_of(nodes, constants).SerializeToString()
    generator = random.Random(seed)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(data)
        if generator.random() < 0.2:
            damaged = damaged[: generator.randrange(len(data))]
        for _ in range(generator.choice([1, 1, 5]) if damaged else 0):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        try:
            folded(graph_of_model(parsed_model(bytes(damaged), "model.onnx"), name="test"))
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
