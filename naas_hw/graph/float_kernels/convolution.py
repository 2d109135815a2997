"""Convolutions of images [N, C, H, W], as products of matrices."""

from typing import Final

import numpy as np

from naas_hw.graph.float_kernels.windows import Pair, Sides, output_size, pad_image, taps
from naas_hw.graph.graph import Array

_PIXELS_AT_ONCE: Final = 1 << 25
"""Few products of large matrices are faster than many of small ones."""


def convolve(
    image: Array,
    weights: Array,
    bias: Array | None,
    *,
    stride: Pair,
    padding: Sides,
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """A convolution with weights [K, C / groups, R, S]."""
    padded = pad_image(image, padding, 0)
    if weights.shape[1] == 1 and groups > 1:
        result = _convolve_channels(padded, weights, stride, dilation)
    else:
        result = _convolve_groups(padded, weights, stride, dilation, groups)
    return _with_bias(result, bias)


def convolve_transposed(
    image: Array,
    weights: Array,
    bias: Array | None,
    *,
    stride: Pair,
    padding: Sides,
    dilation: Pair = (1, 1),
    groups: int = 1,
    output_padding: Pair = (0, 0),
) -> Array:
    """A transposed convolution with weights [C, K / groups, R, S]."""
    num_images, channels, rows, columns = image.shape
    outputs, *kernel = weights.shape[1:]
    sizes = [
        (size - 1) * step + reach * (taps_ - 1) + 1 + extra
        for size, step, reach, taps_, extra in zip(
            (rows, columns), stride, dilation, kernel, output_padding, strict=True
        )
    ]
    full = np.zeros((num_images, groups, outputs, *sizes), dtype=image.dtype)
    pixels = image.reshape(num_images, groups, channels // groups, rows * columns)
    matrices = weights.reshape(groups, channels // groups, outputs, *kernel)
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            product = np.matmul(matrices[..., r, s].swapaxes(1, 2), pixels)
            top, left = r * dilation[0], s * dilation[1]
            full[
                ...,
                top : top + (rows - 1) * stride[0] + 1 : stride[0],
                left : left + (columns - 1) * stride[1] + 1 : stride[1],
            ] += product.reshape(num_images, groups, outputs, rows, columns)
    cut = (-padding[0], -padding[1], -padding[2], -padding[3])
    result = full.reshape(num_images, groups * outputs, *sizes)
    return _with_bias(pad_image(result, cut, 0), bias)


def _with_bias(result: Array, bias: Array | None) -> Array:
    return result if bias is None else result + bias[:, None, None]


def _convolve_channels(image: Array, weights: Array, stride: Pair, dilation: Pair) -> Array:
    """Each channel with kernels of its own, tap by tap over all channels."""
    num_images, channels, rows, columns = image.shape
    outputs, _, *kernel = weights.shape
    size = _size_of(image, weights, stride, dilation)
    each = weights.reshape(channels, outputs // channels, *kernel)
    result = np.zeros((num_images, channels, outputs // channels, *size), dtype=image.dtype)
    by_channel = image.reshape(num_images, channels, 1, rows, columns)
    for (r, s), pixels in taps(by_channel, (kernel[0], kernel[1]), stride, dilation):
        result += pixels * each[:, :, r, s, None, None]
    return result.reshape(num_images, outputs, *size)


def _convolve_groups(
    image: Array, weights: Array, stride: Pair, dilation: Pair, groups: int
) -> Array:
    """A product of two matrices for each group: weights, and the pixels under the kernel.

    Some rows of the result at a time, so that these pixels need not much memory.
    """
    num_images, channels = image.shape[:2]
    outputs, inputs, *kernel = weights.shape
    rows, columns = _size_of(image, weights, stride, dilation)
    length = inputs * kernel[0] * kernel[1]
    # Contiguous: a product with weights that repeat one number in memory is slow.
    matrices = np.ascontiguousarray(weights).reshape(groups, outputs // groups, length)
    result = np.empty((num_images, groups, outputs // groups, rows, columns), dtype=image.dtype)
    met = list(taps(image, (kernel[0], kernel[1]), stride, dilation))
    step = max(1, _PIXELS_AT_ONCE // max(1, channels * kernel[0] * kernel[1] * columns))
    step = rows if kernel == [1, 1] else step
    for start in range(0, rows, step):
        end = min(start + step, rows)
        pixels = _pixels(met, (num_images, channels, *kernel, end - start, columns), start)
        flat = pixels.reshape(num_images, groups, length, (end - start) * columns)
        product = np.matmul(matrices, flat)
        result[..., start:end, :] = product.reshape(*product.shape[:-1], end - start, columns)
    return result.reshape(num_images, outputs, rows, columns)


def _pixels(met: list[tuple[Pair, Array]], shape: tuple[int, ...], start: int) -> Array:
    """The pixels [N, C, R, S, rows, Q] under the kernel, of some rows of the result."""
    if len(met) == 1:
        return met[0][1][:, :, start : start + shape[-2]]
    pixels = np.empty(shape, dtype=met[0][1].dtype)
    for (r, s), part in met:
        pixels[:, :, r, s] = part[:, :, start : start + shape[-2]]
    return pixels


def _size_of(image: Array, weights: Array, stride: Pair, dilation: Pair) -> Pair:
    rows, columns = (
        output_size(size, kernel, step, 0, reach)
        for size, kernel, step, reach in zip(
            image.shape[2:], weights.shape[2:], stride, dilation, strict=True
        )
    )
    return rows, columns
