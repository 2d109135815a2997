"""The candidates of a real search are those that its result names."""

import json

import pytest

from naas_hw.arch.technology import AREA
from naas_hw.runs.tried_accelerators import convergence, read_candidates


def test_convergence_is_that_of_result_json(searched_run):
    candidates = read_candidates(searched_run / "history.sqlite")
    result = json.loads((searched_run / "result.json").read_text())
    assert len(candidates) == result["num_candidates"]
    found = convergence(candidates)
    assert [one.best for one in found] == result["best_scores"]
    assert [one.mean for one in found] == pytest.approx(result["population_means"], rel=1e-12)


def test_a_candidate_is_priced_as_the_search_prices_it(searched_run):
    for one in read_candidates(searched_run / "history.sqlite"):
        assert one.score == pytest.approx(one.cycles * one.energy_pj, rel=1e-12)
        assert one.area_um2 == sum(AREA.area_um2(one.accelerator).values())
