"""Operators that move numbers."""

from collections.abc import Sequence

import numpy as np

from naas_hw.graph.graph import Array


def depth_to_space(x: Array, block: int, mode: str) -> Array:
    """Channels become the pixels of blocks of `block` by `block`."""
    num_images, channels, rows, columns = x.shape
    depth = channels // block**2
    if mode == "DCR":
        parts = x.reshape(num_images, block, block, depth, rows, columns)
        moved = parts.transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(num_images, depth, block, block, rows, columns)
        moved = parts.transpose(0, 1, 4, 2, 5, 3)
    return moved.reshape(num_images, depth, rows * block, columns * block)


def space_to_depth(x: Array, block: int, mode: str) -> Array:
    """The pixels of blocks become channels, the opposite of `depth_to_space`."""
    num_images, channels, rows, columns = x.shape
    parts = x.reshape(num_images, channels, rows // block, block, columns // block, block)
    order = (0, 3, 5, 1, 2, 4) if mode == "DCR" else (0, 1, 3, 5, 2, 4)
    return parts.transpose(order).reshape(
        num_images, channels * block**2, rows // block, columns // block
    )


def take_part(
    x: Array,
    starts: Sequence[int],
    ends: Sequence[int],
    steps: Sequence[int],
    axes: Sequence[int],
) -> Array:
    """The elements `starts` to `ends` of some axes, every `steps`-th."""
    parts = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        parts[axis] = slice(start, end, step)
    return x[tuple(parts)]


def pad(x: Array, padding: Sequence[int], value: float, mode: str) -> Array:
    """`x` with elements before and after each axis; negative numbers cut off."""
    before, after = padding[: x.ndim], padding[x.ndim :]
    kept = tuple(
        slice(max(-low, 0), size - max(-high, 0))
        for size, low, high in zip(x.shape, before, after, strict=True)
    )
    widths = [(max(low, 0), max(high, 0)) for low, high in zip(before, after, strict=True)]
    if mode == "constant":
        return np.pad(x[kept], widths, constant_values=value)
    return np.pad(x[kept], widths, mode="reflect" if mode == "reflect" else "edge")
