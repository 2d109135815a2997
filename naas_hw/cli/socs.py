"""`naas build --soc litex`: a SoC around the accelerator of a run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from naas_hw.arch.boards import Board
from naas_hw.arch.devices import RESOURCE_LABELS
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.progress import BuildLines
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.api.socs import SocSettings
    from naas_hw.fpga.litex_soc import SocReport

KINDS: Final = ("litex",)


def check_soc(designs: Sequence[Path], board: Board | None, kind: str) -> None:
    """Refuse what no SoC is built of.

    Raises
    ------
    InputError : says what would be right.
    """
    if kind not in KINDS:
        raise InputError(f"--soc must be {', '.join(KINDS)}, not {kind!r}")
    if board is None:
        raise InputError("--soc must be given with --board")
    if len(designs) != 1:
        raise InputError(f"--soc must be given with one run, not with {len(designs)}")
    if not designs[0].is_dir():
        raise InputError(f"--soc must be given with a run folder, not with {designs[0]}")


def print_soc(
    run: Path, settings: "SocSettings", output: Path | None, *, as_json: bool
) -> ExitStatus:
    """Build it, and say what came of it; the exit status is 1 where the clock is not reached."""
    from naas_hw.api.socs import FOLDER, build_soc

    with BuildLines(Console(stderr=True), name=run.name) as progress:
        report = build_soc(run, settings, output=output, progress=progress)
    place = output or run / FOLDER
    if as_json:
        facts = report.as_dict()
        for name in ("bitstream", "flash_image"):
            facts[name] = None if facts[name] is None else str(place / facts[name])
        print(json.dumps(facts, indent=2))
    else:
        Console().print(_table(report))
        print(_closing_lines(report, place))
    return ExitStatus.DONE if report.bitstream else ExitStatus.DIFFERENT


def _table(report: "SocReport") -> Table:
    table = Table(title=f"LiteX SoC on {report.board}", title_justify="left")
    for column in ("", "used", "device", "share"):
        table.add_column(column, justify="right" if column else "left")
    for name, label in RESOURCE_LABELS.items():
        usage = report.usage[name]
        table.add_row(label, f"{usage.used:,}", f"{usage.available:,}", f"{usage.share:.1%}")
    table.add_row("clock, MHz", f"{report.fmax_mhz:.1f}", f"{report.clock_mhz:g} wanted", "")
    return table


def _closing_lines(report: "SocReport", place: Path) -> str:
    from naas_hw.fpga.litex_soc import FLASH_OFFSET

    shown = printable(str(place))
    if report.bitstream is None:
        return (
            f"the SoC must reach {report.clock_mhz:g} MHz and reaches {report.fmax_mhz:g} MHz: "
            f"build with --frequency {int(report.fmax_mhz)}; what was built is in {shown}"
        )
    return (
        "these commands write bitstream and firmware to the flash, from which the board starts:\n"
        f"openFPGALoader -b ulx3s -f {shown}/{report.bitstream}\n"
        f"openFPGALoader -b ulx3s -f -o {FLASH_OFFSET:#x} --file-type raw {shown}/{report.image}"
    )
