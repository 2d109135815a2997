"""Ranges of observed numbers, and their scales."""

import numpy as np
import pytest

from naas_hw.graph.quantise.observation import Observation, range_of, scale_and_zero_point
from naas_hw.graph.quantise.settings import Observer, QuantiseSettings


def seen(values) -> Observation:
    sample = np.asarray(values, np.float32)
    return Observation(low=float(sample.min()), high=float(sample.max()), sample=sample)


def test_each_observer_has_its_range() -> None:
    values = np.r_[np.random.default_rng(0).standard_normal(9999), 50.0]
    ranges = {x: range_of(seen(values), QuantiseSettings(observer=x)) for x in Observer}
    assert ranges[Observer.MINMAX] == (pytest.approx(values.min()), 50)
    settings = QuantiseSettings(observer=Observer.PERCENTILE, percentile=99)
    assert range_of(seen(values), settings)[1] == pytest.approx(2.33, abs=0.2)
    assert 3 < ranges[Observer.MSE][1] < 50


def test_zero_is_always_in_the_range() -> None:
    for observer in Observer:
        low, high = range_of(seen([2.0, 3.0]), QuantiseSettings(observer=observer))
        assert low == 0 and high == pytest.approx(3.0, rel=1e-3)
        scale, zero_point = scale_and_zero_point(low, high)
        assert zero_point == -128 and scale == pytest.approx(3 / 255, rel=1e-3)
    assert scale_and_zero_point(0.0, 0.0) == (1.0, 0)
    scale, zero_point = scale_and_zero_point(-3.0, 0.0)
    assert zero_point == 127 and (-128 - zero_point) * scale == pytest.approx(-3.0)
