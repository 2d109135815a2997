"""Factors as multipliers and shifts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.graph.integers.scales import (
    addition_factors,
    addition_of,
    multiplier_and_shift,
    requantisation,
)

factors = st.floats(2.0**-30, 2.0**6)


@given(factors)
def test_a_multiplier_is_within_half_a_step_of_its_factor(factor):
    multiplier, shift = multiplier_and_shift(factor)
    assert 1 << 30 <= multiplier < 1 << 31
    assert multiplier * 2.0 ** (-31 - shift) == pytest.approx(factor, rel=2.0**-31)


def test_a_factor_just_below_a_power_of_two_is_that_power():
    assert multiplier_and_shift(1 - 2.0**-40) == (1 << 30, -1)


def test_factors_of_one_or_more_move_into_the_weights():
    factors = np.array([0.75, 1.5, 3.0])
    parts = requantisation(factors, np.array([127, 60, 30]))
    assert parts is not None
    multiplier, shift, grown = parts
    assert grown.tolist() == [1, 2, 4]
    assert multiplier.tolist() == [3 << 29] * 3
    assert shift.tolist() == [0, 0, 0]


def test_weights_that_would_leave_int8_are_told():
    assert requantisation(np.array([1.5]), np.array([64])) is None
    assert requantisation(np.array([1e6]), np.array([0])) is None


def test_a_factor_that_no_sum_shows_makes_weights_zero():
    parts = requantisation(np.array([2.0**-40]), np.array([127]))
    assert parts is not None
    _, shift, grown = parts
    assert (shift.tolist(), grown.tolist()) == ([31], [0])


@given(st.floats(2.0**-6, 2.0**6), st.floats(-(2.0**6), 2.0**6))
def test_an_addition_is_as_exact_as_16_bits_allow(main, residual):
    parts = addition_factors(main, residual)
    assert parts is not None
    first, second, shift = parts
    largest = max(abs(main), abs(residual))
    for factor, multiplier in ((main, first), (residual, second)):
        assert -(1 << 15) <= multiplier < 1 << 15
        assert abs(multiplier / (1 << shift) - factor) <= largest * 2.0**-15


def test_an_addition_of_equal_scales_needs_no_rounding():
    assert addition_factors(1.0, 1.0) == (1, 1, 0)


def test_an_addition_with_too_large_a_factor_is_told():
    assert addition_factors(40_000.0, 1.0) is None
    assert addition_of((40_000.0, 0), (1.0, 0), (1.0, 0), (-128, 127)) is None


@given(st.integers(0, 2**32))
def test_an_addition_is_within_one_unit_of_the_real_sum(seed):
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.01, 0.1, 3)
    zeros = rng.integers(-128, 128, 3)
    pairs = [(float(scale), int(zero)) for scale, zero in zip(scales, zeros, strict=True)]
    addition = addition_of(pairs[0], pairs[1], pairs[2], (-128, 127))
    assert addition is not None
    a, b = rng.integers(-128, 128, (2, 500), dtype=np.int8)
    real = (a - zeros[0]) * scales[0] + (b - zeros[1]) * scales[1]
    wanted = np.clip(np.rint(real / scales[2]) + zeros[2], -128, 127)
    assert np.abs(addition.of(a, b) - wanted).max() <= 1
