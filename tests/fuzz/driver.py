"""Damages files and has them read by another process, which is started anew where it hangs."""

import json
import os
import random
import re
import select
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mutations import mutation_of, reduced

SECONDS = 20
MAX_BYTES = 1 << 30
READING = Path(__file__).with_name("reading.py")


@dataclass
class Outcome:
    """What a number of damaged files came to.

    Members
    -------
    failures : what was wrong, the file that is kept.
    statuses : (file, exit status) -> how often.
    memory : largest of any reading process, bytes.
    """

    failures: list[str] = field(default_factory=list)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    memory: int = 0


class Reader:
    """The process that reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process if it does not run yet."""
        if self.process is None:
            self.process = self._start()
        return self.process

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "TMPDIR": str(self.folder), "NAAS_TRACEBACK": "1"}
        process = subprocess.Popen(
            [sys.executable, str(READING), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready == b"ready\n", ready
        return process

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def read(self, name: str, content: bytes) -> tuple[str | None, dict]:
        """What is wrong with how the file was read, None if nothing; and the answer."""
        process = self.start()
        assert process.stdin is not None and process.stdout is not None
        place = self.folder / "damaged" / name
        whole = (self.folder / "whole" / name).read_bytes()
        place.write_bytes(content)
        try:
            process.stdin.write(name.encode() + b"\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], SECONDS)
            if not ready:
                self.stop()
                return f"hangs for more than {SECONDS} s", {}
            line = process.stdout.readline()
            if not line:
                self.stop()
                return "ends the process", {}
        finally:
            if place.parent.exists():
                place.write_bytes(whole)
        found = json.loads(line)
        return problem_of(found), found


def problem_of(found: dict) -> str | None:
    """What is wrong with an answer."""
    sentences = found["said"].splitlines()
    if found["status"] not in (0, 1, 2):
        return f"status {found['status']}: " + " | ".join(sentences[-3:])
    for sentence in sentences:
        if not sentence.startswith("naas: error: "):
            return f"says something else: {sentence}"
        if not sentence.isprintable():
            return f"says something that is not printable: {sentence!r}"
        if re.search(r"(/\S+|: )$", sentence.strip()) and sentence.count(" ") < 4:
            return f"ends after the name of the file: {sentence}"
    if found["status"] == 2 and not sentences:
        return "status 2 without a word"
    if found["memory"] > MAX_BYTES:
        return f"takes {found['memory'] >> 20} MiB"
    return None


def fuzz(num: int, seed: int, folder: Path, *, names: Sequence[str] | None = None) -> Outcome:
    """Damage `num` files in turn; what fails is reduced and kept in `folder/failing`."""
    draw, outcome = random.Random(seed), Outcome()
    reader = Reader(folder)
    reader.start()
    whole = folder / "whole"
    names = names or names_of(whole)
    try:
        for index in range(num):
            name = names[index % len(names)]
            content = mutation_of(Path(name))((whole / name).read_bytes(), draw)
            problem, found = reader.read(name, content)
            outcome.memory = max(outcome.memory, found.get("memory", 0))
            outcome.statuses[name, found.get("status", -1)] += 1
            if problem is not None:
                kept = keep(reader, folder / "failing", index, name, content, problem)
                outcome.failures.append(f"{name}: {problem} ({kept})")
    finally:
        reader.stop()
        shutil.rmtree(folder / "damaged", ignore_errors=True)
    return outcome


def names_of(whole: Path) -> list[str]:
    """The files that are read, of every kind."""
    return sorted(
        path.relative_to(whole).as_posix()
        for path in whole.rglob("*")
        if path.is_file() and path.suffix in (".yaml", ".json", ".sqlite", ".pt2")
    )


def keep(reader: Reader, folder: Path, index: int, name: str, content: bytes, problem: str) -> Path:
    """Write a failing file, a part of it where that fails in the same way."""
    kind = problem[:24]

    def fails(smaller: bytes) -> bool:
        found, _ = reader.read(name, smaller)
        return found is not None and found.startswith(kind)

    if not problem.startswith("hangs"):
        content = reduced(content, fails)
    folder.mkdir(exist_ok=True)
    path = folder / f"{index}-{Path(name).name}"
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    place = Path(sys.argv[3])
    place.mkdir(parents=True, exist_ok=True)
    done = fuzz(int(sys.argv[1]), int(sys.argv[2]), place, names=sys.argv[4:] or None)
    for failure in done.failures:
        print(failure)
    print(f"{sum(done.statuses.values())} files, {len(done.failures)} failed, "
          f"{done.memory >> 20} MiB at most")  # fmt: skip
    for (name, status), number in sorted(done.statuses.items()):
        print(f"  {name}: status {status}: {number}")
