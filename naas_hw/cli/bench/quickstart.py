"""`naas bench quickstart`: how long the quickstart takes, with and without caches."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Json
from naas_hw.cli.panels import MAIN

if TYPE_CHECKING:
    from naas_hw.experiments.bench.quickstart import QuickstartBench


def bench_of_quickstart(
    sim: Annotated[
        str | None,
        typer.Option(
            "--sim",
            help="The simulator: icarus or verilator; by default as the quickstart chooses.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Measure the first quickstart, with empty caches, and the second one.

    Examples
    --------
    naas bench quickstart
    naas bench quickstart --sim verilator --json
    """
    from naas_hw.cli.bench.search import clock
    from naas_hw.experiments.bench.quickstart import bench_quickstart

    bench = bench_quickstart(clock=clock, simulator=sim)
    print(json.dumps(bench.figures, indent=2) if as_json else "\n".join(_lines(bench)))
    return ExitStatus.DONE


def _lines(bench: "QuickstartBench") -> list[str]:
    lines = [f"seconds of wall, {bench.first.simulator}", "step       first time  second time"]
    for step, seconds in bench.first.steps.items():
        lines.append(f"{step:10} {seconds:10.1f}  {bench.second.steps.get(step, 0.0):11.1f}")
    for name, each in (("all", "total_seconds"), ("CPU", "cpu_seconds")):
        first, second = getattr(bench.first, each), getattr(bench.second, each)
        lines.append(f"{name:10} {first:10.1f}  {second:11.1f}")
    return lines
