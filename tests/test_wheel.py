"""The wheel holds all that naas needs: installed alone, without the source tree, it runs."""

import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
DATA_SUFFIXES = {".json", ".yaml", ".csv"}
EPOCH = "1700000000"


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


def build(folder: Path, source: Path = REPOSITORY) -> list[Path]:
    """The sdist and the wheel, built without a network; their files bear the time `EPOCH`."""
    run(
        *(sys.executable, "-m", "hatchling", "build", "--directory", folder),
        cwd=source,
        SOURCE_DATE_EPOCH=EPOCH,
    )
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The sdist and the wheel of the source tree."""
    return build(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="session")
def wheel(release: list[Path]) -> Path:
    (built,) = (path for path in release if path.suffix == ".whl")
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


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_the_quickstart_of_the_installed_wheel_passes(installed: Path, tmp_path: Path):
    """With empty caches: nothing of the source tree, and nothing that was compiled before."""
    caches = {name: str(tmp_path / name) for name in ("NUMBA_CACHE_DIR", "NAAS_CACHE_DIR")}
    figures = run(
        *(sys.executable, "-m", "naas_hw.cli", "quickstart", "--sim", "icarus", "--json"),
        *("-o", tmp_path / "run"),
        cwd=installed,
        PYTHONPATH=str(installed),
        **caches,
    )
    assert json.loads(figures)["ok"] is True


def test_entry_point_is_the_function_that_returns_the_exit_status(wheel: Path):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "naas = naas_hw.cli:main" in archive.read(name).decode()


@pytest.mark.takes_seconds
def test_a_second_build_gives_the_same_bytes(release: list[Path], tmp_path: Path):
    """From the sdist, whose files have other times than those of the source tree."""
    (sdist,) = (path for path in release if path.name.endswith(".tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build(tmp_path / "again", source)
    assert [path.name for path in again] == [path.name for path in release]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in release]


def test_files_in_the_wheel_bear_the_time_that_was_given(wheel: Path):
    given = time.gmtime(int(EPOCH))[:5]
    assert {file.date_time[:5] for file in zipfile.ZipFile(wheel).infolist()} == {given}


@pytest.mark.takes_seconds
def test_a_package_index_has_nothing_to_complain_of(release: list[Path], tmp_path: Path):
    said = run(*(sys.executable, "-m", "twine", "check", "--strict"), *release, cwd=tmp_path)
    assert said.count("PASSED") == len(release) == 2


def test_the_source_distribution_has_what_its_tests_and_documents_read(release: list[Path]):
    (sdist,) = (path for path in release if path.name.endswith(".tar.gz"))
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {"Makefile", "README.md", "SECURITY.md", "CONTRIBUTING.md", "constraints.txt"}
    assert names >= {"CITATION.cff", "CHANGELOG.md", "mkdocs.yml", ".github/workflows/test.yml"}


@pytest.mark.slow
def test_a_release_has_a_bill_of_materials_with_licences(tmp_path: Path):
    """In a copy of the repository, as `make release-check` leaves its files in `build/release`."""
    run("git", "clone", "--quiet", REPOSITORY, "source", cwd=tmp_path)
    source = tmp_path / "source"
    (source / ".venv").symlink_to(Path(sys.prefix))
    run("bash", "scripts/release_check.sh", cwd=source, SOURCE_DATE_EPOCH=EPOCH)
    bill = json.loads((source / "build" / "release" / "dist" / "naas_hw.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    licences = {one["name"]: one.get("licenses") for one in bill["components"]}
    assert licences["numpy"] and licences["amaranth"] and "torch" not in licences
