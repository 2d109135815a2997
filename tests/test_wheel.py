"""The wheel holds all that naas needs: installed alone, without the source tree, it runs."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cost.random_case import Case
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.sim.case_files import write_case
from naas_hw.workload.layer import Layer

REPOSITORY = Path(__file__).resolve().parent.parent
DATA_SUFFIXES = {".json", ".yaml", ".csv"}


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source tree without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
        *("--no-build-isolation", "--wheel-dir", folder, REPOSITORY),
        cwd=folder,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel; its dependencies are those of this Python."""
    folder = tmp_path_factory.mktemp("installed")
    run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--target", folder, wheel),
        cwd=folder,
    )
    return folder


def python(installed: Path, *arguments: str) -> str:
    return run(sys.executable, *arguments, cwd=installed, PYTHONPATH=str(installed))


def files_below(folder: str, suffixes: set[str] | None = None) -> set[str]:
    """Files of the repository below a folder, without what Python leaves behind."""
    return {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file()
        and not {"__pycache__", "build", "sim_build"} & set(path.relative_to(REPOSITORY).parts)
        and (suffixes is None or path.suffix in suffixes)
    }


def test_wheel_holds_code_templates_benches_data_and_licence(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    moved = {f"naas_hw/_{name}" for name in files_below("templates") | files_below("sim")}
    assert moved
    kept = files_below("naas_hw", {".py", ".typed"} | DATA_SUFFIXES)
    assert moved | kept <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_holds_nothing_else(wheel: Path):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top.split("-")[0] for top in tops} == {"naas_hw"}


def test_resources_are_found_in_the_installed_wheel(installed: Path):
    code = (
        "from naas_hw.resources import bench_folder, template_folder\n"
        "print(template_folder()); print(bench_folder())"
    )
    templates, benches = python(installed, "-c", code).splitlines()
    assert Path(templates) == installed / "naas_hw" / "_templates"
    assert Path(benches) == installed / "naas_hw" / "_sim"


def test_command_line_runs_from_the_installed_wheel(installed: Path):
    schema = json.loads(python(installed, "-m", "naas_hw.cli", "schema", "network"))
    assert schema["title"] == "Network"


SIMULATE = """
import sys
from pathlib import Path
import numpy as np
import naas_hw
from naas_hw.sim.case_files import read_case
from naas_hw.sim.hardware import generate
from naas_hw.sim.layer import simulate_layer
from naas_hw.sim.simulators import find_simulator
case = read_case(Path(sys.argv[1]))
report = simulate_layer(
    generate(case.accelerator),
    case.layer,
    case.mapping,
    simulator=find_simulator("icarus"),
    rng=np.random.default_rng(0),
)
print(report.ok, report.predicted_cycles, report.simulated_cycles, naas_hw.__file__)
"""


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_templates_and_bench_of_the_installed_wheel_simulate_a_layer(
    installed: Path, tmp_path: Path
):
    """Generated and run by the copy that has no source tree beside it."""
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=2),),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        num_banks=3,
        bank_bytes=64,
        scale_depth=8,
        beat_bytes=4,
    )
    layer = Layer(name="layer", K=4, C=2, height=1, width=1)
    mapping = Mapping(l2=Bounds(K=2, C=2), spatial=Bounds(K=2))
    write_case(Case(accelerator=accelerator, layer=layer, mapping=mapping), tmp_path / "case")
    found = run(
        *(sys.executable, "-c", SIMULATE, tmp_path / "case"),
        cwd=installed,
        PYTHONPATH=str(installed),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    said, predicted, simulated, place = found.split()
    assert said == "True" and int(predicted) == int(simulated) > 0
    assert Path(place).is_relative_to(installed)


def test_entry_point_is_the_function_that_returns_the_exit_status(wheel: Path):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "naas = naas_hw.cli:main" in archive.read(name).decode()
