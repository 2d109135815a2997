"""A history is read back as it was written.

An older one is brought up to date, and a damaged one is refused in one sentence.
"""

import json
import sqlite3
from contextlib import closing

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.core.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.runs.tried_accelerators import read_candidates
from naas_hw.search.accelerator.history import OLDER_VERSION, History
from naas_hw.search.accelerator.history_rows import CandidateRecord, result_row
from naas_hw.search.mapping.layer_search import Choice, MappingResult

BEST = Choice(mapping=Mapping(), cycles=10, energy_pj=1.5)
OTHER = Choice(mapping=Mapping(dram_order=tuple("QPSRCK")), cycles=9, energy_pj=2.5)


def record(generation: int, member: int) -> CandidateRecord:
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=2 + member),), weight_buffer_bytes=16, input_buffer_bytes=16,
        accumulator_words=16, bank_bytes=256,
    )  # fmt: skip
    found = MappingResult(
        best=BEST, choices=(OTHER, BEST), num_evaluations=100, num_legal=50 + member, num_exact=8,
        best_bound=9.5, largest_gap=0.25,
    )  # fmt: skip
    return CandidateRecord(
        generation=generation, member=member, accelerator=accelerator, score=15.0, cycles=(10,),
        energy_pj=(1.5,), area_um2=2.0, layers={"b": found, "a": found},
    )  # fmt: skip


RECORDS = [record(0, 0), record(0, 1), record(1, 0)]


@pytest.fixture
def path(tmp_path):
    with History.open(tmp_path / "h.sqlite", digest="x", resume=False) as history:
        history.add_generation(RECORDS[:2])
        history.add_generation(RECORDS[2:])
    return tmp_path / "h.sqlite"


def records_of(path):
    with History.open(path, digest="x", resume=True) as history:
        return list(history.records())


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else (
                connection.execute(statement)
            )
        connection.commit()


def test_what_was_written_is_read_with_layers_in_order(path):
    assert records_of(path) == RECORDS
    assert [list(one.layers) for one in records_of(path)] == [["b", "a"]] * 3


def test_an_older_history_is_read_and_brought_up_to_date_when_a_search_goes_on(path):
    """It had mappings as text in the table of layers."""
    change(path, "ALTER TABLE layers ADD mapping TEXT", "ALTER TABLE layers ADD choices TEXT")
    *_, mapping, choices = result_row(RECORDS[0].layers["a"])
    change(
        path,
        ("UPDATE layers SET mapping = ?, choices = ?", (mapping, json.dumps(choices))),
        "ALTER TABLE candidates DROP COLUMN mappings",
        f"UPDATE meta SET value = '{OLDER_VERSION}' WHERE key = 'schema'",
    )
    before = path.read_bytes()
    assert [one.accelerator for one in read_candidates(path)] == [r.accelerator for r in RECORDS]
    assert path.read_bytes() == before
    assert records_of(path) == RECORDS
    assert records_of(path) == RECORDS  # of the new version now


def test_an_unknown_version_is_named_with_those_that_are_known(path):
    change(path, "UPDATE meta SET value = '9' WHERE key = 'schema'")
    with pytest.raises(InputError, match="schema must be 3 or 2, not 9"):
        records_of(path)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE layers",
        "DROP TABLE candidates",
        "DROP TABLE meta",
        "UPDATE candidates SET generation = 1000000000000 WHERE generation = 1",
        "UPDATE candidates SET member = 5 WHERE member = 1",
        "UPDATE candidates SET generation = 'text' WHERE generation = 1",
        "UPDATE candidates SET score = 9e999",
        "UPDATE candidates SET score = 'text'",
        "UPDATE candidates SET score = NULL",
        "UPDATE candidates SET cycles = '[1e999]'",
        "UPDATE candidates SET cycles = '[]'",
        "UPDATE candidates SET energy_pj = '[NaN]'",
        "UPDATE candidates SET accelerator = '{}'",
        "UPDATE candidates SET accelerator = x'ff00'",
        "UPDATE candidates SET mappings = x'00'",
        "UPDATE candidates SET mappings = ''",
        "UPDATE candidates SET area_um2 = -1",
        "UPDATE layers SET cycles = 'text'",
        "UPDATE layers SET best_bound = 9e999",
        "DELETE FROM layers WHERE layer = 'a'",
        "ALTER TABLE candidates RENAME COLUMN score TO other",
        "CREATE VIEW v AS SELECT 1",
    ],
)
def test_whatever_is_wrong_in_it_is_one_sentence(path, statement):
    change(path, statement)
    with pytest.raises(InputError, match="h.sqlite: (must be the hist|schema)") as caught:
        read_candidates(path)
        records_of(path)
    assert str(caught.value).isprintable()


def test_mappings_take_a_small_part_of_what_they_are_as_text(path):
    """Layers of a candidate are much alike, and deflated together."""
    text = len(json.dumps([result_row(found) for found in RECORDS[0].layers.values()]))
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("SELECT max(length(mappings)) FROM candidates").fetchone()
    assert size < text / 4


def test_a_file_whose_schema_is_no_text_is_one_sentence(path):
    """SQLite quotes it in its own error, which then is no text either."""
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE T\xd4BLE"))
    with pytest.raises(InputError, match="h.sqlite cannot be written"):
        records_of(path)
    with pytest.raises(InputError, match="h.sqlite: must be the history"):
        read_candidates(path)
