"""Positions of a kernel over an image: padding, and the pixels that one tap of a kernel meets."""

from collections.abc import Iterator

import numpy as np

from naas_hw.graph.graph import Array

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]


def pad_image(image: Array, padding: Sides, value: float) -> Array:
    """The image [..., H, W] with `value` around it; a negative side cuts off."""
    top, left, bottom, right = padding
    if max(padding) > 0:
        widths = [(0, 0)] * (image.ndim - 2)
        widths += [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
        image = np.pad(image, widths, constant_values=value)
    num_rows, num_columns = image.shape[-2:]
    return image[
        ...,
        max(-top, 0) : num_rows - max(-bottom, 0),
        max(-left, 0) : num_columns - max(-right, 0),
    ]


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Positions of a kernel along one axis; `padding` is that of both sides together."""
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


def taps(
    image: Array, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> Iterator[tuple[Pair, Array]]:
    """Each (row, column) of the kernel with the pixels [..., P, Q] that it meets."""
    rows, columns = (
        output_size(size, *axis, 0, step)
        for size, axis, step in zip(
            image.shape[-2:], zip(kernel, stride, strict=True), dilation, strict=True
        )
    )
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            top, left = r * dilation[0], s * dilation[1]
            yield (
                (r, s),
                image[
                    ...,
                    top : top + (rows - 1) * stride[0] + 1 : stride[0],
                    left : left + (columns - 1) * stride[1] + 1 : stride[1],
                ],
            )
