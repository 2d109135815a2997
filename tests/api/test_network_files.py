"""Files of inputs and outputs: what fits, and one sentence for what does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from integer_networks import ADDITION, convolution, network

from naas_hw.api.network_files import check_new, output_files, read_inputs, write_outputs
from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import image_of, model_values
from naas_hw.graph.quantised import QuantisedGraph, Sum

IMAGE = (3, 4, 5)


def small(**changes) -> QuantisedGraph:
    """One convolution, whose input has the changes."""
    graph = network({"x": IMAGE, "y": (4, 4, 5)}, convolution("x", "y", (4, 3, 1, 1)))
    changed = replace(graph.tensors["x"], **changes)
    return replace(graph, tensors={**graph.tensors, "x": changed})


def numbers() -> Array:
    return np.random.default_rng(0).standard_normal((1, *IMAGE)).astype(np.float32)


def image(graph: QuantisedGraph, given) -> Array:
    """What the network reads of what the user gives."""
    return image_of(graph.tensors["x"], read_inputs(graph, {"": given})["x"])


@pytest.mark.parametrize(
    "turn",
    [
        lambda x: x,
        lambda x: x[0],
        lambda x: x.transpose(0, 2, 3, 1),
        lambda x: x[0].transpose(1, 2, 0),
        lambda x: x.astype(np.float64),
    ],
)
def test_an_image_comes_with_channels_first_or_last_and_with_or_without_its_one(turn, tmp_path):
    graph = small(graph_dtype="float32", graph_shape=(1, *IMAGE))
    expected = image_of(graph.tensors["x"], numbers())
    assert np.array_equal(image(graph, turn(numbers())), expected)
    np.save(tmp_path / "x.npy", turn(numbers()))
    assert np.array_equal(image(graph, tmp_path / "x.npy"), expected)


def test_a_model_with_channels_last_takes_both_layouts_too():
    graph = small(graph_dtype="float32", graph_shape=(1, 4, 5, 3), channels_last=True)
    first = numbers()
    assert np.array_equal(image(graph, first), image(graph, first.transpose(0, 2, 3, 1)))


def test_bytes_are_taken_as_they_are():
    signed = np.arange(60, dtype=np.int8).reshape(1, *IMAGE)
    shape = {"graph_shape": (1, *IMAGE)}
    assert np.array_equal(image(small(graph_dtype="float32", **shape), signed), signed[0])
    unsigned = signed.view(np.uint8)
    found = image(small(graph_dtype="uint8", **shape), unsigned)
    assert np.array_equal(found.astype(int), unsigned[0].astype(int) - 128)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((2, 3, 4, 5), np.float32), r"must have the shape \[1, 3, 4, 5\], channels first "
                                             r"or last, not \[2, 3, 4, 5\]"),
        (np.zeros((3, 5, 4), np.float32), r"not \[1, 3, 5, 4\]"),
        (np.zeros((1, 3, 4, 5), np.uint8), "'x' must be float32 or int8, not uint8"),
        (np.zeros((1, 3, 4, 5), np.int64), "'x' must be float32 or int8, not int64"),
        (np.full((1, 3, 4, 5), np.nan), "numbers must be finite in float32, not NaN or infinite"),
        (np.full((1, 3, 4, 5), 1e300), "numbers must be finite in float32, not NaN or infinite"),
        (np.array(["a"]), "must be a .npy file of real numbers"),
        (b"nothing", "must be a .npy file of numbers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_file(values, sentence, tmp_path):
    path = tmp_path / "x.npy"
    if isinstance(values, bytes):
        path.write_bytes(values)
    else:
        np.save(path, values)
    graph = small(graph_dtype="float32", graph_shape=(1, *IMAGE))
    with pytest.raises(InputError, match=f"x.npy: .*{sentence}"):
        read_inputs(graph, {"x": path})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["a"], "inputs must be given for each of 'a', 'b', not for 'a'"),
        (["a", "b", "c"], "for each of 'a', 'b', not for 'a', 'b', 'c'"),
        ([""], "inputs must be given as NAME=FILE for each of 'a', 'b'"),
        (["a", "b"], r"input nowhere\.npy does not exist; it must be a .npy file"),
    ],
)
def test_every_input_is_given_once_and_by_name(given, sentence):
    graph = network(
        dict.fromkeys(("a", "b", "y"), IMAGE),
        Sum(name="sum", inputs=("a", "b"), output="y", addition=ADDITION),
    )
    with pytest.raises(InputError, match=sentence):
        read_inputs(graph, dict.fromkeys(given, Path("nowhere.npy")))


def test_outputs_are_written_in_the_form_of_the_model_and_replace_nothing(tmp_path):
    graph = small()
    made = {"y": np.arange(80, dtype=np.int8).reshape(4, 4, 5)}
    folder = tmp_path / "answers"
    assert write_outputs(folder, graph, made) == {"y": "y.npy"}
    found = np.load(folder / "y.npy")
    assert np.array_equal(found, model_values(graph.tensors["y"], made["y"]))
    before = (folder / "y.npy").read_bytes()
    with pytest.raises(InputError, match=r"answers/y\.npy exists already and would be replaced"):
        write_outputs(folder, graph, {"y": made["y"] + 1})
    assert (folder / "y.npy").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["y.npy"]


def test_a_link_is_not_followed_and_a_file_is_no_folder(tmp_path):
    (tmp_path / "y.npy").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"y\.npy exists already"):
        check_new(tmp_path, ["y.npy"])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file must be a folder or not exist"):
        check_new(tmp_path / "file", ["y.npy"])
    with pytest.raises(InputError, match="below must be in a folder that can be written"):
        check_new(tmp_path / "file" / "below", ["y.npy"])
    check_new(tmp_path / "new" / "below", ["y.npy"])


def test_names_of_files_are_plain_and_never_shared():
    files = output_files(["../../etc", "a/b", "a:b", "", "." * 3, "x" * 300])
    assert files["../../etc"] == "_.._etc.npy"
    assert len(set(files.values())) == len(files)
    assert all("/" not in file and not file.startswith(".") for file in files.values())
    assert max(map(len, files.values())) <= 110
