"""The gap report: shares and intervals are what they say, places are from every network."""

import pytest

from naas_hw.arch.technology import SIZED
from naas_hw.experiments.gap import (
    Gap,
    Ratio,
    gap_markdown,
    holds,
    measure_gaps,
    measure_ratios,
    places,
    share_evolved,
    share_within,
)
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.branch_and_bound import OptimalityBound
from naas_hw.search.mapping.layer_search import Choice
from naas_hw.workload.catalogue import builtin_names

PLACES = places(1)


def gap(default, score, bound, evolved=200.0):
    best = Choice(mapping=Mapping(), cycles=1, energy_pj=score)
    optimality = OptimalityBound(
        best=best, score=score, bound=bound, complete=True, num_nodes=1, num_evaluations=2,
        num_exact=1,
    )  # fmt: skip
    return Gap(place=PLACES[0], evolved=evolved, default=default, optimality=optimality)


def ratio(mean, low, high):
    return Ratio(place=PLACES[0], mean=mean, low=low, high=high)


def test_places_are_layers_of_every_network():
    chosen = places(6)
    assert {place.name.split()[0] for place in chosen} == set(builtin_names())
    assert len({place.name for place in chosen}) == len(chosen) >= 30
    assert {place.accelerator.name for place in chosen} == {"eyeriss", "nvdla-256", "shidiannao"}


def test_shares_count_what_is_within_two_percent():
    gaps = [gap(101.0, 101.0, 100.0), gap(103.0, 100.0, 99.0), gap(103.0, 102.0, 100.0)]
    assert share_within(gaps, proven=True) == pytest.approx(1 / 3)
    assert share_within(gaps, proven=False) == pytest.approx(2 / 3)


def test_what_evolution_does_alone_is_counted_by_the_best_that_was_found():
    gaps = [gap(100.0, 100.0, 99.0, evolved) for evolved in (100.0, 101.9, 102.1, 150.0)]
    assert share_evolved(gaps) == pytest.approx(1 / 2)


def test_it_holds_where_nine_of_ten_are_proven_and_chance_is_nowhere_better():
    near, far = gap(100.0, 100.0, 99.0), gap(100.0, 100.0, 90.0)
    assert holds([near] * 9 + [far], [ratio(1.1, 1.0, 1.2)])
    assert not holds([near] * 8 + [far] * 2, [])
    assert not holds([near], [ratio(0.98, 0.97, 0.99)])


@pytest.mark.takes_seconds
def test_measured_gaps_and_ratios_stand_in_the_tables():
    gaps = measure_gaps(
        PLACES[:2], evaluations=200, proof_evaluations=1000, budget=2000, seed=0, table=SIZED
    )
    for found in gaps:
        assert found.optimality.bound <= found.optimality.score <= found.default <= found.evolved
        assert 0 <= found.to_best <= found.proven
    ratios = measure_ratios(PLACES[:1], evaluations=50, seeds=(0, 1, 2), table=SIZED)
    (measured,) = ratios
    assert measured.low <= measured.mean <= measured.high
    text = gap_markdown(gaps, ratios, 200, 1000)
    for place in PLACES[:2]:
        assert f"| {place.name} | {place.accelerator.name} |" in text
    assert f"{measured.mean:.3f} | {measured.low:.3f} | {measured.high:.3f}" in text
