"""A graph that is written as ONNX computes the same in ONNX, and is the same when it is read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import checker

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import KERNELS, run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Graph, Operator, with_operators
from naas_hw.graph.importers.builder import GraphBuilder
from naas_hw.graph.importers.onnx_file import graph_of_model
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.onnx_writer import onnx_model, write_onnx
from naas_hw.graph.operators import KINDS

Case = tuple[str, Sequence[tuple[int, ...] | Any], dict[str, Any]]

IMAGE = (1, 4, 6, 8)
SQUARE = {"stride": (2, 2), "padding": (1, 1, 1, 1)}
BYTES = {"scale": 0.05, "zero_point": 3, "axis": None, "dtype": "int8"}
CHANNELS = {"scale": (0.1, 0.2, 0.3, 0.4), "zero_point": (0,) * 4, "axis": 0, "dtype": "int8"}
NUMBERS = np.arange(-32, 32, dtype=np.int8).reshape(4, 4, 2, 2)

CASES: list[Case] = [
    ("conv", [IMAGE, (6, 4, 3, 3), (6,)], {**SQUARE, "dilation": (1, 2), "groups": 1}),
    ("conv", [IMAGE, (4, 1, 3, 3)], {**SQUARE, "padding": (-1, 0, 2, -1), "groups": 4}),
    ("conv_transposed", [IMAGE, (4, 2, 3, 2), (4,)], {**SQUARE, "groups": 2}),
    ("conv_transposed", [IMAGE, (4, 2, 3, 3)], {**SQUARE, "padding": (-1, 1, 0, -2)}),
    ("conv_transposed", [IMAGE, (4, 2, 3, 3)], {**SQUARE, "output_padding": (1, 0)}),
    ("linear", [(2, 5), (3, 5), (3,)], {}),
    ("linear", [(2, 4, 5), (3, 5), (3,)], {}),
    ("linear", [(2, 4, 5), (3, 5)], {}),
    ("linear", [(2, 5), (3, 5), (3,)], {"rounds_once": True}),
    ("linear", [(2, 4, 5), (3, 5)], {"rounds_once": True}),
    ("matmul", [(2, 3, 4), (2, 4, 5)], {}),
    ("batch_norm", [IMAGE, (4,), (4,), (4,), np.ones(4, dtype=np.float32)], {"epsilon": 1e-3}),
    *((kind, [IMAGE, (4, 1, 8)], {}) for kind in ("add", "subtract", "multiply", "divide")),
    *((kind, [IMAGE, IMAGE], {}) for kind in ("minimum", "maximum")),
    ("power", [IMAGE, np.array(2, dtype=np.float32)], {}),
    ("clamp", [IMAGE], {"minimum": 0.0, "maximum": None}),
    ("clamp", [IMAGE], {"minimum": None, "maximum": 0.5}),
    ("hard_sigmoid", [IMAGE], {"alpha": 0.25, "beta": 0.4}),
    ("gelu", [IMAGE], {"approximate": False}),
    ("gelu", [IMAGE], {"approximate": True}),
    ("leaky_relu", [IMAGE], {"alpha": 0.1}),
    ("elu", [IMAGE], {"alpha": 0.5}),
    *(
        (kind, [IMAGE], {})
        for kind in "sigmoid tanh hard_swish silu softplus mish exp absolute negate erf".split()
    ),
    ("log", [np.full((2, 2), 3, dtype=np.float32)], {}),
    ("sqrt", [np.full((2, 2), 3, dtype=np.float32)], {}),
    ("prelu", [IMAGE, (4, 1, 1)], {}),
    ("max_pool", [IMAGE], {**SQUARE, "kernel": (3, 2), "dilation": (1, 1)}),
    ("max_pool", [IMAGE], {**SQUARE, "kernel": (2, 2), "padding": (0, -1, 1, 0)}),
    ("average_pool", [IMAGE], {**SQUARE, "kernel": (3, 3), "count_include_pad": True}),
    ("average_pool", [IMAGE], {**SQUARE, "kernel": (3, 3), "count_include_pad": False}),
    ("reduce_mean", [IMAGE], {"axes": (1,), "keepdims": False}),
    ("reduce_sum", [IMAGE], {"axes": (1, 3), "keepdims": True}),
    ("reduce_max", [IMAGE], {"axes": (-1,), "keepdims": True}),
    ("concat", [IMAGE, (1, 2, 6, 8)], {"axis": 1}),
    ("slice", [IMAGE], {"starts": (1, 7), "ends": (4, -9), "steps": (2, -3), "axes": (1, 3)}),
    ("pad", [IMAGE], {"padding": (0, 1, 2, 0, 0, 0, -1, 3), "value": 0.5, "mode": "constant"}),
    ("pad", [IMAGE], {"padding": (0, 0, 2, 0, 0, 0, 1, 3), "value": 0.0, "mode": "reflect"}),
    ("depth_to_space", [IMAGE], {"block": 2, "mode": "DCR"}),
    ("depth_to_space", [IMAGE], {"block": 2, "mode": "CRD"}),
    ("space_to_depth", [IMAGE], {"block": 2, "mode": "DCR"}),
    ("space_to_depth", [IMAGE], {"block": 2, "mode": "CRD"}),
    ("transpose", [IMAGE], {"axes": (0, 2, 3, 1)}),
    ("softmax", [IMAGE], {"axis": 1}),
    ("log_softmax", [IMAGE], {"axis": -1}),
    ("layer_norm", [IMAGE, (8,), (8,)], {"axes": (3,), "epsilon": 1e-5}),
    ("layer_norm", [IMAGE], {"axes": (1, 2, 3), "epsilon": 1e-3}),
    ("layer_norm", [(1, 6, 8), (8,), (8,)], {"axes": (2,), "epsilon": 1e-5}),
    ("layer_norm", [(1, 8, 8), (8,), (8,)], {"axes": (2,), "epsilon": 1e-5}),
    ("layer_norm", [(1, 8, 8), (8, 1), (8, 1)], {"axes": (2,), "epsilon": 1e-5}),
    ("layer_norm", [IMAGE, (4, 1, 1), (4, 1, 1)], {"axes": (2, 3), "epsilon": 1e-5}),
    ("local_response_norm", [IMAGE], {"size": 3, "alpha": 0.1, "beta": 0.7, "bias": 1.5}),
    ("argmax", [IMAGE], {"axis": 1, "keepdims": False}),
    ("cast", [IMAGE], {"dtype": "int32"}),
    ("gather", [IMAGE, np.array([2, 0])], {"axis": 1}),
    ("quantize", [IMAGE], BYTES),
    ("dequantize", [NUMBERS], BYTES),
    ("dequantize", [NUMBERS], CHANNELS),
    ("identity", [IMAGE], {}),
]

SHAPED: list[tuple[Case, tuple[int, ...]]] = [
    (("reshape", [IMAGE], {}), (4, 48)),
    (("expand", [(4, 1, 1)], {}), (2, 4, 3, 5)),
    (("resize", [IMAGE], {"mode": "nearest", "coordinates": "asymmetric"}), (1, 4, 12, 16)),
    (("resize", [IMAGE], {"mode": "linear", "coordinates": "align_corners"}), (1, 4, 9, 5)),
    (("resize", [IMAGE], {"mode": "linear", "scales": (1.0, 1.0, 1.7, 1.3)}), (1, 4, 10, 10)),
]

ALL = [(case, None) for case in CASES] + SHAPED


def graph_of(case: Case, shape: tuple[int, ...] | None = None) -> Graph:
    """A graph of one operator; inputs given as shapes are the model's, as arrays constants."""
    kind, inputs, attributes = case
    builder = GraphBuilder()
    names = []
    is_layer = kind in ("conv", "conv_transposed", "linear")
    for index, given in enumerate(inputs):
        values = given if isinstance(given, np.ndarray) else numbers(given, index)
        if isinstance(given, np.ndarray) and index or (is_layer and index):
            names.append(builder.add_constant(f"c{index}", values))
        else:
            names.append(f"x{index}")
            builder.add_input(names[-1], values.shape, values.dtype)
    result = builder.add(kind, names, attributes, name="n", source=kind, shape=shape)
    return builder.finished("test", [name for name in names if name[0] == "x"], [result])


def numbers(shape: tuple[int, ...], seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def inputs_of(graph: Graph) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    return {
        name: (20 * rng.random(graph.tensors[name].shape) + 0.1).astype(graph.tensors[name].dtype)
        if name == "x0" and graph.operators[0].kind in ("log", "sqrt", "dequantize")
        else rng.standard_normal(graph.tensors[name].shape).astype(graph.tensors[name].dtype)
        for name in graph.inputs
    }


@pytest.mark.parametrize(("case", "shape"), ALL, ids=lambda x: x[0] if x and x[0] else None)
def test_onnx_computes_what_the_graph_computes(case, shape):
    runtime = pytest.importorskip("onnxruntime")
    graph = graph_of(case, shape)
    model = onnx_model(graph)
    checker.check_model(model, full_check=True)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    inputs = inputs_of(graph)
    (expected,) = runtime.InferenceSession(model.SerializeToString(), options).run(None, inputs)
    result = run_floats(graph, inputs)[graph.outputs[0]]
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("case", "shape"), ALL, ids=lambda x: x[0] if x and x[0] else None)
def test_what_was_written_is_read_back(case, shape):
    """The same kinds of operators, once both are folded."""
    graph = graph_of(case, shape)
    again = graph_of_model(onnx_model(graph), name="test")
    inputs = inputs_of(graph)
    name = graph.outputs[0]
    expected = run_floats(graph, inputs)[name]
    np.testing.assert_allclose(run_floats(again, inputs)[name], expected, rtol=1e-4)
    first, second = folded(graph), folded(again)
    assert kinds(second) == kinds(first)
    assert marks(second) == marks(first)
    assert again.tensors[name].shape == graph.tensors[name].shape


def kinds(graph: Graph) -> list[str]:
    layouts = ("pad", "reshape", "transpose", "identity", "space_to_depth")
    return sorted(operator.kind for operator in graph.operators if operator.kind not in layouts)


def marks(graph: Graph) -> list[bool]:
    """Which linear layers round once."""
    linear = [operator for operator in graph.operators if operator.kind == "linear"]
    return [bool(operator.attributes.get("rounds_once", False)) for operator in linear]


def test_every_kind_is_executed_and_written():
    written = {case[0] for case, _ in ALL}
    assert written >= KINDS
    assert set(KERNELS) == written


def test_a_kind_without_a_form_is_refused():
    graph = graph_of(("clamp", [IMAGE], {"minimum": 0.0, "maximum": None}))
    operator = Operator(name="strange", kind="hardmax", inputs=("x0",), outputs=graph.outputs)
    with pytest.raises(InputError, match="strange cannot be written as ONNX"):
        onnx_model(with_operators(graph, [operator], graph.tensors))


def test_a_file_is_read_back(tmp_path: Path):
    graph = graph_of(CASES[0])
    write_onnx(graph, tmp_path / "model.onnx")
    again = read_graph(tmp_path / "model.onnx")
    assert (again.name, again.inputs, again.outputs) == ("model", graph.inputs, graph.outputs)
    assert again.operators[0].attributes == {"dilation": (1, 2), "groups": 1, **SQUARE}
    before = (tmp_path / "model.onnx").read_bytes()
    write_onnx(graph, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == before
