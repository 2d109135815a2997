"""A TFLite file through the commands: its fully connected layer rounds once, down to the RTL."""

import json

import numpy as np
import pytest
from tflite_models import OperatorOfFile, TensorOfFile, file_content

from naas_hw.api.models import read_model
from naas_hw.arch.files import read_accelerator, write_accelerator
from naas_hw.cli import main
from naas_hw.graph.quantised import Convolution
from naas_hw.workload.option import Option


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A convolution, and a fully connected layer of its whole image."""
    rng = np.random.default_rng(6)
    tensors = [
        TensorOfFile(name="x", shape=(1, 6, 6, 3), scales=(0.05,), zero_points=(3,)),
        TensorOfFile(
            name="v", shape=(8, 3, 3, 3), scales=(0.004,), values=rng.integers(-127, 128, 216)
        ),
        TensorOfFile(name="a", shape=(1, 4, 4, 8), scales=(0.07,), zero_points=(-128,)),
        TensorOfFile(
            name="w", shape=(150, 128), scales=(0.0033,), values=rng.integers(-127, 128, 19200)
        ),
        TensorOfFile(name="y", shape=(1, 150), scales=(0.31,), zero_points=(-5,)),
    ]
    operators = [
        OperatorOfFile(
            kind="CONV_2D",
            inputs=("x", "v", ""),
            outputs=("a",),
            options="Conv2DOptions",
            fields={"padding": 1, "strideH": 1, "strideW": 1, "fusedActivationFunction": 1},
        ),
        OperatorOfFile(
            kind="FULLY_CONNECTED",
            inputs=("a", "w", ""),
            outputs=("y",),
            options="FullyConnectedOptions",
        ),
    ]
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(file_content(tensors, operators, ("x",), ("y",)))
    return path


def test_a_search_gives_the_accelerator_the_rounding_that_the_file_needs(run):
    accelerator = read_accelerator(run / "accelerator.yaml")
    assert accelerator.options == {Option.SINGLE_ROUNDING}
    layers = read_model(run).quantised.operators
    assert [one.rounds_once for one in layers if isinstance(one, Convolution)] == [False, True]


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp")
def test_the_network_runs_on_the_rtl_as_predicted(run, capsys):
    assert main(["simulate", str(run), "--network", "--sim", "icarus", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and found["host_operators"] == []
    assert found["count_difference"] == found["output_mismatches"] == 0
    assert found["predicted_cycles"] == found["simulated_cycles"] > 0


def test_the_host_has_the_layer_where_an_accelerator_rounds_twice(model, run, tmp_path, capsys):
    plain = read_accelerator(run / "accelerator.yaml").model_copy(update={"single_rounding": False})
    write_accelerator(plain, tmp_path / "plain.yaml")
    words = [
        "map",
        str(model),
        "--accelerator",
        str(tmp_path / "plain.yaml"),
        "--evaluations",
        "32",
    ]
    assert main([*words, "--processes", "1", "-o", str(tmp_path / "m")]) == 0
    told = "not included in any figure: 19,200 multiply-accumulates of y_sum"
    assert told in capsys.readouterr().out
