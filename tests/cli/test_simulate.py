"""`naas simulate`: what is predicted is on disk first, what differs is said and is status 1."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from naas_hw import api
from naas_hw.cli import main
from naas_hw.core.errors import SimulationError
from naas_hw.parallel.worker_pool import worker_pool
from naas_hw.runs.folder import LOCK, RunFolder
from naas_hw.sim import network
from naas_hw.sim.layer import predict_layer
from naas_hw.system import files

pytestmark = [
    pytest.mark.sim,
    pytest.mark.needs("iverilog"),
    pytest.mark.usefixtures("hardware_once"),
]


@pytest.fixture(autouse=True)
def one_process_by_default(monkeypatch):
    """Workers cost seconds to start; the one test of them says so."""
    monkeypatch.setattr(network, "worker_pool", this_process)


def this_process(num_processes, *, preload):
    return worker_pool(1, preload=preload)


def simulated(folder, capsys, *options):
    status = main(["simulate", str(folder), "--sim", "icarus", "--json", *options])
    return status, json.loads(capsys.readouterr().out)


def test_a_folder_made_by_hand_is_simulated_and_equal(design_folder, capsys):
    status, found = simulated(design_folder, capsys)
    assert status == 0
    assert found["ok"]
    assert [layer["name"] for layer in found["layers"]] == ["a", "again", "b"]
    for layer in found["layers"]:
        assert layer["predicted_cycles"] == layer["simulated_cycles"]
        assert layer["count_difference"] == layer["output_mismatches"] == 0
        assert layer["pieces_compared"]
        assert layer["utilization"] == layer["macs"] / (4 * layer["simulated_cycles"])
    predicted = json.loads((design_folder / "sim" / "predicted.json").read_text())
    assert {layer["name"]: layer["cycles"] for layer in predicted["layers"]} == {
        layer["name"]: layer["simulated_cycles"] for layer in found["layers"]
    }
    assert json.loads((design_folder / "sim" / "simulated.json").read_text()) == found
    assert json.loads((design_folder / "manifest.json").read_text())["command"][1] == "simulate"


def test_layers_that_are_the_same_run_once_and_are_reported_each(design_folder, monkeypatch):
    ran = []
    run = network.simulate_run

    def noted(**job):
        ran.append(job["run"].names)
        return run(**job)

    monkeypatch.setattr(network, "simulate_run", noted)
    icarus = api.SimulationSettings(simulator="icarus")
    report = api.simulate(design_folder, icarus, layers=["a", "again"])
    assert ran == [("a", "again")]
    assert [layer.name for layer in report.layers] == ["a", "again"]


def test_predictions_are_on_disk_when_a_simulator_starts(design_folder, monkeypatch, capsys):
    def fails(**_):
        found = json.loads((design_folder / "sim" / "predicted.json").read_text())
        assert [layer["name"] for layer in found["layers"]] == ["b"]
        raise SimulationError("the simulator must end, not burn")

    monkeypatch.setattr(network, "simulate_run", fails)
    assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "b"]) == 3
    assert capsys.readouterr().err == "naas: error: the simulator must end, not burn\n"
    assert not (design_folder / "sim" / "simulated.json").exists()


def test_a_difference_is_status_1_and_said(design_folder, monkeypatch, capsys):
    def wrong(*arguments):
        right = predict_layer(*arguments)
        accesses = replace(right.accesses, macs=right.accesses.macs + 7)
        return replace(right, cycles=right.cycles + 1, accesses=accesses)

    monkeypatch.setattr(network, "predict_layer", wrong)
    status, found = simulated(design_folder, capsys, "--layers", "b")
    (layer,) = found["layers"]
    assert (status, found["ok"], layer["ok"]) == (1, False, False)
    assert layer["predicted_cycles"] == layer["simulated_cycles"] + 1
    assert layer["count_difference"] == 7
    assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "b"]) == 1
    text = capsys.readouterr().out
    assert "differs" in text
    assert "b: macs: predicted " in text


def test_under_random_stalls_only_bits_are_compared(design_folder, capsys):
    status, found = simulated(design_folder, capsys, "--layers", "a", "--stalls")
    (layer,) = found["layers"]
    assert (status, found["timed"]) == (0, False)
    assert layer["simulated_cycles"] > layer["predicted_cycles"]
    assert layer["output_mismatches"] == 0


def test_waves_are_kept_and_two_processes_find_the_same(design_folder, capsys, monkeypatch):
    monkeypatch.setattr(network, "worker_pool", worker_pool)
    status, found = simulated(design_folder, capsys, "--waves", "--layers", "a,b")
    assert status == 0
    assert [layer["waves"] for layer in found["layers"]] == ["a.fst", "b.fst"]
    for name in ("a.fst", "b.fst"):
        assert (design_folder / "sim" / "waves" / name).stat().st_size > 0
    monkeypatch.setattr(network, "worker_pool", this_process)
    alone = simulated(design_folder, capsys, "--layers", "a,b")[1]
    for layer in (*found["layers"], *alone["layers"]):
        del layer["waves"]
    assert found == alone


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sim", "modelsim"], "simulator must be one of icarus, verilator, not 'modelsim'"),
        (["--sim", "icarus", "--layers", "a,x"], "layers must be of net, not 'x'"),
        (["--sim", "icarus", "--layers", ""], "layers must be of net, not ''"),
    ],
)
def test_wrong_options_are_one_sentence_and_write_nothing(design_folder, options, sentence, capsys):
    assert main(["simulate", str(design_folder), *options]) == 2
    assert capsys.readouterr().err == f"naas: error: {sentence}\n"
    assert not (design_folder / "sim").exists()
    assert not (design_folder / "manifest.json").exists()


def test_no_simulator_is_one_sentence_that_says_how_to_get_it(design_folder, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(design_folder))
    assert main(["simulate", str(design_folder), "--sim", "icarus"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("naas: error: iverilog must be installed")
    assert "apt-get install" in text
    assert text.count("\n") == 1
    assert not (design_folder / "sim").exists()


def test_an_old_verilator_alone_on_the_path_is_refused(design_folder, monkeypatch, capsys):
    from naas_hw.sim import simulators
    from naas_hw.system.tools import find_tool

    fake = design_folder / "verilator"
    fake.write_text("#!/bin/sh\necho Verilator 4.038\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(design_folder), prepend=":")
    monkeypatch.setattr(
        simulators,
        "find_tool",
        lambda name: (
            replace(find_tool(name), path=None) if name == "verilator" else find_tool(name)
        ),
    )
    assert main(["simulate", str(design_folder), "--sim", "verilator"]) == 2
    assert "verilator must be at least version 5.36, not 4.038" in capsys.readouterr().err
    assert not (design_folder / "sim").exists()


def test_a_layer_of_the_model_only_is_skipped_by_name_and_refused_if_asked_for(
    design_folder, write_design_to, capsys
):
    text = (design_folder / "network.yaml").read_text()
    other = text.replace("{name: a, ", "{name: a, kind: transposed, ")
    other = other.replace("{name: again, ", "{name: again, kind: transposed, ")
    write_design_to(design_folder, network=other)
    status, found = simulated(design_folder, capsys)
    assert status == 0
    assert found["skipped"] == ["a", "again"]
    assert [layer["name"] for layer in found["layers"]] == ["b"]
    assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "a"]) == 2
    assert capsys.readouterr().err == (
        "naas: error: layer a cannot run on the hardware: "
        "kind: transposed layers exist in the model only\n"
    )


def test_a_folder_with_another_writer_is_refused(design_folder, capsys):
    assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "b"]) == 0
    with RunFolder.open(design_folder):
        assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "b"]) == 2
    assert "another naas process is writing to" in capsys.readouterr().err


def test_a_full_disk_is_one_sentence_and_leaves_no_part_of_a_file(
    design_folder, monkeypatch, capsys
):
    def full(path: Path, content: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(files, "_write_new", full)
        assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "b"]) == 2
    text = capsys.readouterr().err
    assert "no space left on device" in text
    assert text.count("\n") == 1
    assert {path.name for path in design_folder.rglob("*")} == {
        LOCK,
        "accelerator.yaml",
        "network.yaml",
        "mapping.yaml",
    }


def test_a_folder_that_cannot_be_written_is_one_sentence(design_folder, monkeypatch, capsys):
    """Tests may run as root, whom no mode stops, so the system's answer is put in its place."""
    before = {path.name for path in design_folder.iterdir()}

    def refused(path: Path, *_args: object, **_named: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        for name in ("mkdir", "write_bytes", "write_text", "touch"):
            patch.setattr(Path, name, refused)
        assert main(["simulate", str(design_folder), "--sim", "icarus", "--layers", "b"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("naas: error: ")
    assert "permission denied" in text.lower()
    assert text.count("\n") == 1
    assert {path.name for path in design_folder.iterdir()} == before


def test_ctrl_c_is_one_sentence_and_leaves_no_part_of_a_file(design_folder, monkeypatch, capsys):
    from naas_hw import api

    def interrupted(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "simulate", interrupted)
    assert main(["simulate", str(design_folder), "--sim", "icarus"]) == 130
    assert capsys.readouterr().err == "naas: error: interrupted\n"
    assert not (design_folder / "sim").exists()
