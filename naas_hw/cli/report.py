"""`naas report RUN`: all of a run in one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.cli.options import DesignFolder
from naas_hw.cli.panels import MAIN
from naas_hw.system.text import printable


def report(
    run: DesignFolder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write, by default report.html in the run folder.",
            rich_help_panel=MAIN,
        ),
    ] = None,
) -> None:
    """Write an HTML report of a run: one file, which a browser opens without a network.

    Examples
    --------
    naas report run
    naas report run -o report.html
    """
    from naas_hw import api

    print(f"the report is in {printable(str(api.report(run, output=output)))}")
