"""`naas map`: a run folder with the best mappings found for a given accelerator."""

import errno
import json
import os
from pathlib import Path

import pytest

from naas_hw import api
from naas_hw.arch.technology import SIZED
from naas_hw.cli import main
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.search.mapping.robust import DramTiming, with_memory
from naas_hw.system import files as files_module

FAST = ["--evaluations", "60", "--min-legal", "10", "--processes", "1"]


@pytest.fixture
def files(design_folder):
    """Paths of a network and of an accelerator."""
    return str(design_folder / "network.yaml"), str(design_folder / "accelerator.yaml")


def mapped(files, run, *options):
    network, accelerator = files
    return main(["map", network, "--accelerator", accelerator, "-o", str(run), *FAST, *options])


def test_the_run_holds_a_legal_design_whose_figures_are_those_of_the_model(files, tmp_path, capsys):
    run = tmp_path / "run"
    assert mapped(files, run, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    report = api.evaluate(run)
    result = json.loads((run / "result.json").read_text())
    assert printed == result["networks"][0]
    assert printed["cycles"] == report.cycles
    assert [layer["cycles"] for layer in printed["layers"]] == [r.cycles for r in report.layers]
    assert result["energy_table"] == "sized"
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["seed"] == 0
    assert set(manifest["packages"]) == {"cma", "numba", "numpy", "pydantic"}


def test_the_same_seed_gives_the_same_bytes(files, tmp_path, capsys):
    names = ("mapping.yaml", "result.json", "accelerator.yaml", "network.yaml")
    runs = [tmp_path / name for name in ("one", "two")]
    for run in runs:
        assert mapped(files, run, "--seed", "5") == 0
    one, two = ([(run / name).read_bytes() for name in names] for run in runs)
    assert one == two


def test_the_energy_table_of_the_run_is_that_of_its_evaluation(files, tmp_path, capsys):
    run = tmp_path / "run"
    assert mapped(files, run, "--energy-table", "maestro") == 0
    found = json.loads((run / "result.json").read_text())["networks"][0]
    assert api.evaluate(run).energy_pj == found["energy_pj"]


def test_a_run_that_exists_is_kept_unless_forced(files, tmp_path, capsys):
    run = tmp_path / "run"
    assert mapped(files, run) == 0
    before = (run / "mapping.yaml").read_bytes()
    assert mapped(files, run, "--seed", "1") == 2
    assert "exists already" in capsys.readouterr().err
    assert (run / "mapping.yaml").read_bytes() == before
    assert mapped(files, run, "--seed", "1", "--force") == 0
    assert json.loads((run / "manifest.json").read_text())["seed"] == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--objective", "speed"], "objective must be one of edp, latency, energy, not 'speed'"),
        (["--optimiser", "luck"], "optimiser must be one of evolve, cma, random, not 'luck'"),
        (["--energy-table", "mine"], "energy_table must be one of"),
        (["--evaluations", "0"], "--evaluations must be at least 1, not 0"),
        (["--processes", "0"], "--processes must be at least 1, not 0"),
    ],
)
def test_wrong_options_are_one_sentence_and_leave_no_run(
    files, tmp_path, options, sentence, capsys
):
    assert mapped(files, tmp_path / "run", *options) == 2
    text = capsys.readouterr().err
    assert sentence in text
    assert text.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_an_accelerator_too_small_for_any_mapping_is_refused_by_the_layers_name(
    design_folder, tmp_path, capsys
):
    path = design_folder / "accelerator.yaml"
    text = path.read_text().replace("bank_bytes: 1024", "bank_bytes: 64")
    path.write_text(text.replace("num_banks: 8", "num_banks: 3"))
    network = str(design_folder / "network.yaml")
    run = tmp_path / "run"
    status = main(["map", network, "--accelerator", str(path), "-o", str(run), *FAST])
    text = capsys.readouterr().err
    assert status == 2
    assert "small has no mapping of a" in text
    assert not run.exists()


def test_a_place_that_cannot_be_written_is_one_sentence(files, design_folder, capsys):
    assert mapped(files, design_folder / "network.yaml" / "run") == 2
    text = capsys.readouterr().err
    assert text.startswith("naas: error: ")
    assert "not a directory" in text
    assert text.count("\n") == 1


def test_a_full_disk_is_one_sentence_and_nothing_is_half_written(
    files, tmp_path, monkeypatch, capsys
):
    """The mapping is the file for which there is no room; what is whole may stay."""
    write = files_module._write_new

    def full(path: Path, data: bytes) -> None:
        if "l2_order" in str(data):
            write(path, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, data)

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(files_module, "_write_new", full)
        assert mapped(files, run) == 2
    text = capsys.readouterr().err
    assert "no space left on device" in text.lower()
    assert text.count("naas: error: ") == 1
    assert not [path for path in run.rglob("*") if "mapping" in path.name]
    assert mapped(files, run, "--force") == 0
    assert main(["evaluate", str(run)]) == 0


def test_a_run_folder_may_have_any_name(files, tmp_path, capsys):
    run = tmp_path / "ein 'Lauf' \"ü\""
    assert mapped(files, run) == 0
    assert main(["evaluate", str(run)]) == 0


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("no_such_net", "a .yaml file, a .pt2 file or module:callable, not 'no_such_net'"),
        ("gone.yaml", "cannot read "),
    ],
)
def test_an_unknown_network_is_one_sentence(files, tmp_path, network, sentence, capsys):
    run = tmp_path / "run"
    assert main(["map", network, "--accelerator", files[1], "-o", str(run)]) == 2
    assert sentence in capsys.readouterr().err
    assert not run.exists()


def test_bounds_and_gaps_stand_with_each_layer(files, tmp_path, capsys):
    """The search's own from map, kept by the run, and those of evaluate are the same."""
    run = tmp_path / "run"
    assert mapped(files, run, "--objective", "latency") == 0
    shown = capsys.readouterr().out
    assert "proven bound" in shown and "gap" in shown
    (network,) = json.loads((run / "result.json").read_text())["networks"]
    for layer in network["layers"]:
        assert 0 < layer["proven_bound"] <= layer["cycles"]
        assert layer["proven_gap"] == pytest.approx(layer["cycles"] / layer["proven_bound"] - 1)
        assert f"{layer['proven_bound']:,.0f}" in shown
    assert main(["evaluate", str(run), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["objective"] == "latency"
    names = ("name", "proven_bound", "proven_gap")
    assert [[layer[n] for n in names] for layer in again["layers"]] == [
        [layer[n] for n in names] for layer in network["layers"]
    ]


def test_a_layer_without_a_program_counts_in_no_total(files, tmp_path, capsys):
    """It is named by map and evaluate; cycles and energy are those of the others."""
    network = Path(files[0])
    one = network.read_text().replace("{name: again, ", "{name: again, kind: transposed, ")
    one = one.replace("R: 3, S: 3, height: 4, width: 4, padding: [1, 1]", "height: 4, width: 4")
    network.write_text(one)
    run = tmp_path / "run"
    assert mapped(files, run) == 0
    note = "no program for again: a transposed convolution exists in the cost model only"
    assert note in capsys.readouterr().out
    (found,) = json.loads((run / "result.json").read_text())["networks"]
    assert [layer["has_program"] for layer in found["layers"]] == [True, True, False]
    assert found["energy_pj"] == sum(layer["energy_pj"] for layer in found["layers"][:2])
    assert found["cycles"] < sum(layer["cycles"] for layer in found["layers"][:2])
    assert found["macs_not_covered"] == 4 * 4 * 4 * 4
    assert main(["evaluate", str(run)]) == 0
    assert note in capsys.readouterr().out


@pytest.mark.needs("torch")
def test_a_model_with_a_shape_of_its_own_and_a_product_of_the_hosts(
    files, tmp_path, monkeypatch, capsys
):
    """--input-shape and --host are options here too; what the host does is named."""
    (tmp_path / "tokens.py").write_text(
        "from torch import nn\n"
        "def net(): return nn.Sequential(nn.Linear(16, 8), nn.Conv1d(6, 4, 3))\n"
    )
    monkeypatch.chdir(tmp_path)
    model = ("tokens:net", files[1])
    shape = ("--input-shape", "1x6x16")
    assert mapped(model, tmp_path / "run", *shape) == 2
    assert "--host conv1d leaves it to the host" in capsys.readouterr().err
    assert mapped(model, tmp_path / "run", *shape, "--host", "conv1d") == 0
    macs = 4 * (8 - 2) * 6 * 3
    assert f"not included in any figure: {macs} multiply-accumulates of conv1d" in (
        capsys.readouterr().out
    )
    assert mapped(files, tmp_path / "other", "--host", "conv1d") == 2
    assert "--host conv1d must not be given" in capsys.readouterr().err


def test_robust_mappings_are_told_with_the_cycles_of_each_memory(files, tmp_path, capsys):
    run = tmp_path / "run"
    assert mapped(files, run, "--robust", "200:1,10:4", "--objective", "latency") == 0
    text = capsys.readouterr().out
    assert "with DRAM latency 200 and beat period 1: " in text
    design = api.read_design(run)
    other = with_memory(design.accelerator, DramTiming(10, 4))
    report = evaluate_network(other, design.network, design.mappings, SIZED)
    assert f"with DRAM latency 10 and beat period 4: {report.cycles:,} cycles" in text


@pytest.mark.parametrize(
    ("robust", "sentence"),
    [
        ("fast", "--robust must be like 100:1,50:2 (latency and cycles per beat), not 'fast'"),
        ("", "--robust must be like 100:1,50:2 (latency and cycles per beat), not ''"),
        ("50:1:2", "robust must be like"),
        ("50:0", "memory: dram_beat_period_cycles must be"),
    ],
)
def test_memories_that_cannot_be_are_refused(files, tmp_path, robust, sentence, capsys):
    assert mapped(files, tmp_path / "run", "--robust", robust) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
