"""A build goes into the run folder that holds the accelerator, and nowhere else."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from naas_hw import api
from naas_hw.api import builds
from naas_hw.arch.boards import find_board
from naas_hw.arch.devices import Resources
from naas_hw.arch.technology import SIZED
from naas_hw.cli.build import _closing_lines
from naas_hw.core.errors import InputError
from naas_hw.fpga.build_report import BuildReport, BuildResult
from naas_hw.search.objective import Objective
from naas_hw.system.yaml_files import dump_yaml
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

SETTINGS = api.BuildSettings(part=api.find_part("lfe5u-85f"), seeds=(3, 4), limit_minutes=5.0)
ACCELERATOR = api.find_accelerator("nvdla-256")

REPORT = BuildReport(
    accelerator="x",
    num_macs=256,
    device="lfe5u-85f",
    package="CABGA381",
    speed_grade=6,
    digest="0" * 16,
    tools={},
    target_mhz=50.0,
    seed=None,
    fmax_of_seeds={},
    core=Resources(),
    harness=Resources(),
    usage={},
    components=(),
    critical_path=(),
    critical_components=(),
)

QUICK = api.MappingSettings(
    objective=Objective.EDP, table=SIZED, evaluations=50, proof_evaluations=0
)


@pytest.fixture
def asked(monkeypatch):
    """What the flow was called with; it builds nothing, and answers at once."""
    calls = []

    def build(accelerator, part, **options):
        calls.append((accelerator, part, options))
        return SimpleNamespace(report="report", files={"build.json": "{}"})

    monkeypatch.setattr(builds, "build_accelerator", build)
    return calls


def test_a_value_is_built_with_the_settings(asked):
    assert api.build(ACCELERATOR, SETTINGS) == "report"
    options = {"target_mhz": 80.0, "seeds": (3, 4), "limit_minutes": 5.0, "placer": "static"}
    options |= {"board": None, "memory_bytes": None, "part_of": None, "progress": None}
    assert asked == [(ACCELERATOR, SETTINGS.part, options)]


def test_a_file_is_built_and_nothing_is_written_beside_it(asked, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(dump_yaml(ACCELERATOR))
    api.build(path, SETTINGS)
    assert asked[0][0] == ACCELERATOR
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_folder_gets_the_files(asked, tmp_path):
    run = tmp_path / "run"
    layer = Layer(name="only", K=4, C=4, P=2, Q=2, height=2, width=2)
    api.map(Network(name="one", layers=(layer,)), ACCELERATOR, QUICK, run=run)
    assert api.build(run, SETTINGS) == "report"
    assert asked[0][0] == ACCELERATOR
    assert (run / "fpga" / "build.json").read_text() == "{}"


def test_a_folder_that_is_no_run_is_refused(asked, tmp_path):
    with pytest.raises(InputError):
        api.build(tmp_path, SETTINGS)
    assert not asked


def test_a_run_on_a_board_gets_images_a_second_of_its_networks(asked, tmp_path, monkeypatch):
    run, board = tmp_path / "run", find_board("ulx3s-85f")
    layer = Layer(name="only", K=4, C=4, P=2, Q=2, height=2, width=2)
    mapped = api.map(Network(name="one", layers=(layer,)), ACCELERATOR, QUICK, run=run)
    report = replace(REPORT, clock_mhz=50.0)

    def build(accelerator, part, **options):
        return BuildResult(report=report, files={"build.json": report.json})

    monkeypatch.setattr(builds, "build_accelerator", build)
    settings = api.BuildSettings(part=board.part, board=board)
    built = api.build(run, settings)
    cycles = mapped.report.cycles
    images = round(50e6 / cycles, 3)
    expected = {"name": "one", "cycles": cycles, "images_per_second": images}
    assert [asdict(network) for network in built.networks] == [expected]
    written = json.loads((run / "fpga" / "build.json").read_text())
    assert written["networks"] == [expected]
    line = f"one: {images:,.2f} images a second at 50 MHz, {cycles:,} cycles each by the model"
    assert line in _closing_lines(built, run)
