"""`naas generate RUN`: Verilog, its test, registers, programs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from naas_hw.cli.choices import MAX_SEED
from naas_hw.cli.options import DesignFolder, Json
from naas_hw.cli.panels import MAIN, PORTS
from naas_hw.system.text import printable


def generate(
    run: DesignFolder,
    program: Annotated[
        bool,
        typer.Option(
            help="Write a program of each layer, with example tensors.", rich_help_panel=MAIN
        ),
    ] = True,
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_SEED,
            help="Random seed of the example tensors.",
            rich_help_panel=MAIN,
        ),
    ] = 0,
    family: Annotated[
        str,
        typer.Option(
            help="Use the multiplier and the memories of a family of FPGAs: generic, ecp5 or "
            "ice40.",
            rich_help_panel=MAIN,
        ),
    ] = "generic",
    top: Annotated[
        str,
        typer.Option(help="Name of the top module.", rich_help_panel=PORTS),
    ] = "naas_accelerator",
    registers_prefix: Annotated[
        str,
        typer.Option(
            help="Prefix of the AXI4-Lite ports; needs another name for --top.",
            rich_help_panel=PORTS,
        ),
    ] = "s_axil",
    memory_prefix: Annotated[
        str,
        typer.Option(
            help="Prefix of the AXI4 ports; needs another name for --top.", rich_help_panel=PORTS
        ),
    ] = "m_axi",
    as_json: Json = False,
) -> None:
    """Write the Verilog of a design with a self-checking test, and a program of each layer.

    Examples
    --------
    naas generate run
    naas generate run --family ecp5
    naas generate run --no-program --json
    naas generate run --top npu --memory-prefix m00_axi
    """
    from naas_hw import api
    from naas_hw.arch.families import Family
    from naas_hw.cli.choices import choice_of
    from naas_hw.emit.port_names import PortNames

    made = api.generate(
        run,
        program=program,
        seed=seed,
        family=choice_of(Family, family, "family"),
        names=PortNames(top=top, registers=registers_prefix, memory=memory_prefix),
    )
    skipped = api.read_design(run).network.without_program if program else ()
    if as_json:
        facts = {
            "digest": f"{made.digest:016x}",
            "modules": made.num_modules,
            "files": list(made.files),
            "files_digest": made.files.digest,
            "skipped": [layer.name for layer in skipped],
        }
        print(json.dumps(facts, indent=2))
        return
    shown = Path(printable(str(run)))
    print(f"{made.num_modules} modules, digest {made.digest:016x}, in {shown / 'rtl'}")
    print(f"{shown / 'rtl' / 'README.md'} says how to simulate, lint and synthesise them")
    if program:
        print(f"programs with example tensors (seed {seed}) in {shown / 'program'}")
    if any(path.startswith("driver/") for path in made.files):
        print(f"the whole network, and a driver that runs it, in {shown / 'driver'}")
    for layer in skipped:
        print(f"{layer.name}: no program, because this kind of layer exists in the cost model only")
