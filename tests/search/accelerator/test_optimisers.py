"""Every optimiser keeps the protocol, is random by its generator alone, and learns."""

from math import inf

import numpy as np
import pytest

from naas_hw.search.accelerator.optimisers import OuterOptimiser, outer_strategy
from naas_hw.search.unit_interval import Genes

NUM_GENES = 6
POPULATION = 8
LEARNERS = [kind for kind in OuterOptimiser if kind is not OuterOptimiser.RANDOM]


def score(point: Genes) -> float:
    """Smallest, 1, at (0.8, ..., 0.8)."""
    return 1.0 + float(np.square(point - 0.8).sum())


def run(kind: OuterOptimiser, *, generations: int, seed: int) -> list[Genes]:
    """All points that an optimiser asks for while every third point has no score."""
    strategy = outer_strategy(
        kind, np.full(NUM_GENES, 0.5), POPULATION, np.random.default_rng(seed)
    )
    asked = []
    for _ in range(generations):
        points = strategy.ask(POPULATION)
        points[0] = strategy.ask(1)[0]  # one point in the place of another
        strategy.tell(points, [inf if i % 3 == 2 else score(p) for i, p in enumerate(points)])
        asked += points
    return asked


@pytest.mark.parametrize("kind", list(OuterOptimiser))
def test_points_are_in_the_cube_and_follow_from_the_generator(kind: OuterOptimiser):
    first = np.array(run(kind, generations=12, seed=3))
    again = np.array(run(kind, generations=12, seed=3))
    assert first.shape == (12 * POPULATION, NUM_GENES)
    assert np.all((first >= 0) & (first <= 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, run(kind, generations=12, seed=4))


@pytest.mark.parametrize("kind", LEARNERS)
def test_what_learns_ends_below_random_search(kind: OuterOptimiser):
    """Median of seven seeds of the best of 320 points, above the optimum of 1."""
    seeds = range(7)
    found = [min(map(score, run(kind, generations=40, seed=seed))) for seed in seeds]
    due = [min(map(score, run(OuterOptimiser.RANDOM, generations=40, seed=seed))) for seed in seeds]
    assert np.median(found) - 1 < (np.median(due) - 1) / 2


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_warm_start_is_taken_up(kind: OuterOptimiser):
    """Told points near the optimum that it never proposed, the next ones are near it too."""
    rng = np.random.default_rng(0)
    strategy = outer_strategy(kind, np.full(NUM_GENES, 0.2), POPULATION, rng)
    told = [np.full(NUM_GENES, 0.8 + 0.01 * i) for i in range(-4, 4)]
    strategy.tell(told, [score(point) for point in told])
    asked = strategy.ask(POPULATION)
    assert np.median([score(point) for point in asked]) < score(np.full(NUM_GENES, 0.4))


@pytest.mark.parametrize("kind", list(OuterOptimiser))
def test_a_generation_without_a_score_is_survived(kind: OuterOptimiser):
    strategy = outer_strategy(kind, np.full(NUM_GENES, 0.5), 4, np.random.default_rng(0))
    for _ in range(3):
        strategy.tell(points := strategy.ask(4), [inf] * len(points))
    assert len(strategy.ask(4)) == 4
