"""Which candidates are the steps of a search, and which are the best that it dropped."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from naas_hw.arch.presets import find_preset
from naas_hw.arch.technology import SIZED
from naas_hw.runs.search_steps import (
    NUM_DROPPED,
    best_dropped,
    improving,
    mapping_settings,
    tried_as,
)
from naas_hw.runs.tried_accelerators import Candidate, convergence

ARRAY = find_preset("nvdla-256").accelerator
scores = st.none() | st.integers(1, 9).map(float)


def candidate(generation, member, score, bank_bytes=1024, **others):
    accelerator = ARRAY.model_copy(update={"bank_bytes": bank_bytes, "name": "candidate"})
    return Candidate(
        generation=generation, member=member, accelerator=accelerator, score=score,
        cycles=1.0, energy_pj=1.0, area_um2=1.0, **others,
    )  # fmt: skip


@given(st.lists(st.lists(scores, min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_step_is_a_generation_that_found_a_better_design(generations):
    all_ = [
        candidate(number, member, score)
        for number, of_it in enumerate(generations)
        for member, score in enumerate(of_it)
    ]
    best = [one.best for one in convergence(all_)]
    before = [inf, *best]
    expected = [number for number, score in enumerate(best) if score < before[number]]
    found = improving(all_)
    assert [one.generation for one in found] == expected
    assert [one.score for one in found] == [best[number] for number in expected]


@given(st.lists(st.tuples(scores, st.integers(1, 12)), max_size=30))
def test_what_was_dropped_is_the_best_of_each_other_design(drawn):
    all_ = [candidate(0, n, score, 64 * size) for n, (score, size) in enumerate(drawn)]
    reported = ARRAY.model_copy(update={"bank_bytes": 64, "name": "found"})
    best: dict[int, float] = {}
    for score, size in drawn:
        if score is not None and size != 1:
            best[64 * size] = min(score, best.get(64 * size, inf))
    found = best_dropped(all_, reported)
    assert [one.score for one in found] == sorted(best.values())[:NUM_DROPPED]
    assert all(best[one.accelerator.bank_bytes] == one.score for one in found)


def test_a_design_that_was_mapped_in_full_stands_before_its_screening():
    screened = candidate(0, 0, 1.0, is_screened=True)
    full, better = candidate(1, 0, 3.0), candidate(2, 0, 2.0)
    assert (
        tried_as([screened, full, better], ARRAY.model_copy(update={"bank_bytes": 1024})) is better
    )
    assert tried_as([screened], screened.accelerator) is screened
    assert tried_as([full], ARRAY.model_copy(update={"bank_bytes": 2048})) is None


def test_an_objective_of_another_version_explains_nothing():
    assert mapping_settings("edp", SIZED) is not None
    assert mapping_settings("unheard-of", SIZED) is None
