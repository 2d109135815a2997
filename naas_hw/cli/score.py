"""`naas score RUN --with timeloop|maestro`: another model's figures of a design beside ours."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.exits import ExitStatus

if TYPE_CHECKING:
    from naas_hw.exchange.scores import LayerScore


def score(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a design's files.")],
    peer: Annotated[str, typer.Option("--with", help="timeloop or maestro.")],
    layers: Annotated[
        str | None, typer.Option(help="Names of layers, with commas; all if not given.")
    ] = None,
    pad: Annotated[
        bool,
        typer.Option("--pad", help="Enlarge problems whose edges Timeloop cannot count."),
    ] = False,
    energy_table: Annotated[
        str | None,
        typer.Option(help="Energy table or file; by default the one of the run."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=86400, help="Seconds for one layer.")
    ] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Run Timeloop or MAESTRO, which must be on PATH, on a design and show its figures beside ours.

    Exit status 1 if a layer has no figures, or other products than it was told.
    """
    from naas_hw import api
    from naas_hw.cli.choices import choice_of
    from naas_hw.cli.score_table import score_table
    from naas_hw.cli.tables import print_table
    from naas_hw.exchange.formats import Format

    wanted = choice_of(Format, peer, "--with")
    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(layer: "LayerScore") -> None:
        screen.print(f"{layer.name}: {layer.reason or 'scored'}", markup=False)

    report = api.score(
        run,
        peer=wanted,
        pad=pad,
        layers=None if layers is None else [name.strip() for name in layers.split(",")],
        table=energy_table,
        timeout_seconds=timeout,
        progress=tell if screen.is_terminal else None,
    )
    if as_json:
        print(json.dumps(api.score_figures(report), indent=2))
    else:
        print_table(score_table(f"{run.resolve().name}, {wanted} beside ours", report))
        for layer in report.layers:
            if layer.reason is not None:
                print(f"{layer.name}: {layer.reason}")
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT
