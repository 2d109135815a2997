"""Requantisation: gemmlowp's two roundings, wrapping sums, clamps."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naas_hw.workload.arithmetic.requantise import (
    doubling_high_multiply,
    requantise,
    rounding_shift_right,
    wrap_int32,
)

INT32 = st.integers(-(2**31), 2**31 - 1)
HALF = 2**30  # as a Q31 multiplier


@pytest.mark.parametrize(
    ("a", "b", "high"),
    [
        (1, HALF, 1),  # 0.5 goes up
        (-1, HALF, 0),  # -0.5 goes up
        (3, HALF, 2),
        (-3, HALF, -1),
        (4, HALF, 2),
        (2**31 - 1, 2**31 - 1, 2**31 - 2),  # (1 - e)^2 = 1 - 2 e + e^2, e = 2^-31
        (-(2**31), 2**31 - 1, -(2**31) + 1),
        (-(2**31), -(2**31), 2**31 - 1),  # the one overflow
    ],
)
def test_high_multiply_by_hand(a, b, high):
    """The product is a b / 2^31; a tie goes up, and one product saturates."""
    assert doubling_high_multiply(a, b) == high


@settings(deadline=None)
@given(a=INT32, b=st.integers(HALF, 2**31 - 1))
def test_high_multiply_is_round_half_up(a, b):
    """Against exact fractions."""
    assert doubling_high_multiply(a, b) == floor(Fraction(a * b, 2**31) + Fraction(1, 2))


@pytest.mark.parametrize(
    ("value", "shift", "shifted"),
    [
        (5, 0, 5),
        (-5, 0, -5),
        (1, 1, 1),  # 0.5 goes away from zero
        (-1, 1, -1),
        (5, 2, 1),
        (6, 2, 2),  # 1.5
        (-6, 2, -2),
        (-5, 2, -1),
        (2**31 - 1, 31, 1),
        (-(2**31), 31, -1),
        (2**30 - 1, 31, 0),
        (2**30, 31, 1),
    ],
)
def test_shift_by_hand(value, shift, shifted):
    """The result is value / 2^shift; a tie goes away from zero."""
    assert rounding_shift_right(value, shift) == shifted


@settings(deadline=None)
@given(value=INT32, shift=st.integers(0, 31))
def test_shift_is_round_half_away(value, shift):
    """Against exact fractions."""
    magnitude = floor(Fraction(abs(value), 2**shift) + Fraction(1, 2))
    assert rounding_shift_right(value, shift) == (magnitude if value >= 0 else -magnitude)


@settings(deadline=None)
@given(value=st.integers(-(2**40), 2**40))
def test_wrap_keeps_the_low_32_bits(value):
    """Modulo 2^32, signed."""
    wrapped = int(wrap_int32(value))
    assert -(2**31) <= wrapped < 2**31
    assert (wrapped - value) % 2**32 == 0


def test_requantise_by_hand():
    """(100 - 20) * 0.5 = 40; 40 / 4 = 10; 10 + 3 = 13."""
    assert requantise([100], [-20], [HALF], [2], 3, -128, 127) == 13


def test_both_roundings_are_made():
    """5 * 0.5 = 2.5 -> 3 (up); 3 / 2 = 1.5 -> 2 (away). Rounding once would give 1."""
    assert requantise([5], [0], [HALF], [1], 0, -128, 127) == 2


@settings(deadline=None)
@given(
    accumulator=INT32,
    bias=INT32,
    multiplier=st.integers(HALF, 2**31 - 1),
    shift=st.integers(0, 31),
)
def test_rounded_once_a_tie_goes_up(accumulator, bias, multiplier, shift):
    """Against exact fractions; the sum with the bias wraps."""
    total = (accumulator + bias + 2**31) % 2**32 - 2**31
    exact = floor(Fraction(total * multiplier, 2 ** (31 + shift)) + Fraction(1, 2))
    byte = requantise([accumulator], [bias], [multiplier], [shift], 3, -128, 127, rounds_once=True)
    assert byte == min(max(exact + 3, -128), 127)


@settings(deadline=None)
@given(accumulator=INT32, multiplier=st.integers(HALF, 2**31 - 1))
def test_without_a_shift_one_rounding_is_both(accumulator, multiplier):
    """HighMul is the only one that rounds."""
    given = ([accumulator], [0], [multiplier], [0], 0, -128, 127)
    assert requantise(*given) == requantise(*given, rounds_once=True)


def test_sum_wraps_before_the_product():
    """2^31 - 1 + 1 is -2^31: times 0.5 is -2^30, / 2^24 is -64."""
    assert requantise([2**31 - 1], [1], [HALF], [24], 0, -128, 127) == -64


def test_clamps_come_after_the_zero_point():
    """1000 -> 127; -1000 -> the zero point of a ReLU; ReLU6 cuts above."""
    args = ([2000, -2000, 100], [0], [HALF], [0])
    assert list(requantise(*args, -10, -128, 127)) == [127, -128, 40]
    assert list(requantise(*args, -10, -10, 30)) == [30, -10, 30]


def test_parameters_go_along_the_first_axis():
    """Each channel has its own bias, multiplier and shift."""
    accumulators = np.full((2, 2, 3), 64)
    outputs = requantise(accumulators, [0, 64], [HALF, HALF], [0, 2], 0, -128, 127)
    assert outputs.dtype == np.int8
    assert (outputs[0] == 32).all()
    assert (outputs[1] == 16).all()
