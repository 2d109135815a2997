"""`naas check MODEL`: what becomes of every operator of a model."""

from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.cli.exits import ExitStatus
from naas_hw.errors import InputError
from naas_hw.workload.check import CheckReport, Verdict
from naas_hw.workload.importer import check_model

_STYLES: Final = {
    Verdict.MAPPED: "green",
    Verdict.FOLDED: "",
    Verdict.HOST: "yellow",
    Verdict.UNSUPPORTED: "bold red",
}


def parse_shape(text: str) -> tuple[int, ...]:
    """`1x3x224x224` as sizes.

    Raises
    ------
    InputError for anything else.
    """
    parts = text.lower().split("x")
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise InputError(f"--input-shape must be sizes like 1x3x224x224, not {text!r}")
    return tuple(map(int, parts))


def check_table(report: CheckReport) -> Table:
    """The operators as a table, in order of execution."""
    table = Table(title=Text(f"Operators of {report.model}"), title_justify="left")
    for column in ("node", "operator", "becomes", "why"):
        table.add_column(column, overflow="fold")
    for operator in report.operators:
        table.add_row(
            Text(operator.name),
            Text(operator.operator),
            Text(operator.verdict.value, style=_STYLES[operator.verdict]),
            Text(operator.reason),
        )
    return table


def summary_of(report: CheckReport) -> str:
    """How many operators there are of each verdict."""
    counts = [f"{len(report.of(verdict))} {verdict.value}" for verdict in Verdict]
    return f"{report.model}: {', '.join(counts)}"


def check(
    model: Annotated[
        str,
        typer.Argument(
            help="A built-in name, a .yaml or .pt2 file, or module:callable (this runs its code)."
        ),
    ],
    resolution: Annotated[
        int | None, typer.Option(help="Rows and columns of the image, instead of the model's own.")
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option(help="The whole shape of the input, like 1x3x224x224.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """List every operator of a model: mapped, folded, host or unsupported.

    Exit status 1 if one is unsupported or none is mapped.
    """
    shape = parse_shape(input_shape) if input_shape is not None else None
    report = check_model(model, resolution=resolution, input_shape=shape)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        console = Console()
        console.print(check_table(report))
        console.print(Text(summary_of(report)))
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT
