"""No program that naas started, nor what that started, outlives naas, however naas ends."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import naas_hw
from naas_hw.core.errors import InputError
from naas_hw.system.processes import RunningProgram, run_program

SECONDS_TO_END = 5

# A compiler that starts a compiler in a session of its own, which ignores all it can ignore.
GRANDCHILD = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
said, say = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(1, b"%d\\n" % os.getpid())  # in one piece: both write at once
        os.write(say, b".")
        time.sleep(1000)
    os.read(said, 1)  # what has ended says nothing more, nor does what it started
    os._exit(0)
os.write(1, b"%d\\n" % os.getpid())
time.sleep(1000 if len(sys.argv) > 1 else 0)
os.wait()
"""


@pytest.fixture(autouse=True)
def _signals_end_children():
    """Also where the tests run below nohup: children inherit what is ignored."""
    handlers: dict[int, Any] = {
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def wait_for_end(process_ids) -> None:
    """Return when all have ended; fail where one stays longer than is promised."""
    for process_id in process_ids:
        try:
            handle = os.pidfd_open(process_id)
        except ProcessLookupError:
            continue
        ended, _, _ = select.select([handle], [], [], SECONDS_TO_END)
        os.close(handle)
        assert ended, f"process {process_id} must end with its starter"


def numbers(stream, count: int) -> list[int]:
    return [int(stream.readline()) for _ in range(count)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_children_and_grandchildren_end_with_a_starter_that_is_killed(how):
    text = f"""
        import signal, sys
        from naas_hw.system.processes import RunningProgram
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with RunningProgram([sys.executable, "-c", {GRANDCHILD!r}, "stay"], stdout=1) as program:
            program.wait()
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with starter:
        try:
            processes = numbers(starter.stdout, 2)
        finally:
            starter.send_signal(how)
    wait_for_end(processes)


def test_what_a_program_leaves_behind_ends_with_it():
    with RunningProgram([sys.executable, "-c", GRANDCHILD], stdout=subprocess.PIPE) as program:
        output = program.process.stdout
        assert output is not None
        processes = numbers(output, 2)
        program.kill()
        output.close()
    wait_for_end(processes)


def test_a_daemon_does_not_stay_when_its_starter_has_ended_well():
    script = "import os, time\nif os.fork() == 0:\n os.setsid(); print(os.getpid(), flush=True)\n"
    script += " time.sleep(1000)\nelse: time.sleep(0.1)"
    ended = run_program([sys.executable, "-c", script])
    assert ended is not None and ended.status == 0
    wait_for_end([int(ended.output)])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.kill(os.getpid(), 15)", -15),
        ("import os; os.abort()", -6),
    ],
)
def test_the_status_is_that_of_the_program(code, status):
    ended = run_program([sys.executable, "-c", code])
    assert ended is not None and ended.status == status


def test_output_errors_input_folder_and_environment_are_those_of_the_program(tmp_path):
    code = "import os, sys; print(os.getcwd(), os.environ['A'], input()); os.write(2, b'e')"
    ended = run_program(
        [sys.executable, "-c", code], folder=tmp_path, environment={"A": "b"}, given="c\n"
    )
    assert ended is not None
    assert (ended.output, ended.errors) == (f"{tmp_path} b c\n", "e")


def test_a_limit_of_time_ends_it():
    assert run_program([sys.executable, "-c", "while True: pass"], timeout_seconds=0.2) is None


def test_a_program_that_is_none_says_so(tmp_path):
    ended = run_program([tmp_path / "none"])
    assert ended is not None
    assert ended.status == 127 and "none cannot be run: No such file" in ended.errors


def test_the_process_id_is_that_of_the_program():
    code = "import os; print(os.getpid())"
    with RunningProgram([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        output = program.process.stdout
        assert output is not None
        assert numbers(output, 1) == [program.pid]
        output.close()


def test_a_program_hears_signals_that_its_supervisor_does_not():
    code = "import signal; print(signal.pthread_sigmask(0, []), *map(signal.getsignal, (2, 15)))"
    ended = run_program([sys.executable, "-c", code])
    assert ended is not None
    assert ended.output == "set() <built-in function default_int_handler> 0\n"


@pytest.mark.parametrize("name", ["TMPDIR", "TEMP", "TMP"])
def test_a_folder_for_temporary_files_that_is_missing_is_named(name):
    with pytest.raises(InputError, match=f"{name} must name a folder that exists, not '/none'"):
        run_program(["true"], environment={**os.environ, name: "/none"})


def test_only_the_runner_starts_programs():
    """A second way would be one without the promise."""
    package = Path(naas_hw.__file__).parent
    allowed = {package / "system" / "processes.py", package / "system" / "supervisor.py"}
    words = ("subprocess.run", "subprocess.Popen", "ProcessPoolExecutor", "os.fork", "os.system")
    for path in set(package.rglob("*.py")) - allowed:
        text = path.read_text(encoding="utf-8")
        code = "\n".join(line for line in text.splitlines() if "`ProcessPool" not in line)
        assert not [word for word in words if word in code], path


def test_a_program_is_watched_while_it_runs_and_keeps_its_output():
    """It ends when the first look has been had."""
    looks: list[int] = []
    read, write = os.pipe()

    def look() -> None:
        looks.append(1)
        if len(looks) == 1:
            os.write(write, b"go\n")

    with os.fdopen(read), os.fdopen(write, "w"):
        command = ["sh", "-c", f"cat; echo begun; read line < /proc/{os.getpid()}/fd/{read}"]
        ended = run_program(command, given="given ", watch=look)
    assert ended is not None and (ended.status, ended.output) == (0, "given begun\n") and looks


def test_a_watched_program_is_ended_at_its_limit():
    looks: list[int] = []
    assert run_program(["sleep", "600"], timeout_seconds=1.5, watch=lambda: looks.append(1)) is None
    assert len(looks) == 1
