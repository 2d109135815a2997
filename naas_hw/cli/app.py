"""The commands, in the order in which the help lists them."""

from importlib import metadata
from typing import Annotated

import typer

from naas_hw.cli.bench import bench
from naas_hw.cli.build import build
from naas_hw.cli.check import check
from naas_hw.cli.doctor import doctor
from naas_hw.cli.energy_table import energy_table
from naas_hw.cli.evaluate import evaluate
from naas_hw.cli.export import export
from naas_hw.cli.generate import generate
from naas_hw.cli.import_ import import_
from naas_hw.cli.map import map_
from naas_hw.cli.report import report
from naas_hw.cli.reproduce import reproduce
from naas_hw.cli.schema import schema
from naas_hw.cli.score import score
from naas_hw.cli.search import search
from naas_hw.cli.simulate import simulate
from naas_hw.cli.verify import verify

app = typer.Typer(
    name="naas",
    help="Search, generate and validate neural-network accelerators.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command()(check)
app.command()(search)
app.command(name="map")(map_)
app.command()(evaluate)
app.command()(generate)
app.command()(simulate)
app.command()(verify)
app.command()(build)
app.command()(export)
app.command(name="import")(import_)
app.command()(score)
app.command()(report)
app.command()(reproduce)
app.add_typer(bench, name="bench")
app.command(name="energy-table")(energy_table)
app.command()(schema)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"naas {metadata.version('naas_hw')}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Search, generate and validate neural-network accelerators."""
