"""Runs another model's program on the files of one layer, in a folder that is gone afterwards."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from naas_hw.core.errors import ToolError
from naas_hw.exchange.formats import Format
from naas_hw.exchange.peer_figures import PEERS, Peer, PeerFigures
from naas_hw.system.files import read_file, write_files
from naas_hw.system.processes import RunningProgram
from naas_hw.system.temporary import temporary_folder

_MAX_RESULT_BYTES: Final = 1 << 24
_LOG_TAIL_BYTES: Final = 4096
_MAX_SAID: Final = 200
"""Characters of the program's last line that are shown."""


class PeerError(Exception):
    """The program gave no figures of this layer; says why."""


def find_program(peer: Format) -> Path:
    """Where the peer's program is.

    Raises
    ------
    ToolError : it is not on PATH.
    """
    wanted = PEERS[peer]
    path = shutil.which(wanted.program)
    if path is None:
        raise ToolError(
            f"{peer} cannot score the design, because {wanted.program} is not on PATH; get it "
            f"from {wanted.source}"
        )
    return Path(path).resolve()


def figures_of(
    peer: Format, program: Path, files: Mapping[str, str], *, timeout_seconds: float
) -> PeerFigures:
    """What the program says of the one layer in these files.

    Parameters
    ----------
    program : its path.
    files : path -> text, as of an export of one layer.
    timeout_seconds : it is killed after that.

    Raises
    ------
    PeerError : it failed, took too long or wrote no figures.
    """
    wanted = PEERS[peer]
    with temporary_folder("score-") as folder:
        write_files(folder, files)
        said = _run([program, *wanted.arguments(files)], folder, timeout_seconds)
        return _read(wanted, folder / wanted.result, said)


def _run(command: Sequence[str | Path], folder: Path, timeout_seconds: float) -> str:
    """The end of what the program said; it and all that it started are gone then."""
    log = folder / "naas-score.log"
    with (
        log.open("wb") as output,
        RunningProgram(command, folder=folder, stdout=output, stderr=subprocess.STDOUT) as child,
    ):
        try:
            status = child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise PeerError(f"took more than {timeout_seconds:g} s") from None
    said = _last_line(log)
    if status:
        raise PeerError(f"ended with {status}: {said}")
    return said


def _last_line(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _LOG_TAIL_BYTES))
        lines = stream.read().decode(errors="replace").split("\n")
    said = [" ".join(line.split()) for line in lines if line.strip()]
    return said[-1][:_MAX_SAID] if said else "it said nothing"


def _read(peer: Peer, path: Path, said: str) -> PeerFigures:
    if not path.is_file():
        raise PeerError(f"wrote no {path.name}: {said}")
    try:
        return peer.read(read_file(path, max_bytes=_MAX_RESULT_BYTES).decode(errors="replace"))
    except ValueError as error:
        raise PeerError(str(error)) from error
