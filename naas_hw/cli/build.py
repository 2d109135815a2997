"""`naas build`: an accelerator on an FPGA, to utilisation and clock."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.arch.files import read_accelerator
from naas_hw.cli.exits import ExitStatus
from naas_hw.flow.devices import TARGET_MHZ, find_part
from naas_hw.report.runfolder import RunFolder

if TYPE_CHECKING:
    from naas_hw.flow.build import BuildReport

_RESOURCES = {"lut4": "LUT4", "ff": "FF", "dsp": "DSP", "block_ram": "block RAM"}


def build(
    design: Annotated[
        Path,
        typer.Argument(
            help="A run folder (the result goes into its fpga/), or an accelerator's YAML file."
        ),
    ],
    device: Annotated[str, typer.Option(help="The FPGA, like lfe5u-85f.")],
    package: Annotated[str | None, typer.Option(help="Its package, like CABGA381.")] = None,
    speed_grade: Annotated[int | None, typer.Option(help="Its speed grade, 6 to 8.")] = None,
    frequency: Annotated[
        float, typer.Option(help="What place and route aims at, in MHz.")
    ] = TARGET_MHZ,
    seed: Annotated[
        list[int] | None, typer.Option(help="Of the placer; several times: the fastest counts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Synthesise, place and route: LUT4, FF, DSP, block RAM, clock, critical path."""
    from naas_hw.flow.build import build as build_accelerator  # brings the hardware generator

    part = find_part(device, package=package, speed_grade=speed_grade)
    seeds = tuple(seed or (1,))
    if design.is_dir():
        with RunFolder.open(design) as run:
            accelerator = read_accelerator(run.place("accelerator.yaml"))
            result = build_accelerator(accelerator, part, target_mhz=frequency, seeds=seeds)
            run.write_tree("fpga", result.files)
    else:
        accelerator = read_accelerator(design)
        result = build_accelerator(accelerator, part, target_mhz=frequency, seeds=seeds)
    if as_json:
        print(result.report.json, end="")
    else:
        _print(Console(), result.report)
    return ExitStatus.DONE


def _print(console: Console, report: "BuildReport") -> None:
    console.print(_usage_table(report))
    console.print(_component_table(report))
    console.print(_path_table(report))
    console.print(Text(summary_of(report)))


def summary_of(report: "BuildReport") -> str:
    """The figures in one line."""
    return (
        f"{report.accelerator}: {report.num_macs} MACs, {report.core.lut4} LUT4 "
        f"({report.lut4_per_mac:g} a MAC), {report.core.ff} FF, {report.core.dsp} DSP, "
        f"{report.core.block_ram} block RAM, {report.fmax_mhz:g} MHz"
    )


def _usage_table(report: "BuildReport") -> Table:
    title = f"{report.device}, {report.package}, speed grade {report.speed_grade}"
    table = Table(title=title, title_justify="left")
    for column in ("", "accelerator", "harness", "device", "used"):
        table.add_column(column, justify="right" if column else "left")
    for name, label in _RESOURCES.items():
        usage = report.usage[name]
        table.add_row(
            label,
            f"{getattr(report.core, name)}",
            f"{getattr(report.harness, name)}",
            f"{usage.available}",
            f"{usage.share:.1%}",
        )
    return table


def _component_table(report: "BuildReport") -> Table:
    table = Table(title="By component, what it instantiates not included", title_justify="left")
    table.add_column("module")
    for column in ("instances", *_RESOURCES.values()):
        table.add_column(column, justify="right")
    for component in report.components:
        counts = [getattr(component.resources, name) for name in _RESOURCES]
        if any(counts):
            table.add_row(Text(component.module), *map(str, (component.instances, *counts)))
    return table


def _path_table(report: "BuildReport") -> Table:
    """The critical path, one line for each component that it stays in."""
    table = Table(title=f"Critical path, {report.critical_path_ns:g} ns", title_justify="left")
    table.add_column("component")
    table.add_column("logic ns", justify="right")
    table.add_column("routing ns", justify="right")
    rows: list[tuple[str, float, float]] = []
    for step in report.critical_path:
        logic, routing = (0.0, step.delay_ns) if step.kind == "routing" else (step.delay_ns, 0.0)
        if rows and rows[-1][0] == step.component:
            rows[-1] = (step.component, rows[-1][1] + logic, rows[-1][2] + routing)
        else:
            rows.append((step.component, logic, routing))
    for component, logic, routing in rows:
        table.add_row(Text(component), f"{logic:.2f}", f"{routing:.2f}")
    return table
