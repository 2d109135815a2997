"""The digits run, short: the code that `examples/digits.py` runs."""

import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from naas_hw import api
from naas_hw.api import hardware
from naas_hw.nas.joint.architecture_search import ArchitectureSettings
from naas_hw.nas.joint.settings import JointSettings
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.sim.hardware import generate

EXAMPLES = Path(__file__).parents[2] / "examples"

NUM_MEASURED = 16


@pytest.fixture(scope="module")
def digits():
    """examples/digits.py as a module."""
    spec = importlib.util.spec_from_file_location("naas_digits", EXAMPLES / "digits.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["naas_digits"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def studied(digits):
    """A study of a few epochs, and what it said."""
    import torch

    torch.set_num_threads(1)
    said: list[str] = []
    found = digits.study(
        num_epochs=4,
        num_epochs_alone=1,
        num_alone=3,
        num_measured=NUM_MEASURED,
        seed=0,
        say=said.append,
    )
    return found, said


def short_search(floor_percent):
    return JointSettings(
        networks=ArchitectureSettings(min_top1_percent=floor_percent, population=2, generations=1),
        accelerators=SearchSettings(
            population=2,
            generations=1,
            mapping_evaluations=40,
            min_legal=5,
            finalists=1,
            final_effort=1,
            proof_evaluations=0,
        ),
    )


@pytest.mark.needs("torch")
def test_digits_run(studied):
    """A few epochs: networks differ, the predictor is judged, the ranking is of those asked for."""
    found, said = studied
    assert found.oracle.accuracies(found.space.largest[None]).top1_percent[0] > 60
    assert found.predictor.num_held_out == 4
    assert len(found.ranking.alone) == 3
    assert len(said) == 4
    assert "Spearman" in said[-1]


@pytest.mark.needs("torch")
def test_the_floor_is_what_a_quarter_reaches_or_the_one_asked_for(digits, studied):
    found, _ = studied
    said: list[str] = []
    floor_percent = digits.choose_floor(found, None, said.append)
    top1 = found.measured.top1_percent
    assert (top1 > floor_percent).sum() <= NUM_MEASURED // 4 <= (top1 >= floor_percent).sum()
    assert digits.choose_floor(found, 12.5, said.append) == 12.5
    assert "measured (898 held-out images, shared weights)" in said[0]
    assert "12.50 %, as asked" in said[1]


def once(function):
    """The function, called once in earnest; afterwards it gives what it gave."""
    given: list[Any] = []

    def call(*arguments, **options):
        if not given:
            given.append(function(*arguments, **options))
        return given[0]

    return call


@pytest.mark.sim
@pytest.mark.needs("torch", "iverilog", "vvp", "libpython")
def test_a_network_above_the_floor_runs_on_its_accelerator(
    digits, studied, tmp_path, capsys, monkeypatch
):
    """Its accuracy names its source; what is simulated is equal, else the status is 1."""
    found, _ = studied
    floor_percent = digits.choose_floor(found, None, str)
    run = tmp_path / "run"
    said: list[str] = []
    monkeypatch.setattr(hardware, "generate_hardware", cache(generate))
    for name in ("search_jointly", "generate", "simulate"):
        monkeypatch.setattr(digits.api, name, once(getattr(api, name)))

    def status():
        return digits.find_design(
            found, short_search(floor_percent), run, Console(file=io.StringIO()), said.append,
            simulator="icarus", layers=["classifier"], num_processes=1,
        )  # fmt: skip

    assert status() == 0
    joint = json.loads((run / "result.json").read_text())["joint"]
    assert joint["top1_percent"] >= floor_percent
    assert joint["accuracy"] == found.oracle.source.label
    assert found.oracle.source.label in said[1] and found.predictor.source.label in said[1]
    assert any("module" in file.read_text() for file in (run / "rtl").glob("*.v"))
    (layer,) = json.loads((run / "sim" / "simulated.json").read_text())["layers"]
    assert layer["predicted_cycles"] == layer["simulated_cycles"] > 0
    assert layer["output_mismatches"] == layer["count_difference"] == 0
    assert f"{layer['simulated_cycles']:,}" in capsys.readouterr().out
    assert "1 of 1 layers" in said[-2]

    report = api.simulate(run, api.SimulationSettings(simulator="icarus"))
    late = replace(report.layers[0], simulated_cycles=report.layers[0].simulated_cycles + 1)
    monkeypatch.setattr(digits.api, "simulate", lambda *_, **__: replace(report, layers=(late,)))
    assert status() == 1
    assert "0 of 1 layers" in said[-2]


def test_without_torch_it_says_what_to_install():
    """One sentence, before anything is done."""
    code = (
        "import runpy, sys\n"
        "sys.modules['torch'] = None\n"
        "del sys.argv[0]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(EXAMPLES / "digits.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "naas: error: torch must be installed to train on the digits: "
        "pip install 'naas_hw[torch]'\n"
    )
