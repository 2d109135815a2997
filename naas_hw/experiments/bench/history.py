"""The history of benchmarks as data: one entry for each time that all figures were measured."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from naas_hw.core.errors import InputError
from naas_hw.experiments.bench.figures import BenchFigure
from naas_hw.system.files import write_file
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validation_sentence

Text = Annotated[str, Field(max_length=500)]


class BenchEntry(BaseModel):
    """What was measured of one commit.

    Parameters
    ----------
    release : version of naas_hw.
    commit, date : of the source, as the one who measured gives them.
    machine : `naas_hw.system.machine.describe_machine`.
    note : under which conditions it was measured.
    hardware : digest of the Verilog that the FPGA figures belong to; None without such figures.
    figures : key of a `BenchFigure` -> value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: Text
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,40}$")]
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
    machine: Text
    note: Text = ""
    hardware: Text | None = None
    figures: dict[str, float]


class BenchHistory(BaseModel):
    """All entries, the oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    entries: tuple[BenchEntry, ...] = ()

    def with_entry(self, entry: BenchEntry) -> "BenchHistory":
        """The history with one more entry; it takes the place of an entry of the same commit."""
        others = tuple(one for one in self.entries if one.commit != entry.commit)
        return BenchHistory(entries=(*others, entry))

    def series(self, figure: BenchFigure) -> list[tuple[int, float]]:
        """Index of an entry, value; of the entries that have the figure."""
        return [
            (index, entry.figures[figure.key])
            for index, entry in enumerate(self.entries)
            if figure.key in entry.figures
        ]


def read_history(path: Path) -> BenchHistory:
    """The history in a file; an empty one where there is no file.

    Raises
    ------
    InputError : it is no history.
    """
    if not path.exists():
        return BenchHistory()
    try:
        return BenchHistory.model_validate_json(json.dumps(read_json(path)))
    except ValidationError as error:
        raise InputError(f"{path}: {validation_sentence(error)}") from error


def write_history(path: Path, history: BenchHistory) -> None:
    """Write the history, whole or not at all.

    Raises
    ------
    InputError : the file cannot be written.
    """
    write_file(path, json.dumps(history.model_dump(mode="json"), indent=1) + "\n")
