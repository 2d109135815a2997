"""Loops with edges: a number in mixed radix and back."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.exchange.levels import Factor, covered, split


@given(st.integers(1, 5000), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_what_is_split_covers_the_same(size: int, trips: list[int]) -> None:
    outermost = -(-size // max(1, _product(trips)))
    factors = split(size, (*trips, outermost))
    assert covered(factors) == size
    assert all(1 <= factor.last <= factor.trips for factor in factors)


def _product(trips: list[int]) -> int:
    result = 1
    for number in trips:
        result *= number
    return result


def _visited(factors: list[Factor], *, is_edge: bool = True) -> int:
    """Indices that the nest visits, trip by trip, the outermost factor first."""
    if not factors:
        return 1
    first, rest = factors[0], factors[1:]
    trips = first.last if is_edge else first.trips
    return sum(_visited(rest, is_edge=is_edge and i == trips - 1) for i in range(trips))


@pytest.mark.parametrize(("inner", "middle"), list(product((1, 2, 3, 5), repeat=2)))
@pytest.mark.parametrize("size", [1, 6, 13, 14, 29])
def test_edges_are_where_all_loops_outside_are_in_their_last_trip(
    size: int, inner: int, middle: int
) -> None:
    """Counted by running the nest."""
    factors = split(size, (inner, middle, -(-size // (inner * middle))))
    assert _visited(list(reversed(factors))) == size


def test_loops_that_do_not_reach_are_refused() -> None:
    with pytest.raises(ValueError, match=r"loops of \(2, 3\) trips must reach 7 indices"):
        split(7, (2, 3))
