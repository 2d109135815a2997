"""From a routed design to what is loaded into the FPGA."""

from pathlib import Path
from typing import Final

from naas_hw.core.errors import ToolError
from naas_hw.system.processes import run_program
from naas_hw.system.tools import require_tool

TOOL: Final = "yowasp-ecppack"
BITSTREAM: Final = "bitstream.bit"
_LIMIT_SECONDS: Final = 600


def pack(configuration: str, *, folder: Path) -> bytes:
    """The bitstream of a routed design, compressed.

    Parameters
    ----------
    configuration : file in the folder that nextpnr has written with `--textcfg`.

    Raises
    ------
    ToolError : ecppack is missing or failed.
    """
    command = [str(require_tool(TOOL)), "--compress"]
    command += ["--input", configuration, "--bit", BITSTREAM]
    ended = run_program(command, folder=folder, timeout_seconds=_LIMIT_SECONDS)
    place = folder / BITSTREAM
    if ended is None or ended.status or not place.is_file():
        said = "" if ended is None else " | ".join((ended.output + ended.errors).splitlines()[-3:])
        raise ToolError(f"{TOOL} must write a bitstream, not end without: {said}")
    return place.read_bytes()
