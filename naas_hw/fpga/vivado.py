"""A project for Vivado, which places and routes 7-series; no open tool here does."""

from collections.abc import Mapping
from typing import Final

from naas_hw.arch.devices import DevicePart
from naas_hw.fpga.harness import CLOCK, render

FOLDER: Final = "vivado"
PROJECT: Final = "naas"


def vivado_part(part: DevicePart) -> str:
    """The part as Vivado calls it.

    >>> from naas_hw.arch.devices import find_part
    >>> vivado_part(find_part("xc7a100t"))
    'xc7a100tcsg324-1'
    """
    return f"{part.device.name}{part.package.lower()}-{part.speed_grade}"


def vivado_files(
    sources: Mapping[str, str], *, top: str, part: DevicePart, target_mhz: float
) -> dict[str, str]:
    """The files of a project: `build.tcl`, `constraints.xdc`, and the sources.

    Parameters
    ----------
    sources : file name -> Verilog.
    top : module that is built.
    target_mhz : the clock that is wanted.

    Returns
    -------
    path below the build -> content.
    """
    script = render(
        "vivado.tcl.j2",
        part=vivado_part(part),
        project=PROJECT,
        sources=list(sources),
        top=top,
    )
    constraints = render("vivado.xdc.j2", clock=CLOCK, period_ns=1000 / target_mhz)
    files = {"build.tcl": script, "constraints.xdc": constraints}
    files |= {f"sources/{name}": text for name, text in sources.items()}
    return {f"{FOLDER}/{name}": text for name, text in files.items()}
