"""`naas build`: an accelerator on an FPGA, to utilisation and clock."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.arch.devices import TARGET_MHZ, find_part
from naas_hw.arch.files import read_accelerator
from naas_hw.cli.choices import MAX_COUNT, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.panels import MAIN, OUTPUT, PLACEMENT
from naas_hw.runs.folder import RunFolder

if TYPE_CHECKING:
    from naas_hw.api import BuildSettings
    from naas_hw.arch.accelerator import Accelerator
    from naas_hw.fpga.build import BuildReport

_RESOURCES = {"lut4": "LUT4", "ff": "FF", "dsp": "DSP", "block_ram": "block RAM"}


def build(
    designs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders, which get the result in fpga/, or YAML files of accelerators."
        ),
    ],
    device: Annotated[str, typer.Option(help="The FPGA, such as lfe5u-85f.", rich_help_panel=MAIN)],
    package: Annotated[
        str | None,
        typer.Option(help="Package of the FPGA, such as CABGA381.", rich_help_panel=MAIN),
    ] = None,
    speed_grade: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Speed grade of the FPGA, 6 to 8.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    frequency: Annotated[
        float,
        typer.Option(help="Target clock of place and route, in MHz.", rich_help_panel=PLACEMENT),
    ] = TARGET_MHZ,
    seed: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=MAX_SEED,
            help="Random seed of the placer. Repeat it to keep the fastest result of several.",
            rich_help_panel=PLACEMENT,
        ),
    ] = None,
    limit_minutes: Annotated[
        float | None,
        typer.Option(
            help="Time limit of place and route for each seed; a build that reaches it has no "
            "clock.",
            rich_help_panel=PLACEMENT,
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            help="A document whose section on builds is replaced.", rich_help_panel=OUTPUT
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print a JSON document for each design.", rich_help_panel=OUTPUT
        ),
    ] = False,
) -> int:
    """Synthesise, place and route designs: LUT4, FF, DSP, block RAM, clock, critical path.

    Examples
    --------
    naas build examples/ck8x8.yaml --device lfe5u-85f
    naas build run --device lfe5u-85f --seed 1 --seed 2 --seed 3 --json
    naas build run --device lfe5u-45f --package CABGA381 --limit-minutes 30
    """
    from naas_hw import api

    settings = api.BuildSettings(
        part=find_part(device, package=package, speed_grade=speed_grade),
        target_mhz=frequency,
        seeds=tuple(seed or (1,)),
        limit_minutes=limit_minutes,
    )
    accelerators = [_read(design) for design in designs]
    built = [
        (accelerator, api.build(design, settings))
        for accelerator, design in zip(accelerators, designs, strict=True)
    ]
    for _, report in built:
        if as_json:
            print(report.json, end="")
        else:
            _print(Console(), report)
    if into is not None:
        _write(into, built, designs, settings)
    return ExitStatus.DONE


def _read(design: Path) -> "Accelerator":
    if not design.is_dir():
        return read_accelerator(design)
    with RunFolder.open(design) as run:
        return read_accelerator(run.place("accelerator.yaml"))


def _write(
    into: Path,
    built: "list[tuple[Accelerator, BuildReport]]",
    designs: list[Path],
    settings: "BuildSettings",
) -> None:
    from naas_hw.experiments.build import builds_markdown
    from naas_hw.experiments.results import write_section

    command = shlex.join([*build_words(designs, settings), "--into", into.as_posix()])
    write_section(into, "build", command, builds_markdown(built))


def build_words(designs: Sequence[Path], settings: "BuildSettings") -> list[str]:
    """The words of the command that builds these designs with these settings."""
    part, limit = settings.part, settings.limit_minutes
    words = ["naas", "build", *(design.as_posix() for design in designs)]
    words += ["--device", part.device.name, "--package", part.package]
    words += ["--speed-grade", str(part.speed_grade), "--frequency", f"{settings.target_mhz:g}"]
    words += [word for seed in settings.seeds for word in ("--seed", str(seed))]
    return words + ([] if limit is None else ["--limit-minutes", f"{limit:g}"])


def _print(console: Console, report: "BuildReport") -> None:
    console.print(_usage_table(report))
    console.print(_component_table(report))
    if report.critical_path:
        console.print(_path_table(report))
    console.print(Text(summary_of(report)))


def summary_of(report: "BuildReport") -> str:
    """The figures in one line."""
    return (
        f"{report.accelerator}: {report.num_macs} MACs, {report.core.lut4} LUT4 "
        f"({report.lut4_per_mac:g} a MAC), {report.core.ff} FF, {report.core.dsp} DSP, "
        f"{report.core.block_ram} block RAM, {clock_text(report)}"
    )


def clock_text(report: "BuildReport") -> str:
    """The clock, or why there is none."""
    if report.fmax_mhz is not None:
        return f"{report.fmax_mhz:g} MHz"
    return f"not placed and routed within {report.limit_minutes:g} minutes"


def _usage_table(report: "BuildReport") -> Table:
    title = f"{report.device}, {report.package}, speed grade {report.speed_grade}"
    table = Table(title=title, title_justify="left")
    for column in ("", "accelerator", "harness", "device", "used"):
        table.add_column(column, justify="right" if column else "left")
    for name, label in _RESOURCES.items():
        usage = report.usage.get(name)
        table.add_row(
            label,
            f"{getattr(report.core, name)}",
            f"{getattr(report.harness, name)}",
            f"{usage.available}" if usage else "",
            f"{usage.share:.1%}" if usage else "",
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
