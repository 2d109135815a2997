"""The command line: one file for each command, which calls a function of `naas_hw.api`."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from naas_hw.cli.exits import ExitStatus, run_to_status
from naas_hw.system.platforms import this_platform, untested_platform

__all__ = ["ExitStatus", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `naas` with these arguments, else those of the process; returns the exit status."""
    from naas_hw.cli.app import app

    note_platform(*this_platform())
    return run_to_status(lambda: app(arguments, prog_name="naas", standalone_mode=False))


@cache
def note_platform(system: str, machine: str, python: tuple[int, int]) -> None:
    """Say once in a process, on the error stream, that naas_hw is not tested here."""
    note = untested_platform(system, machine, python)
    if note is not None and sys.stderr is not None:
        with suppress(OSError):  # nobody reads the error stream any more
            print(f"naas: note: {note}", file=sys.stderr)
