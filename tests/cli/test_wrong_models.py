"""A model that is wrong is told in one sentence, by every command that reads models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from trained_models import model_path

from naas_hw.cli import main

WEIGHTS = np.linspace(-1, 1, 4 * 3 * 9, dtype=np.float32).reshape(4, 3, 3, 3)
INTEGERS = np.arange(-54, 54).astype(np.int8).reshape(4, 3, 3, 3)

COMMANDS = {
    "check": ["check"],
    "quantise": ["quantise", "-o", "made.onnx"],
    "search": ["search", "--budget", "shidiannao", "-o", "run"],
}


def saved(path: Path, nodes, constants, shape=(1, 3, 8, 8), **options) -> Path:
    """A model from x to y."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [
            values
            if isinstance(values, TensorProto)
            else numpy_helper.from_array(np.asarray(values), name)
            for name, values in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, str(path), **options)
    return path


def layer(path: Path, weights=WEIGHTS, **given) -> Path:
    """A convolution of real numbers."""
    node = helper.make_node("Conv", ["x", "w"], ["y"], "layer")
    return saved(path, [node], {"w": weights}, **given)


def quantised(
    path: Path, *, scale=0.1, zero_point=0, dtype=np.int8, weight_scale=0.01, weights=INTEGERS
) -> Path:
    """A convolution of bytes."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], "enter"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["r"], "leave"),
        helper.make_node("DequantizeLinear", ["w", "ws"], ["wr"], "weights"),
        helper.make_node("Conv", ["r", "wr"], ["c"], "layer"),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["d"], "enter2"),
        helper.make_node("DequantizeLinear", ["d", "s", "z"], ["y"], "leave2"),
    ]
    constants = {
        "s": np.float32(scale),
        "z": dtype(zero_point),
        "ws": np.float32(weight_scale),
        "w": weights,
    }
    return saved(path, nodes, constants)


def cut(path: Path) -> Path:
    layer(path).write_bytes(path.read_bytes()[:-150])
    return path


def written(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def int4(path: Path) -> Path:
    packed = helper.make_tensor("w", TensorProto.INT4, (4, 3, 3, 3), [1] * 108)
    return quantised(path, weights=packed)


def beside(path: Path) -> Path:
    """A model whose weights lie in another file."""
    return layer(path, save_as_external_data=True, location="weights.bin", size_threshold=0)


def data_missing(path: Path) -> Path:
    beside(path)
    path.with_name("weights.bin").unlink()
    return path


def data_outside(path: Path) -> Path:
    beside(path)
    model = onnx.load_model(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = "../weights.bin"
    path.write_bytes(model.SerializeToString())
    return path


def dynamic(path: Path) -> Path:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"], "scales"),
        helper.make_node("ConvInteger", ["q", "w", "z"], ["y"], "layer"),
    ]
    return saved(path, nodes, {"w": INTEGERS})


def infinite_scale(path: Path) -> Path:
    return quantised(path, scale=np.inf)


WRONG: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "truncated ONNX": ("onnx", cut, "is not a whole ONNX file"),
    "empty ONNX": ("onnx", written(b""), "has no operators"),
    "text as ONNX": ("onnx", written(b"version: 1\nlayers: []\n"), "ONNX file"),
    "text as TFLite": ("tflite", written(b"nothing at all"), "is not a TFLite file"),
    "truncated TFLite": ("tflite", written(b"\x1c\0\0\0TFL3\0\0"), "TFLite file"),
    "text as a program": ("pt2", written(b"nothing at all"), "pt2"),
    "truncated program": ("pt2", written(b"PK\x03\x04" + bytes(60)), "pt2"),
    "no file": ("onnx", lambda path: path, "does not exist; it must be a file"),
    "NaN": ("onnx", lambda path: layer(path, WEIGHTS * np.nan), "values of 'w' must be finite"),
    "infinity": ("onnx", lambda path: layer(path, WEIGHTS * np.inf), "must be finite"),
    "scale 0": ("onnx", lambda path: quantised(path, scale=0), "scales must be positive"),
    "scale below 0": ("onnx", lambda path: quantised(path, scale=-1), "scales must be positive"),
    "infinite scale": ("onnx", infinite_scale, "scales must be positive"),
    "weights of scale 0": (
        "onnx",
        lambda path: quantised(path, weight_scale=0),
        "scales must be positive",
    ),
    "int16": (
        "onnx",
        lambda path: quantised(path, dtype=np.int16),
        "must be int8 or uint8, not int16",
    ),
    "int4": ("onnx", int4, "must be of float, int8, uint8, int32 or int64, not INT4"),
    "open sizes": (
        "onnx",
        lambda path: layer(path, shape=(1, 3, "height", "width")),
        "give it with --input-shape",
    ),
    "data missing": ("onnx", data_missing, "'weights.bin' must be in the folder"),
    "data outside": ("onnx", data_outside, "must be in the folder of the model"),
    "dynamic quantisation": ("onnx", dynamic, "quantise statically"),
}


@pytest.fixture
def run_in(tmp_path, monkeypatch, capsys):
    """A command in a folder of its own: its exit status and what it said; nothing is left there."""
    monkeypatch.chdir(tmp_path)

    def run(command: str, model: Path, *options: str) -> tuple[int, str]:
        before = sorted(tmp_path.rglob("*"))
        status = main([*COMMANDS[command], str(model), *options])
        if status == 2:
            assert sorted(tmp_path.rglob("*")) == before
        return status, capsys.readouterr().err

    return run


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_model_is_one_sentence(name, command, tmp_path, run_in):
    suffix, make, sentence = WRONG[name]
    folder = tmp_path / "given"
    folder.mkdir()
    status, said = run_in(command, make(folder / f"model.{suffix}"))
    assert status == 2, said
    assert said.startswith("naas: error: ") and said.count("\n") == 1
    assert sentence in said


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["ad01_int8.tflite", "micro_kws_qdq.onnx"])
def test_half_a_real_file_is_one_sentence(name, command, tmp_path, run_in):
    content = model_path(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) // 2])
    status, said = run_in(command, path)
    assert status == 2 and said.count("\n") == 1, said


def test_a_zero_point_of_another_type_is_refused(tmp_path, run_in):
    """One of an int8 tensor cannot leave its range; one of int32 means int32 numbers."""
    model = quantised(tmp_path / "m.onnx", dtype=np.int32, zero_point=300)
    for command in ("check", "search"):
        status, said = run_in(command, model)
        assert status == 2 and "must make int8 or uint8 numbers, not int32" in said


def test_an_open_shape_is_taken_from_the_option(tmp_path, run_in):
    model = layer(tmp_path / "m.onnx", shape=(1, 3, "height", "width"))
    assert run_in("check", model, "--input-shape", "1x3x8x8")[0] == 0
    status, said = run_in("check", model, "--input-shape", "3x8x8")
    assert status == 2 and "must have 4 sizes" in said


def test_a_folder_of_data_that_is_missing_is_named(tmp_path, run_in):
    model = layer(tmp_path / "m.onnx")
    for command in ("quantise", "search"):
        status, said = run_in(command, model, "--data", "nowhere")
        assert status == 2 and "nowhere must be a folder with calibration data" in said


def test_asymmetric_weights_are_left_to_the_host_with_the_reason(tmp_path, run_in, capsys):
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], "enter"),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["r"], "leave"),
        helper.make_node("DequantizeLinear", ["w", "s", "five"], ["wr"], "weights"),
        helper.make_node("Conv", ["r", "wr"], ["c"], "layer"),
        helper.make_node("QuantizeLinear", ["c", "s", "z"], ["d"], "enter2"),
        helper.make_node("DequantizeLinear", ["d", "s", "z"], ["y"], "leave2"),
    ]
    constants = {"s": np.float32(0.1), "z": np.int8(0), "five": np.int8(5), "w": INTEGERS}
    model = saved(tmp_path / "m.onnx", nodes, constants)
    assert main(["check", str(model), "--json"]) == 1
    assert "zero point" in capsys.readouterr().out
    status, said = run_in("search", model)
    assert status == 2 and said.count("\n") == 1
