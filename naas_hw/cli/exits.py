"""What a command ends with: one sentence on the error stream, and an exit status.

0 done and all compared equal; 1 a comparison failed, or something is unsupported; 2 bad input or
a missing tool; 3 a fault of ours; 130 after Ctrl-C; 141 where the reader of the output went away.
"""

import errno
import io
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TextIO

import pydantic
import typer
from typer import BadParameter
from typer.exceptions import TyperException

from naas_hw.core.deprecation import RenamedWarning
from naas_hw.core.errors import NaasError
from naas_hw.system.text import one_line, shown
from naas_hw.system.yaml_files import rule_of, validation_sentence

_MAX_SENTENCE = 2000


class ExitStatus(IntEnum):
    """Exit status of `naas`."""

    DONE = 0
    DIFFERENT = 1
    BAD_INPUT = 2
    FAULT = 3
    NO_READER = 128 + signal.SIGPIPE
    INTERRUPTED = 130


def run_to_status(command: Callable[[], object]) -> int:
    """Call `command`; say in one sentence what went wrong, and return the exit status.

    A command returns its own status, or None for 0.
    """
    if sys.stdout is None:  # `>&-`: the next file that is opened would get its number
        _say("standard output must be open, not closed")
        return ExitStatus.BAD_INPUT
    _let_all_text_be_printed()
    try:
        with _renames_as_lines():
            status = command()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        return _status_of(error)
    if status == ExitStatus.INTERRUPTED and not isinstance(status, ExitStatus):
        return _status_of(KeyboardInterrupt())  # typer caught it, and gives a plain number
    return int(status) if isinstance(status, int) else ExitStatus.DONE


@contextmanager
def _renames_as_lines() -> Iterator[None]:
    """Print each warning about an old name once, as one line on the error stream."""
    said: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", RenamedWarning)
        show_other = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, RenamedWarning):
                show_other(message, category, filename, lineno, file, line)
            elif str(message) not in said:
                said.add(str(message))
                _say(str(message), kind="warning")

        warnings.showwarning = show
        yield


def _let_all_text_be_printed() -> None:
    """Bytes of file names that are no UTF-8, and what the terminal's code lacks, become escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _status_of(error: BaseException) -> int:
    match error:
        case KeyboardInterrupt():
            # Amaranth warns about components that were never elaborated
            warnings.simplefilter("ignore")
            _say("interrupted")
            return ExitStatus.INTERRUPTED
        case SystemExit():
            # typer turns a reader that went away (EPIPE) into exit(1), which means another thing
            if isinstance(error.__context__, OSError) and error.__context__.errno == errno.EPIPE:
                _drop_output()
                return ExitStatus.NO_READER
            return ExitStatus.BAD_INPUT if error.code else ExitStatus.DONE
        case NaasError():
            _say(_sentence(str(error)))
            return error.exit_status
        case BrokenPipeError():
            _drop_output()
            return ExitStatus.NO_READER
        case (
            pydantic.ValidationError()
            | TyperException()
            | typer.Abort()
            | OSError()
            | MemoryError()
        ):
            _say(_input_sentence(error))
            return ExitStatus.BAD_INPUT
        case _:
            return _say_fault(error)


def _input_sentence(error: BaseException) -> str:
    """What is wrong with the input, or with what the system gives for it."""
    match error:
        case TyperException():
            return _usage_sentence(error)
        case pydantic.ValidationError():
            more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            return f"{error.title}: {validation_sentence(error)}{more}"
        case typer.Abort():
            return "the end of the input was reached"
        case OSError():
            return os_error_sentence(error)
        case _:
            return "out of memory"


def _say(sentence: str, kind: str = "error") -> None:
    if sys.stderr is None:  # print would take standard output then
        return
    try:
        print(f"naas: {kind}: {sentence}", file=sys.stderr)
    except OSError:  # nobody reads the error stream any more
        pass


def _say_fault(error: BaseException) -> int:
    if os.environ.get("NAAS_TRACEBACK"):
        traceback.print_exception(error)
    what = _sentence(f"{type(error).__name__}: {error}")
    _say(f"a fault of naas itself, {what} (NAAS_TRACEBACK=1 shows where)")
    return ExitStatus.FAULT


def _drop_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush is silent."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # a test has put something else in its place
        pass


def _sentence(text: str) -> str:
    return one_line(text, _MAX_SENTENCE) or "no reason given"


def _usage_sentence(error: TyperException) -> str:
    """What is wrong with the command line, and where to look."""
    if isinstance(error, BadParameter) and isinstance(error.__cause__, pydantic.ValidationError):
        return _option_sentence(error, error.__cause__)
    say = getattr(error, "format_message", error.__str__)
    text = " ".join(say().split()).rstrip(".") or "a command is needed"
    context = getattr(error, "ctx", None)
    return f"{text}; see {context.command_path} --help" if context is not None else text


def _option_sentence(error: BadParameter, cause: pydantic.ValidationError) -> str:
    """The rule that the value of an option breaks, "not", and the value as it was typed."""
    option = max(error.param.opts, key=len) if error.param is not None else "a value"
    first = cause.errors(include_url=False, include_context=False)[0]
    value = first["input"]
    typed = _sentence(value) if isinstance(value, str) else shown(value)
    return f"{option} {rule_of(first['msg'])}, not {typed}"


def os_error_sentence(error: OSError) -> str:
    """The file and what the system says about it."""
    reason = (error.strerror or _sentence(str(error))).lower()
    if error.filename is None:
        return reason
    return f"{_sentence(os.fsdecode(error.filename))}: {reason}"
