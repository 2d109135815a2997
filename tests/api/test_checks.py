"""Every operator, product and constant of a file is accounted for."""

from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import onnx
import pytest
from blocks import BLOCKS, macs_in_torch
from onnx import TensorProto, helper, numpy_helper
from trained_models import FOLDER, NAMES, model_path

from naas_hw.api.checks import check_values
from naas_hw.graph.importers.tflite_tables import read_tables
from naas_hw.graph.importers.torch_program import read_torch_module
from naas_hw.graph.onnx_writer import write_onnx
from naas_hw.workload.check import CheckReport, Verdict

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

LARGE = [
    "light_bvlc_alexnet",
    "light_densenet121",
    "light_inception_v2",
    "light_resnet50",
    "light_shufflenet",
    "light_vgg19",
    "light_zfnet512",
]


def files():
    light = [LIGHT / f"{name}.onnx" for name in ("light_squeezenet", "light_inception_v1")]
    large = [LIGHT / f"{name}.onnx" for name in LARGE]
    shared = [FOLDER / name for name in NAMES]
    marked = [pytest.param(path, id=path.name, marks=pytest.mark.slow) for path in large]
    return [pytest.param(path, id=path.name) for path in (*light, *shared)] + marked


def shapes_of(model: onnx.ModelProto) -> dict[str, list[int]]:
    """What ONNX itself infers; an open batch is 1."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [size.dim_value or 1 for size in value.type.tensor_type.shape.dim]
        for value in (*inferred.input, *inferred.value_info, *inferred.output)
    }
    return shapes | {tensor.name: list(tensor.dims) for tensor in inferred.initializer}


def macs_of_onnx(path: Path) -> int:
    if path.name == "micro_kws_qoperator.onnx":  # ONNX cannot infer operators of com.microsoft
        path = path.with_name("micro_kws_qdq.onnx")
    model = onnx.load(str(path))
    shapes = shapes_of(model)
    total = 0
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul"):
            continue
        weights = shapes[node.input[1]]
        if node.op_type == "Conv":
            total += prod(shapes[node.output[0]]) * prod(weights[1:])
        else:
            last = next((a.i for a in node.attribute if a.name == "transB"), 0)
            total += prod(shapes[node.output[0]]) * (weights[1] if last else weights[0])
    return total


def macs_of_tflite(path: Path) -> int:
    model = read_tables(path.read_bytes(), path.name)
    total = 0
    for operator in model.operators:
        if operator.kind in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D"):
            outputs = model.tensors[operator.outputs[0]].shape
            weights = model.tensors[operator.inputs[1]].shape
            is_depthwise = operator.kind == "DEPTHWISE_CONV_2D"
            total += prod(outputs) * (prod(weights[1:3]) if is_depthwise else prod(weights[1:]))
    return total


checked = cache(check_values)


def lines_of(path: Path) -> tuple[list[str], int]:
    """Kinds of all operators of a file, and how many constant numbers it has."""
    if path.suffix == ".tflite":
        tables = read_tables(path.read_bytes(), path.name)
        sizes = [one.values.size for one in tables.tensors if one.values is not None]
        return [one.kind for one in tables.operators], sum(sizes)
    graph = onnx.load(str(path)).graph
    arrays = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    total = sum(array.size for array in arrays.values())
    for node in graph.node:
        if node.op_type == "Constant":
            total += prod(node.attribute[0].t.dims)
        elif node.op_type == "ConstantOfShape":
            total += int(np.prod(arrays[node.input[0]], dtype=np.int64))
    return [node.op_type for node in graph.node], total


@pytest.mark.parametrize("path", files())
def test_all_operators_products_and_constants_of_a_file_are_in_the_report(path):
    if path.parent == FOLDER:
        model_path(path.name)
    report = checked(path)
    kinds, num_constants = lines_of(path)
    assert [one.operator for one in report.operators] == kinds
    assert len({one.name for one in report.operators}) == len(kinds)
    assert all(one.reason for one in report.operators)
    assert report.weights is not None and report.weights.total == num_constants
    counted = macs_of_tflite(path) if path.suffix == ".tflite" else macs_of_onnx(path)
    assert report.macs_not_covered == 0 and report.macs_covered == counted
    weighted = [one for one in report.operators if "conv" in one.operator.lower()]
    assert all(one.verdict is Verdict.MAPPED and one.layer for one in weighted)
    assert report.ok


@pytest.mark.slow
@pytest.mark.needs("torch")
@pytest.mark.parametrize("name", BLOCKS)
def test_all_products_of_a_block_are_in_the_report(name, tmp_path):
    """As torch counts them, of the block as a file."""
    import torch

    make, shape = BLOCKS[name]
    torch.manual_seed(0)
    module = make().eval()
    path = tmp_path / "block.onnx"
    write_onnx(read_torch_module(module, input_shapes={"x": shape}), path)
    report = checked(path)
    counted = macs_in_torch(module, torch.randn(shape))
    assert isinstance(report.macs_not_covered, int)
    assert report.macs_covered + report.macs_not_covered == counted
    assert len(report.operators) == len(lines_of(path)[0])
    assert all(one.reason for one in report.operators)
    assert not report.of(Verdict.UNSUPPORTED)


def test_norms_of_the_neighbourhood_are_on_the_host_with_the_reason():
    report = checked(LIGHT / "light_inception_v1.onnx")
    assert {one.operator for one in report.of(Verdict.HOST)} == {"LRN", "Softmax"}
    assert any("drawn at random" in note for note in report.notes)


def saved(path, nodes, constants):
    """A model from x [1, 4, 6, 6] to y."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("other", 1)]
    onnx.save(helper.make_model(graph, opset_imports=imports), str(path))
    return path


def verdicts(report: CheckReport) -> dict[str, str]:
    return {one.name: one.verdict.value for one in report.operators}


WEIGHTS = np.linspace(-1, 1, 4 * 4 * 9, dtype=np.float32).reshape(4, 4, 3, 3)


def test_two_operators_that_nothing_knows_do_not_stop_the_others(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Det", ["a"], ["d"], "unknown"),
        helper.make_node("Unsqueeze", ["d", "axes"], ["e"], "wider"),
        helper.make_node("Add", ["a", "e"], ["b"], "sum"),
        helper.make_node("Conv", ["b", "w"], ["c"], "second"),
        helper.make_node("NonZero", ["never"], ["n"], "dead"),
        helper.make_node("Det", ["c"], ["y"], "last"),
    ]
    axes = np.array([2, 3], np.int64)
    constants = {"w": WEIGHTS, "axes": axes, "never": np.ones(3, np.float32), "spare": axes}
    report = check_values(saved(tmp_path / "m.onnx", nodes, constants))
    found = verdicts(report)
    assert found["first"] == found["second"] == "mapped"
    assert found["unknown"] == found["last"] == "unsupported"
    assert found["dead"] == "folded"
    assert not report.ok
    assert report.macs_covered == 4 * 4 * 9 * (36 + 16) and report.macs_not_covered == "unknown"
    assert report.weights is not None
    assert (report.weights.in_layers, report.weights.unused) == (WEIGHTS.size, 3 + 2)


def test_products_of_two_activations_are_not_covered(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["r"], "bound"),
        helper.make_node("MatMul", ["r", "x"], ["y"], "product"),
    ]
    report = check_values(saved(tmp_path / "m.onnx", nodes, {"w": WEIGHTS}))
    assert verdicts(report) == {"first": "mapped", "bound": "folded", "product": "host"}
    assert report.macs_covered == 4 * 4 * 9 * 36 and report.macs_not_covered == 4 * 36 * 6


def test_a_model_without_a_layer_is_all_on_the_host(tmp_path):
    nodes = [helper.make_node("Softmax", ["x"], ["y"], "only")]
    report = check_values(saved(tmp_path / "m.onnx", nodes, {}))
    assert verdicts(report) == {"only": "host"} and not report.ok


def test_a_batch_norm_behind_a_layer_is_part_of_it(tmp_path):
    ones = {name: np.full(4, 0.5, np.float32) for name in ("scale", "shift", "mean", "variance")}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", *ones], ["b"], "norm"),
        helper.make_node("Identity", ["b"], ["i"], "nothing"),
        helper.make_node("Conv", ["i", "w"], ["y"], "second"),
    ]
    report = check_values(saved(tmp_path / "m.onnx", nodes, {"w": WEIGHTS, **ones}))
    by_name = {one.name: one for one in report.operators}
    assert by_name["norm"].layer == by_name["first"].layer is not None
    assert report.weights is not None and report.weights.folded == 16


def test_an_operator_of_which_only_the_shape_is_needed_has_no_products(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "ignored", pads=[1, 1, 1, 1]),
        helper.make_node("Shape", ["a"], ["s"], "shape"),
        helper.make_node("Conv", ["x", "v"], ["b"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["b", "s"], ["y"], "same"),
    ]
    constants = {"w": WEIGHTS, "v": WEIGHTS / 2}
    report = check_values(saved(tmp_path / "m.onnx", nodes, constants))
    assert verdicts(report) == {
        "ignored": "folded",
        "shape": "folded",
        "first": "mapped",
        "same": "folded",
    }
    assert report.macs_covered == 4 * 4 * 9 * 36
    assert report.weights is not None
    assert (report.weights.in_layers, report.weights.unused) == (WEIGHTS.size, WEIGHTS.size)


def test_a_layer_that_is_there_twice_is_run_once(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first"),
        helper.make_node("Conv", ["x", "w"], ["b"], "twin"),
        helper.make_node("Relu", ["a"], ["c"], "bound"),
        helper.make_node("Relu", ["b"], ["d"], "bound_twin"),
        helper.make_node("Add", ["c", "d"], ["y"], "sum"),
    ]
    report = check_values(saved(tmp_path / "m.onnx", nodes, {"w": WEIGHTS}))
    by_name = {one.name: one for one in report.operators}
    assert by_name["twin"].verdict is Verdict.FOLDED
    assert by_name["twin"].reason == "the same as first" and by_name["first"].layer
    assert by_name["bound_twin"].reason == "the same as bound"
    assert (report.macs_covered, report.macs_not_covered) == (2 * 4 * 4 * 9 * 16, 0)
    assert report.ok


def test_spelled_out_functions_and_padding_are_part_of_a_layer(tmp_path):
    nodes = [
        helper.make_node("Pad", ["x", "sides"], ["p"], "pad"),
        helper.make_node("Conv", ["p", "w"], ["a"], "first"),
        helper.make_node("Add", ["a", "three"], ["b"], "more"),
        helper.make_node("Clip", ["b", "zero", "six"], ["c"], "bound"),
        helper.make_node("Mul", ["a", "c"], ["d"], "times"),
        helper.make_node("Div", ["d", "six"], ["y"], "share"),
    ]
    constants = {name: np.float32(n) for name, n in (("zero", 0), ("three", 3), ("six", 6))}
    given = {"w": WEIGHTS, "sides": np.array([0, 0, 1, 1, 0, 0, 1, 1])} | constants
    report = check_values(saved(tmp_path / "m.onnx", nodes, given))
    assert {one.layer for one in report.operators} == {"first"}
    assert len(report.of(Verdict.MAPPED)) == 2  # the product and the function


def test_a_layer_with_computed_weights_is_on_the_host(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first"),
        helper.make_node("Tile", ["a", "times"], ["t"], "weights"),
        helper.make_node("Conv", ["a", "t"], ["y"], "computed"),
    ]
    given = {"w": WEIGHTS, "times": np.array([2, 1, 1, 1])}
    report = check_values(saved(tmp_path / "m.onnx", nodes, given))
    by_name = {one.name: one for one in report.operators}
    assert by_name["first"].verdict is Verdict.MAPPED
    assert by_name["computed"].verdict is Verdict.HOST
    assert report.macs_covered == 4 * 4 * 9 * 16
    assert report.macs_not_covered == 2 * 4 * 16


def test_a_comparison_that_nothing_computes_has_no_products(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Greater", ["a", "x"], ["g"], "compared"),
        helper.make_node("Where", ["g", "a", "x"], ["y"], "chosen"),
    ]
    report = check_values(saved(tmp_path / "m.onnx", nodes, {"w": WEIGHTS}))
    assert verdicts(report) == {
        "first": "mapped",
        "compared": "unsupported",
        "chosen": "unsupported",
    }
    assert (report.macs_covered, report.macs_not_covered) == (4 * 4 * 9 * 36, 0)


def test_numbers_that_are_drawn_may_have_no_square_root(tmp_path: Path) -> None:
    """The check goes on, with the numbers that have one."""
    weights = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["sums"]), helper.make_node("Sqrt", ["sums"], ["y"])],
        "roots",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 8, 8])],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "roots.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    report = check_values(path)
    assert [found.verdict for found in report.operators] == [Verdict.MAPPED, Verdict.MAPPED]
