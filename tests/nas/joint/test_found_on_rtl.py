"""A network that was found with its accelerator: every layer of it, on the Verilog of that one."""

import json
from functools import cache

import pytest

from naas_hw.api import hardware
from naas_hw.cli import main
from naas_hw.sim.hardware import generate

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog", "vvp", "libpython")]

FLOOR = 88
BUDGET = """\
version: 1
name: small
max_pes: 8
on_chip_bytes: 4096
beat_bytes: 8
"""


@pytest.fixture
def run(tmp_path):
    """A run of `naas cosearch` on the tiny space."""
    folder, budget = tmp_path / "run", tmp_path / "budget.yaml"
    budget.write_text(BUDGET)
    command = ["cosearch", "tiny_space:SPACE", "--accuracy", "tiny_space:FORMULA"]
    command += ["--min-accuracy", str(FLOOR), "--budget", str(budget), "-o", str(folder)]
    command += ["--generations", "2", "--population", "2", "--evaluations", "40"]
    assert main([*command, "--processes", "1"]) == 0
    return folder


def test_every_layer_that_was_found_is_equal_on_the_rtl_that_was_found(run, capsys, monkeypatch):
    """Cycles are those of `result.json` too, counts and output bytes those of the model."""
    monkeypatch.setattr(hardware, "generate_hardware", cache(generate))
    result = json.loads((run / "result.json").read_text())
    assert main(["generate", str(run)]) == 0
    assert any("module" in file.read_text() for file in (run / "rtl").glob("*.v"))
    capsys.readouterr()
    assert main(["simulate", str(run), "--sim", "icarus", "--processes", "1", "--json"]) == 0
    simulated = json.loads(capsys.readouterr().out)
    assert simulated["ok"] and simulated["timed"] and not simulated["skipped"]
    assert [layer["name"] for layer in simulated["layers"]] == ["first", "last"]
    due = {layer["name"]: layer["cycles"] for layer in result["networks"][0]["layers"]}
    for layer in simulated["layers"]:
        assert layer["ok"] and layer["status"] == "done"
        assert layer["predicted_cycles"] == layer["simulated_cycles"] == due[layer["name"]]
        assert layer["count_difference"] == layer["output_mismatches"] == 0
        assert not layer["counts_that_differ"]
