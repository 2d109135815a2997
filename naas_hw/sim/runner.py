"""Starts the process that builds or simulates, and ends it with all that it started."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from naas_hw.core.errors import SimulationError
from naas_hw.core.resources import bench_folder
from naas_hw.sim import runner_process
from naas_hw.sim.simulators import Simulator
from naas_hw.system.processes import RunningProgram

_LINES_OF_A_LOG: Final = 15


def run_runner(
    simulator: Simulator,
    request: Mapping[str, Any],
    folder: Path,
    *,
    optimize: str,
    log: Path,
    what: str,
    timeout_seconds: float | None = None,
) -> None:
    """Let cocotb's runner do what a request says, and wait for its end.

    Parameters
    ----------
    request : `build` or `test` with what it takes (see `runner_process`).
    folder : where it runs.
    optimize : of the C++ compiler, for Verilator.
    log : what is quoted where it fails.
    what : `build` or `run`, for messages and names of files.
    timeout_seconds : it is killed after that; None for no limit.

    Raises
    ------
    SimulationError where it fails, or takes too long.
    """
    request = {"simulator": simulator.name, "path": [str(bench_folder())], **request}
    path = folder / f"{what}_request.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    with (
        (folder / f"{what}_runner.log").open("wb") as output,
        RunningProgram(
            [sys.executable, "-P", runner_process.__file__, path],
            folder=folder,
            environment=simulator.environment(os.environ, optimize=optimize),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        try:
            status = child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise SimulationError(
                f"{simulator.name} did not end within {timeout_seconds} s and was stopped: "
                f"{log_tail(log)}"
            ) from None
    if status != 0:
        tail = log_tail(log) or log_tail(folder / f"{what}_runner.log")
        raise SimulationError(f"{what} with {simulator.name} failed: {tail}")


def log_tail(log: Path) -> str:
    """What a log says went wrong: its lines with "error", or its last ones."""
    if not log.is_file():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    wrong = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    return "\n".join((wrong or lines)[-_LINES_OF_A_LOG:]).replace(f"{log.parent}{os.sep}", "")
