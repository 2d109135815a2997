"""The history of a search: one SQLite file, a transaction a generation.

Whatever kills the search, the file holds all generations before the current one, whole. A search
that is resumed asks its optimiser again, in the same order, and takes from here what it already
knows; so its result is that of a search that was never interrupted.

Mappings are most of what there is to keep, and much the same from layer to layer: those of a
candidate are deflated together. A file that is damaged, or made to harm, is refused: all that is
read is checked.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Self

from naas_hw.core.errors import InputError
from naas_hw.search.accelerator.history_rows import (
    COUNTS,
    FIELDS,
    NUM_COUNTS,
    CandidateRecord,
    candidate_row,
    closed_on_error,
    deflated,
    inflated,
    result_of,
    result_row,
    whole_database,
)
from naas_hw.search.mapping.layer_search import MappingResult
from naas_hw.system.files import check_regular, check_replaceable
from naas_hw.system.text import printable, shortened

SCHEMA_VERSION: Final = "3"
OLDER_VERSION: Final = "2"
"""Had the mappings of each layer as text in the table of layers; it is brought up to date when a
search goes on with it."""
_CANDIDATES: Final = """
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
    num_hopeless INTEGER NOT NULL, -- of them, those pruned by a lower bound
"""
_LAYERS: Final = """
    candidate INTEGER NOT NULL REFERENCES candidates (id),
    layer TEXT NOT NULL,
    num_evaluations INTEGER NOT NULL, -- bounds computed, illegal and repeated mappings included
    num_legal INTEGER NOT NULL,       -- distinct legal mappings evaluated
    num_exact INTEGER NOT NULL,       -- of these, timed exactly
    best_bound REAL NOT NULL,         -- lower bound of the layer's objective
    cycles INTEGER NOT NULL,          -- exact, of the best mapping
    energy_pj REAL NOT NULL,          -- exact, of the best mapping
    largest_gap REAL NOT NULL,        -- (exact - bound) / bound in cycles
"""
TABLES: Final = (
    f"""
CREATE TABLE candidates ({_CANDIDATES}
    mappings BLOB NOT NULL, -- JSON, deflated: of each layer the best, and the front
    UNIQUE (generation, member)
)""",
    f"""
CREATE TABLE layers ({_LAYERS}
    PRIMARY KEY (candidate, layer)
)""",
)
SCHEMA: Final = ";".join(("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)", *TABLES))


class History:
    """An open history file, or one in memory; a context manager."""

    def __init__(self, connection: sqlite3.Connection, source: str) -> None:
        self._connection = connection
        self._source = source

    @classmethod
    def open(cls, path: str | Path | None, *, digest: str, resume: bool) -> Self:
        """Create a history, or with `resume` go on with one; an older one is brought up to date.

        Parameters
        ----------
        path : None keeps it in memory.
        digest : of everything that determines the search; a history of another one is refused.

        Raises
        ------
        InputError : it exists and `resume` is false; it belongs to another search; it is no
            history, or a damaged one; it cannot be written.
        """
        if path is not None and not resume and Path(path).exists():
            raise InputError(f"{path} exists already; resume it or choose another file")
        if path is not None:
            check_replaceable(Path(path))
        with _written(path):
            connection = sqlite3.connect(":memory:" if path is None else str(path))
            history = cls(connection, str(path))
            with closed_on_error(connection):
                history._prepare(digest)
        return history

    @classmethod
    def read(cls, path: Path) -> Self:
        """A history to read only, an older one too.

        Raises
        ------
        InputError : it is no history, or a damaged one.
        """
        check_regular(path)
        with _whole(str(path)):
            uri = f"{path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True)
            history = cls(connection, str(path))
            with closed_on_error(connection):
                version, _ = history._format()
                history._check_version(version, SCHEMA_VERSION, OLDER_VERSION)
                history._check_whole()
        return history

    def _prepare(self, digest: str) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables:
            meta = {"schema": SCHEMA_VERSION, "digest": digest}
            with self._connection:
                self._connection.executescript(f"BEGIN;{SCHEMA};")
                self._connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            return
        with _whole(self._source):
            version, stored = self._format()
            self._check_version(version, SCHEMA_VERSION, OLDER_VERSION)
        if stored != digest:
            raise InputError(
                f"{self._source} was begun with other networks, another budget, another table "
                "or other settings; --force starts a new search"
            )
        with _whole(self._source):
            if version == OLDER_VERSION:
                self._bring_up_to_date()
            self._check_whole()

    def _format(self) -> tuple[object, object]:
        """Version and digest."""
        kinds = self._connection.execute("SELECT DISTINCT type FROM sqlite_master").fetchall()
        if not {kind for (kind,) in kinds} <= {"table", "index"}:
            raise ValueError("it has other things than tables")
        meta = dict(self._connection.execute("SELECT key, value FROM meta LIMIT 100"))
        return meta.get("schema"), meta.get("digest")

    def _check_version(self, version: object, *known: str) -> None:
        if version not in known:
            raise InputError(f"{self._source}: schema must be {' or '.join(known)}, not {version}")

    def _check_whole(self) -> None:
        """Generations are numbered from 0 on, members of each too; the file has no fault."""
        (fault,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if fault != "ok":
            raise ValueError(fault)
        rows = self._connection.execute(
            "SELECT generation, min(member), max(member), count(*) FROM candidates "
            "GROUP BY generation ORDER BY generation"
        )
        for number, row in enumerate(rows):
            if row != (number, 0, row[3] - 1, row[3]):
                raise ValueError(f"generation {number} must be whole")

    def _bring_up_to_date(self) -> None:
        """From OLDER_VERSION to SCHEMA_VERSION, wholly or not at all."""
        with self._connection:
            self._connection.execute("BEGIN")
            old = self._connection.execute(
                "SELECT candidate, mapping, choices FROM layers ORDER BY candidate, rowid"
            ).fetchall()
            mappings: dict[int, list[list[object]]] = {}
            for candidate, mapping, choices in old:
                mappings.setdefault(candidate, []).append([mapping, json.loads(choices)])
            self._connection.execute("ALTER TABLE candidates RENAME TO old_candidates")
            self._connection.execute("ALTER TABLE layers RENAME TO old_layers")
            for statement in TABLES:
                self._connection.execute(statement)
            rows = self._connection.execute(f"SELECT id, {FIELDS} FROM old_candidates").fetchall()
            self._connection.executemany(
                f"INSERT INTO candidates VALUES ({', '.join('?' * 13)})",
                [(*row, deflated(mappings.get(row[0], []))) for row in rows],
            )
            self._connection.execute(
                f"INSERT INTO layers SELECT candidate, layer, {COUNTS} FROM old_layers "
                "ORDER BY rowid"
            )
            self._connection.execute("DROP TABLE old_layers")
            self._connection.execute("DROP TABLE old_candidates")
            self._connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'schema'", (SCHEMA_VERSION,)
            )
        self._connection.execute("VACUUM")

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
        with _written(self._source), self._connection:
            for record in records:
                self._add(record)

    def _add(self, record: CandidateRecord) -> None:
        rows = {name: result_row(result) for name, result in record.layers.items()}
        cursor = self._connection.execute(
            f"INSERT INTO candidates VALUES (NULL, {', '.join('?' * 12)})",
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
                record.num_pruned,
                deflated([row[NUM_COUNTS:] for row in rows.values()]),
            ),
        )
        self._connection.executemany(
            f"INSERT INTO layers VALUES ({', '.join('?' * (2 + NUM_COUNTS))})",
            [(cursor.lastrowid, layer, *row[:NUM_COUNTS]) for layer, row in rows.items()],
        )

    def generation(self, number: int) -> list[CandidateRecord]:
        """The candidates of a complete generation, in order.

        Raises
        ------
        InputError : the file is damaged.
        """
        return self._whole_records("generation = ?", number)

    def candidate(self, generation: int, member: int) -> CandidateRecord:
        """One candidate of a complete generation.

        Raises
        ------
        InputError : there is no such candidate; the file is damaged.
        """
        records = self._whole_records("generation = ? AND member = ?", generation, member)
        if not records:
            raise InputError(f"{self._source} has no candidate {generation}.{member}")
        return records[0]

    def _whole_records(self, condition: str, *values: int) -> list[CandidateRecord]:
        """Candidates with what was found of their layers, in order of the members."""
        query = f"SELECT id, {FIELDS}, mappings FROM candidates WHERE {condition} ORDER BY member"
        with _whole(self._source):
            rows = self._connection.execute(query, values)
            return [self._record(row[:-1], row[-1]) for row in rows]

    @property
    def holds_mappings(self) -> bool:
        """Whether `candidate` and `generation` can be read; of an older file they cannot."""
        with _whole(self._source):
            return self._format()[0] == SCHEMA_VERSION

    def records(self) -> Iterator[CandidateRecord]:
        """All candidates, in order."""
        for number in range(self.num_generations):
            yield from self.generation(number)

    def candidates(self) -> Iterator[CandidateRecord]:
        """All candidates, in order, without what was found of their layers."""
        query = f"SELECT id, {FIELDS} FROM candidates ORDER BY generation, member"
        with _whole(self._source):
            for row in self._connection.execute(query):
                yield self._record(row, None)

    def first_row(self, query: str, values: dict[str, object]) -> tuple[Any, ...]:
        """The first row that a query gives.

        Raises
        ------
        InputError : the file is damaged.
        """
        with _whole(self._source):
            row: tuple[Any, ...] = self._connection.execute(query, values).fetchone()
            return row

    def _record(self, row: Sequence[object], mappings: bytes | None) -> CandidateRecord:
        checked = candidate_row(row)
        if (checked.score is not None) != bool(checked.is_mapped):
            raise ValueError("a candidate must have a score or have no mapping")
        num_networks = len(checked.cycles)
        if num_networks < checked.is_mapped or num_networks != len(checked.energy_pj):
            raise ValueError("a candidate must have cycles and energy of each network")
        return CandidateRecord(
            generation=checked.generation,
            member=checked.member,
            accelerator=checked.accelerator,
            score=checked.score,
            cycles=checked.cycles,
            energy_pj=checked.energy_pj,
            area_um2=checked.area_um2,
            layers={} if mappings is None else self._layers(checked.id, mappings),
            is_screened=bool(checked.is_screened),
            num_invalid=checked.num_invalid,
            num_pruned=checked.num_pruned,
        )

    def _layers(self, candidate: int, mappings: bytes) -> dict[str, MappingResult]:
        rows = self._connection.execute(
            f"SELECT layer, {COUNTS} FROM layers WHERE candidate = ? ORDER BY rowid", (candidate,)
        ).fetchall()
        return {
            str(layer): result_of([*counts, *choices])
            for (layer, *counts), choices in zip(rows, inflated(mappings), strict=True)
        }


def _whole(source: str) -> AbstractContextManager[None]:
    return whole_database(source, "the history of a search")


@contextmanager
def _written(source: str | Path | None) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes a damaged file as text
        reason = shortened(printable(str(error)), 200)
        raise InputError(f"the search history {source} cannot be written: {reason}") from error
