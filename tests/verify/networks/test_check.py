"""`naas verify --networks`: equal on the RTL; what differs is told, reduced and written."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.sim.simulators import Simulator, find_simulator
from naas_hw.verify.networks import check
from naas_hw.verify.networks.coverage import NETWORK_BINS
from naas_hw.verify.networks.draw import draw_networks
from naas_hw.verify.networks.report import networks_json

ICARUS = Simulator(name="icarus", version="0", path=Path("iverilog"))


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_random_networks_are_equal_on_icarus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two, one layer by layer and one a start at a time."""
    monkeypatch.setitem(check.MAX_CYCLES, "icarus", 6_000)
    report = check.verify_networks(
        2, 1, simulator=find_simulator("icarus"), folder=tmp_path / "failures"
    )
    said = json.loads(networks_json(report))
    assert report.ok, said["failures"]
    assert (said["cases"], said["failed"], said["hung"]) == (2, 0, 0)
    assert said["max_cycle_difference"] == said["max_count_difference"] == 0
    assert said["output_mismatches"] == 0
    assert list(said["coverage"]) == list(NETWORK_BINS)
    assert {result.case.is_whole for result in report.results} == {True, False}
    assert not (tmp_path / "failures").exists()


def wrong_integers(graph: QuantisedGraph, inputs: Any) -> dict[str, Any]:
    """As if the reference were something else."""
    return {name: values + 1 for name, values in run_integers(graph, inputs).items()}


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_what_differs_is_reduced_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The written network can be run again."""
    monkeypatch.setitem(check.MAX_CYCLES, "icarus", 6_000)
    monkeypatch.setattr(check, "MAX_TRIALS", 3)
    with monkeypatch.context() as context:
        context.setattr(check, "run_integers", wrong_integers)
        words = ["verify", "--networks", "--random", "1", "--sim", "icarus", "--processes", "1"]
        assert main([*words, "-o", str(tmp_path), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    (failure,) = said["failures"]
    assert said["failed"] == 1
    assert failure["problem"] == "the outputs are wrong"
    assert said["output_mismatches"] > 0
    _, *command = failure["command"].split()
    assert main(command) == 0  # now that the reference is right again
    assert "equal" in capsys.readouterr().out


@pytest.mark.takes_seconds
def test_a_fault_on_the_way_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("no beats")

    (drawn,) = draw_networks(1, 4, max_cycles=10_000).cases
    monkeypatch.setattr(check, "build_network_program", broken)
    result = check.run_network_case(drawn.case, simulator=ICARUS)
    assert result.problem == "ZeroDivisionError: no beats"
    assert result.cycle_difference is None


@pytest.mark.parametrize(("number", "seed"), [(0, 0), (100_001, 0), (1, -1), (1, 1 << 63)])
def test_numbers_out_of_range_are_refused(number: int, seed: int) -> None:
    with pytest.raises(InputError, match="must be"):
        check.verify_networks(number, seed, simulator=ICARUS)


@pytest.mark.parametrize(
    "words",
    [
        ["--networks", "--stalls"],
        ["--networks", "--size", "large"],
        ["--networks", "--corrupt", "3"],
        ["--networks", "--case", "folder", "--random", "3"],
        ["--case", "folder"],
    ],
)
def test_options_of_another_kind_of_run_are_refused(words: list[str]) -> None:
    assert main(["verify", *words]) == 2


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("iverilog", "verilator")
@pytest.mark.parametrize(("sim", "number"), [("icarus", 10), ("verilator", 40)])
def test_random_networks_of_a_seed_never_used_before(
    sim: str, number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """NAAS_VERIFY_SEED repeats a run."""
    seed = os.environ.get("NAAS_VERIFY_SEED") or str(secrets.randbelow(1 << 31))
    words = ["verify", "--networks", "--random", str(number), "--seed", seed, "--sim", sim]
    status = main([*words, "--json", "-o", str(tmp_path / "failures")])
    said = json.loads(capsys.readouterr().out)
    assert status == 0, (seed, said["failures"])
    assert said["max_cycle_difference"] == said["max_count_difference"] == 0
    assert said["output_mismatches"] == said["hung"] == said["failed"] == 0
    if number >= 40:
        assert all(said["coverage"].values()), seed
