"""Verilog of any tool to cells of an ECP5, by the script that `naas build` gives to yosys."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from naas_hw.arch.devices import TARGET_MHZ, find_part
from naas_hw.arch.files import read_accelerator
from naas_hw.core.errors import ToolError
from naas_hw.emit.yosys import run_yosys
from naas_hw.fpga.build import build
from naas_hw.fpga.synthesis import NETLIST, read_netlist, synthesis_script
from side_by_side.outcomes import LimitError

DEVICE: Final = "lfe5u-85f"
_READ: Final = "read_verilog -DSYNTHESIS"
_READ_SYSTEMVERILOG: Final = "read_slang --threads 1 -DSYNTHESIS"


def synthesise_files(
    files: Sequence[Path],
    *,
    top: str,
    parameters: Mapping[str, int],
    folder: Path,
    limit_minutes: float,
) -> dict[str, Any]:
    """Resources of a module; its ports end at no pins, which takes and saves nothing.

    Raises
    ------
    LimitError : yosys took longer than the limit.
    ToolError : yosys failed.
    """
    start = time.monotonic()
    script = peer_script([path.resolve() for path in files], top=top, parameters=parameters)
    try:
        run_yosys(script, folder=folder, limit_minutes=limit_minutes)
    except ToolError as error:
        raise (LimitError(_limit_text(limit_minutes)) if _is_limit(error) else error) from None
    netlist = read_netlist(json.loads((folder / NETLIST).read_text(encoding="utf-8")), top=top)
    return {**asdict(netlist.resources), "seconds": time.monotonic() - start}


def peer_script(files: Sequence[Path], *, top: str, parameters: Mapping[str, int]) -> str:
    """The script of `naas build`; SystemVerilog is read by yosys' other front end, slang."""
    script = synthesis_script([str(path) for path in files], top=top, target_mhz=TARGET_MHZ)
    if all(path.suffix == ".v" for path in files):
        return script
    settings = "".join(f" -G {name}={value}" for name, value in parameters.items())
    return script.replace(_READ, f"{_READ_SYSTEMVERILOG} --top {top}{settings}", 1)


def synthesise_naas(accelerator: Path, limit_minutes: float) -> dict[str, Any]:
    """Resources of an accelerator of naas, as `naas build` finds them before place and route."""
    start = time.monotonic()
    part = find_part(DEVICE)
    try:
        result = build(
            read_accelerator(accelerator), part, limit_minutes=limit_minutes, is_routed=False
        )
    except ToolError as error:
        raise (LimitError(_limit_text(limit_minutes)) if _is_limit(error) else error) from None
    return {**asdict(result.report.core), "seconds": time.monotonic() - start}


def _is_limit(error: ToolError) -> bool:
    return "must end within" in str(error)


def _limit_text(limit_minutes: float) -> str:
    return f"synthesis did not end in {limit_minutes:g} minutes"
