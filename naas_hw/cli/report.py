"""`naas report RUN`: all of a run in one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.system.text import printable


def report(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a design's files.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file; by default report.html in the run folder."),
    ] = None,
) -> None:
    """Write an HTML report of a run: one file, which a browser opens without a network."""
    from naas_hw import api

    print(f"the report is in {printable(str(api.report(run, output=output)))}")
