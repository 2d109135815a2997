"""Accelerators on an FPGA."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from naas_hw.api.settings import BuildSettings
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.files import read_accelerator
from naas_hw.core.errors import InputError
from naas_hw.fpga.build import build as build_accelerator
from naas_hw.fpga.build_report import BuildReport, BuildResult
from naas_hw.fpga.network_speed import network_speed
from naas_hw.fpga.progress import ProgressCallback
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.result_json import RESULT_FILE, ResultRecord
from naas_hw.system.files import write_files
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validate

FOLDER: Final = "fpga"
"""Where a run keeps its build."""
REPORT: Final = "build.json"


def build(
    design: Accelerator | str | Path,
    settings: BuildSettings,
    *,
    output: str | Path | None = None,
    progress: ProgressCallback | None = None,
) -> BuildReport:
    """Synthesise, place and route an accelerator.

    Parameters
    ----------
    design : a value, a YAML file, or a run folder, which gets the result in `fpga/` if no output
        is given.
    output : folder that gets report, netlist, logs, constraints and bitstream; new, empty, or with
        an older build, which is replaced. None: nothing is kept, but of a run.
    progress : told how far it is.

    Raises
    ------
    InputError : the design is missing or wrong, a target, seed or limit is out of range, the
        design does not fit the part, or the output holds something else.
    ToolError : a tool is missing or failed; synthesis took longer than the limit.
    """
    folder = None if output is None else Path(output)
    if folder is not None:
        check_output(folder)
    if not isinstance(design, Accelerator) and Path(design).is_dir():
        return _build_run(Path(design), settings, folder, progress)
    accelerator = design if isinstance(design, Accelerator) else read_accelerator(design)
    result = _built(accelerator, settings, progress)
    if folder is not None:
        write_files(folder, result.files)
    return result.report


def check_output(folder: Path) -> None:
    """Refuse a folder that holds something other than a build.

    Raises
    ------
    InputError : says which.
    """
    if not folder.exists() or (folder / REPORT).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise InputError(
            f"{folder} must be a new folder, an empty one, or one that holds a build ({REPORT})"
        )


def _build_run(
    path: Path, settings: BuildSettings, folder: Path | None, progress: ProgressCallback | None
) -> BuildReport:
    with RunFolder.open(path) as run:
        result = _built(read_accelerator(run.place("accelerator.yaml")), settings, progress)
        if settings.board is not None:
            result = _with_networks(result, run)
        if folder is not None:
            write_files(folder, result.files)
        else:
            files = {f"{FOLDER}/{name}": content for name, content in result.files.items()}
            run.write_files(files, instead_of=[FOLDER])
    return result.report


def _with_networks(result: BuildResult, run: RunFolder) -> BuildResult:
    """The same with the speed of the run's networks, where both clock and cycles are known."""
    clock_mhz, path = result.report.clock_mhz, run.place(RESULT_FILE)
    if clock_mhz is None or not path.is_file():
        return result
    record = validate(ResultRecord, read_json(path), str(path))
    networks = tuple(
        network_speed(network.name, network.cycles, clock_mhz=clock_mhz)
        for network in record.networks
    )
    report = replace(result.report, networks=networks)
    return BuildResult(report=report, files={**result.files, REPORT: report.json})


def _built(
    accelerator: Accelerator, settings: BuildSettings, progress: ProgressCallback | None
) -> BuildResult:
    return build_accelerator(
        accelerator,
        settings.part,
        target_mhz=settings.target_mhz,
        seeds=settings.seeds,
        limit_minutes=settings.limit_minutes,
        placer=settings.placer,
        board=settings.board,
        memory_bytes=settings.memory_bytes,
        part_of=settings.part_of,
        progress=progress,
    )
