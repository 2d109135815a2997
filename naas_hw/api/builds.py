"""Accelerators on an FPGA."""

from pathlib import Path

from naas_hw.api.settings import BuildSettings
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.files import read_accelerator
from naas_hw.fpga.build import BuildReport, BuildResult
from naas_hw.fpga.build import build as build_accelerator
from naas_hw.runs.folder import RunFolder


def build(design: Accelerator | str | Path, settings: BuildSettings) -> BuildReport:
    """Synthesise, place and route an accelerator.

    Parameters
    ----------
    design : a value, a YAML file, or a run folder, which gets the result in `fpga/`.

    Raises
    ------
    InputError : the design is missing or wrong, or a target, seed or limit is out of range.
    ToolError : a tool is missing, or the accelerator does not fit the part.
    """
    if isinstance(design, Accelerator):
        return _built(design, settings).report
    path = Path(design)
    if not path.is_dir():
        return _built(read_accelerator(path), settings).report
    with RunFolder.open(path) as run:
        result = _built(read_accelerator(run.place("accelerator.yaml")), settings)
        run.write_files(
            {f"fpga/{name}": text for name, text in result.files.items()}, instead_of=["fpga"]
        )
    return result.report


def _built(accelerator: Accelerator, settings: BuildSettings) -> BuildResult:
    return build_accelerator(
        accelerator,
        settings.part,
        target_mhz=settings.target_mhz,
        seeds=settings.seeds,
        limit_minutes=settings.limit_minutes,
    )
