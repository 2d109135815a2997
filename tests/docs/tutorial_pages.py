"""Tutorials as their readers meet them: blocks of a page, typed in order, in a folder.

A block of a language with a title is a file. A block in `sh` is commands. A block in `text` is what
the commands before it print. A comment `<!-- not run: reason -->` before a block in `sh` says that
its commands are not run here, and so its output is not compared.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

from naas_hw.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
TUTORIALS = REPOSITORY / "docs" / "tutorials"
WIDTH = "100"
"""Columns of the terminal of which the pages show the output."""

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<not_run>[^\n]+?) -->\n+)?"
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"\n]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
_ARRAY = re.compile(r"\b[KCPQRS] \d+(?: x [KCPQRS] \d+)*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str | None
    text: str
    not_run: str | None

    @property
    def commands(self) -> tuple[str, ...]:
        """The command lines of a block in `sh`."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return tuple(line for line in lines if line.strip() and not line.startswith("#"))


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page, in order; every fence belongs to one."""
    text = (TUTORIALS / f"{page}.md").read_text(encoding="utf-8")
    blocks = [Block(**found.groupdict()) for found in _BLOCK.finditer(text)]
    assert text.count("```") == 2 * len(blocks), f"{page}.md has a fence that is not understood"
    return blocks


def shortened(blocks: list[Block], shorter: dict[str, str]) -> list[Block]:
    """The blocks with some texts replaced by others; each of them has to be there."""
    everything = "".join(block.text for block in blocks if block.not_run is None)
    assert [old for old in shorter if old not in everything] == []
    for old, new in shorter.items():
        blocks = [replace(block, text=block.text.replace(old, new)) for block in blocks]
    return blocks


def pattern_of(line: str) -> re.Pattern[str]:
    """What a printed line must match to be the line of a page, numbers and sizes aside."""
    parts = [re.escape(plain(part)) for part in line.split("...")]
    return re.compile(" ?.*".join(parts))


def plain(line: str) -> str:
    """A line without its numbers, the shape of the array and the width of its columns."""
    return " ".join(_NUMBER.sub("#", _ARRAY.sub("ARRAY", line)).split())


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody who does in a folder what a page says."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def follow(self, blocks: list[Block]) -> None:
        """Write the files, type the commands, and compare what they print."""
        printed = ""
        is_run = False
        for block in blocks:
            if block.title is not None:
                (self.folder / block.title).write_text(block.text, encoding="utf-8")
            elif block.language == "sh":
                is_run = block.not_run is None
                printed = "".join(map(self.type, block.commands)) if is_run else ""
            elif block.language == "text" and is_run:
                compare(block.text, printed)

    def type(self, command: str) -> str:
        """What a command prints; it has to succeed."""
        words = shlex.split(command, comments=True)
        if words[-1] == "&":
            return self._start(words[:-1])
        status, printed = self._naas(words) if words[0] == "naas" else self._shell(command)
        assert status == 0, f"{command}\n{printed}"
        return printed

    def _naas(self, words: list[str]) -> tuple[int, str]:
        """In this process, since to start another one takes longer than most commands."""
        out, err = StringIO(), StringIO()
        target = Path(words[-1]) if words[-2] == ">" else None
        with redirect_stdout(out), redirect_stderr(err):
            status = main(words[1:-2] if target else words[1:])
        if target is not None:
            target.write_text(out.getvalue(), encoding="utf-8")
        return status, err.getvalue() + out.getvalue()

    def _shell(self, command: str) -> tuple[int, str]:
        ended = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return ended.returncode, ended.stdout

    def _start(self, words: list[str]) -> str:
        with (self.folder / "started.log").open("a") as log:
            self.started.append(
                subprocess.Popen(
                    words,
                    cwd=self.folder,
                    env=environment(),
                    stdout=log,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
            )
        return ""

    def leave(self) -> None:
        """End what was started, and forget modules of the folder."""
        for process in self.started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(self.folder)):
                del sys.modules[name]


def environment() -> dict[str, str]:
    """That of the commands: the programs of this Python come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY), "COLUMNS": WIDTH}


def compare(shown: str, printed: str) -> None:
    """Each line of a page is a line that was printed, in that order."""
    rest = iter([plain(line) for line in printed.splitlines()])
    for line in shown.splitlines():
        if plain(line) not in ("", "..."):
            found = any(pattern_of(line).fullmatch(candidate) for candidate in rest)
            assert found, f"no line (any more) like\n{line}\nin\n{printed}"
