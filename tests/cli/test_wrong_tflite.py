"""A TFLite file that is wrong is told in one sentence, by every command that reads models."""

from dataclasses import replace
from typing import Any

import pytest
from tflite_models import OperatorOfFile, TensorOfFile, file_content

from naas_hw.cli import main

IMAGE = TensorOfFile(name="x", shape=(1, 4, 4, 2), scales=(0.1,), zero_points=(3,))
RESULT = replace(IMAGE, name="y")
POOL = OperatorOfFile(
    kind="MAX_POOL_2D",
    inputs=("x",),
    outputs=("y",),
    options="Pool2DOptions",
    fields={"filterHeight": 1, "filterWidth": 1, "strideH": 1, "strideW": 1},
)
COMMANDS = {
    "check": ["check"],
    "quantise": ["quantise", "-o", "made.onnx"],
    "search": ["search", "--budget", "shidiannao", "-o", "run"],
}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "scale 0": ({"scales": (0.0,)}, "with which all numbers are float32, not 0.0"),
    "scale below 0": ({"scales": (-1.0,)}, "with which all numbers are float32, not -1.0"),
    "NaN as scale": ({"scales": (float("nan"),)}, "with which all numbers are float32, not nan"),
    "scale beyond float32": ({"scales": (3e38,)}, "all numbers are float32, not 3.0"),
    "zero point out of range": ({"zero_points": (300,)}, "must have zero points -128 to 127"),
    "more zero points than scales": ({"zero_points": (0, 1)}, "must have 1 zero points"),
    "int16": ({"dtype": "int16"}, "must be int8, uint8, int32 or float, not int16"),
    "int4": ({"dtype": "int4"}, "must be int8, uint8, int32 or float, not int4"),
}


def model(path, **changed):
    tensors = [replace(IMAGE, **changed), replace(RESULT, **changed)]
    path.write_bytes(file_content(tensors, [POOL], ["x"], ["y"]))
    return path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_tensor_is_one_sentence(name, command, tmp_path, monkeypatch, capsys):
    changed, sentence = WRONG[name]
    monkeypatch.chdir(tmp_path)
    path = model(tmp_path / "model.tflite", **changed)
    assert main([*COMMANDS[command], str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("naas: error: ") and said.count("\n") == 1
    assert sentence in said
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_right_is_mapped(tmp_path, capsys):
    assert main(["check", str(model(tmp_path / "model.tflite"))]) == 0
    assert "1 mapped, 0 folded, 0 host, 0 unsupported" in capsys.readouterr().out


def test_a_shape_cannot_be_given(tmp_path, capsys):
    path = model(tmp_path / "model.tflite")
    assert main(["check", str(path), "--input-shape", "1x8x8x2"]) == 2
    assert "--input-shape must not be given" in capsys.readouterr().err


def test_an_operator_that_nothing_knows_is_unsupported_and_the_others_have_lines(tmp_path, capsys):
    strange = OperatorOfFile(kind="SEGMENT_SUM", inputs=("y",), outputs=("z",))
    tensors = [IMAGE, RESULT, replace(IMAGE, name="z")]
    path = tmp_path / "model.tflite"
    path.write_bytes(file_content(tensors, [POOL, strange], ["x"], ["z"]))
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr().out
    assert "1 mapped, 0 folded, 0 host, 1 unsupported" in said
