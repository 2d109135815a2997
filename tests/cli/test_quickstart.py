"""`naas quickstart`: from nothing to a simulation that equals the prediction; what is refused."""

import io
import json

import pytest
from rich.console import Console

from naas_hw.api import quickstart as verb
from naas_hw.cli import main
from naas_hw.cli.steps import step_lines
from naas_hw.core.errors import ToolError


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog")
def test_it_ends_with_pass_and_leaves_a_run(tmp_path, monkeypatch, capsys):
    """The last line is the verdict; the folder is a run that other commands read."""
    monkeypatch.chdir(tmp_path)
    assert main(["quickstart", "--sim", "icarus"]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].startswith("PASS: ")
    assert "[4/4]" in printed and "predicted" in printed
    run = tmp_path / "quickstart"
    assert (run / "rtl" / "README.md").is_file()
    simulated = json.loads((run / "sim" / "simulated.json").read_text())
    assert simulated["ok"] is True
    assert main(["evaluate", str(run)]) == 0
    capsys.readouterr()

    before = sorted(run.rglob("*"))
    assert main(["quickstart"]) == 2
    assert "--force" in capsys.readouterr().err
    assert sorted(run.rglob("*")) == before


def test_a_folder_with_files_of_a_user_is_refused(tmp_path, capsys):
    """Nothing in it changes, and nothing is simulated."""
    (tmp_path / "thesis.txt").write_text("mine")
    assert main(["quickstart", "-o", str(tmp_path), "--force"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_a_simulator_it_says_so_before_it_searches(tmp_path, monkeypatch, capsys):
    """One sentence with what to type; no folder is left behind."""

    def missing(name):
        raise ToolError(f"{name} must be installed: get {name}")

    monkeypatch.setattr(verb, "find_simulator", missing)
    assert main(["quickstart", "-o", str(tmp_path / "run")]) == 2
    said = capsys.readouterr()
    assert "get icarus" in said.err and "get verilator" in said.err and "naas doctor" in said.err
    assert not (tmp_path / "run").exists()


def test_steps_are_numbered_and_timed():
    """A step lasts until the next one begins, and the last one until the end."""
    times = iter([0.0, 1.0, 3.0, 3.5, 7.0])
    text = io.StringIO()
    screen = Console(file=text, width=80)
    with step_lines(screen, num_steps=2, clock=lambda: next(times)) as lines:
        lines.begin("search", 1, "Search.")
        lines.part("bounds")
        lines.begin("simulate", 2, "Simulate.")
    assert lines.seconds == {"search": 2.0, "simulate": 3.5}
    assert "[1/2] Search.\nsearch: bounds\n" in text.getvalue()
    assert "[2/2] Simulate." in text.getvalue()
