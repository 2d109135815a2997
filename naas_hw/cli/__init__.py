"""The command line: one file a command, each a thin face of a function of the library."""

from collections.abc import Sequence

from naas_hw.cli.exits import ExitStatus, run_to_status

__all__ = ["ExitStatus", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `naas` with these arguments, else those of the process; returns the exit status."""
    from naas_hw.cli.app import app

    return run_to_status(lambda: app(arguments, prog_name="naas", standalone_mode=False))
