"""Counts come out of the file: distinct accelerators, and the fewest mappings of any layer."""

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.core.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.runs.history_counts import HistoryCounts, count_history
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.mapping.layer_search import Choice, MappingResult


def result(num_legal: int) -> MappingResult:
    best = Choice(mapping=Mapping(), cycles=10, energy_pj=1.0)
    return MappingResult(
        best=best, choices=(best,), num_evaluations=100, num_legal=num_legal, num_exact=8,
        best_bound=10.0, largest_gap=0.0,
    )  # fmt: skip


def record(member: int, size: int, legal: dict[str, int]) -> CandidateRecord:
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=size),), weight_buffer_bytes=16, input_buffer_bytes=16,
        accumulator_words=16, bank_bytes=256,
    )  # fmt: skip
    return CandidateRecord(
        generation=0, member=member, accelerator=accelerator, score=1.0 if legal else None,
        cycles=(10,), energy_pj=(1.0,), area_um2=1.0,
        layers={name: result(count) for name, count in legal.items()},
    )  # fmt: skip


def written(path, *records):
    with History.open(path, digest="x", resume=False) as history:
        history.add_generation(records)
    return path


def test_repeated_and_unmapped_accelerators_do_not_count(tmp_path):
    path = written(
        tmp_path / "history 1.sqlite",
        record(0, 2, {"a": 60, "b": 70}),
        record(1, 3, {"a": 61, "b": 90}),
        record(2, 2, {"a": 60, "b": 70}),
        record(3, 4, {}),
    )
    assert count_history(path, due_mappings=60) == HistoryCounts(
        num_candidates=2,
        num_short=0,
        num_layers=2,
        least_mappings=60,
        num_mappings=281,
        num_exact=32,
    )


def test_a_candidate_with_too_few_mappings_of_one_layer_is_short(tmp_path):
    path = written(
        tmp_path / "h.sqlite",
        record(0, 2, {"a": 60, "b": 70}),
        record(1, 3, {"a": 90, "b": 59}),
    )
    counts = count_history(path, due_mappings=60)
    assert (counts.num_candidates, counts.num_short, counts.least_mappings) == (1, 1, 59)


def test_a_candidate_that_lacks_a_layer_is_told(tmp_path):
    path = written(tmp_path / "h.sqlite", record(0, 2, {"a": 60, "b": 70}), record(1, 3, {"a": 61}))
    with pytest.raises(InputError, match="all candidates must have 2 layers, not 1"):
        count_history(path, due_mappings=60)


def test_what_is_no_history_is_refused(tmp_path):
    (tmp_path / "text").write_text("no database, but long enough to be taken for one" * 20)
    for path in (tmp_path / "text", tmp_path / "missing"):
        with pytest.raises(InputError, match="must be the history of a search"):
            count_history(path, due_mappings=60)
    assert not (tmp_path / "missing").exists()


def test_an_empty_history_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least one candidate"):
        count_history(written(tmp_path / "h.sqlite"), due_mappings=60)
