"""`naas import SOURCE --from timeloop`: mappings out of a peer's files."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.core.errors import InputError
from naas_hw.system.text import printable


def import_(
    source: Annotated[
        Path,
        typer.Argument(help="Folder that `naas export` wrote, or a mapping with its problem.yaml."),
    ],
    from_: Annotated[str, typer.Option("--from", help="timeloop.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File that gets the mappings.")],
    design: Annotated[
        Path | None,
        typer.Option(help="Run folder whose accelerator must run them, on its layers."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Read mappings that were written for Timeloop, of version 0.3 or 0.4."""
    from naas_hw import api
    from naas_hw.exchange.formats import Format
    from naas_hw.system.files import write_file
    from naas_hw.system.yaml_files import dump_yaml

    if from_ != Format.TIMELOOP:
        raise InputError(f"--from must be {Format.TIMELOOP}, not {from_!r}")
    found = api.import_mappings(source, design=design)
    if out.exists() and not force:
        raise InputError(f"{out} must not exist (--force replaces it)")
    write_file(out, dump_yaml(found))
    print(f"mappings of {len(found.layers)} layers in {printable(str(out))}")
