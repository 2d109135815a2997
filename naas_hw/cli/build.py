"""`naas build`: an accelerator on an FPGA, to utilisation and clock."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.arch.boards import Board, find_board
from naas_hw.arch.build_part import BuildPart
from naas_hw.arch.devices import LIMIT_MINUTES, RESOURCE_LABELS, TARGET_MHZ, DevicePart, find_part
from naas_hw.arch.files import read_accelerator
from naas_hw.arch.placer import Placer
from naas_hw.cli.choices import MAX_COUNT, MAX_SEED, choice_of
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.panels import MAIN, OUTPUT, PLACEMENT
from naas_hw.cli.progress import BuildLines
from naas_hw.cli.socs import check_soc, print_soc
from naas_hw.core.errors import InputError
from naas_hw.runs.folder import RunFolder
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.api import BuildSettings
    from naas_hw.arch.accelerator import Accelerator
    from naas_hw.fpga.build_report import BuildReport

MAX_SEEDS: Final = 1000
_NOT_OF_SOC: Final = ("memory_kib", "part_of", "seeds", "placer", "into")
MOST_SLOW_PATHS: Final = 8
"""Lines of the table of slow paths; `build.json` has more."""

FOLDER: Final = Path("build", "fpga")
"""Where builds of YAML files go, each into a folder of its name and its part."""


def build(
    context: typer.Context,
    designs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders, which get the result in fpga/, or YAML files of accelerators."
        ),
    ],
    device: Annotated[
        str | None,
        typer.Option(
            help="The FPGA alone, such as lfe5u-85f, or xc7a100tcsg324-1 for estimates and a "
            "project for Vivado.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            help="The board, by its name, such as ulx3s-85f, or a YAML file; the build ends in a "
            "bitstream.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(help="Package of the FPGA, such as CABGA381.", rich_help_panel=MAIN),
    ] = None,
    speed_grade: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Speed grade of the FPGA, 6 to 8, of 7-series 1 to 3.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    part_of: Annotated[
        str | None,
        typer.Option(
            "--part-of",
            help="Build only this part of the accelerator: array.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    soc: Annotated[
        str | None,
        typer.Option(
            help="With --board and a run of a model: build a whole SoC around the accelerator; "
            "the only kind is litex.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    memory_kib: Annotated[
        int | None,
        typer.Option(
            min=4,
            max=MAX_COUNT,
            help="Memory on the chip for programs on a board, in KiB; by default that of the "
            "board file.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    frequency: Annotated[
        float | None,
        typer.Option(
            help="Target clock in MHz, by default 80, or that of the board.",
            rich_help_panel=PLACEMENT,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_SEEDS,
            help="Number of seeds of the placer, from 1 on. The clock is their median.",
            rich_help_panel=PLACEMENT,
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=MAX_SEED,
            help="A seed of the placer, instead of --seeds; repeat it for several seeds.",
            rich_help_panel=PLACEMENT,
        ),
    ] = None,
    limit_minutes: Annotated[
        float,
        typer.Option(
            help="Time limit of synthesis, and of place and route for each seed; a seed that "
            "reaches it has no clock.",
            rich_help_panel=PLACEMENT,
        ),
    ] = LIMIT_MINUTES,
    placer: Annotated[
        str,
        typer.Option(
            help="Placer of nextpnr: static or heap. With heap the clock is a little higher on "
            "average, but routing of larger designs often does not end.",
            rich_help_panel=PLACEMENT,
        ),
    ] = Placer.STATIC,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The folder that gets netlist, logs, constraints and bitstream: by default "
            "fpga/ of the run, or build/fpga/ and the name of the design.",
            rich_help_panel=OUTPUT,
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

    For a board the build ends in a bitstream: the accelerator with a memory and a serial line, over
    which `naas execute` runs a network. A design that does not fit the FPGA is refused after
    synthesis; the error says what it needs.

    Examples
    --------
    naas build examples/ck8x8.yaml --device lfe5u-85f
    naas build run --board ulx3s-85f --seeds 3
    naas build run --board ulx3s-85f --soc litex
    naas build run --device lfe5u-85f --seeds 3 --json
    naas build examples/ck8x8.yaml --device lfe5u-85f --part-of array
    naas build run --device xc7a100tcsg324-1
    naas build run --device lfe5u-45f --package CABGA381 --limit-minutes 60
    """
    from naas_hw import api
    from naas_hw.api.builds import FOLDER as RUN_FOLDER
    from naas_hw.api.socs import SocSettings

    if seed and seeds is not None:
        raise InputError("--seeds must not be given with --seed")
    given = _given_board(context, device, board)
    if soc is not None:
        refuse_given(context, _NOT_OF_SOC, "with --soc")
        check_soc(designs, given, soc)
        assert given is not None
        wanted = SocSettings(
            board=given,
            clock_mhz=frequency,
            seed=(seed or [1])[0],
            limit_minutes=limit_minutes,
        )
        return print_soc(designs[0], wanted, output, as_json=as_json)
    settings = api.BuildSettings(
        part=_part(given, device, package, speed_grade),
        target_mhz=_target_mhz(frequency, given),
        seeds=tuple(seed or range(1, (seeds or 1) + 1)),
        limit_minutes=limit_minutes,
        placer=choice_of(Placer, placer, "placer"),
        board=given,
        memory_bytes=None if memory_kib is None else 1024 * memory_kib,
        part_of=None if part_of is None else choice_of(BuildPart, part_of, "part-of"),
    )
    accelerators = [_read(design) for design in designs]
    outputs = _outputs(designs, accelerators, settings, output)
    built, status = [], ExitStatus.DONE
    for accelerator, design, folder in zip(accelerators, designs, outputs, strict=True):
        with BuildLines(Console(stderr=True), name=accelerator.name) as progress:
            report = api.build(design, settings, output=folder, progress=progress)
        built.append((accelerator, report))
        status = _status(report, status)
        place = folder or design / RUN_FOLDER
        if as_json:
            print(json.dumps(_with_path(report.as_dict(), place), indent=2))
        else:
            _print(Console(), report)
            for line in _closing_lines(report, place):
                print(line)
    if into is not None:
        _write(into, built, designs, settings, board)
    return status


def _given_board(context: typer.Context, device: str | None, board: str | None) -> Board | None:
    if (device is None) == (board is None):
        raise InputError("either --device or --board must be given, not both")
    if board is None:
        refuse_given(context, ("memory_kib",), "without --board")
        return None
    refuse_given(context, ("package", "speed_grade"), "with --board, which has them")
    refuse_given(context, ("part_of",), "with --board")
    return find_board(board)


def _part(
    board: Board | None, device: str | None, package: str | None, speed_grade: int | None
) -> DevicePart:
    if board is not None:
        return board.part
    return find_part(device or "", package=package, speed_grade=speed_grade)


def _target_mhz(frequency: float | None, board: Board | None) -> float:
    if frequency is not None:
        return frequency
    return TARGET_MHZ if board is None else board.core_megahertz


def _status(report: "BuildReport", before: ExitStatus) -> ExitStatus:
    """Something differs where a bitstream cannot have the clock that it gives itself."""
    return ExitStatus.DIFFERENT if report.meets_clock is False else before


def _outputs(
    designs: Sequence[Path],
    accelerators: "Sequence[Accelerator]",
    settings: "BuildSettings",
    output: Path | None,
) -> list[Path | None]:
    """The folder of each build; None for the run's own."""
    from naas_hw.api.builds import check_output

    if output is not None and len(designs) > 1:
        raise InputError(f"--output must be given with one design only, not with {len(designs)}")
    folders = [
        output or (None if design.is_dir() else FOLDER / f"{accelerator.name}-{settings.place}")
        for design, accelerator in zip(designs, accelerators, strict=True)
    ]
    for folder in folders:
        if folder is not None and folders.count(folder) > 1:
            raise InputError(
                "designs must have different names, because two builds would be written to "
                f"{folder}"
            )
        if folder is not None:
            check_output(folder)
    return folders


def _with_path(facts: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with the bitstream as it is found from here."""
    name = facts["bitstream"]
    return {**facts, "bitstream": None if name is None else str(folder / name)}


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
    board: str | None,
) -> None:
    from naas_hw.experiments.build import builds_markdown
    from naas_hw.experiments.results import write_section

    words = build_words(designs, settings, board=board)
    command = shlex.join([*words, "--into", into.as_posix()])
    write_section(into, "build", command, builds_markdown(built))


def build_words(
    designs: Sequence[Path], settings: "BuildSettings", *, board: str | None = None
) -> list[str]:
    """The words of the command that builds these designs with these settings.

    Parameters
    ----------
    board : name or file; None: the part alone.
    """
    part, limit = settings.part, settings.limit_minutes
    words = ["naas", "build", *(design.as_posix() for design in designs)]
    if board is not None:
        words += ["--board", board]
        if settings.memory_bytes is not None:
            words += ["--memory-kib", str(settings.memory_bytes // 1024)]
    else:
        words += ["--device", part.device.name, "--package", part.package]
        words += ["--speed-grade", str(part.speed_grade)]
    words += [] if settings.part_of is None else ["--part-of", settings.part_of]
    words += ["--frequency", f"{settings.target_mhz:g}"]
    words += [word for seed in settings.seeds for word in ("--seed", str(seed))]
    words += [] if settings.placer is Placer.STATIC else ["--placer", settings.placer]
    default = limit is None or limit == LIMIT_MINUTES
    return words + ([] if default else ["--limit-minutes", f"{limit:g}"])


def _print(console: Console, report: "BuildReport") -> None:
    from naas_hw.fpga.critical_path import path_text

    console.print(_usage_table(report))
    console.print(_component_table(report))
    if report.critical_path:
        console.print(_path_table(report))
        console.print(Text(f"critical path {path_text(report.critical_path)}"))
    if report.slow_paths:
        console.print(_slow_paths_table(report))
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
        seeds = f" ({report.seeds_text})" if report.num_seeds > 1 else ""
        return f"{report.fmax_mhz:g} MHz{seeds}"
    if not report.is_placed:
        return "placed and routed by Vivado only"
    return f"not placed and routed within {report.limit_minutes:g} minutes"


def _closing_lines(report: "BuildReport", folder: Path) -> list[str]:
    """Where the files are, and what is to be known of the bitstream."""
    place = printable(str(folder))
    lines = [f"netlist, logs and constraints are in {place}"]
    if (folder / "vivado").is_dir():
        lines.append(f"vivado -mode batch -source {place}/vivado/build.tcl goes on from there")
    if report.bitstream is not None:
        lines.append(f"bitstream: {place}/{report.bitstream}, {report.clock_mhz:g} MHz")
    lines += [
        f"{network.name}: {network.images_per_second:,.2f} images a second at "
        f"{report.clock_mhz:g} MHz, {network.cycles:,} cycles each by the model"
        for network in report.networks
    ]
    if report.meets_clock is False:
        lines.append(
            f"the bitstream must have {report.clock_mhz:g} MHz and reaches {report.best_mhz:g} "
            f"MHz: it may compute wrong. Build with --frequency {int(report.best_mhz or 0)}"
        )
    return lines


def _usage_table(report: "BuildReport") -> Table:
    title = f"{report.device}, {report.package}, speed grade {report.speed_grade}"
    table = Table(title=title, title_justify="left")
    for column in ("", "predicted", "accelerator", "harness", "device", "used"):
        table.add_column(column, justify="right" if column else "left")
    for name, label in RESOURCE_LABELS.items():
        usage = report.usage.get(name)
        table.add_row(
            label,
            "" if report.predicted is None else f"{getattr(report.predicted.resources, name)}",
            f"{getattr(report.core, name)}",
            f"{getattr(report.harness, name)}",
            f"{usage.available}" if usage else "",
            f"{usage.share:.1%}" if usage else "",
        )
    if report.predicted is not None:
        reached = "" if report.fmax_mhz is None else f"{report.fmax_mhz:.1f}"
        table.add_row("clock, MHz", f"{report.predicted.clock_mhz:.1f}", reached, "", "", "")
    return table


def _component_table(report: "BuildReport") -> Table:
    table = Table(title="By component, what it instantiates not included", title_justify="left")
    table.add_column("module")
    for column in ("instances", *RESOURCE_LABELS.values()):
        table.add_column(column, justify="right")
    for component in report.components:
        counts = [getattr(component.resources, name) for name in RESOURCE_LABELS]
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


def _slow_paths_table(report: "BuildReport") -> Table:
    """Between which registers the slowest paths lie."""
    table = Table(title="Slowest paths", title_justify="left")
    table.add_column("from")
    table.add_column("to")
    table.add_column("bits", justify="right")
    table.add_column("ns", justify="right")
    for paths in report.slow_paths[:MOST_SLOW_PATHS]:
        ends = Text(paths.start), Text(paths.end)
        table.add_row(*ends, str(paths.num_ends), f"{paths.longest_ns:.2f}")
    return table
