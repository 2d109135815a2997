"""The commands, in the order in which the help lists them."""

from collections.abc import Callable
from importlib import metadata
from typing import Annotated, Final

import typer

from naas_hw.cli.bench import bench
from naas_hw.cli.build import build
from naas_hw.cli.check import check
from naas_hw.cli.command import Command, Group, command_with_old_names
from naas_hw.cli.compile import compile_
from naas_hw.cli.cosearch import cosearch
from naas_hw.cli.doctor import doctor
from naas_hw.cli.energy_table import energy_table
from naas_hw.cli.evaluate import evaluate
from naas_hw.cli.execute import execute
from naas_hw.cli.export import export
from naas_hw.cli.generate import generate
from naas_hw.cli.import_ import import_
from naas_hw.cli.map import map_
from naas_hw.cli.panels import OUTPUT
from naas_hw.cli.quantise import quantise
from naas_hw.cli.quickstart import quickstart
from naas_hw.cli.report import report
from naas_hw.cli.reproduce import reproduce
from naas_hw.cli.schema import schema
from naas_hw.cli.score import score
from naas_hw.cli.search import search
from naas_hw.cli.simulate import simulate
from naas_hw.cli.verify import verify

DESIGN: Final = "Search and use designs"
HARDWARE: Final = "Verify and build hardware"
OTHER_MODELS: Final = "Compare with other models"
ABOUT: Final = "Measure and set up"

app = typer.Typer(
    name="naas",
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _add(
    command: Callable[..., object],
    panel: str,
    *,
    name: str | None = None,
    cls: type[Command] = Command,
) -> None:
    app.command(name=name, cls=cls, rich_help_panel=panel)(command)


_add(quickstart, DESIGN)
_add(check, DESIGN)
_add(quantise, DESIGN)
_add(search, DESIGN)
_add(cosearch, DESIGN)
_add(map_, DESIGN, name="map")
_add(evaluate, DESIGN)
_add(report, DESIGN)
_add(generate, HARDWARE)
_add(simulate, HARDWARE)
_add(verify, HARDWARE)
_add(build, HARDWARE)
_add(execute, HARDWARE)
_add(export, OTHER_MODELS, cls=command_with_old_names({"--out": "--output"}))
_add(import_, OTHER_MODELS, name="import", cls=command_with_old_names({"--out": "--output"}))
_add(score, OTHER_MODELS)
_add(doctor, ABOUT)
_add(compile_, ABOUT, name="compile")
_add(schema, ABOUT)
_add(energy_table, ABOUT, name="energy-table")
app.add_typer(bench, name="bench", rich_help_panel=ABOUT)
_add(reproduce, ABOUT, cls=command_with_old_names({"--beside-chance": "--random-layers"}))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"naas {metadata.version('naas_hw')}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Search, generate and validate neural-network accelerators.

    Examples
    --------
    naas search mobilenet_v2 --budget eyeriss -o run
    naas evaluate run
    naas generate run
    naas simulate run --sim icarus
    """
