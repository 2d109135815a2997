"""`naas execute RUN --port PORT`: the network of a run on a board."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from naas_hw.cli.choices import MAX_COUNT, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import DesignFolder, Json
from naas_hw.cli.panels import MAIN
from naas_hw.system.text import printable


def execute(
    run: DesignFolder,
    port: Annotated[
        Path,
        typer.Option(help="The serial port of the board: /dev/ttyUSB0.", rich_help_panel=MAIN),
    ],
    baud: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Bits a second, by default those that the board was built with.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]FILE",
            help="A .npy file of an input; random numbers by default.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(help="A folder that gets a .npy file of each output.", rich_help_panel=MAIN),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, max=MAX_SEED, help="Random seed of the inputs.", rich_help_panel=MAIN),
    ] = 0,
    as_json: Json = False,
) -> int:
    """Run the network of a run on a board, and compare its answer with the integer reference.

    The run must have its program (naas generate) and be built for the board (naas build --board),
    and the bitstream must be loaded. The exit status is 1 if anything differs.

    Examples
    --------
    naas execute run --port /dev/ttyUSB0
    naas execute run --port /dev/ttyUSB0 --input image.npy --outputs answers
    """
    from naas_hw.api.board_execution import built_board
    from naas_hw.api.board_execution import execute as execute_on_board
    from naas_hw.cli.simulate import files_of
    from naas_hw.driver.serial_port import SerialPort

    result = execute_on_board(
        run,
        SerialPort(port, baud=baud or built_board(run).baud),
        inputs=files_of(inputs) if inputs else None,
        outputs=outputs,
        seed=seed,
    )
    if as_json:
        print(json.dumps({"ok": not result.output_mismatches, **asdict(result)}, indent=2))
    else:
        print(f"{printable(result.board)}: {result.output_mismatches} wrong numbers")
        for name, file in result.outputs.items():
            print(f"output {printable(name)}: {printable(str(outputs))}/{file}")
    return ExitStatus.DIFFERENT if result.output_mismatches else ExitStatus.DONE
