"""Orders into which the numbers of an image can be brought."""

from collections.abc import Callable
from typing import Final, NamedTuple

from naas_hw.graph.quantised import Shape


class AxisOrder(NamedTuple):
    """The fields of a `Rearranged`.

    Parameters
    ----------
    before : the image as more axes.
    axes : their new order.
    after : the shape of the result.
    """

    before: tuple[int, ...]
    axes: tuple[int, ...]
    after: Shape


def depth_to_space(shape: Shape) -> AxisOrder | None:
    """Four channels become two rows and two columns."""
    channels, rows, columns = shape
    if channels % 4:
        return None
    before = (2, 2, channels // 4, rows, columns)
    return AxisOrder(before, (2, 3, 0, 4, 1), (channels // 4, 2 * rows, 2 * columns))


def space_to_depth(shape: Shape) -> AxisOrder | None:
    """Two rows and two columns become four channels."""
    channels, rows, columns = shape
    if rows % 2 or columns % 2:
        return None
    before = (channels, rows // 2, 2, columns // 2, 2)
    return AxisOrder(before, (2, 4, 0, 1, 3), (4 * channels, rows // 2, columns // 2))


def shuffle_channels(shape: Shape) -> AxisOrder | None:
    """The channels of two, three or five groups alternate."""
    channels, rows, columns = shape
    groups = next((n for n in (2, 3, 5) if channels % n == 0), None)
    if groups is None:
        return None
    return AxisOrder((groups, channels // groups, rows, columns), (1, 0, 2, 3), shape)


def transpose_image(shape: Shape) -> AxisOrder | None:
    """Rows become columns."""
    channels, rows, columns = shape
    return AxisOrder(shape, (0, 2, 1), (channels, columns, rows))


ORDERS: Final[tuple[Callable[[Shape], AxisOrder | None], ...]] = (
    depth_to_space,
    space_to_depth,
    shuffle_channels,
    transpose_image,
)
"""From a shape to an order, or None where the shape does not allow it."""
