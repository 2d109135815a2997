"""Runs cocotb's runner in a process of its own: `python -P runner_process.py REQUEST.json`.

The runner takes PATH and other settings from the environment of its process, so it gets one; and
what hangs can be killed together with all that it started.

Request: `simulator`, `path` (folders put before Python's own), and `build` or `test`: keyword
arguments of the runner's method of that name.
"""

import json
import sys
from pathlib import Path

from cocotb_tools.runner import get_runner


def main(request_path: str) -> None:
    """Do what the request says."""
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    sys.path[:0] = request["path"]
    runner = get_runner(request["simulator"])
    if "build" in request:
        timescale = request["build"].pop("timescale")
        runner.build(timescale=(timescale[0], timescale[1]), **request["build"])
    else:
        runner.test(**request["test"])


if __name__ == "__main__":
    main(sys.argv[1])
