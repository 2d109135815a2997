"""How long `naas quickstart` takes the very first time, and the second time.

Each is a fresh process. The first one finds empty caches: of the compiled search, and of built
simulators.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from naas_hw.core.errors import SimulationError
from naas_hw.system.processes import run_program
from naas_hw.system.temporary import temporary_folder

CACHE_VARIABLES: Final = ("NUMBA_CACHE_DIR", "NAAS_CACHE_DIR", "YOWASP_CACHE_DIR")
"""What names the folders in which the quickstart, and what it calls, keep what they have made."""


@dataclass(frozen=True, kw_only=True)
class QuickstartTime:
    """Seconds of one quickstart.

    Members
    -------
    total_seconds : of the process.
    cpu_seconds : of the process and of what it started, which other jobs change little.
    steps : name of a step -> its seconds; `start` is what is left: Python, imports, the table.
    simulator : and its version.
    """

    total_seconds: float
    cpu_seconds: float
    steps: Mapping[str, float]
    simulator: str


@dataclass(frozen=True, kw_only=True)
class QuickstartBench:
    """The very first time, and the second time."""

    first: QuickstartTime
    second: QuickstartTime

    @property
    def figures(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return asdict(self)


def bench_quickstart(
    *, clock: Callable[[], tuple[float, float]], simulator: str | None = None
) -> QuickstartBench:
    """Run the quickstart twice, the first time with empty caches.

    Parameters
    ----------
    clock : gives seconds of wall, and of the CPU for this process and its children that ended.
    simulator : icarus or verilator; None: as the quickstart chooses.

    Raises
    ------
    SimulationError : a quickstart failed.
    """
    with temporary_folder("naas_quickstart_") as folder:
        caches = {name: str(folder / name.lower()) for name in CACHE_VARIABLES}
        first, second = (
            _measure(folder / name, {**os.environ, **caches}, clock, simulator)
            for name in ("first", "second")
        )
    return QuickstartBench(first=first, second=second)


def _measure(
    run: Path,
    environment: Mapping[str, str],
    clock: Callable[[], tuple[float, float]],
    simulator: str | None,
) -> QuickstartTime:
    """One quickstart in a process of its own."""
    command = [sys.executable, "-m", "naas_hw.cli", "quickstart", "--json", "-o", str(run)]
    if simulator is not None:
        command += ["--sim", simulator]
    begin, cpu_begin = clock()
    ended = run_program(command, environment=environment)
    end, cpu_end = clock()
    if ended is None or ended.status != 0:
        raise SimulationError(f"naas quickstart failed: {ended.errors if ended else 'no answer'}")
    figures = json.loads(ended.output)
    steps = figures["seconds"]
    return QuickstartTime(
        total_seconds=end - begin,
        cpu_seconds=cpu_end - cpu_begin,
        steps={"start": end - begin - sum(steps.values()), **steps},
        simulator=figures["simulator"],
    )
