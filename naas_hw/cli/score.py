"""`naas score RUN --with timeloop|maestro`: another model's figures of a design beside ours."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import DesignFolder, Json, Pad
from naas_hw.cli.panels import MAIN

if TYPE_CHECKING:
    from naas_hw.exchange.scores import LayerScore


def score(
    run: DesignFolder,
    peer: Annotated[
        str,
        typer.Option("--with", help="The other model: timeloop or maestro.", rich_help_panel=MAIN),
    ],
    layers: Annotated[
        str | None,
        typer.Option(
            help="Names of layers, separated by commas; all by default.", rich_help_panel=MAIN
        ),
    ] = None,
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, by default the run's.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=86400,
            help="Time limit for each layer, in seconds.",
            rich_help_panel=MAIN,
        ),
    ] = 300.0,
    pad: Pad = False,
    as_json: Json = False,
) -> int:
    """Run Timeloop or MAESTRO on a design, and show its figures next to ours.

    The other model's program must be on PATH. The exit status is 1 if a layer has no figures, or
    if the other model counts a wrong number of multiply-accumulates.

    Examples
    --------
    naas score run --with timeloop
    naas score run --with maestro --layers conv1,fc --json
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
        api.ScoreSettings(pad=pad, timeout_seconds=timeout),
        peer=wanted,
        layers=None if layers is None else [name.strip() for name in layers.split(",")],
        table=energy_table,
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
