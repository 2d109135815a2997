"""The network of a run in a LiteX SoC on a board."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from naas_hw.api.litex import export_litex
from naas_hw.arch.boards import Board
from naas_hw.arch.devices import LIMIT_MINUTES
from naas_hw.emit.plan import FilePlan
from naas_hw.fpga.litex_soc import FIRMWARE, OUTPUT, SocReport, check_build
from naas_hw.fpga.litex_soc import build_soc as build_in_place
from naas_hw.fpga.progress import BuildProgress, ProgressCallback
from naas_hw.fpga.soc_record import (
    DIGESTS,
    KIND,
    RECORD,
    check_unchanged,
    digests_of,
    read_digests,
)
from naas_hw.runs.folder import RunFolder
from naas_hw.system.files import write_files

FOLDER: Final = "soc"
"""Where a run keeps its SoC; not in the folder of `naas build`, which replaces all of it."""


@dataclass(frozen=True, kw_only=True)
class SocSettings:
    """How a SoC is built.

    Parameters
    ----------
    board : as `find_board` returns it.
    clock_mhz : of the SoC; None: as the board says.
    seed : of the placer.
    limit_minutes : of all of it; None: as long as it takes.
    """

    board: Board
    clock_mhz: float | None = None
    seed: int = 1
    limit_minutes: float | None = LIMIT_MINUTES


def build_soc(
    run: str | Path,
    settings: SocSettings,
    *,
    output: str | Path | None = None,
    progress: ProgressCallback | None = None,
) -> SocReport:
    """Take CPU, SDRAM, serial line and accelerator to a bitstream, and build the firmware.

    Parameters
    ----------
    run : folder of a search of a model.
    output : folder that gets files and bitstream, new or empty or with an older SoC; `soc/` of the
        run if None. Files of the older SoC are replaced if they are as naas wrote them.
    progress : told how far it is.

    Raises
    ------
    InputError : the run has no model, there is no SoC for the board, or the output holds something
        else or a file of a SoC that was changed, or lies below /tmp.
    ToolError : a tool is missing or failed, or the limit was reached.
    """
    progress = progress or _tell_nobody
    run, place = Path(run), Path(run) / FOLDER if output is None else Path(output)
    read_digests(place)
    check_build(settings.board.name, place)
    if output is not None:
        return _build(_files(run, settings), place, settings, progress)
    with RunFolder.open(run) as folder:
        files = _files(run, settings)
        with folder.written_by_program(FOLDER):
            report = _build(files, place, settings, progress)
        made = [*files, RECORD, OUTPUT, FIRMWARE.as_posix()]
        made += filter(None, [report.bitstream, report.image])
        folder.record(f"{FOLDER}/{name}" for name in made)
    return report


def _files(run: Path, settings: SocSettings) -> FilePlan:
    return export_litex(run, family=settings.board.part.device.family)


def _build(
    files: FilePlan, folder: Path, settings: SocSettings, progress: ProgressCallback
) -> SocReport:
    board = settings.board
    check_unchanged(files, folder, read_digests(folder))
    digests = {DIGESTS: digests_of(files)}
    begun = {"version": 1, "board": board.name, "soc": KIND, **digests}
    report = build_in_place(
        files | FilePlan.of({RECORD: _text(begun)}),
        folder,
        board=board.name,
        clock_mhz=settings.clock_mhz or board.core_megahertz,
        seed=settings.seed,
        limit_minutes=settings.limit_minutes,
        progress=progress,
    )
    write_files(folder, {RECORD: _text({**report.as_dict(), **digests})})
    return report


def _text(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, indent=1) + "\n"


def _tell_nobody(progress: BuildProgress) -> None:
    """Where nobody looks at a build while it runs."""
