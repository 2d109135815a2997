"""Rows of the files of a search: what they hold of a candidate and of a layer, and its checks."""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.layer_search import Choice, MappingResult
from naas_hw.system.text import printable, shortened
from naas_hw.system.yaml_files import validation_sentence

_MAX_MAPPINGS_BYTES: Final = 256 * 1024 * 1024
FIELDS: Final = (
    "generation, member, accelerator, is_mapped, score, cycles, energy_pj, area_um2, is_screened, "
    "num_invalid, num_hopeless"
)


COUNTS: Final = "num_evaluations, num_legal, num_exact, best_bound, cycles, energy_pj, largest_gap"
NUM_COUNTS: Final = len(COUNTS.split(","))


@dataclass(frozen=True, kw_only=True)
class CandidateRecord:
    """What is known of one candidate.

    Members
    -------
    layers : name of a distinct layer -> what was found; empty if some layer has no mapping.
    area_um2 : an estimate.
    is_screened : its mappings had a part of the due evaluations, and were not good enough for more.
    num_invalid, num_pruned : candidates that were ruled out before this one was drawn, and those
        among them whose lower bound was no better than the best score by then.
    """

    generation: int
    member: int
    accelerator: Accelerator
    score: float | None
    cycles: tuple[int, ...]
    energy_pj: tuple[float, ...]
    area_um2: float
    layers: dict[str, MappingResult]
    is_screened: bool = False
    num_invalid: int = 0
    num_pruned: int = 0


_Count = Annotated[int, Field(ge=0)]


_Figure = Annotated[float, Field(ge=0)]


class CandidateRow(BaseModel):
    """A row of the table of candidates, checked."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    id: int
    generation: _Count
    member: _Count
    accelerator: Accelerator
    is_mapped: Annotated[int, Field(ge=0, le=1)]
    score: _Figure | None
    cycles: tuple[_Count, ...]
    energy_pj: tuple[_Figure, ...]
    area_um2: _Figure
    is_screened: Annotated[int, Field(ge=0, le=1)]
    num_invalid: _Count
    num_pruned: Annotated[int, Field(ge=0, alias="num_hopeless")]  # the name of its column


class _ResultRow(BaseModel):
    """What is found of a layer, checked; the order of the fields is that in files."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    num_evaluations: _Count
    num_legal: _Count
    num_exact: _Count
    best_bound: float
    cycles: _Count
    energy_pj: _Figure
    largest_gap: float
    mapping: Mapping
    choices: tuple[tuple[_Count, _Figure, Mapping], ...]

    @property
    def result(self) -> MappingResult:
        """The value that it stands for."""
        return MappingResult(
            best=Choice(mapping=self.mapping, cycles=self.cycles, energy_pj=self.energy_pj),
            choices=tuple(
                Choice(mapping=mapping, cycles=cycles, energy_pj=energy)
                for cycles, energy, mapping in self.choices
            ),
            num_evaluations=self.num_evaluations,
            num_legal=self.num_legal,
            num_exact=self.num_exact,
            best_bound=self.best_bound,
            largest_gap=self.largest_gap,
        )


def candidate_row(row: Sequence[object]) -> CandidateRow:
    """The row of a candidate, checked.

    Raises
    ------
    ValueError : something in it is wrong (`ValidationError` is one).
    """
    plain: dict[str, Any] = dict(zip(("id", *FIELDS.split(", ")), row, strict=True))
    for name in ("accelerator", "cycles", "energy_pj"):
        plain[name] = json.loads(plain[name])
    return CandidateRow.model_validate_json(json.dumps(plain))


@contextmanager
def whole_database(source: str, what: str) -> Iterator[None]:
    """Whatever is wrong with what an SQLite file holds becomes one sentence.

    Raises
    ------
    InputError : says that the file must be `what`, and why it is not.
    """
    try:
        yield
    except InputError:
        raise
    except ValidationError as error:
        raise InputError(f"{source}: must be {what}: {validation_sentence(error)}") from error
    except (sqlite3.Error, ValueError, TypeError, ArithmeticError, RecursionError, zlib.error) as e:
        raise InputError(f"{source}: must be {what}: {shortened(printable(str(e)), 200)}") from e


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection where what is done with it fails; else it stays open."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def result_row(result: MappingResult) -> tuple[object, ...]:
    """What is found of a layer, as files have it; without what branch and bound proved."""
    choices = [[c.cycles, c.energy_pj, c.mapping.model_dump_json()] for c in result.choices]
    return (
        result.num_evaluations,
        result.num_legal,
        result.num_exact,
        result.best_bound,
        result.best.cycles,
        result.best.energy_pj,
        result.largest_gap,
        result.best.mapping.model_dump_json(),
        choices,
    )


def result_of(row: Sequence[object]) -> MappingResult:
    """What `result_row` was made of.

    Raises
    ------
    ValueError : something in it is wrong (`ValidationError` is one).
    """
    *counts, mapping, choices = row
    if not isinstance(choices, list):
        raise ValueError("choices must be a list")
    plain = dict(zip(COUNTS.split(", "), counts, strict=True))
    plain["mapping"] = json.loads(str(mapping))
    plain["choices"] = [[c, energy, json.loads(str(text))] for c, energy, text in choices]
    return _ResultRow.model_validate_json(json.dumps(plain)).result


def deflated(value: object) -> bytes:
    """JSON, deflated."""
    return zlib.compress(json.dumps(value).encode(), 9)


def inflated(data: object) -> Any:
    """What `deflated` was given.

    Raises
    ------
    ValueError, zlib.error : it was not made so, or stands for more than a file can need.
    """
    if not isinstance(data, bytes):
        raise ValueError("what is deflated must be bytes")
    stream = zlib.decompressobj()
    text = stream.decompress(data, _MAX_MAPPINGS_BYTES)
    if not stream.eof:
        raise ValueError("what is deflated must be whole and not too large")
    return json.loads(text)
