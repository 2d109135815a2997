"""The machine that a measurement was made on, in words that name no host."""

import os
import platform
import re
from pathlib import Path
from typing import Final

CPU_FILE: Final = Path("/proc/cpuinfo")


def cpu_model(text: str) -> str:
    r"""The name of the CPU in the text of /proc/cpuinfo; `unknown CPU` where it has none.

    Examples
    --------
    >>> cpu_model("processor: 0\nmodel name\t: Example 9000\n")
    'Example 9000'
    """
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return found[1].strip() if found else "unknown CPU"


def describe_machine() -> str:
    """CPUs, their model, system and Python; nothing that tells whose machine it is."""
    text = CPU_FILE.read_text(encoding="utf-8") if CPU_FILE.is_file() else ""
    return (
        f"{os.cpu_count()} CPUs, {cpu_model(text)}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
