"""`naas export RUN --to timeloop|maestro`: a design in a peer's own format."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.cli.options import DesignFolder, Pad
from naas_hw.cli.panels import MAIN, TIMELOOP
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable


def export(
    run: DesignFolder,
    to: Annotated[
        str, typer.Option(help="The other model: timeloop or maestro.", rich_help_panel=MAIN)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The folder that gets the files.", rich_help_panel=MAIN
        ),
    ],
    layers: Annotated[
        str | None,
        typer.Option(
            help="Names of layers, separated by commas; all by default.", rich_help_panel=MAIN
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write into a folder that holds files.", rich_help_panel=MAIN),
    ] = False,
    version: Annotated[
        str,
        typer.Option(
            "--format", help="Version of the files: v0.3 or v0.4.", rich_help_panel=TIMELOOP
        ),
    ] = "v0.3",
    pad: Pad = False,
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, by default the run's.",
            rich_help_panel=TIMELOOP,
        ),
    ] = None,
) -> None:
    """Write a design as files for Timeloop or MAESTRO.

    A part of the design that their formats cannot express is refused by its name.

    Examples
    --------
    naas export run --to timeloop -o files
    naas export run --to timeloop --format v0.4 --layers conv1 -o files
    naas export run --to maestro -o files --force
    """
    from naas_hw import api
    from naas_hw.cli.choices import choice_of
    from naas_hw.exchange.formats import Format
    from naas_hw.exchange.timeloop_format import Version

    plan = api.export(
        run,
        to=choice_of(Format, to, "--to"),
        version=choice_of(Version, version, "--format"),
        pad=pad,
        layers=layers.split(",") if layers else None,
        table=energy_table,
    )
    if output.is_dir() and any(output.iterdir()) and not force:
        raise InputError(f"{output} must be empty or missing (--force writes into it)")
    plan.write(output)
    print(f"{len(plan)} files in {printable(str(output))}")
