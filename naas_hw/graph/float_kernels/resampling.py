"""Resizing images, axis by axis: the positions and weights that ONNX defines."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.graph import Array

_CUBIC: Final = -0.75
_ROUNDINGS: Final[dict[str, Callable[[Array], Array]]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def resize(
    x: Array,
    shape: Sequence[int],
    *,
    mode: str,
    coordinates: str = "half_pixel",
    rounding: str = "round_prefer_floor",
    scales: Sequence[float] | None = None,
) -> Array:
    """`x` with another number of elements along some axes.

    Parameters
    ----------
    shape : of the result.
    mode : nearest, linear or cubic.
    coordinates, rounding : `coordinate_transformation_mode` and `nearest_mode` of ONNX.
    scales : of each axis; without them, the quotient of the sizes.
    """
    for axis, (size, length) in enumerate(zip(shape, x.shape, strict=True)):
        scale = size / length if scales is None else scales[axis]
        if size == length and scale == 1:
            continue
        places = _positions(size, length, scale, coordinates)
        if mode == "nearest":
            nearest = _ROUNDINGS[rounding](places).astype(np.int64)
            x = np.take(x, np.clip(nearest, 0, length - 1), axis=axis)
        else:
            matrix = _matrix(places, length, mode).astype(x.dtype)
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


def _positions(size: int, length: int, scale: float, coordinates: str) -> NDArray[np.float64]:
    """Where in the source the middle of each element of the result lies."""
    index = np.arange(size, dtype=np.float64)
    if coordinates == "asymmetric":
        return index / scale
    if coordinates == "align_corners":
        wanted = scale * length  # which the size is rounded down from
        return index * ((length - 1) / (wanted - 1)) if size > 1 else index * 0
    if coordinates == "pytorch_half_pixel" and size == 1:
        return index * 0
    shift = 0.0
    if coordinates == "half_pixel_symmetric":
        shift = length / 2 * (1 - size / (scale * length))
    return shift + (index + 0.5) / scale - 0.5


def _matrix(places: NDArray[np.float64], length: int, mode: str) -> NDArray[np.float64]:
    """The share [size, length] of each element of the source in each of the result."""
    reach = 1 if mode == "linear" else 2
    matrix = np.zeros((len(places), length))
    rows = np.arange(len(places))
    for offset in range(1 - reach, reach + 1):
        column = np.floor(places).astype(np.int64) + offset
        weight = _weights(np.abs(places - column), mode)
        np.add.at(matrix, (rows, np.clip(column, 0, length - 1)), weight)
    return matrix


def _weights(distance: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    if mode == "linear":
        return np.maximum(1 - distance, 0)
    near = ((_CUBIC + 2) * distance - (_CUBIC + 3)) * distance**2 + 1
    far = _CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def resized_shape(shape: Sequence[int], scales: Sequence[float]) -> tuple[int, ...]:
    """The sizes that `scales` give."""
    return tuple(math.floor(size * scale) for size, scale in zip(shape, scales, strict=True))
