"""`naas evaluate`: the model's figures of a folder; one sentence for whatever is wrong in it."""

import json
import subprocess
import sys

import pytest

from naas_hw import api
from naas_hw.cli import main

DIM_TWICE = "axes: [{dim: C, size: 2}, {dim: C, size: 2}]"
AXES = "axes:\n  - {dim: C, size: 2}\n  - {dim: K, size: 2}"
COMMANDS = (["evaluate"], ["generate"], ["simulate", "--sim", "icarus"])


def swapped(name: str, old: str, new: str):
    """A change to one of the design's files."""

    def change(texts: dict[str, str]) -> dict[str, str]:
        assert old in texts[name]
        return {name: texts[name].replace(old, new, 1)}

    return change


WRONG = {
    "malformed": (swapped("network", "layers:", "layers: [}"), "network.yaml: line"),
    "key twice": (
        swapped("accelerator", "beat_bytes: 8", "beat_bytes: 8\nbeat_bytes: 8"),
        "keys must differ, not 'beat_bytes' twice",
    ),
    "dim twice": (
        swapped("accelerator", AXES, DIM_TWICE),
        "axes must have different dims, not C twice",
    ),
    "no layers": (lambda texts: {"network": "name: net\nlayers: []\n"}, "layers must"),
    "size zero": (swapped("network", "K: 4", "K: 0"), "layers[0].K must be at least 1, not 0"),
    "size negative": (
        swapped("network", "K: 4", "K: -4"),
        "layers[0].K must be at least 1, not -4",
    ),
    "size huge": (
        swapped("network", "K: 4", "K: 99999999999999999999"),
        "layers[0].K must be",
    ),
    "name with a space": (swapped("network", "name: a,", "name: 'a b',"), "layers[0].name must"),
    "name with a quote": (swapped("network", "name: a,", 'name: "a\'",'), "layers[0].name must"),
    "name not ASCII": (swapped("network", "name: a,", "name: ä,"), "layers[0].name must"),
    "name that is a path": (swapped("network", "name: a,", "name: ../a,"), "layers[0].name must"),
    "buffer too small": (
        swapped("accelerator", "weight_buffer_bytes: 64", "weight_buffer_bytes: 2"),
        "mapping.yaml: layers.a: capacity: bytes of weights in a PE must be at most",
    ),
    "layer without a mapping": (
        swapped("mapping", "  b:\n", "  c:\n"),
        "layers must hold a mapping of b",
    ),
    "not UTF-8": (lambda texts: {"network": "\udcff"}, "network.yaml: must be UTF-8"),
}


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_one_sentence_status_2_and_nothing_written(
    command, case, design_folder, capsys
):
    change, sentence = WRONG[case]
    texts = {
        name: (design_folder / f"{name}.yaml").read_text()
        for name in ("network", "accelerator", "mapping")
    }
    for name, text in change(texts).items():
        (design_folder / f"{name}.yaml").write_bytes(text.encode(errors="surrogateescape"))
    before = contents(design_folder)
    assert main([command[0], str(design_folder), *command[1:]]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("naas: error: ")
    assert captured.err.count("\n") == 1
    assert sentence in captured.err
    assert contents(design_folder) == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_that_is_missing_is_not_made(command, tmp_path, capsys):
    place = tmp_path / "no such, 'ü'"
    assert main([command[0], str(place), *command[1:]]) == 2
    assert capsys.readouterr().err == (f"naas: error: no such folder: {place}\n")
    assert not place.exists()


def test_a_missing_file_is_named(design_folder, capsys):
    (design_folder / "mapping.yaml").unlink()
    assert main(["evaluate", str(design_folder)]) == 2
    said = capsys.readouterr().err
    assert f"cannot read {design_folder / 'mapping.yaml'}: no such file" in said


def test_json_holds_the_figures_of_the_model(design_folder, capsys):
    assert main(["evaluate", str(design_folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    report = api.evaluate(design_folder)
    assert found["cycles"] == report.cycles
    assert found["edp"] == report.edp == report.cycles * report.energy_pj
    assert [layer["name"] for layer in found["layers"]] == ["a", "b", "again"]
    for layer in found["layers"]:
        assert sum(layer["stalls"].values()) == layer["cycles"]
        assert sum(layer["energy_pj_by_level"].values()) == pytest.approx(layer["energy_pj"])


def test_another_energy_table_changes_energy_only(design_folder, capsys):
    def figures(*options):
        assert main(["evaluate", str(design_folder), "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)

    default, maestro = figures(), figures("--energy-table", "maestro")
    assert default["cycles"] == maestro["cycles"]
    assert default["energy_pj"] != maestro["energy_pj"]
    assert main(["evaluate", str(design_folder), "--energy-table", "none"]) == 2


def test_the_table_has_every_layer_in_whole_numbers_and_changes_nothing(design_folder, capsys):
    before = contents(design_folder)
    assert main(["evaluate", str(design_folder)]) == 0
    text = capsys.readouterr().out
    report = api.evaluate(design_folder)
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    for layer in report.layers:
        assert f"{layer.cycles:,}" in rows[layer.layer]
        assert f"{layer.accesses.dram:,}" in rows[layer.layer]
    assert f"{report.cycles:,}" in rows["all,"]
    assert contents(design_folder) == before


def test_a_design_made_by_hand_gets_bounds_too(design_folder, capsys):
    """A quick proof of each layer: no mapping that is known scores less than its bound."""
    assert main(["evaluate", str(design_folder), "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert all(0 < layer["proven_bound"] <= layer["edp"] for layer in layers)
    assert all(layer["proven_gap"] >= 0 for layer in layers)


@pytest.mark.takes_seconds
def test_evaluating_a_design_loads_no_experiment(design_folder):
    """Nor what verifies hardware at random, nor what builds it for an FPGA."""
    program = (
        "import sys; from naas_hw.cli import main; assert main(['evaluate', sys.argv[1]]) == 0;"
        "print(*(name for name in sys.modules if name.startswith('naas_hw.')))"
    )
    command = [sys.executable, "-c", program, str(design_folder)]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    loaded = {name.split(".")[1] for name in ended.stdout.splitlines()[-1].split()}
    assert {"api", "cost"} <= loaded
    assert not loaded & {"experiments", "verify", "fpga"}
