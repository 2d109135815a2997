"""Pooling of images [..., H, W]."""

import numpy as np

from naas_hw.graph.float_kernels.windows import Pair, Sides, pad_image, taps
from naas_hw.graph.graph import Array


def pool_maximum(
    image: Array, *, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair = (1, 1)
) -> Array:
    """The largest number under the kernel; what lies outside the image does not count."""
    lowest = -np.inf if image.dtype.kind == "f" else np.iinfo(image.dtype).min
    result: Array | None = None
    for _, pixels in taps(pad_image(image, padding, lowest), kernel, stride, dilation):
        result = pixels.copy() if result is None else np.maximum(result, pixels, out=result)
    assert result is not None
    return result


def pool_average(
    image: Array, *, kernel: Pair, stride: Pair, padding: Sides, count_include_pad: bool
) -> Array:
    """The mean under the kernel, outside the image 0, which counts in the divisor or does not."""
    total = _pool_sum(image, kernel, stride, padding)
    if count_include_pad or not any(padding):
        return np.asarray(total / total.dtype.type(kernel[0] * kernel[1]))
    inside = np.ones(image.shape[-2:], dtype=total.dtype)
    return np.asarray(total / np.maximum(_pool_sum(inside, kernel, stride, padding), 1))


def _pool_sum(image: Array, kernel: Pair, stride: Pair, padding: Sides) -> Array:
    if image.dtype.kind != "f":
        image = image.astype(np.float32)
    padded = pad_image(image, padding, 0)
    if padded.shape[-2:] == kernel:
        return np.asarray(padded.sum(axis=(-2, -1), keepdims=True))
    result: Array | None = None
    for _, pixels in taps(padded, kernel, stride):
        result = pixels.copy() if result is None else np.add(result, pixels, out=result)
    assert result is not None
    return result
