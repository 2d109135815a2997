"""`naas bench all`: every figure of the benchmarks page, with its history."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Json
from naas_hw.cli.panels import MAIN, OUTPUT
from naas_hw.core.errors import InputError

EXAMPLE: Final = "examples/ck8x8.yaml"
"""The design whose build is recorded."""

if TYPE_CHECKING:
    from naas_hw.experiments.bench.history import BenchEntry, BenchHistory


def bench_all(
    history: Annotated[
        Path,
        typer.Option(
            help="The history, a JSON file; it is made if it is not there.", rich_help_panel=MAIN
        ),
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            help="The page, a Markdown file that is written from the history, with a picture of "
            "the same name (.svg) beside it.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    commit: Annotated[
        str,
        typer.Option(help="The commit that is measured, in hexadecimal.", rich_help_panel=MAIN),
    ] = "",
    date: Annotated[
        str,
        typer.Option(help="Its date, as 2030-12-31.", rich_help_panel=MAIN),
    ] = "",
    note: Annotated[
        str,
        typer.Option(help="Under which conditions it is measured.", rich_help_panel=MAIN),
    ] = "",
    results: Annotated[
        Path | None,
        typer.Option(
            help="A document with a section `build`, from which FPGA figures are read where they "
            "are of the hardware of this version; it must be used in the repository.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    page_only: Annotated[
        bool,
        typer.Option(
            "--page-only",
            help="Measure nothing; write the page from the history as it is.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    as_json: Json = False,
) -> int:
    """Measure every figure of the benchmarks page, and compare it with the last entry.

    Figures are the time of the quickstart, the speed of the cost model, of searches and of
    simulators, what an FPGA build takes, and what short searches of the six networks find. The exit
    status is 1 if a figure got worse.

    Examples
    --------
    naas bench all --history mine.json --commit 0123abc --date 2030-12-31
    naas bench all --history mine.json --into mine.md --page-only
    """
    from naas_hw.experiments.bench.history import read_history, write_history

    known = read_history(history)
    if not page_only:
        known = known.with_entry(_measured(commit, date, note, results))
        write_history(history, known)
    if into is not None:
        _write_page(known, history, into)
    return _say_changes(known, as_json=as_json)


def _measured(commit: str, date: str, note: str, results: Path | None) -> "BenchEntry":
    """A new entry; its options are checked before anything is measured."""
    from naas_hw.arch.files import find_accelerator
    from naas_hw.cli.bench.search import clock
    from naas_hw.core.version import __version__
    from naas_hw.experiments.bench.all_figures import measure_all
    from naas_hw.experiments.bench.fpga_figures import read_build
    from naas_hw.experiments.bench.history import BenchEntry
    from naas_hw.system.machine import describe_machine

    if not commit or not date:
        raise InputError("--commit and --date must be given, unless --page-only is given")
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    build = None if results is None else read_build(results)
    if build is not None and not build.is_of(find_accelerator(EXAMPLE)):
        screen.print(
            f"left out: the build in {results} is of other hardware than that of this version",
            markup=False,
        )
        build = None
    entry = BenchEntry(
        release=__version__,
        commit=commit,
        date=date,
        machine=describe_machine(),
        note=note,
        hardware=None if build is None else build.hardware,
        figures={},
    )
    return entry.model_copy(update={"figures": measure_all(build, screen.print, clock=clock)})


def _write_page(history: "BenchHistory", history_file: Path, page: Path) -> None:
    from naas_hw.experiments.bench.history_page import history_page
    from naas_hw.experiments.bench.history_plot import history_svg
    from naas_hw.system.files import write_files

    plot = page.with_suffix(".svg").name
    text = history_page(
        history, history_name=history_file.as_posix(), page_name=page.as_posix(), plot=plot
    )
    write_files(page.parent, {page.name: text, plot: history_svg(history)})


def _say_changes(history: "BenchHistory", *, as_json: bool) -> int:
    """Print the last entry with its changes."""
    from naas_hw.experiments.bench.changes import changes_of
    from naas_hw.experiments.bench.history_page import change_text, number

    if not history.entries:
        raise InputError("the history has no entry that could be shown")
    before = history.entries[-2] if len(history.entries) > 1 else None
    changes = changes_of(before, history.entries[-1])
    if as_json:
        worse = [one.figure.key for one in changes if one.is_worse]
        print(json.dumps({**history.entries[-1].model_dump(mode="json"), "worse": worse}, indent=2))
    else:
        for one in changes:
            value = f"{number(one.after)} {one.figure.unit}"
            print(f"{one.figure.key:34}{value:>32}  {change_text(one)}")
    return ExitStatus.DIFFERENT if any(one.is_worse for one in changes) else ExitStatus.DONE
