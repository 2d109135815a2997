"""`naas bench contract`: how far the integers are from those who defined the formats."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naas_hw.cli.choices import MAX_COUNT
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Json, Seed
from naas_hw.cli.panels import MAIN

if TYPE_CHECKING:
    from naas_hw.graph.contract import ContractReport


def contract(
    models: Annotated[
        list[Path], typer.Argument(help="The models, each a quantised .onnx or .tflite file.")
    ],
    inputs: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of inputs, drawn at random, that each model is run on.",
            rich_help_panel=MAIN,
        ),
    ] = 10,
    seed: Seed = 0,
    as_json: Json = False,
) -> int:
    """Compare each operator of quantised models with LiteRT or `onnx.reference`, byte by byte.

    Each operator is given the other side's own input bytes. TFLite files are run by LiteRT with its
    reference kernels (package ai-edge-litert), ONNX files by `onnx.reference`, or by onnxruntime
    where that does not know an operator. The exit status is 1 if a byte differs by more than one
    unit, or if a byte of a convolution, a linear layer or a maximum of a TFLite file differs at
    all.

    Examples
    --------
    naas bench contract model.tflite
    naas bench contract model_int8.onnx other.tflite --inputs 100 --json
    """
    from naas_hw.graph.contract import measure_contract

    reports = {path.name: measure_contract(path, num_inputs=inputs, seed=seed) for path in models}
    if as_json:
        print(json.dumps([_figures(name, report) for name, report in reports.items()], indent=2))
    else:
        print("\n".join(_lines(reports)))
    equal = all(report.holds for report in reports.values())
    return ExitStatus.DONE if equal else ExitStatus.DIFFERENT


def _figures(name: str, report: "ContractReport") -> dict[str, Any]:
    return {
        "model": name,
        "other": report.other,
        "ok": report.holds,
        "kinds": [{**asdict(kind), "share": kind.share} for kind in report.kinds],
        "not_compared": list(report.not_compared),
    }


def _lines(reports: "dict[str, ContractReport]") -> list[str]:
    """A table in Markdown, and who the other sides are."""
    lines = [
        "| model | operators | number | bytes | differing | share | largest difference |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, report in reports.items():
        lines += [
            f"| {name} | {kind.kind} | {kind.num_operators} | {kind.num_bytes:,} | "
            f"{kind.num_differing:,} | {kind.share:.4%} | {kind.largest_difference} |"
            for kind in report.kinds
        ]
    for name, report in reports.items():
        missing = len(report.not_compared)
        lines += ["", f"{name}: beside {report.other}; {missing} operators not compared."]
    return lines
