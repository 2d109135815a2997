"""The wheel holds all that naas needs: installed alone, without the source tree, it runs."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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
        "from naas_hw.core.resources import bench_folder, template_folder\n"
        "print(template_folder()); print(bench_folder())"
    )
    templates, benches = python(installed, "-c", code).splitlines()
    assert Path(templates) == installed / "naas_hw" / "_templates"
    assert Path(benches) == installed / "naas_hw" / "_sim"


def test_command_line_runs_from_the_installed_wheel(installed: Path):
    schema = json.loads(python(installed, "-m", "naas_hw.cli", "schema", "network"))
    assert schema["title"] == "Network"


SIMULATE = """
import numpy as np
import naas_hw
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.program import LayerTask, build_program
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.sim.hardware import generate
from naas_hw.sim.registers import start_writes
from naas_hw.sim.run import Start, run_starts
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.layer import Layer
from naas_hw.workload.arithmetic.quantise import random_quantised_layer

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
tensors = random_quantised_layer(layer, np.random.default_rng(0))
hardware = generate(accelerator)
task = LayerTask(layer=layer, mapping=mapping, tensors=tensors)
program = build_program(accelerator, [task], identity=hardware.identity)
(result,) = run_starts(
    hardware.build(),
    simulator=find_simulator("icarus"),
    starts=(Start(writes=tuple(start_writes(program))),),
    dram_image=program.image,
    latency=1,
    period=1,
    cycle_limit=5000,
)
same = np.array_equal(program.output(0, result.dram), reference_output(layer, tensors))
print(result.status, same, naas_hw.__file__)
"""


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_templates_and_bench_of_the_installed_wheel_simulate_a_layer(installed: Path):
    """Generated and run by the copy that has no source tree beside it."""
    found = run(
        *(sys.executable, "-c", SIMULATE),
        cwd=installed,
        PYTHONPATH=str(installed),
    )
    status, same, place = found.split()
    assert (status, same) == ("done", "True")
    assert Path(place).is_relative_to(installed)


def test_entry_point_is_the_function_that_returns_the_exit_status(wheel: Path):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "naas = naas_hw.cli:main" in archive.read(name).decode()
