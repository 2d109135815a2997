"""Convergence and front are those of the search, and the front is what its definition says."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.arch.presets import find_preset
from naas_hw.core.errors import InputError
from naas_hw.runs.tried_accelerators import Candidate, candidate_front, convergence, read_candidates

ACCELERATOR = find_preset("nvdla-256").accelerator


def candidate(generation=0, member=0, score=1.0, cycles=1.0, energy_pj=1.0, area_um2=1.0):
    return Candidate(
        generation=generation, member=member, accelerator=ACCELERATOR, score=score,
        cycles=cycles, energy_pj=energy_pj, area_um2=area_um2,
    )  # fmt: skip


def test_candidates_without_a_mapping_count_for_nothing():
    unmapped = candidate(score=None, cycles=inf, energy_pj=inf)
    assert candidate_front([unmapped]) == []
    (only,) = convergence([unmapped])
    assert only.best == only.mean == inf
    first, second = convergence([unmapped, candidate(generation=1, score=3.0)])
    assert (first.best, second.best, second.mean) == (inf, 3.0, 3.0)


small = st.integers(1, 4).map(float)


@given(st.lists(st.tuples(small, small, small), min_size=1, max_size=12))
def test_the_front_is_exactly_what_nothing_beats(figures):
    all_ = [
        candidate(member=index, cycles=c, energy_pj=e, area_um2=a)
        for index, (c, e, a) in enumerate(figures)
    ]
    front = candidate_front(all_)
    expected = {
        one
        for one in figures
        if not any(o != one and all(p <= q for p, q in zip(o, one, strict=True)) for o in figures)
    }
    assert {one.figures for one in front} == expected
    assert len(front) == len(expected)
    assert [one.figures for one in front] == sorted(expected)
    assert all(one.member == figures.index(one.figures) for one in front)


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one" * 50])
def test_a_file_that_is_no_history_is_bad_input(tmp_path, content):
    path = tmp_path / "history.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match="must be the history of a search"):
        read_candidates(path)
