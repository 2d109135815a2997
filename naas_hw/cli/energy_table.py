"""`naas energy-table NAME`: a table as YAML, to be read, changed, and given to a search."""

from typing import TYPE_CHECKING, Annotated

import typer

from naas_hw.cli.panels import MAIN
from naas_hw.core.errors import InputError

if TYPE_CHECKING:
    from naas_hw.arch.technology import SizedTable


def energy_table(
    table: Annotated[
        str, typer.Argument(help="A built-in energy table, or a YAML file.")
    ] = "default",
    dram: Annotated[
        str | None,
        typer.Option(
            help="Interface of another external memory, such as hbm2.", rich_help_panel=MAIN
        ),
    ] = None,
    mac: Annotated[
        str | None,
        typer.Option(
            help="Number format of the multiplier: int8, int16, int32, fp16 or fp32.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    node: Annotated[
        float | None,
        typer.Option(
            help="Scale to this technology node, in nm; needs --supply.", rich_help_panel=MAIN
        ),
    ] = None,
    supply: Annotated[
        float | None,
        typer.Option(help="Supply voltage of that technology; needs --node.", rich_help_panel=MAIN),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the table that is printed.", rich_help_panel=MAIN),
    ] = None,
) -> None:
    """Print an energy table as YAML, every figure with its source.

    The option --energy-table of other commands takes what this one prints.

    Examples
    --------
    naas energy-table sized
    naas energy-table --dram hbm2 > mine.yaml
    naas energy-table sized --node 28 --supply 0.9 --name mine > mine.yaml
    """
    from naas_hw.arch.files import find_energy_table
    from naas_hw.arch.technology import SizedTable
    from naas_hw.system.yaml_files import dump_yaml, validate

    table_of_sizes = find_energy_table(table)
    if not isinstance(table_of_sizes, SizedTable):
        raise InputError(
            "table must be one whose prices depend on the sizes of memories, not "
            f"{table_of_sizes.name}"
        )
    table_of_sizes = _changed(table_of_sizes, dram, mac, node, supply)
    if name is not None:
        table_of_sizes = table_of_sizes.model_copy(update={"name": name})
    print(dump_yaml(validate(SizedTable, table_of_sizes.model_dump(mode="json"), "table")), end="")


def _changed(
    table: "SizedTable",
    dram: str | None,
    mac: str | None,
    node: float | None,
    supply: float | None,
) -> "SizedTable":
    from naas_hw.arch.technology import DRAMS, Precision, scaled, technology, with_dram, with_mac
    from naas_hw.cli.choices import choice_of

    if (node is None) != (supply is None):
        raise InputError("--node and --supply must be given together")
    if dram is not None:
        if dram not in DRAMS:
            raise InputError(f"dram must be one of {', '.join(DRAMS)}, not {dram!r}")
        table = with_dram(table, DRAMS[dram])
    if mac is not None:
        table = with_mac(table, choice_of(Precision, mac, "mac"))
    if node is not None and supply is not None:
        table = scaled(table, technology(node, supply))
    return table
