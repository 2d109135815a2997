"""`naas check MODEL`: what becomes of every operator of a model."""

from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.models import Host, InputShape, NetworkSource, Resolution, shape_of
from naas_hw.cli.options import Json
from naas_hw.core.errors import InputError
from naas_hw.system.text import shortened
from naas_hw.workload.check import UNKNOWN, CheckReport, Macs, Verdict, WeightsCheck
from naas_hw.workload.frontends.importer import check_model

_MAX_NAME: Final = 200
_MAX_REASON: Final = 500

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
            Text(shortened(operator.name, _MAX_NAME)),
            Text(shortened(operator.operator, _MAX_NAME)),
            Text(operator.verdict.value, style=_STYLES[operator.verdict]),
            Text(macs_text(operator.macs_not_covered) if operator.macs_not_covered else ""),
            Text(shortened(operator.reason, _MAX_REASON)),
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


def weights_sentence(weights: WeightsCheck) -> str:
    """Where the constant numbers of the file are needed."""
    parts = [
        f"{number:,} {place}"
        for place, number in (
            ("in layers", weights.in_layers),
            ("folded", weights.folded),
            ("on the host", weights.on_host),
            ("unsupported", weights.unsupported),
            ("unused", weights.unused),
        )
    ]
    return f"weights: {weights.total:,} in the file; {', '.join(parts)}"


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

    The table also shows the multiply-accumulates that the accelerator does not cover. For a .onnx
    or .tflite file, it assumes an accelerator with all optional hardware, lists every operator of
    the file, and counts all constants. The exit status is 1 if an operator is unsupported or none
    is mapped.

    Examples
    --------
    naas check resnet50
    naas check model.onnx --input-shape 1x3x224x224
    naas check model.pt2 --json
    naas check package.module:build --input-shape 1x3x224x224 --host add
    """
    shape = shape_of(input_shape)
    if model.lower().endswith((".onnx", ".tflite")):
        if resolution is not None or host:
            option = "--host" if host else "--resolution"
            raise InputError(f"{option} must not be given with {model}, a file with values")
        from naas_hw.api.checks import check_values

        report = check_values(Path(model), input_shape=shape)
    else:
        report = check_model(model, resolution=resolution, input_shape=shape, host=host or ())
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        console = Console()
        console.print(check_table(report))
        console.print(Text(covered_sentence(report)), soft_wrap=True)
        if report.weights is not None:
            console.print(Text(weights_sentence(report.weights)), soft_wrap=True)
        for note in report.notes:
            console.print(Text(note), soft_wrap=True)
        console.print(Text(summary_of(report)))
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT
