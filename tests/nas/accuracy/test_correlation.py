"""Rank correlations, against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.nas.accuracy.correlation import kendall, spearman

stats = pytest.importorskip("scipy.stats")

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=30).filter(
    lambda pairs: all(len(set(values)) > 1 for values in zip(*pairs, strict=True))
)


@given(PAIRS)
def test_they_are_scipy_s(pairs):
    """Ties included."""
    first, second = np.array(pairs).T
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second)[0], abs=1e-9)
    assert kendall(first, second) == pytest.approx(stats.kendalltau(first, second)[0], abs=1e-9)


def test_a_single_value_has_no_order():
    """Not a number, not zero."""
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert np.isnan(kendall([1, 1, 1], [1, 2, 3]))
