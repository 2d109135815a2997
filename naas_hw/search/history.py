"""The history of a search: one SQLite file, a transaction a generation.

Whatever kills the search, the file holds all generations before the current one, whole. A search
that is resumed asks its optimiser again, in the same order, and takes from here what it already
knows; so its result is that of a search that was never interrupted.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from naas_hw.arch.accelerator import Accelerator
from naas_hw.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping_search import Choice, MappingResult

SCHEMA_VERSION: Final = "2"

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE candidates (
    id INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    member INTEGER NOT NULL,
    accelerator TEXT NOT NULL,  -- JSON
    is_mapped INTEGER NOT NULL, -- 0: some layer has no legal mapping
    score REAL,                 -- of the objective, exact; NULL if not mapped
    cycles TEXT NOT NULL,       -- JSON: of each network, exact
    energy_pj TEXT NOT NULL,    -- JSON: of each network, exact
    area_um2 REAL NOT NULL,     -- an estimate
    is_screened INTEGER NOT NULL, -- 1: mapped with a part of the due evaluations, and left at that
    num_invalid INTEGER NOT NULL, -- candidates ruled out before this one was drawn
    num_hopeless INTEGER NOT NULL, -- of them, those whose lower bound is no better than the best
    UNIQUE (generation, member)
);
CREATE TABLE layers (
    candidate INTEGER NOT NULL REFERENCES candidates (id),
    layer TEXT NOT NULL,
    num_evaluations INTEGER NOT NULL, -- bounds computed, illegal and repeated mappings included
    num_legal INTEGER NOT NULL,       -- distinct legal mappings evaluated
    num_exact INTEGER NOT NULL,       -- of these, timed exactly
    best_bound REAL NOT NULL,         -- lower bound of the layer's objective
    cycles INTEGER NOT NULL,          -- exact, of the best mapping
    energy_pj REAL NOT NULL,          -- exact, of the best mapping
    largest_gap REAL NOT NULL,        -- (exact - bound) / bound in cycles
    mapping TEXT NOT NULL,            -- JSON: the best
    choices TEXT NOT NULL,            -- JSON: cycles, energy and mapping of all on the front
    PRIMARY KEY (candidate, layer)
);
"""


@dataclass(frozen=True, kw_only=True)
class CandidateRecord:
    """What is known of one candidate.

    Members
    -------
    layers : name of a distinct layer -> what was found; empty if some layer has no mapping.
    area_um2 : an estimate.
    is_screened : its mappings had a part of the due evaluations, and were not good enough for more.
    num_invalid, num_hopeless : candidates that were ruled out before this one was drawn, and those
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
    num_hopeless: int = 0


class History:
    """An open history file, or one in memory; a context manager."""

    def __init__(self, connection: sqlite3.Connection, source: str) -> None:
        self._connection = connection
        self._source = source

    @classmethod
    def open(cls, path: str | Path | None, *, digest: str, resume: bool) -> Self:
        """Create a history, or with `resume` go on with one.

        Parameters
        ----------
        path : None keeps it in memory.
        digest : of everything that determines the search; a history of another one is refused.

        Raises
        ------
        InputError : it exists and `resume` is false; it belongs to another search; it is no
            history; it cannot be written.
        """
        if path is not None and not resume and Path(path).exists():
            raise InputError(f"{path}: must not exist, or be resumed")
        try:
            connection = sqlite3.connect(":memory:" if path is None else str(path))
            found = cls(connection, str(path))
            found._prepare(digest)
        except sqlite3.Error as error:
            raise InputError(f"{path}: must be a history that can be written: {error}") from error
        return found

    def _prepare(self, digest: str) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            meta = {"schema": SCHEMA_VERSION, "digest": digest}
            with self._connection:
                self._connection.executescript("BEGIN;" + _SCHEMA)
                self._connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            return
        meta = dict(self._connection.execute("SELECT key, value FROM meta"))
        if meta.get("schema") != SCHEMA_VERSION:
            raise InputError(
                f"{self._source}: schema must be {SCHEMA_VERSION}, not {meta.get('schema')}"
            )
        if meta.get("digest") != digest:
            raise InputError(
                f"{self._source}: must be resumed with the networks, budget, table and settings "
                "that it was begun with, not others"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def num_generations(self) -> int:
        """Generations that are complete."""
        query = "SELECT coalesce(max(generation) + 1, 0) FROM candidates"
        return int(self._connection.execute(query).fetchone()[0])

    def add_generation(self, records: Sequence[CandidateRecord]) -> None:
        """Write a generation, wholly or not at all.

        Raises
        ------
        InputError : it cannot be written (a full disk).
        """
        try:
            with self._connection:
                for record in records:
                    self._add(record)
        except sqlite3.Error as error:
            raise InputError(
                f"{self._source}: must be a history that can be written: {error}"
            ) from error

    def _add(self, record: CandidateRecord) -> None:
        cursor = self._connection.execute(
            "INSERT INTO candidates VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.generation,
                record.member,
                record.accelerator.model_dump_json(),
                record.score is not None,
                record.score,
                json.dumps(record.cycles),
                json.dumps(record.energy_pj),
                record.area_um2,
                record.is_screened,
                record.num_invalid,
                record.num_hopeless,
            ),
        )
        self._connection.executemany(
            "INSERT INTO layers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (cursor.lastrowid, layer, *result_row(result))
                for layer, result in record.layers.items()
            ],
        )

    def generation(self, number: int) -> list[CandidateRecord]:
        """The candidates of a complete generation, in order."""
        query = "SELECT * FROM candidates WHERE generation = ? ORDER BY member"
        cursor = self._connection.execute(query, (number,))
        names = [column[0] for column in cursor.description]
        return [self._record(dict(zip(names, row, strict=True))) for row in cursor]

    def records(self) -> Iterator[CandidateRecord]:
        """All candidates, in order."""
        for number in range(self.num_generations):
            yield from self.generation(number)

    def _record(self, row: dict[str, Any]) -> CandidateRecord:
        layers = self._connection.execute(
            "SELECT * FROM layers WHERE candidate = ? ORDER BY rowid", (row["id"],)
        )
        return CandidateRecord(
            generation=row["generation"],
            member=row["member"],
            accelerator=Accelerator.model_validate_json(row["accelerator"]),
            score=row["score"],
            cycles=tuple(json.loads(row["cycles"])),
            energy_pj=tuple(json.loads(row["energy_pj"])),
            area_um2=row["area_um2"],
            layers={layer[1]: result_of(layer[2:]) for layer in layers},
            is_screened=bool(row["is_screened"]),
            num_invalid=row["num_invalid"],
            num_hopeless=row["num_hopeless"],
        )


def result_row(result: MappingResult) -> tuple[object, ...]:
    """What is found of a layer, as SQLite and JSON have it; branch and bound's proof apart."""
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
        json.dumps(choices),
    )


def result_of(row: Sequence[object]) -> MappingResult:
    """What `result_row` was made of."""
    evaluations, legal, exact, bound, cycles, energy, gap, mapping, choices = map(str, row)
    return MappingResult(
        best=_choice(int(cycles), float(energy), mapping),
        choices=tuple(_choice(*entry) for entry in json.loads(choices)),
        num_evaluations=int(evaluations),
        num_legal=int(legal),
        num_exact=int(exact),
        best_bound=float(bound),
        largest_gap=float(gap),
    )


def _choice(cycles: int, energy_pj: float, mapping: str) -> Choice:
    return Choice(mapping=Mapping.model_validate_json(mapping), cycles=cycles, energy_pj=energy_pj)
