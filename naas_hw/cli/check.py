"""`naas check MODEL`: what becomes of every operator of a model."""

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.models import Host, InputShape, NetworkSource, Resolution, shape_of
from naas_hw.cli.options import Json
from naas_hw.workload.check import UNKNOWN, CheckReport, Macs, Verdict
from naas_hw.workload.frontends.importer import check_model

_STYLES: Final = {
    Verdict.MAPPED: "green",
    Verdict.FOLDED: "",
    Verdict.HOST: "yellow",
    Verdict.UNSUPPORTED: "bold red",
}


def check_table(report: CheckReport) -> Table:
    """The operators as a table, in order of execution."""
    table = Table(title=Text(f"Operators of {report.model}"), title_justify="left")
    for column in ("node", "operator", "becomes", "MACs not\ncovered", "why"):
        table.add_column(column, overflow="fold")
    for operator in report.operators:
        table.add_row(
            Text(operator.name),
            Text(operator.operator),
            Text(operator.verdict.value, style=_STYLES[operator.verdict]),
            Text(macs_text(operator.macs_not_covered) if operator.macs_not_covered else ""),
            Text(operator.reason),
        )
    return table


def summary_of(report: CheckReport) -> str:
    """How many operators there are of each verdict."""
    counts = [f"{len(report.of(verdict))} {verdict.value}" for verdict in Verdict]
    return f"{report.model}: {', '.join(counts)}"


def covered_sentence(report: CheckReport) -> str:
    """How many multiply-accumulates the accelerator does, and how many it does not."""
    return (
        f"multiply-accumulates: {macs_text(report.macs_covered)} covered by the accelerator, "
        f"{macs_text(report.macs_not_covered)} not covered"
    )


def macs_text(macs: Macs) -> str:
    """A number with commas, or the word."""
    return macs if macs == UNKNOWN else f"{macs:,}"


def check(
    model: NetworkSource,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    as_json: Json = False,
) -> int:
    """List every operator of a network: mapped, folded, host or unsupported.

    The table also shows the multiply-accumulates that the accelerator does not cover. The exit
    status is 1 if an operator is unsupported or none is mapped.

    Examples
    --------
    naas check resnet50
    naas check model.pt2 --json
    naas check package.module:build --input-shape 1x3x224x224 --host add
    """
    report = check_model(
        model,
        resolution=resolution,
        input_shape=shape_of(input_shape),
        host=host or (),
    )
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        console = Console()
        console.print(check_table(report))
        console.print(Text(covered_sentence(report)), soft_wrap=True)
        console.print(Text(summary_of(report)))
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT
