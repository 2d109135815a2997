"""Whatever goes wrong, a command ends with one sentence and the right exit status."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

from naas_hw.cli import main
from naas_hw.cli.exits import run_to_status
from naas_hw.core.errors import (
    InputError,
    LegalityError,
    SimulationError,
    ToolError,
)
from naas_hw.workload.layer import Layer


def raising(error: BaseException):
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (InputError("K must be 1,\nnot 0"), 2, "K must be 1, not 0"),
        (LegalityError(["a", "b"]), 2, "illegal mapping: a; b"),
        (ToolError("iverilog must be installed"), 2, "iverilog must be installed"),
        (SimulationError("hang: load waits for fill"), 3, "hang: load waits for fill"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/rtl/top.v"),
            2,
            "run/rtl/top.v: no space left on device",
        ),
        (PermissionError(errno.EACCES, "Permission denied", b"/home/a b"), 2,
         "/home/a b: permission denied"),
        (OSError("the cable is out"), 2, "the cable is out"),
        (MemoryError(), 2, "out of memory"),
        (
            ZeroDivisionError("by zero"),
            3,
            "a fault of naas itself, ZeroDivisionError: by zero (NAAS_TRACEBACK=1 shows where)",
        ),
    ],
)  # fmt: skip
def test_status_and_sentence(error, status, sentence, capsys):
    assert run_to_status(raising(error)) == status
    captured = capsys.readouterr()
    assert captured.err == f"naas: error: {sentence}\n"
    assert captured.out == ""


def test_a_command_that_returns_is_done_or_says_its_own_status():
    assert run_to_status(lambda: None) == 0
    assert run_to_status(lambda: 1) == 1


def test_a_traceback_of_a_fault_is_shown_when_asked_for(monkeypatch, capsys):
    monkeypatch.setenv("NAAS_TRACEBACK", "1")
    assert run_to_status(raising(KeyError("x"))) == 3
    assert "Traceback" in capsys.readouterr().err


def test_a_validation_error_is_one_sentence_with_its_place(capsys):
    def command() -> None:
        Layer(name="a", K=0, C=1, height=1, width=1, stride=(1, "x"))

    assert run_to_status(command) == 2
    text = capsys.readouterr().err
    assert text.startswith("naas: error: Layer: K must be ")
    assert text.endswith(", not 0 (and 1 more)\n")
    assert text.count("\n") == 1


def test_a_rule_of_a_value_as_a_whole_is_said_without_pydantics_words(capsys):
    def command() -> None:
        Layer(name="a", kind="depthwise", K=1, C=2, height=1, width=1)

    assert run_to_status(command) == 2
    assert capsys.readouterr().err == (
        "naas: error: Layer: C must be 1 in a depthwise layer, not 2\n"
    )


def test_a_nested_place_is_written_with_dots_and_indices(capsys):
    class Outer(pydantic.BaseModel):
        layers: tuple[Layer, ...]

    def command() -> None:
        Outer.model_validate({"layers": [{"name": "a", "K": 1, "height": 1}]})

    assert run_to_status(command) == 2
    assert capsys.readouterr().err == "naas: error: Outer: layers[0].width must be given\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "No such command 'nonsense'; see naas --help"),
        (["schema"], "Missing argument 'name'; see naas schema --help"),
        (["schema", "--nonsense"], "No such option: --nonsense; see naas schema --help"),
    ],
)
def test_a_wrong_command_line_is_bad_input(arguments, sentence, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"naas: error: {sentence}\n"


def test_no_command_shows_the_help_and_is_bad_input(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert "Usage: naas" in captured.out
    assert captured.err == "naas: error: a command is needed; see naas --help\n"


def test_version_and_help_are_no_errors(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("naas ")
    assert main(["doctor", "--help"]) == 0


def test_a_full_disk_behind_standard_output_is_bad_input():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "naas_hw.cli", "schema", "network"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "naas: error: no space left on device\n"


def test_a_reader_that_goes_away_is_no_comparison_that_failed():
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "naas_hw.cli", "schema", "network"],
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
