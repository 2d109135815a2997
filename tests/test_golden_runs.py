"""Run folders of earlier releases: today's verbs read them and give the figures they recorded."""

import json
import tarfile
from pathlib import Path

import pytest

from naas_hw import api
from naas_hw.api.consistency import findings

GOLDEN = Path(__file__).parent / "golden"
MAX_BYTES = 300_000
ARCHIVES = sorted(GOLDEN.glob("run-*.tar.xz"))
FIRST = "run-0.1.0.tar.xz"


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The run folder out of its archive, for one test: some verbs write."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    return folder


def test_there_is_one_of_the_first_release() -> None:
    assert FIRST in {path.name for path in ARCHIVES}


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name)
def test_a_run_is_small_enough_for_the_repository(archive: Path) -> None:
    assert archive.stat().st_size <= MAX_BYTES


@pytest.mark.takes_seconds
def test_evaluate_gives_the_recorded_cycles_and_energy(run: Path) -> None:
    (recorded,) = json.loads((run / "result.json").read_text())["networks"]
    network = api.evaluate(run)
    assert network.cycles == recorded["cycles"]
    assert network.energy_pj == pytest.approx(recorded["energy_pj"], rel=1e-12)
    for report, layer in zip(network.layers, recorded["layers"], strict=True):
        assert report.layer == layer["name"]
        assert report.cycles == layer["cycles"]
        assert report.energy_pj == pytest.approx(layer["energy_pj"], rel=1e-12)


@pytest.mark.takes_seconds
def test_the_prediction_is_what_the_rtl_of_that_release_did(run: Path) -> None:
    simulated = json.loads((run / "sim" / "simulated.json").read_text())
    predicted = {report.layer: report.cycles for report in api.evaluate(run).layers}
    assert simulated["ok"]
    assert {one["name"]: one["simulated_cycles"] for one in simulated["layers"]} == predicted


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog")
def test_simulate_gives_the_cycles_that_its_rtl_had(run: Path) -> None:
    recorded = json.loads((run / "sim" / "simulated.json").read_text())
    result = api.simulate(run, api.SimulationSettings(simulator="icarus"))
    assert result.ok
    assert [one.simulated_cycles for one in result.layers] == [
        one["simulated_cycles"] for one in recorded["layers"]
    ]


@pytest.mark.takes_seconds
def test_doctor_finds_that_its_files_belong_together(run: Path) -> None:
    assert findings(run) == []


@pytest.mark.takes_seconds
def test_a_report_is_made_of_it_with_its_simulation(run: Path) -> None:
    page = api.report(run).read_text(encoding="utf-8")
    simulated = json.loads((run / "sim" / "simulated.json").read_text())
    for layer in simulated["layers"]:
        assert layer["name"] in page
        assert f"{layer['simulated_cycles']:,}" in page
