"""A front holds what nothing beats; its volume is the one that counting cells gives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.search.pareto import hypervolume, pareto_front, pareto_front_of

small = st.integers(0, 6)
triples = st.lists(st.tuples(small, small, small), max_size=12)


def dominates(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


@given(triples.filter(len))
def test_a_front_is_what_no_other_point_dominates(points: list[tuple[int, int, int]]):
    found = pareto_front(np.array(points, dtype=np.float64))
    kept = {points[index] for index in found}
    assert kept == {p for p in points if not any(dominates(q, p) for q in points)}
    assert len(kept) == len(found)
    assert found == [points.index(p) for p in sorted(kept)]


pairs = st.lists(st.tuples(small, small), max_size=12)


@given(pairs)
def test_two_figures_have_the_same_front_as_three_of_which_one_is_equal(
    points: list[tuple[int, int]],
):
    """Two figures need one comparison a point, more figures one with every point on the front."""
    expected = pareto_front_of(points, lambda point: (*point, 0))
    assert pareto_front_of(points, lambda point: point) == expected


@given(triples, st.tuples(small, small, small))
def test_a_volume_is_the_number_of_unit_cells_that_a_point_dominates(
    points: list[tuple[int, int, int]], reference: tuple[int, int, int]
):
    cells = product(*(range(limit) for limit in reference))
    due = sum(any(all(p[i] <= cell[i] for i in range(3)) for p in points) for cell in cells)
    assert hypervolume(points, reference) == due


@given(triples, st.tuples(small, small, small))
def test_what_is_dominated_adds_no_volume(
    points: list[tuple[int, int, int]], other: tuple[int, int, int]
):
    before = hypervolume(points, (7, 7, 7))
    after = hypervolume([*points, other], (7, 7, 7))
    dominated = any(p == other or dominates(p, other) for p in points)
    assert after == before if dominated else after > before


def test_a_volume_of_unit_cubes():
    # Inclusion and exclusion: 1x2x3 + 3x2x1 - (1x2x1 of both)
    assert hypervolume([(2, 1, 0), (0, 1, 2)], (3, 3, 3)) == 1 * 2 * 3 + 3 * 2 * 1 - 1 * 2 * 1


def test_another_number_of_figures_is_refused():
    with pytest.raises(ValueError, match="must have three figures"):
        hypervolume([(1, 2)], (3, 3, 3))
