"""`naas search --budget BOARD`: what is printed, what result.json and the report say."""

import json

import pytest

from naas_hw import api
from naas_hw.arch.boards import find_board
from naas_hw.arch.devices import DEVICES
from naas_hw.cli import main
from naas_hw.cost.fpga.limits import predict, violations
from naas_hw.cost.fpga.model import fitted_model
from naas_hw.system.yaml_files import dump_yaml

FAST = [
    *("--generations", "2", "--population", "2", "--evaluations", "40"),
    *("--min-legal", "5", "--processes", "1"),
]
RESOURCES = ("lut4", "ff", "dsp", "block_ram")


@pytest.fixture
def words(tmp_path, design_folder):
    """The words of a search for a board of one's own, its budget behind `--budget`."""
    board = find_board("ulx3s-85f").model_copy(update={"name": "mine"})
    (tmp_path / "mine.yaml").write_text(dump_yaml(board))
    network, budget = design_folder / "network.yaml", tmp_path / "mine.yaml"
    return ["search", str(network), "--budget", str(budget), "-o", str(tmp_path / "run"), *FAST]


def test_run_and_report_say_board_resources_clock_and_milliseconds(words, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(words) == 0
    told = capsys.readouterr().out
    result = json.loads((run / "result.json").read_text())
    design, fpga = api.read_design(run), result["fpga"]
    budget = api.find_budget(words[3])
    assert budget.fpga is not None
    predicted = predict(design.accelerator, budget.fpga)
    assert violations(budget, design.accelerator) == []
    assert (fpga["board"], fpga["device"], fpga["speed_grade"]) == ("mine", "lfe5u-85f", 6)
    assert tuple(fpga["predicted"]) == (*RESOURCES, "clock_mhz")
    for name in RESOURCES:
        assert fpga["predicted"][name] == getattr(predicted.resources, name)
        assert fpga["predicted"][name] <= fpga["limits"][name]
    assert fpga["predicted"]["clock_mhz"] == round(predicted.clock_mhz, 2)
    assert fpga["is_provisional"] == fitted_model().is_provisional
    (network,) = result["networks"]
    milliseconds = network["cycles"] / (1000 * predicted.clock_mhz)
    assert network["milliseconds"] == pytest.approx(milliseconds)
    assert result["objective"] == "latency"
    assert result["score"] == pytest.approx(milliseconds) == fpga["milliseconds"]
    assert tuple(result["front"]["reference"]) == ("milliseconds", "energy_pj", "area_um2")
    assert all("milliseconds" in point for point in result["front"]["points"])
    available = DEVICES["lfe5u-85f"].resources
    assert f"{predicted.resources.dsp} of {available.dsp} DSP" in told
    assert f"{milliseconds:,.3f} ms" in told and f"{predicted.clock_mhz:.1f} MHz" in told
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text()
    assert f"{predicted.resources.dsp} of {available.dsp}" in page
    assert "predicted for mine" in page and "Energy over milliseconds" in page


def test_an_objective_that_is_given_is_kept(words, tmp_path):
    assert main([*words, "--objective", "edp"]) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    (network,) = result["networks"]
    assert result["objective"] == "edp"
    assert result["score"] == pytest.approx(network["milliseconds"] * network["energy_pj"])


def test_a_board_without_dram_is_refused(design_folder, tmp_path, capsys):
    board = find_board("ulx3s-85f").model_copy(update={"dram": None})
    (tmp_path / "bare.yaml").write_text(dump_yaml(board))
    network = str(design_folder / "network.yaml")
    words = ["search", network, "--budget", str(tmp_path / "bare.yaml"), "-o", str(tmp_path / "x")]
    assert main(words) == 2
    assert "budget must be a board with `dram`" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_search_of_networks_takes_no_board(tmp_path, capsys):
    words = ["cosearch", "ofa-resnet50", "--min-accuracy", "70", "--budget", "ulx3s-85f"]
    assert main([*words, "-o", str(tmp_path / "x"), *FAST]) == 2
    assert "must limit PEs and bytes where networks are searched too" in capsys.readouterr().err
