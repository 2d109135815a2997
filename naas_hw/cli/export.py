"""`naas export RUN --to timeloop|maestro`: a design in a peer's own format."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.core.errors import InputError
from naas_hw.system.text import printable


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a design's files.")],
    to: Annotated[str, typer.Option(help="timeloop or maestro.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder that gets the files.")],
    version: Annotated[
        str, typer.Option("--format", help="Of Timeloop's files: v0.3 or v0.4.")
    ] = "v0.3",
    pad: Annotated[
        bool,
        typer.Option("--pad", help="Enlarge problems whose edges Timeloop cannot count."),
    ] = False,
    layers: Annotated[
        str | None, typer.Option(help="Layers, with commas; all if not given.")
    ] = None,
    energy_table: Annotated[
        str | None,
        typer.Option(help="Energy table or file (timeloop); by default the one of the run."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write where files are.")] = False,
) -> None:
    """Write a design for other people's models; what they cannot say is refused by name."""
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
    if out.is_dir() and any(out.iterdir()) and not force:
        raise InputError(f"{out} must be empty or missing (--force writes into it)")
    plan.write(out)
    print(f"{len(plan)} files in {printable(str(out))}")
