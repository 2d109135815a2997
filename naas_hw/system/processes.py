"""The one way in which naas starts programs: none of them, nor what they start, outlives naas.

Every program runs below a supervisor (`supervisor.py`), in a session of its own. The supervisor
watches a socket whose other end this process holds. When this process ends, by itself or by any
signal, the kernel closes that, and the supervisor kills all that is below it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

from naas_hw.core.errors import InputError
from naas_hw.system import supervisor

_SECONDS_TO_END: Final = 5.0
_SECONDS_BETWEEN_LOOKS: Final = 1.0
_TEMPORARY_VARIABLES: Final = ("TMPDIR", "TEMP", "TMP")
_Stream = IO[bytes] | int


class RunningProgram:
    """A program that was started; a context manager that ends it, and all that it started.

    Parameters
    ----------
    command : program and arguments.
    folder : where it runs; the folder of this process if None.
    environment : that of this process if None.
    stdin, stdout, stderr : as of `subprocess.Popen`; nothing is read or kept by default.
    handles : open files, by number, that it inherits.
    blocked_signals : signals that it never hears of.

    Raises
    ------
    InputError : the folder for temporary files that the environment names is none.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: _Stream = subprocess.DEVNULL,
        stdout: _Stream = subprocess.DEVNULL,
        stderr: _Stream | None = None,
        handles: Sequence[int] = (),
        blocked_signals: Iterable[signal.Signals] = (),
    ) -> None:
        environment = os.environ if environment is None else environment
        check_temporary_folder(environment)
        self._lifeline, theirs = socket.socketpair()
        # A signal that is blocked stays so in the new process: there is no moment without.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked_signals)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, str(theirs.fileno()), *command],
                cwd=folder,
                env=environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(theirs.fileno(), *handles),
                start_new_session=True,
            )
        except BaseException:
            self._lifeline.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """Process id of the program itself; that of the supervisor where it never ran."""
        if self._pid is None:
            said = self._lifeline.recv(8, socket.MSG_WAITALL)
            self._pid = int.from_bytes(said, "little") or self.process.pid
        return self._pid

    def poll(self) -> int | None:
        """Exit status, minus the signal that ended it; None while it runs."""
        return self.process.poll()

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Exit status, when it has ended; `subprocess.TimeoutExpired` after that time."""
        return self.process.wait(timeout_seconds)

    def kill(self) -> None:
        """Have it end, and all that it started; does not wait."""
        self._lifeline.close()

    def end(self) -> int:
        """End it, and all that it started, if it still runs; its exit status."""
        self.kill()
        try:
            return self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended.

    Parameters
    ----------
    status : its exit status; minus the signal that ended it.
    output, errors : what it printed, as UTF-8 with what is none replaced.
    """

    status: int
    output: str
    errors: str


def run_program(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    timeout_seconds: float | None = None,
    watch: Callable[[], None] | None = None,
) -> Ended | None:
    """Run a program to its end; None if that takes longer than the limit, and it is ended then.

    Parameters
    ----------
    command, folder, environment : as of `RunningProgram`.
    given : its standard input.
    timeout_seconds : None for no limit.
    watch : called every second while the program runs.

    Raises
    ------
    InputError : the folder for temporary files that the environment names is none.
    """
    with RunningProgram(
        command,
        folder=folder,
        environment=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        process = program.process
        try:
            output, errors = _communicate(process, given.encode(), timeout_seconds, watch)
        except subprocess.TimeoutExpired:
            return None
        finally:
            program.end()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
    return Ended(status=process.returncode, output=_text(output), errors=_text(errors))


def _communicate(
    process: subprocess.Popen[bytes],
    given: bytes,
    timeout_seconds: float | None,
    watch: Callable[[], None] | None,
) -> tuple[bytes, bytes]:
    """What a process prints up to its end; `subprocess.TimeoutExpired` after the limit."""
    if watch is None:
        return process.communicate(given, timeout_seconds)
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while True:
        left = _SECONDS_BETWEEN_LOOKS if end is None else end - time.monotonic()
        try:
            return process.communicate(given, max(0.0, min(left, _SECONDS_BETWEEN_LOOKS)))
        except subprocess.TimeoutExpired:
            if left <= _SECONDS_BETWEEN_LOOKS and end is not None:
                raise
        given = b""  # it has been handed over; what is printed meanwhile is kept
        watch()


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def check_temporary_folder(environment: Mapping[str, str]) -> None:
    """Refuse an environment that names a folder for temporary files that is none.

    Compilers fail on it with a message about something else.

    Raises
    ------
    InputError : says which variable.
    """
    for name in _TEMPORARY_VARIABLES:
        value = environment.get(name)
        if value and not Path(value).is_dir():
            raise InputError(f"{name} must name a folder that exists, not {value!r}")
