"""From real numbers to bytes and back, as ONNX defines them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from naas_hw.graph.graph import Array


def quantise_values(
    x: Array, scale: ArrayLike, zero_point: ArrayLike, axis: int | None, dtype: str
) -> Array:
    """`x / scale`, rounded half to even, plus the zero point, saturated."""
    bounds = np.iinfo(dtype)
    scaled = np.rint(x / _along(scale, axis, x.ndim).astype(np.float32))
    # In float64, which holds every int32.
    moved = scaled.astype(np.float64) + _along(zero_point, axis, x.ndim)
    return np.clip(moved, bounds.min, bounds.max).astype(dtype)


def dequantise_values(
    q: Array, scale: ArrayLike, zero_point: ArrayLike, axis: int | None
) -> NDArray[np.float32]:
    """`(q - zero_point) * scale`."""
    moved = q.astype(np.int64) - _along(zero_point, axis, q.ndim).astype(np.int64)
    return moved.astype(np.float32) * _along(scale, axis, q.ndim).astype(np.float32)


def has_real_numbers(scales: ArrayLike, dtype: str) -> bool:
    """Whether scales are above 0, and everything that integers of a type mean is a float32."""
    array = np.asarray(scales, np.float64)
    largest = np.finfo(np.float32).max / (1 << np.iinfo(dtype).bits)
    return bool(np.all((array > 0) & (array <= largest)))


def _along(values: ArrayLike, axis: int | None, rank: int) -> Array:
    """[n] as [1, n, 1, ...], n along an axis; a number stays one."""
    array = np.asarray(values)
    if axis is None or array.ndim == 0:
        return array.reshape(())
    return array.reshape([-1 if i == axis % rank else 1 for i in range(rank)])
