"""Accuracies carry their source, and do not mix."""

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence, join

MEASURED = AccuracySource(evidence=Evidence.MEASURED, basis="3 images")
OPTIMISTIC = AccuracySource(evidence=Evidence.OPTIMISTIC, basis="an envelope")


def accuracies(source: AccuracySource, *values: float) -> Accuracies:
    return Accuracies(top1_percent=np.array(values, dtype=np.float64), source=source)


def test_accuracies_of_different_sources_do_not_join():
    """The sentence says both."""
    with pytest.raises(InputError) as caught:
        join([accuracies(MEASURED, 50), accuracies(OPTIMISTIC, 60)])
    assert str(caught.value) == (
        "accuracies must come from one source, not measured (3 images) "
        "and optimistic estimate (an envelope)"
    )


def test_join_and_take_keep_the_source():
    """And the order."""
    joined = join([accuracies(MEASURED, 50, 70), accuracies(MEASURED, 60)])
    assert joined.top1_percent.tolist() == [50, 70, 60]
    best = joined.take(joined.at_least(60))
    assert (best.top1_percent.tolist(), best.source) == ([70, 60], MEASURED)


@pytest.mark.parametrize("value", [-0.1, 100.1, float("nan")])
def test_accuracies_are_percent(value):
    """0 to 100, and numbers."""
    with pytest.raises(ValueError, match=f"accuracies must be 0 to 100, not {value}"):
        accuracies(MEASURED, 50, value)
