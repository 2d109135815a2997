"""A network of a run on a board, from a host at its serial line."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.api.builds import FOLDER, REPORT
from naas_hw.api.models import read_model
from naas_hw.api.network_files import Given, check_new, npy_bytes, output_files, read_inputs
from naas_hw.api.network_simulation import seeded_inputs
from naas_hw.core.errors import InputError
from naas_hw.driver.decoding import decode
from naas_hw.driver.serial_link import SerialLine, SerialLink, open_board
from naas_hw.driver.tensors import output_values
from naas_hw.graph.integer_execution import run_integers
from naas_hw.runs.folder import RunFolder
from naas_hw.system.files import read_file, write_files
from naas_hw.system.yaml_files import parse_yaml, validate

PROGRAM = "program/network.naas"
MAX_PROGRAM_BYTES = 1 << 30


class BuiltBoard(BaseModel):
    """What a host has to know about a build for a board.

    Parameters
    ----------
    board : its name. memory_bytes : on the chip. baud : of the serial line.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    board: str
    memory_bytes: Annotated[int, Field(ge=4096)]
    baud: Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True)
class BoardExecution:
    """The outputs and the status of a board.

    Parameters
    ----------
    board : its name.
    output_mismatches : numbers that differ from the integer reference.
    outputs : name -> file that it is in, where that was asked for.
    """

    board: str
    output_mismatches: int
    outputs: Mapping[str, str]


def built_board(run: str | Path) -> BuiltBoard:
    """The board that a run was built for.

    Raises
    ------
    InputError : it was built for none.
    """
    place = f"{FOLDER}/{REPORT}"
    facts = parse_yaml(RunFolder.read(Path(run)).read_text(place), place)
    if not isinstance(facts, dict) or facts.get("bitstream") is None:
        raise InputError(f"{run} is not built for a board; naas build {run} --board NAME builds it")
    return validate(BuiltBoard, facts, place)


def execute(
    run: str | Path,
    line: AbstractContextManager[SerialLine],
    *,
    inputs: Mapping[str, Given] | None = None,
    outputs: str | Path | None = None,
    seed: int = 0,
) -> BoardExecution:
    """Run the network of a run on a board, and compare every byte with the integer reference.

    Parameters
    ----------
    run : of a model, built for the board, with its program.
    line : to the board, opened here and closed.
    inputs : as `read_inputs` takes them; random ones by the seed if None.
    outputs : a folder that gets the outputs as `.npy` files.

    Raises
    ------
    InputError : something is missing or wrong, or does not fit the board.
    DeviceError : the board did not answer, or failed.
    """
    board, folder = built_board(run), RunFolder.read(Path(run))
    graph = read_model(run).quantised
    values = seeded_inputs(graph, seed) if inputs is None else read_inputs(graph, inputs)
    files = output_files(graph.outputs)
    if outputs is not None:
        check_new(outputs, files.values())
    if not folder.has(PROGRAM):
        raise InputError(
            f"{run} has no {PROGRAM}, the program of its network; naas generate {run} writes it"
        )
    program = decode(read_file(folder.place(PROGRAM), max_bytes=MAX_PROGRAM_BYTES))
    if program.memory_bytes > board.memory_bytes:
        raise InputError(
            f"the program needs {program.memory_bytes} bytes of memory, but {board.board} was "
            f"built with {board.memory_bytes}; build it with a larger --memory-kib"
        )
    with line as opened:
        device = open_board(program, SerialLink(opened), memory_bytes=board.memory_bytes)
        answers = device.run(values)
    wanted = run_integers(graph, values)
    if outputs is not None:
        contents = {file: npy_bytes(answers[name]) for name, file in files.items()}
        write_files(Path(outputs), contents)
    return BoardExecution(
        board=board.board,
        output_mismatches=sum(
            int((answers[name] != output_values(graph.tensors[name], wanted[name])).sum())
            for name in graph.outputs
        ),
        outputs=files if outputs is not None else {},
    )
