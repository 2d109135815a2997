"""A network on a board: what the run must have, and what is said of the answer."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from driver_programs import DIGEST, program_of

from naas_hw.api import board_execution
from naas_hw.api.board_execution import built_board, execute
from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.driver import serial_port
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import program_file_of
from naas_hw.driver.tensors import output_values
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.random_graph import random_graph
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import Manifest

GRAPH = random_graph(0)
NEEDED = program_file_of(program_of(GRAPH), digest=DIGEST).memory_bytes


def make_run(folder: Path, *, memory: int = 1 << 17, is_for_board: bool = True) -> Path:
    bitstream = "bitstream.bit" if is_for_board else None
    facts = {"bitstream": bitstream, "board": "ulx3s-85f", "memory_bytes": memory, "baud": 115200}
    manifest = Manifest.of(command=("naas", "test"), digest="0" * 64)
    with RunFolder.create(folder, manifest) as run:
        run.write_text("fpga/build.json", json.dumps(facts))
        program = encode(program_file_of(program_of(GRAPH), digest=DIGEST))
        run.write_files({"program/network.naas": program})
    return folder


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A board whose answers are the reference's, with so many of the first output's changed."""
    wrong = {"count": 0}

    def run(values: Mapping[str, Any]) -> dict[str, Any]:
        images = run_integers(GRAPH, values)
        answers = {name: output_values(GRAPH.tensors[name], images[name]) for name in GRAPH.outputs}
        first = answers[GRAPH.outputs[0]]
        first.reshape(-1)[: wrong["count"]] += np.ones((), first.dtype)
        return answers

    device = SimpleNamespace(run=run)
    monkeypatch.setattr(board_execution, "SerialLink", lambda line: line)
    monkeypatch.setattr(board_execution, "open_board", lambda *a, **k: device)
    model = SimpleNamespace(quantised=GRAPH)
    monkeypatch.setattr(board_execution, "read_model", lambda run: model)
    return wrong


@pytest.mark.parametrize("wrong", [0, 1])
def test_the_answer_is_compared_and_kept(board: dict[str, int], wrong: int, tmp_path: Path) -> None:
    board["count"] = wrong
    run = make_run(tmp_path / "run")
    line: Any = nullcontext("line")
    result = execute(run, line, outputs=tmp_path / "answers", seed=3)
    assert (result.board, result.output_mismatches) == ("ulx3s-85f", wrong)
    assert set(result.outputs) == set(GRAPH.outputs)
    assert all((tmp_path / "answers" / file).is_file() for file in result.outputs.values())


def test_the_command_says_what_is_wrong_by_its_exit_status(
    board: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    opened: list[int] = []

    def port(path: Path, *, baud: int) -> Any:
        opened.append(baud)
        return nullcontext("line")

    monkeypatch.setattr(serial_port, "SerialPort", port)
    run = str(make_run(tmp_path / "run"))
    assert main(["execute", run, "--port", "/dev/null", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    board["count"] = 2
    assert main(["execute", run, "--port", "/dev/null", "--baud", "9600"]) == 1
    assert capsys.readouterr().out == "ulx3s-85f: 2 wrong numbers\n"
    assert opened == [115200, 9600]


def test_a_run_that_was_built_for_no_board_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", is_for_board=False)
    with pytest.raises(InputError, match="is not built for a board"):
        built_board(run)


def test_a_program_that_does_not_fit_is_refused(board: dict[str, int], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", memory=4096)
    line: Any = nullcontext("line")
    with pytest.raises(InputError, match=f"needs {NEEDED} bytes of memory, but ulx3s-85f .* 4096"):
        execute(run, line)
