"""`naas quantise`: the file, the figures, and wrong input in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from float_networks import images, residual_network

from naas_hw.cli import main
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.onnx_writer import write_onnx
from naas_hw.graph.quantise.measured_accuracy import accuracy_in

SHAPE = (1, 3, 8, 8)


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "model.onnx"
    write_onnx(residual_network(), path)
    return path


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    graph = residual_network()
    known = images(SHAPE)
    np.save(folder / "images.npy", np.concatenate([image["x"] for image in known]))
    scores = [run_floats(graph, image)[graph.outputs[0]] for image in known]
    np.save(folder / "labels.npy", np.array([score.argmax() for score in scores]))
    return folder


def test_the_file_is_the_quantised_model(model, data, tmp_path, capsys) -> None:
    output = tmp_path / "q.onnx"
    assert main(["quantise", str(model), "--data", str(data), "-o", str(output), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["num_images"] == 8 and not report["seeded"] and report["error"] < 0.002
    assert report["float_accuracy"] == 1.0 and report["integer_accuracy"] >= 0.75
    assert (report["num_samples"], report["data"]) == (8, "data")
    kept = accuracy_in(output)
    assert kept is not None and kept.integer_accuracy == report["integer_accuracy"]
    assert (kept.float_accuracy, kept.num_samples, kept.num_calibrating) == (1.0, 8, 8)
    integers = quantised_graph(read_graph(output))
    assert {type(x).__name__ for x in integers.operators} == {
        "AveragePool",
        "Concatenation",
        "Convolution",
        "Lookup",
        "MaximumPool",
        "Sum",
    }


def test_without_data_a_warning_says_so(model, tmp_path, capsys) -> None:
    output = tmp_path / "q.onnx"
    call = ["quantise", str(model), "-o", str(output), "--observer", "minmax"]
    assert main([*call, "--no-equalisation", "--no-bias-correction", "--images", "2"]) == 0
    said = capsys.readouterr()
    assert said.err == "warning: without --data the ranges are those of random numbers\n"
    assert "on 2 samples" in said.out and said.out.endswith(f"in int8: {output}\n")
    assert main(call) == 2 and "(--force replaces it)" in capsys.readouterr().err
    assert main([*call, "--force"]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--observer", "best"], "--observer must be one of mse, percentile, minmax, not 'best'"),
        (["--percentile", "50"], "percentile must be above 50"),
        (["--mean", "a"], "--mean must be one number or three"),
        (["--deviation", "0"], "--deviation must be 1e-06 or more, not '0'"),
        (["--deviation", "1e-300"], "--deviation must be 1e-06 or more, not '1e-300'"),
        (["--data", "nowhere"], "nowhere must be a folder with calibration data"),
        (["--input-shape", "1x3"], "shape"),
    ],
)
def test_wrong_options_leave_no_file(options, message, model, tmp_path, capsys) -> None:
    output = tmp_path / "q.onnx"
    assert main(["quantise", str(model), "-o", str(output), *options]) == 2
    assert message in capsys.readouterr().err and not output.exists()


def test_what_is_not_finite_is_refused(model, data, tmp_path, capsys) -> None:
    values = np.load(data / "images.npy")
    values[3, 0, 0, 0] = np.inf
    np.save(data / "images.npy", values)
    call = ["quantise", str(model), "--data", str(data), "-o", str(tmp_path / "q.onnx")]
    assert main(call) == 2
    assert "must be finite on calibration data" in capsys.readouterr().err


def test_test_data_has_a_folder_of_its_own(model, data, tmp_path, capsys) -> None:
    (tmp_path / "plain").mkdir()
    np.save(tmp_path / "plain" / "a.npy", np.load(data / "images.npy")[:4])
    call = [
        "quantise",
        str(model),
        "--data",
        str(tmp_path / "plain"),
        "-o",
        str(tmp_path / "q.onnx"),
    ]
    assert main([*call, "--test", str(data)]) == 0
    assert "in integers, 100.00% in float, on 8 values of 'data'\n" in capsys.readouterr().out
    kept = accuracy_in(tmp_path / "q.onnx")
    assert kept is not None and kept.num_calibrating == 0
