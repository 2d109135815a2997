"""int32 accumulators to int8, rounded as gemmlowp rounds, or once: the golden model, in int64.

Source: gemmlowp `fixedpoint/fixedpoint.h`, `SaturatingRoundingDoublingHighMul` and
`RoundingDivideByPOT`. The first rounds a tie up, the second away from zero.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.signedinteger[Any]]

_INT32_MIN: Final = -(1 << 31)
_INT32_MAX: Final = (1 << 31) - 1


def wrap_int32(values: ArrayLike) -> NDArray[np.int64]:
    """Values modulo 2^32, in -2^31 .. 2^31 - 1: what a 32-bit adder keeps.

    >>> int(wrap_int32(2**31))
    -2147483648
    """
    wide = np.asarray(values, dtype=np.int64)
    wrapped: NDArray[np.int64] = ((wide - _INT32_MIN) & 0xFFFFFFFF) + _INT32_MIN
    return wrapped


def doubling_high_multiply(a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
    """`a * b / 2^31`, rounded to nearest; saturated in its one overflow, (-2^31) squared.

    >>> int(doubling_high_multiply(3, 1 << 30)), int(doubling_high_multiply(-3, 1 << 30))
    (2, -1)
    """
    product = np.asarray(a, dtype=np.int64) * np.asarray(b, dtype=np.int64)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    total = product + nudge
    truncated = np.sign(total) * (np.abs(total) >> 31)
    high: NDArray[np.int64] = np.minimum(truncated, _INT32_MAX)
    return high


def rounding_shift_right(values: ArrayLike, shift: ArrayLike) -> NDArray[np.int64]:
    """`values / 2^shift`, rounded to nearest, a tie away from zero.

    >>> [int(rounding_shift_right(x, 1)) for x in (-3, -1, 1, 3)]
    [-2, -1, 1, 2]
    """
    wide = np.asarray(values, dtype=np.int64)
    exponent = np.asarray(shift, dtype=np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (wide < 0)
    shifted: NDArray[np.int64] = (wide >> exponent) + ((wide & mask) > threshold)
    return shifted


def requantise(
    accumulators: ArrayLike,
    bias: ArrayLike,
    multiplier: ArrayLike,
    shift: ArrayLike,
    zero_point: int,
    clamp_min: int,
    clamp_max: int,
    rounds_once: bool = False,
) -> NDArray[np.int8]:
    """int32 accumulators to int8 outputs.

    Parameters
    ----------
    accumulators : integers [K, ...]; taken modulo 2^32, as the sum with the bias is.
    bias, multiplier, shift : int32, [K] or scalar; multiplier in Q31, shift 0 to 31 to the right.
    zero_point, clamp_min, clamp_max : of the output, -128 to 127.
    rounds_once : one rounding of the scaled sum, a tie up, instead of two.

    Notes
    -----
    clamp(zero_point + RoundingDivideByPOT(HighMul(acc + bias, multiplier), shift)), or
    clamp(zero_point + floor((acc + bias) multiplier / 2^(31 + shift) + 1/2)) with one rounding.
    Without a shift the two are equal.
    """
    wide = np.asarray(accumulators, dtype=np.int64)
    sums = wrap_int32(wide + _along_first(bias, wide))
    factor, exponent = _along_first(multiplier, wide), _along_first(shift, wide)
    scale = _scale_once if rounds_once else _scale_twice
    outputs = scale(sums, factor, exponent) + zero_point
    return np.clip(outputs, clamp_min, clamp_max).astype(np.int8)


def _scale_twice(sums: IntArray, multiplier: IntArray, shift: IntArray) -> NDArray[np.int64]:
    return rounding_shift_right(doubling_high_multiply(sums, multiplier), shift)


def _scale_once(sums: IntArray, multiplier: IntArray, shift: IntArray) -> NDArray[np.int64]:
    """A tie goes up."""
    scaled: NDArray[np.int64] = (sums * multiplier + (np.int64(1) << (30 + shift))) >> (31 + shift)
    return scaled


def _along_first(values: ArrayLike, like: IntArray) -> NDArray[np.int64]:
    """[K] as [K, 1, ...], to go along the first axis of `like`."""
    array = np.asarray(values, dtype=np.int64)
    return array.reshape(array.shape + (1,) * (like.ndim - array.ndim))
