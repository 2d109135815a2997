"""Weights of convolutions, and requantisations that keep their outputs within the bytes."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_OUTPUT_DEVIATION: Final = 50.0
_WEIGHT_DEVIATION: Final = 37.0
_INPUT_DEVIATION: Final = 74.0

Integers = NDArray[np.int32]


def draw_weights(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Weights from -64 to 63."""
    return rng.integers(-64, 64, size=shape).astype(np.int8)


def draw_requantisation(
    rng: np.random.Generator, *, channels: int, products: int
) -> tuple[Integers, Integers, Integers]:
    """Bias, multiplier and shift that spread outputs over the bytes.

    Parameters
    ----------
    channels : of the output.
    products : in the sum of one output.
    """
    deviation = np.sqrt(products) * _WEIGHT_DEVIATION * _INPUT_DEVIATION
    scale = _OUTPUT_DEVIATION / deviation * rng.uniform(0.5, 1.5, size=channels)
    mantissa, exponent = np.frexp(scale)
    bias = rng.integers(-int(deviation), int(deviation) + 1, size=channels)
    return (
        bias.astype(np.int32),
        np.minimum(np.rint(mantissa * 2.0**31), 2.0**31 - 1).astype(np.int32),
        (-exponent).astype(np.int32),
    )
