"""What is known of an accuracy: measured on labels, kept in a file, and said in a line."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from float_networks import images, residual_network
from onnx import helper
from quantised_models import QuantisedModel

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.onnx_writer import onnx_model
from naas_hw.graph.quantise.data import CalibrationData
from naas_hw.graph.quantise.measured_accuracy import (
    MeasuredAccuracy,
    accuracy_in,
    measure_accuracy,
    name_of_data,
    put_accuracy,
)
from naas_hw.graph.quantise.quantisation import quantise_measured

MEASURED = MeasuredAccuracy(
    float_accuracy=0.975, integer_accuracy=0.9725, num_samples=1200, data="digits"
)


def test_an_accuracy_is_measured_in_float_and_in_integers() -> None:
    graph = residual_network()
    known = images((1, 3, 8, 8))
    labels = [int(run_floats(graph, image)[graph.outputs[0]].argmax()) for image in known]
    data = CalibrationData(images=known, labels=np.array(labels))
    done = quantise_measured(graph, known)
    found = measure_accuracy(done.graph, data, name="d", real=done.real, num_calibrating=8)
    assert found.float_accuracy == 1.0
    assert 0.75 <= found.integer_accuracy <= 1.0
    assert (found.num_samples, found.data, found.num_calibrating) == (8, "d", 8)
    assert measure_accuracy(done.graph, data, name="d").float_accuracy is None


def test_a_model_that_takes_bytes_is_given_the_bytes_of_the_data() -> None:
    """With a scale of 0.5, bytes that were read as real numbers would be doubled and clamped."""
    build = QuantisedModel()
    build.inputs.append(build.tensor("x", (1, 4, 1, 1), "int8"))
    scaling = {"scale": 0.5, "zero_point": 0, "axis": None, "dtype": "int8"}
    build.append("dequantize", ["x"], "x_real", (1, 4, 1, 1), **scaling)
    build.weights("w", np.eye(4, dtype=np.int8).reshape(4, 4, 1, 1), 0.5)
    build.append("conv", ["x_real", "w_real"], "y", (1, 4, 1, 1), stride=(1, 1),
                 padding=(0, 0, 0, 0), dilation=(1, 1), groups=1)  # fmt: skip
    graph = build.graph(build.quantised("y", 0.5, 0))
    image = np.array([100, 120, 90, 80], np.int8).reshape(1, 4, 1, 1)
    data = CalibrationData(images=[{"x": image}], labels=np.array([1]))
    assert measure_accuracy(graph, data, name="d").integer_accuracy == 1.0
    as_numbers = CalibrationData(images=[{"x": image * 0.5}], labels=np.array([1]))
    assert measure_accuracy(graph, as_numbers, name="d").integer_accuracy == 1.0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "97.25% in integers, 97.50% in float, on 1,200 values of 'digits'"),
        ({"float_accuracy": None}, "97.25% in integers, on 1,200 values of 'digits'"),
        (
            {"num_calibrating": 0},
            "97.25% in integers, 97.50% in float, on 1,200 values of 'digits'",
        ),
        (
            {"num_calibrating": 64},
            "97.25% in integers, 97.50% in float, on 1,200 values of 'digits', of which 64 "
            "calibrated the model, too",
        ),
        (
            {"num_calibrating": 1200, "data": "a\nb"},
            "97.25% in integers, 97.50% in float, on 1,200 values of 'a\\nb', which calibrated the "
            "model, too",
        ),
    ],
)
def test_the_words_name_the_data_and_what_calibrated_the_model(change, expected) -> None:
    assert MEASURED.model_copy(update=change).words == expected


def test_an_accuracy_stands_in_a_file_of_its_own_and_in_that_of_a_model(tmp_path: Path) -> None:
    assert MeasuredAccuracy.model_validate_json(MEASURED.text) == MEASURED
    model = onnx_model(residual_network())
    onnx.save(model, tmp_path / "plain.onnx")
    assert accuracy_in(tmp_path / "plain.onnx") is None
    put_accuracy(model, MEASURED)
    onnx.save(model, tmp_path / "measured.onnx")
    assert accuracy_in(tmp_path / "measured.onnx") == MEASURED


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("{", "naas_accuracy: must be JSON"),
        ('{"version": 1}', "integer_accuracy must be given"),
        (MEASURED.text.replace("0.9725", "97.25"), "integer_accuracy must be at most 1, not 97.25"),
    ],
)
def test_a_damaged_accuracy_is_refused(value: str, sentence: str, tmp_path: Path) -> None:
    model = onnx_model(residual_network())
    helper.set_model_props(model, {"naas_accuracy": value})
    onnx.save(model, tmp_path / "damaged.onnx")
    with pytest.raises(InputError, match=sentence):
        accuracy_in(tmp_path / "damaged.onnx")


def test_data_has_the_name_of_its_folder_without_the_place(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    assert name_of_data(tmp_path / "digits") == "digits"
    assert name_of_data(tmp_path / "digits" / "..") == tmp_path.name
