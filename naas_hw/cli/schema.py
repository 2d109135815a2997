"""`naas schema NAME`: the JSON Schema of a file that naas reads or writes."""

import json
from importlib import import_module
from typing import Annotated, Final

import pydantic
import typer

from naas_hw.core.errors import InputError

SCHEMAS: Final = {
    "network": ("naas_hw.workload.network", "Network"),
    "accelerator": ("naas_hw.arch.accelerator", "Accelerator"),
    "budget": ("naas_hw.arch.budget", "Budget"),
    "board": ("naas_hw.arch.boards", "Board"),
    "energy_table": ("naas_hw.arch.technology", "SizedTable"),
    "accuracy": ("naas_hw.graph.quantise.measured_accuracy", "MeasuredAccuracy"),
    "mapping": ("naas_hw.mapping.files", "NetworkMapping"),
}
"""Name of a kind of file -> where its model is; imported only when asked for."""


def schema_text(name: str) -> str:
    """JSON Schema (2020-12) of the files of this name.

    Raises
    ------
    InputError for a name that no kind of file has.
    """
    if name not in SCHEMAS:
        raise InputError(f"schema must be one of {', '.join(sorted(SCHEMAS))}, not {name!r}")
    module, attribute = SCHEMAS[name]
    model = getattr(import_module(module), attribute)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **pydantic.TypeAdapter(model).json_schema(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def schema(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(sorted(SCHEMAS))}.")],
) -> None:
    """Print the JSON Schema of a kind of file that naas reads or writes.

    Examples
    --------
    naas schema network
    naas schema energy_table
    """
    print(schema_text(name))
