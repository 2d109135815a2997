"""Whatever kills naas, and whenever: no process stays, and --resume ends on the same run.

A launcher, a process of its own that has imported naas once, forks for each command. All that it
and its commands start has the same folder for temporary files, and so is told from other processes.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

NUM_GENERATIONS = 4
SECONDS_TO_END = 5  # as docs/robustness.md promises
NUM_LOOKS = 250
SETTINGS = [
    *("--budget", "shidiannao", "--population", "2"),
    *("--evaluations", "60", "--min-legal", "10", "--seed", "4"),
]
NETWORK = """\
version: 1
name: net
layers:
  - {name: a, K: 4, C: 4, P: 4, Q: 4, R: 3, S: 3, height: 4, width: 4, padding: [1, 1]}
  - {name: b, K: 4, C: 4, P: 2, Q: 4, height: 2, width: 4}
"""
LAUNCHER = """
import json, os, signal, sys
from naas_hw import api, cli
from naas_hw.search.cma import new_strategy
from naas_hw.search.processes import compile_once

compile_once()
new_strategy([0.5, 0.5], sigma=0.1, population=4, rng=None)  # imports cma
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
        log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os._exit(cli.main(json.loads(line)))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


SLOW_TOOL = """\
#!/bin/sh
setsid sleep 1000 &
touch "$TMPDIR/../started"
sleep 1000
"""


class Launcher:
    """Starts commands in a folder, with a folder for temporary files that is empty at first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary = folder, folder / "tmp"
        self.temporary.mkdir()
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=os.environ
            | {"TMPDIR": str(self.temporary), "PATH": f"{self.tools}:{os.environ['PATH']}"},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout

    def start(self, *arguments: str) -> int:
        """Start a command; its process id."""
        self.requests.write(json.dumps(arguments) + "\n")
        self.requests.flush()
        child = int(self.answers.readline())
        while runs(child) and session_of(child) != child:  # not a leader yet
            time.sleep(0.001)
        return child

    def started(self) -> set[int]:
        """Processes that its commands, and what they started, still are."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = set()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    found.add(int(path.name))
        return found - {self.process.pid}

    def wait_for_all_to_end(self) -> None:
        """Return when none is left; fail if one stays."""
        for _ in range(NUM_LOOKS):
            left = self.started()
            if not left:
                return
            time.sleep(SECONDS_TO_END / NUM_LOOKS)
        for process in left:
            os.kill(process, signal.SIGKILL)
        pytest.fail(f"{len(left)} processes must end with naas, not stay")

    def status(self) -> int:
        """The exit status of the command, minus the signal if that ended it."""
        return int(self.answers.readline())

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture(scope="module", autouse=True)
def _hang_up_ends_children():
    """Also where the tests themselves run below nohup, which the launcher inherits."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    (folder / "network.yaml").write_text(NETWORK)
    started = Launcher(folder)
    with started.process:
        yield started
        started.requests.close()


def search(run: str, processes: int, generations: int = NUM_GENERATIONS) -> list[str]:
    words = ["search", "network.yaml", *SETTINGS, "--generations", str(generations)]
    return [*words, "-o", run, "--processes", str(processes)]


@pytest.fixture(scope="module")
def whole(launcher):
    """A run that nothing disturbed, and how long a generation of it took, about."""
    begin = time.monotonic()
    launcher.start(*search("whole/run", 1))
    assert launcher.status() == 0, launcher.log
    return launcher.folder / "whole" / "run", (time.monotonic() - begin) / NUM_GENERATIONS


def contents(run: Path) -> dict[str, object]:
    """Everything in a run folder: bytes of files, rows of the history."""
    found: dict[str, object] = {}
    for path in sorted(run.iterdir()):
        if path.name == "history.sqlite":
            connection = sqlite3.connect(path)
            found[path.name] = list(connection.iterdump())
            connection.close()
        elif path.name == "manifest.json":
            found[path.name] = {**json.loads(path.read_text()), "command": None, "checksum": None}
        else:
            found[path.name] = path.read_bytes()
    return found


def runs(process: int) -> bool:
    """Whether a process exists and has not ended."""
    return session_of(process) is not None


def session_of(process: int) -> int | None:
    """None of a process that has ended; 0 where the leader is outside of the namespace."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[3])


def num_generations(history: Path) -> int:
    """Complete ones; 0 where there is no history yet."""
    try:
        connection = sqlite3.connect(f"file:{history}?mode=ro", uri=True)
        try:
            query = "SELECT count(DISTINCT generation) FROM candidates"
            return connection.execute(query).fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


@pytest.mark.takes_seconds
@pytest.mark.parametrize(
    ("processes", "kill", "num_kills"),
    [(1, os.kill, 6), (2, os.kill, 1), (2, os.killpg, 1)],
    ids=["alone", "starter-of-two", "group-of-three"],
)
def test_a_search_that_is_killed_again_and_again_resumes_to_the_same_run(
    launcher, whole, processes, kill, num_kills
):
    """Each time after a random number of generations, and within the next."""
    expected, seconds = whole
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    run = launcher.folder / f"{kill.__name__}-{processes}" / "run"
    place = str(run.relative_to(launcher.folder))
    for first in sorted(draw.randrange(NUM_GENERATIONS + 1) for _ in range(num_kills)):
        child = launcher.start(*search(place, processes), "--resume")
        while num_generations(run / "history.sqlite") < first and runs(child):
            time.sleep(0.01)
        time.sleep(draw.uniform(0, seconds))
        with suppress(ProcessLookupError):  # it has ended already
            kill(child, signal.SIGKILL)
        status = launcher.status()
        assert status in (0, -signal.SIGKILL), launcher.log
        launcher.wait_for_all_to_end()
    launcher.start(*search(place, 1), "--resume")
    assert launcher.status() == 0, launcher.log
    assert contents(run) == contents(expected)
    assert list(launcher.temporary.iterdir()) == []


@pytest.mark.takes_seconds
def test_ctrl_c_in_the_terminal_keeps_the_best_and_ends_all_workers(launcher):
    many = 100  # so many that the signal comes before the search is done
    run = launcher.folder / "interrupted" / "run"
    child = launcher.start(*search("interrupted/run", 2, many))
    while not num_generations(run / "history.sqlite"):
        time.sleep(0.01)
    os.killpg(child, signal.SIGINT)  # a terminal tells the whole group
    assert launcher.status() == 130, launcher.log
    launcher.wait_for_all_to_end()
    assert "Traceback" not in launcher.log
    assert json.loads((run / "result.json").read_text())["interrupted"]
    launcher.start(*search("interrupted/run", 1, many), "--resume")
    assert launcher.status() == 0, launcher.log
    launcher.start(*search("undisturbed/run", 1, many))
    assert launcher.status() == 0, launcher.log
    assert contents(run) == contents(launcher.folder / "undisturbed" / "run")


@pytest.mark.takes_seconds
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("tool", "words"),
    [("iverilog", ["simulate", "design", "--sim", "icarus"]), ("make", ["doctor"])],
)
def test_a_tool_and_what_it_started_end_with_the_command(
    launcher, write_design_to, tool, words, how
):
    """The tool is slow, and has started another in a session of its own."""
    write_design_to(launcher.folder / "design")
    path, started = launcher.tools / tool, launcher.folder / "started"
    path.write_text(SLOW_TOOL)
    path.chmod(0o755)
    child = launcher.start(*words)
    while not started.exists():
        assert runs(child), launcher.log
        time.sleep(0.01)
    assert len(launcher.started()) >= 4  # the command, the supervisor, the tool, what that started
    os.kill(child, how)
    assert launcher.status() == -how, launcher.log
    launcher.wait_for_all_to_end()
    path.unlink()
    started.unlink()
