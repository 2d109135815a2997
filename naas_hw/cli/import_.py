"""`naas import SOURCE --from timeloop`: mappings out of a peer's files."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.cli.panels import MAIN
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="A folder that `naas export` wrote, or a mapping next to its problem.yaml."
        ),
    ],
    from_: Annotated[
        str,
        typer.Option("--from", help="The other model: timeloop.", rich_help_panel=MAIN),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The file that gets the mappings.", rich_help_panel=MAIN
        ),
    ],
    design: Annotated[
        Path | None,
        typer.Option(
            help="A run folder: check that its accelerator can run the mappings on its layers.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace a file that exists already.", rich_help_panel=MAIN),
    ] = False,
) -> None:
    """Read mappings from Timeloop's files of version 0.3 or 0.4.

    Examples
    --------
    naas import files --from timeloop -o mapping.yaml
    naas import files --from timeloop --design run -o mapping.yaml --force
    """
    from naas_hw import api
    from naas_hw.exchange.formats import Format
    from naas_hw.system.files import write_file
    from naas_hw.system.yaml_files import dump_yaml

    if from_ != Format.TIMELOOP:
        raise InputError(f"--from must be {Format.TIMELOOP}, not {from_!r}")
    mappings = api.import_mappings(source, design=design)
    if output.exists() and not force:
        raise InputError(f"{output} exists already (--force replaces it)")
    write_file(output, dump_yaml(mappings))
    print(f"mappings of {len(mappings.layers)} layers in {printable(str(output))}")
