"""Convolutions of whole int8 images in exact integers, as fast as numpy does them.

They take any padding, also a negative one, and no `Layer`. Axes: K output channels of all groups,
C input channels of one, R S rows and columns of the kernel, P Q of the output.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]
"""Above, left, below, right."""

_EXACT_FLOAT32: Final = 1 << 24
_LARGEST_INPUT: Final = 128
_COLUMN_BYTES: Final = 1 << 26
"""Memory for the windows of some rows of the output."""


def surrounded(image: NDArray[np.int8], sides: Sides, value: int) -> NDArray[np.int8]:
    """An image [channels, H, W] with `value` around it; negative sides cut rows or columns off."""
    top, left, bottom, right = sides
    _, height, width = image.shape
    kept = image[:, max(0, -top) : height - max(0, -bottom), max(0, -left) : width - max(0, -right)]
    widths = [(0, 0), (max(0, top), max(0, bottom)), (max(0, left), max(0, right))]
    return np.pad(kept, widths, constant_values=value)


def convolve_image(
    image: NDArray[np.int8],
    weights: NDArray[np.int8],
    zero_point: int,
    *,
    stride: Pair = (1, 1),
    padding: Sides = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> NDArray[np.int64]:
    """Sums [K, P, Q] of weight times (input - zero point); outside the image is the zero point.

    Parameters
    ----------
    image : int8 [channels, H, W].
    weights : int8 [K, C, R, S].

    Notes
    -----
    sum of w (x - z) = (sum of w x) - z (sum of w). Products of bytes are added in float32 where no
    sum can leave 2^24, up to which float32 holds every integer whatever the order of additions,
    and in float64 elsewhere.
    """
    seen = surrounded(image, padding, zero_point)
    if weights.shape[1] == 1:
        channels = np.repeat(seen, len(weights) // len(seen), axis=0)
        sums = _convolve_channels(channels, weights[:, 0], stride, dilation)
    else:
        parts = zip(np.split(weights, groups), np.split(seen, groups), strict=True)
        sums = np.concatenate([_convolve_dense(x, w, stride, dilation) for w, x in parts])
    totals = weights.sum(axis=(1, 2, 3), dtype=np.int64)
    moved: NDArray[np.int64] = sums - zero_point * totals[:, None, None]
    return moved


def maximum_of_windows(
    image: NDArray[np.int8], kernel: Pair, stride: Pair, dilation: Pair
) -> NDArray[np.int8]:
    """The largest value [channels, P, Q] under the kernel."""
    size = _output_size(image, kernel, stride, dilation)
    windows = (_window(image, place, size, stride, dilation) for place in _places(kernel))
    largest = next(windows).copy()
    for window in windows:
        np.maximum(largest, window, out=largest)
    return largest


def _places(kernel: Pair) -> Iterator[Pair]:
    """Rows and columns of a kernel, row by row."""
    return product(range(kernel[0]), range(kernel[1]))


def _output_size(image: NDArray[Any], kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    rows, columns = (
        (size - (length - 1) * gap - 1) // step + 1
        for size, length, step, gap in zip(image.shape[1:], kernel, stride, dilation, strict=True)
    )
    return rows, columns


def _window(
    image: NDArray[Any], place: Pair, size: Pair, stride: Pair, dilation: Pair
) -> NDArray[Any]:
    """The inputs [channels, P, Q] that one place of the kernel meets."""
    parts = [
        slice(at * gap, at * gap + (count - 1) * step + 1, step)
        for at, gap, count, step in zip(place, dilation, size, stride, strict=True)
    ]
    return image[:, parts[0], parts[1]]


def _convolve_channels(
    image: NDArray[np.int8], weights: NDArray[np.int8], stride: Pair, dilation: Pair
) -> NDArray[np.int64]:
    """Each output channel sees one input channel; weights [K, R, S]."""
    kernel = (weights.shape[1], weights.shape[2])
    size = _output_size(image, kernel, stride, dilation)
    wide = image.astype(np.int32)
    sums = np.zeros((len(weights), *size), np.int32)
    for r, s in _places(kernel):
        factors = weights[:, r, s].astype(np.int32)[:, None, None]
        sums += factors * _window(wide, (r, s), size, stride, dilation)
    return sums.astype(np.int64)


def _convolve_dense(
    image: NDArray[np.int8], weights: NDArray[np.int8], stride: Pair, dilation: Pair
) -> NDArray[np.int64]:
    """A matrix product of all weights with the windows of some rows of the output at a time."""
    num_outputs, num_channels, *kernel = weights.shape
    size = _output_size(image, (kernel[0], kernel[1]), stride, dilation)
    largest = np.abs(weights.astype(np.int64)).reshape(num_outputs, -1).sum(axis=1).max()
    exact = np.float32 if largest * _LARGEST_INPUT <= _EXACT_FLOAT32 else np.float64
    matrix = weights.transpose(0, 2, 3, 1).reshape(num_outputs, -1).astype(exact)
    real = image.astype(exact)
    sums = np.empty((num_outputs, *size), np.int64)
    row_bytes = matrix.shape[1] * size[1] * matrix.itemsize
    num_rows = max(1, _COLUMN_BYTES // max(1, row_bytes))
    for start in range(0, size[0], num_rows):
        count = min(num_rows, size[0] - start)
        part = real[:, start * stride[0] :]
        windows = [
            _window(part, place, (count, size[1]), stride, dilation).reshape(num_channels, -1)
            for place in _places((kernel[0], kernel[1]))
        ]
        made = matrix @ np.concatenate(windows)
        sums[:, start : start + count] = made.reshape(num_outputs, count, size[1])
    return sums
