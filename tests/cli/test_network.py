"""A small ONNX model through the commands: searched, mapped, and run whole on the RTL."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from naas_hw import api
from naas_hw.api.models import NetworkRequest, find_model, read_model
from naas_hw.cli import main
from naas_hw.cli.simulate import files_of
from naas_hw.core.errors import InputError
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.onnx_writer import onnx_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A residual, a concatenation, two pools and a linear layer."""
    rng = np.random.default_rng(5)
    constants = {
        "w1": rng.normal(0, 0.3, (8, 3, 3, 3)),
        "w2": rng.normal(0, 0.2, (8, 8, 3, 3)),
        "w3": rng.normal(0, 0.3, (8, 8, 1, 1)),
        "w4": rng.normal(0, 0.3, (16, 4)),
        "b1": rng.normal(0, 0.1, 8),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["ra"], "stem_relu"),
        helper.make_node("MaxPool", ["ra"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p", "w2"], ["b"], "block", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["b", "p"], ["s"], "sum"),
        helper.make_node("Conv", ["p", "w3"], ["c"], "side"),
        helper.make_node("Concat", ["s", "c"], ["j"], "join", axis=1),
        helper.make_node("GlobalAveragePool", ["j"], ["g"], "mean"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "w4"], ["y"], "head"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
        [
            numpy_helper.from_array(values.astype(np.float32), name)
            for name, values in constants.items()
        ],
    )
    path = tmp_path_factory.mktemp("model") / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return path


def test_a_search_of_a_model_keeps_the_model_beside_the_design(run, capsys):
    result = json.loads((run / "result.json").read_text())
    (network,) = result["networks"]
    assert {"cycles", "energy_pj", "edp", "utilization"} <= set(network)
    assert read_model(run).graph.inputs == ("x",)


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp")
@pytest.mark.usefixtures("hardware_once")
def test_the_whole_network_runs_on_the_rtl_as_predicted(run, capsys):
    assert main(["simulate", str(run), "--network", "--sim", "icarus", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and found["host_operators"] == []
    assert found["count_difference"] == found["output_mismatches"] == 0
    assert found["predicted_cycles"] == found["simulated_cycles"] > 0
    assert found["cycles_per_second"] > 0
    for layer in found["layers"]:
        assert layer["predicted_cycles"] == layer["simulated_cycles"]
        assert layer["count_difference"] == layer["output_mismatches"] == 0
        assert layer["macs"] > 0 and 0 < layer["utilization"] <= 1
    names = [layer["name"] for layer in found["layers"]]
    assert {"stem", "pool", "block", "side", "mean", "head"} <= set(names)
    assert json.loads((run / "sim" / "network.json").read_text())["ok"]


def image(seed: int = 4):
    return np.random.default_rng(seed).standard_normal((1, 3, 8, 8)).astype(np.float32)


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp")
@pytest.mark.usefixtures("hardware_once")
def test_the_network_runs_on_numbers_of_the_user_and_gives_its_answers(run, tmp_path, capsys):
    np.save(tmp_path / "image.npy", image().transpose(0, 2, 3, 1))
    words = ["simulate", str(run), "--network", "--sim", "icarus", "--whole-starts", "--json"]
    files = ["--input", f"x={tmp_path / 'image.npy'}", "--outputs", str(tmp_path / "answers")]
    assert main([*words, *files]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and found["seed"] is None
    assert (found["inputs"], found["outputs"]) == ({"x": "image.npy"}, {"y": "y.npy"})
    graph = read_model(run).quantised
    expected = run_integers(graph, {"x": image()})["y"]
    answers = np.load(tmp_path / "answers" / "y.npy")
    assert np.array_equal(answers, model_values(graph.tensors["y"], expected))
    (start,) = found["starts"]
    assert start["layers"] == [layer["name"] for layer in found["layers"]]
    assert start["simulated_cycles"] == found["simulated_cycles"] == found["predicted_cycles"]
    assert start["count_difference"] == start["output_mismatches"] == 0
    assert main([*words, *files]) == 2
    assert "y.npy exists already and would be replaced" in capsys.readouterr().err
    assert "on image.npy" in api.report(run).read_text()


def test_two_files_for_one_input_are_refused():
    with pytest.raises(InputError, match="given once for each input, not twice for 'x'"):
        files_of(["x=a.npy", "x=b.npy"])
    with pytest.raises(InputError, match="NAME=FILE where there are several"):
        files_of(["a.npy", "b.npy"])


def test_a_file_whose_name_has_an_equals_sign_may_stand_alone(tmp_path):
    (tmp_path / "a=b.npy").touch()
    assert files_of([str(tmp_path / "a=b.npy")]) == {"": str(tmp_path / "a=b.npy")}
    assert files_of(["in:0=c=d.npy"]) == {"in:0": "c=d.npy"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--network", "--input", "nowhere.npy"], "input nowhere.npy does not exist"),
        (["--network", "--input", "y=nowhere.npy"], "for each of 'x', not for 'y'"),
        (["--network", "--input", "wrong.npy"], "wrong.npy: numbers must have the shape"),
        (["--network", "--input", "right.npy", "--seed", "3"], "--seed must not be given with"),
        (["--network", "--outputs", "wrong.npy"], "wrong.npy must be a folder or not exist"),
        (["--input", "right.npy"], "--input must not be given without --network"),
        (["--outputs", "folder"], "--outputs must not be given without --network"),
        (["--whole-starts"], "--whole-starts must not be given without --network"),
    ],
)
def test_wrong_inputs_are_one_sentence(options, sentence, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("wrong.npy", image()[:, :2])
    np.save("right.npy", image())
    assert main(["simulate", str(run), "--sim", "icarus", *options]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["right.npy", "wrong.npy"]


def test_a_map_takes_the_model_too(model, run, tmp_path, capsys):
    words = ["map", str(model), "--accelerator", str(run / "accelerator.yaml"), "--json"]
    assert main([*words, "--evaluations", "32", "--processes", "1", "-o", str(tmp_path / "m")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cycles"] > 0
    assert read_model(tmp_path / "m").file == read_model(run).file


def test_a_model_comes_back_from_its_own_file(model, tmp_path):
    made = find_model(model)
    assert made.calibration == "numbers drawn at random"
    (tmp_path / "again.onnx").write_bytes(made.file)
    again = find_model(tmp_path / "again.onnx")
    assert again.calibration is None
    assert onnx_model(again.graph).graph.node == onnx_model(made.graph).graph.node
    assert made.accuracy is None and again.accuracy is None


def labelled(folder, with_labels=True):
    """Six images, and the classes that nobody's model gives all of them."""
    folder.mkdir()
    images = np.random.default_rng(2).standard_normal((6, 3, 8, 8)).astype(np.float32)
    np.save(folder / "images.npy", images)
    if with_labels:
        np.save(folder / "labels.npy", np.array([0, 1, 2, 3, 0, 1]))
    return folder


def test_the_accuracy_on_labelled_data_goes_into_the_run_and_its_report(
    model, short_search, tmp_path, capsys
):
    data = labelled(tmp_path / "pictures")
    words = ["search", str(model), "--data", str(data), *short_search]
    assert main([*words, "-o", str(tmp_path / "run")]) == 0
    known = json.loads((tmp_path / "run" / "accuracy.json").read_text())
    assert (known["num_samples"], known["num_calibrating"], known["data"]) == (6, 6, "pictures")
    assert 0 <= known["float_accuracy"] < 1 and 0 <= known["integer_accuracy"] < 1
    said = f"accuracy {known['integer_accuracy']:.2%} in integers"
    assert f"small: {said}" in capsys.readouterr().err
    page = api.report(tmp_path / "run").read_text()
    assert f"Accuracy: {known['integer_accuracy']:.2%} in integers, " in page
    assert str(data) not in page


def test_a_quantised_file_brings_its_accuracy_or_is_measured_again(model, tmp_path):
    data, other = labelled(tmp_path / "pictures"), labelled(tmp_path / "others")
    quantised = tmp_path / "q.onnx"
    report = api.quantise(model, quantised, data=data)
    brought = find_model(quantised)
    assert brought.accuracy == report.accuracy is not None
    assert set(brought.files) == {"model.onnx", "accuracy.json"}
    again = find_model(quantised, data=other).accuracy
    assert again is not None and again.integer_accuracy == report.integer_accuracy
    assert (again.float_accuracy, again.data, again.num_calibrating) == (None, "others", None)
    assert find_model(quantised, input_shape=(1, 3, 8, 8)).accuracy is None  # of another shape
    with pytest.raises(InputError, match=r"plain must hold labels\.npy: q is quantised already"):
        find_model(quantised, data=labelled(tmp_path / "plain", with_labels=False))


def test_a_run_of_shapes_only_has_no_model(tmp_path):
    with pytest.raises(InputError, match=r"has no model\.onnx"):
        read_model(tmp_path)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"layers_only": True}, "--layers-only must not be given"),
        ({"host": ("add",)}, "--host must not be given"),
        ({"resolution": 32}, "--resolution must be given for built-in networks only"),
    ],
)
def test_options_of_shapes_are_refused_for_a_file_with_values(given, sentence, model):
    with pytest.raises(InputError, match=sentence):
        NetworkRequest(sources=(str(model),), **given).resolved(8)


@pytest.mark.takes_seconds
def test_a_built_in_network_is_whole_at_another_resolution():
    resolved = NetworkRequest(sources=("unet",), resolution=188).resolved(8)
    (network,) = resolved.networks
    assert (network.layers[0].height, network.layers[0].width) == (188, 188)
    assert set(resolved.files) == {"model.onnx"}
    with pytest.raises(InputError, match="--resolution and --input-shape must not both be given"):
        NetworkRequest(sources=("unet",), resolution=188, input_shape=(1, 1, 188, 188)).resolved(8)


def test_models_and_shapes_are_not_mixed(model, tmp_path):
    path = tmp_path / "shapes.yaml"
    path.write_text("version: 1\nname: n\nlayers:\n  - {name: a, K: 4, C: 3}\n")
    with pytest.raises(InputError, match="has shapes without values"):
        NetworkRequest(sources=(str(model), str(path))).resolved(8)
    with pytest.raises(InputError, match="--data must not be given"):
        NetworkRequest(sources=(str(path),), data=tmp_path).resolved(8)
