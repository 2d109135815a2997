"""Real factors as the multipliers and shifts that the hardware has."""

from math import frexp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.workload.arithmetic.epilogue import Addition

_MAX_SHIFT: Final = 31
_HALF: Final = 1 << 30
_ONE: Final = 1 << 31
_LARGEST_FACTOR: Final = (1 << 15) - 1
_LARGEST_ADDITION_SHIFT: Final = 31

IDENTITY: Final = (_ONE - 1, 0)
"""Multiplier and shift that change no sum."""


def multiplier_and_shift(factor: float) -> tuple[int, int]:
    """A factor as (multiplier, shift to the right): multiplier * 2^(-31 - shift).

    Parameters
    ----------
    factor : of real numbers, above 0.

    Notes
    -----
    The multiplier is 2^30 to 2^31 - 1, rounded to nearest with a tie away from zero, as in
    TensorFlow Lite's `QuantizeMultiplier`. A negative shift, which the hardware does not have,
    stands for a factor of 1 or more. Below 2^-32 the shift is larger than 31.
    """
    mantissa, exponent = frexp(factor)
    multiplier = int(mantissa * _ONE + 0.5)
    if multiplier == _ONE:
        multiplier, exponent = _HALF, exponent + 1
    return multiplier, -exponent


def requantisation(
    factors: NDArray[np.float64], largest_weights: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]] | None:
    """Multipliers, shifts and what the weights have to be multiplied with, of each channel [K].

    A factor of 1 or more becomes a power of 2 in the weights, and one that is too small for any
    sum to matter makes them 0. None: the weights would leave int8.
    """
    pairs = [multiplier_and_shift(float(factor)) for factor in factors]
    multiplier = np.array([pair[0] for pair in pairs], np.int32)
    shift = np.array([pair[1] for pair in pairs], np.int64)
    grown = np.where(shift < 0, 1 << np.clip(-shift, 0, 8), 1)
    if np.any(shift < -8) or np.any(grown * largest_weights > 127):
        return None
    too_small = shift > _MAX_SHIFT
    multiplier[too_small] = _HALF
    grown[too_small] = 0
    return multiplier, np.clip(shift, 0, _MAX_SHIFT).astype(np.int32), grown


def addition_factors(main: float, residual: float) -> tuple[int, int, int] | None:
    """Two 16-bit multipliers and the shift with which two real factors are said best.

    Returns
    -------
    Multiplier of the layer's byte, of the residual, and the common shift to the right; None where
    a factor is too large for any shift.

    Notes
    -----
    The error of a shift is the sum of the errors of both factors; of two shifts with the same
    error the smaller one is taken.
    """
    best = None
    for shift in range(_LARGEST_ADDITION_SHIFT + 1):
        pair = [round(factor * (1 << shift)) for factor in (main, residual)]
        if max(map(abs, pair)) > _LARGEST_FACTOR:
            break
        error = abs(pair[0] / (1 << shift) - main) + abs(pair[1] / (1 << shift) - residual)
        if best is None or error < best[0]:
            best = (error, (pair[0], pair[1], shift))
    return None if best is None else best[1]


def addition_of(
    main: tuple[float, int],
    residual: tuple[float, int],
    output: tuple[float, int],
    bounds: tuple[int, int],
    sign: int = 1,
) -> Addition | None:
    """The addition of two tensors, each a (scale, zero point); `sign` is that of the residual."""
    factors = addition_factors(main[0] / output[0], sign * residual[0] / output[0])
    if factors is None:
        return None
    return Addition(
        main_multiplier=factors[0],
        multiplier=factors[1],
        shift=factors[2],
        main_zero_point=main[1],
        zero_point=residual[1],
        output_zero_point=output[1],
        clamp_min=bounds[0],
        clamp_max=bounds[1],
    )
