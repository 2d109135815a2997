"""`naas export RUN --to timeloop|maestro|litex`: a design for another model, or for a SoC."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from naas_hw.cli.choices import MAX_SEED, choice_of
from naas_hw.cli.given import refuse_given
from naas_hw.cli.options import DesignFolder, Pad
from naas_hw.cli.panels import LITEX, MAIN, TIMELOOP
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.emit.plan import FilePlan

SOC: Final = "litex"
_OF_MODELS: Final = ("layers", "version", "pad", "energy_table")
_OF_SOC: Final = ("inputs", "seed", "family")


def export(
    context: typer.Context,
    run: DesignFolder,
    to: Annotated[
        str,
        typer.Option(
            help="What the files are for: timeloop or maestro (other cost models), or litex (a "
            "SoC).",
            rich_help_panel=MAIN,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The folder that gets the files.", rich_help_panel=MAIN
        ),
    ],
    layers: Annotated[
        str | None,
        typer.Option(
            help="Names of layers, separated by commas; all by default.", rich_help_panel=MAIN
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write into a folder that holds files.", rich_help_panel=MAIN),
    ] = False,
    version: Annotated[
        str,
        typer.Option(
            "--format", help="Version of the files: v0.3 or v0.4.", rich_help_panel=TIMELOOP
        ),
    ] = "v0.3",
    pad: Pad = False,
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, by default the run's.",
            rich_help_panel=TIMELOOP,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]FILE.npy",
            help="The file of an input for the firmware, instead of random numbers; repeat it "
            "for each input.",
            rich_help_panel=LITEX,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, max=MAX_SEED, help="Random seed of the inputs.", rich_help_panel=LITEX),
    ] = 0,
    family: Annotated[
        str,
        typer.Option(
            help="Use the multiplier and the memories of a family of FPGAs: generic, ecp5 or "
            "ice40.",
            rich_help_panel=LITEX,
        ),
    ] = "generic",
) -> None:
    """Write a design as files for Timeloop or MAESTRO, or its network as a LiteX SoC.

    If the format of Timeloop or MAESTRO cannot express a part of the design, the error names the
    part. For LiteX, the run must come from a search of a model: the files hold a SoC in simulation,
    a SoC on a board, and firmware that runs the network.

    Examples
    --------
    naas export run --to timeloop -o files
    naas export run --to timeloop --format v0.4 --layers conv1 -o files
    naas export run --to maestro -o files --force
    naas export run --to litex --input image.npy -o soc
    """
    from naas_hw import api
    from naas_hw.exchange.formats import Format
    from naas_hw.exchange.timeloop_format import Version

    if to not in (*Format, SOC):
        raise InputError(f"--to must be one of {', '.join(Format)}, {SOC}, not {to!r}")
    if to == SOC:
        refuse_given(context, _OF_MODELS, f"with --to {SOC}")
        plan = _soc(run, inputs or [], seed, family)
    else:
        refuse_given(context, _OF_SOC, f"without --to {SOC}")
        plan = api.export(
            run,
            to=Format(to),
            version=choice_of(Version, version, "--format"),
            pad=pad,
            layers=layers.split(",") if layers else None,
            table=energy_table,
        )
    if output.is_dir() and any(output.iterdir()) and not force:
        raise InputError(f"{output} must be a new folder or an empty one (--force writes into it)")
    plan.write(output)
    print(f"{len(plan)} files in {printable(str(output))}")


def _soc(run: Path, inputs: list[str], seed: int, family: str) -> "FilePlan":
    from naas_hw.api.litex import export_litex
    from naas_hw.arch.families import Family
    from naas_hw.cli.simulate import files_of

    return export_litex(
        run,
        inputs=files_of(inputs) if inputs else None,
        seed=seed,
        family=choice_of(Family, family, "--family"),
    )
