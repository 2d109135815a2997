"""Results of layers on accelerators in an SQLite file, so that a search that was stopped goes on.

A search that is run again with the same file asks for the same layers in the same order and finds
here what it knew; so its result is that of a search that was never stopped.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.search.accelerator.history_rows import (
    closed_on_error,
    deflated,
    inflated,
    result_of,
    result_row,
    whole_database,
)
from naas_hw.search.mapping.layer_search import MappingResult
from naas_hw.search.mapping.network_search import anonymous
from naas_hw.system.files import check_replaceable
from naas_hw.system.text import printable, shortened
from naas_hw.workload.layer import Layer

SCHEMA_VERSION: Final = "2"

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE results (
    accelerator TEXT NOT NULL, -- SHA-256 of its JSON
    layer TEXT NOT NULL,       -- SHA-256 of its JSON, without its name
    result BLOB NOT NULL,      -- JSON, deflated; null where no mapping is legal
    PRIMARY KEY (accelerator, layer)
);
"""


class LayerStore:
    """An open file, or one in memory; a context manager."""

    def __init__(self, connection: sqlite3.Connection, source: str) -> None:
        self._connection, self._source = connection, source

    @classmethod
    def open(cls, path: Path | None, *, digest: str) -> Self:
        """Create a file, or go on with one.

        Parameters
        ----------
        path : None keeps it in memory.
        digest : of everything that determines the search; a file of another one is refused.

        Raises
        ------
        InputError : it belongs to another search, is no such file, or cannot be written.
        """
        if path is not None:
            check_replaceable(path)
        try:
            connection = sqlite3.connect(":memory:" if path is None else str(path))
            store = cls(connection, str(path))
            with closed_on_error(connection):
                store._prepare(digest)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite quotes a damaged file
            reason = shortened(printable(str(error)), 200)
            raise InputError(
                f"{path} cannot be written as the store of layer costs: {reason}"
            ) from error
        return store

    def _prepare(self, digest: str) -> None:
        expected = {"schema": SCHEMA_VERSION, "digest": digest}
        if not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            with self._connection:
                self._connection.executescript("BEGIN;" + _SCHEMA)
                self._connection.executemany("INSERT INTO meta VALUES (?, ?)", expected.items())
            return
        with self._whole():
            meta = dict(self._connection.execute("SELECT key, value FROM meta LIMIT 100"))
            (fault,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
            if fault != "ok":
                raise ValueError(fault)
        if meta.get("schema") != SCHEMA_VERSION:
            raise InputError(
                f"{self._source}: schema must be {SCHEMA_VERSION}, not {meta.get('schema')}: "
                "--force starts the search anew"
            )
        if meta.get("digest") != digest:
            raise InputError(
                f"{self._source} was begun with another space, another budget, another table "
                "or other settings; --force starts a new search"
            )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Whatever is wrong with what the file holds becomes one sentence."""
        with whole_database(self._source, "the costs of layers that a joint search kept"):
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def num_results(self) -> int:
        """How many layers on accelerators are stored, those without a legal mapping included."""
        with self._whole():
            (count,) = self._connection.execute("SELECT count(*) FROM results").fetchone()
        return int(count)

    def known(
        self, accelerator: Accelerator, layers: Sequence[Layer]
    ) -> dict[int, MappingResult | None]:
        """What is known of layers, by their place."""
        known: dict[int, MappingResult | None] = {}
        key = _digest(accelerator.model_dump_json())
        query = "SELECT result FROM results WHERE accelerator = ? AND layer = ?"
        for place, layer in enumerate(layers):
            with self._whole():
                row = self._connection.execute(query, (key, _layer_digest(layer))).fetchone()
                if row is not None:
                    plain = inflated(row[0])
                    known[place] = None if plain is None else result_of(plain)
        return known

    def add(
        self, accelerator: Accelerator, results: Iterable[tuple[Layer, MappingResult | None]]
    ) -> None:
        """Keep results, all or none.

        Raises
        ------
        InputError : they cannot be written (a full disk).
        """
        key = _digest(accelerator.model_dump_json())
        rows = [
            (key, _layer_digest(layer), deflated(None if result is None else result_row(result)))
            for layer, result in results
        ]
        try:
            with self._connection:
                self._connection.executemany(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?)", rows
                )
        except sqlite3.Error as error:
            raise InputError(f"{self._source} cannot be written: {error}") from error


def _layer_digest(layer: Layer) -> str:
    return _digest(anonymous(layer).model_dump_json())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
