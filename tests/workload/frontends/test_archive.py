"""A `.pt2` file that is damaged, or made to harm, is refused in one sentence."""

import json
import zipfile
from typing import Any

import pytest

from naas_hw.core.errors import InputError
from naas_hw.workload.frontends.archive import MAX_GRAPH_BYTES, read_archive

NAME = "m/models/model.json"
GRAPH: dict[str, Any] = {
    "graph_module": {
        "graph": {"tensor_values": {"x": {"sizes": [{"as_int": 1}]}}, "nodes": [], "outputs": []},
        "signature": {"input_specs": []},
    }
}


def written(path, content: str, method: int = zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(NAME, content)
    return path


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        read_archive(path)
    said = str(caught.value)
    assert said.isprintable() and len(said) < 1000
    return said


def test_the_smallest_graph_is_read(tmp_path):
    assert read_archive(written(tmp_path / "m.pt2", json.dumps(GRAPH))).shapes == {"x": (1,)}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_broken_entry_is_refused_whatever_packed_it(method, tmp_path):
    path = written(tmp_path / "m.pt2", json.dumps(GRAPH), method)
    data = bytearray(path.read_bytes())
    start = data.index(NAME.encode()) + len(NAME)
    data[start + 4 : start + 40] = b"\xff" * 36
    path.write_bytes(data)
    assert "cannot read the .pt2 file " in refused(path)


def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    path = tmp_path / "m.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/models/mö.json", "{}")
    path.write_bytes(path.read_bytes().replace("ö".encode(), b"\xff\xfe"))
    assert "cannot read the .pt2 file " in refused(path)


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": [{"as_tensor": {"name": ["a"]}}]},
        {"tensor_values": {"x": {"sizes": [{"as_int": 10**18}]}}},
        {"tensor_values": {"x": {"sizes": [{"as_int": [1]}]}}},
        {"nodes": [{"target": ["a"], "inputs": [], "outputs": []}]},
        {"nodes": [{"target": "a", "inputs": [], "outputs": [{"as_tensor": {"name": [1]}}]}]},
    ],
)
def test_names_are_text_and_sizes_are_sizes(change, tmp_path):
    module = GRAPH["graph_module"]
    graph = {"graph_module": {**module, "graph": {**module["graph"], **change}}}
    path = written(tmp_path / "m.pt2", json.dumps(graph))
    assert "must hold a graph as torch.export.save writes it" in refused(path)


def test_a_small_file_that_inflates_to_much_is_refused(tmp_path):
    path = written(tmp_path / "m.pt2", " " * (MAX_GRAPH_BYTES + 1), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < MAX_GRAPH_BYTES / 100
    assert f"must have at most {MAX_GRAPH_BYTES} bytes" in refused(path)


def test_a_size_in_the_directory_that_is_too_small_does_not_help(tmp_path):
    path = written(tmp_path / "m.pt2", " " * (MAX_GRAPH_BYTES + 1), zipfile.ZIP_DEFLATED)
    size = (MAX_GRAPH_BYTES + 1).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    refused(path)


def test_control_characters_of_names_are_escaped(tmp_path):
    module = GRAPH["graph_module"]
    node = {"target": "torch.ops.aten.re\x1blu.default", "inputs": [], "outputs": []}
    graph = {"graph_module": {**module, "graph": {**module["graph"], "nodes": [node]}}}
    (operator,) = read_archive(written(tmp_path / "m.pt2", json.dumps(graph))).operators
    assert operator.kind == r"re\x1blu"
