"""Kernels over images, as ONNX describes them: automatic padding, ceilings, one dimension."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.onnx_node import Node


@dataclass(frozen=True, kw_only=True)
class SlidingWindow:
    """A kernel over an image of rows and columns.

    Parameters
    ----------
    padding : rows above, columns to the left, rows below, columns to the right.
    ceiling : rows below and columns to the right that only a rounded-up size needs.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    ceiling: tuple[int, int] = (0, 0)

    @property
    def padding_with_ceiling(self) -> tuple[int, int, int, int]:
        """Padding, and what the rounded-up size needs."""
        top, left, bottom, right = self.padding
        return top, left, bottom + self.ceiling[0], right + self.ceiling[1]

    def attributes(self, *names: str) -> dict[str, Attribute]:
        """Some of it, as attributes of an operator."""
        return {name: getattr(self, name) for name in names}


def sliding_window(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> SlidingWindow:
    """The window of a node over an image of 1 or 2 `sizes`.

    Raises
    ------
    InputError : numbers of the file do not fit together.
    """
    rank = len(sizes)
    stride = _numbers(node, "strides", rank, 1)
    dilation = _numbers(node, "dilations", rank, 1)
    if min((*kernel, *stride, *dilation)) < 1 or len(kernel) != rank:
        raise node.error(f"kernel, strides and dilations must be {rank} numbers of 1 or more")
    reach = [step * (taps - 1) + 1 for step, taps in zip(dilation, kernel, strict=True)]
    before, after = _padding(node, sizes, reach, stride)
    ceiling = [0] * rank
    if node.get("ceil_mode", 0):
        ceiling = [
            _ceiling(*axis) for axis in zip(sizes, reach, stride, before, after, strict=True)
        ]
    top, left = _pair(before, 0)
    bottom, right = _pair(after, 0)
    return SlidingWindow(
        kernel=_pair(kernel, 1),
        stride=_pair(stride, 1),
        dilation=_pair(dilation, 1),
        padding=(top, left, bottom, right),
        ceiling=_pair(ceiling, 0),
    )


def image_of(node: Node, name: str) -> str:
    """An image [N, C, L] as one of one row; an image [N, C, H, W] as it is."""
    shape = node.builder.shape(name)
    return name if len(shape) == 4 else node.reshape(name, (*shape[:2], 1, shape[2]))


def finish_image(
    node: Node, kind: str, inputs: tuple[str, ...], attributes: dict[str, Attribute]
) -> None:
    """The node's last operator on images, its output in as many axes as the node's input."""
    if len(node.shape()) == 4:
        node.add(kind, inputs, attributes, last=True)
        return
    images, channels, _, length = node.builder.shape(result := node.add(kind, inputs, attributes))
    node.reshape(result, (images, channels, length), last=True)


def has_rows(node: Node) -> bool:
    """Whether a node works on images of one or two dimensions."""
    return len(node.shape()) in (3, 4)


def _numbers(node: Node, name: str, count: int, default: int) -> tuple[int, ...]:
    values = tuple(node.get(name) or (default,) * count)
    if len(values) != count:
        raise node.error(f"{name} must be {count} numbers, not {len(values)}")
    return values


def _padding(
    node: Node, sizes: Sequence[int], reach: Sequence[int], stride: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Padding before and after each axis."""
    rank = len(sizes)
    automatic: Literal["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]
    automatic = node.get("auto_pad", "NOTSET")
    if automatic in ("NOTSET", ""):
        values = _numbers(node, "pads", 2 * rank, 0)
        return values[:rank], values[rank:]
    if automatic == "VALID":
        return (0,) * rank, (0,) * rank
    totals = [
        max((-(-size // step) - 1) * step + taps - size, 0)
        for size, step, taps in zip(sizes, stride, reach, strict=True)
    ]
    less = tuple(total // 2 for total in totals)
    more = tuple(total - total // 2 for total in totals)
    if automatic not in ("SAME_UPPER", "SAME_LOWER"):
        raise node.error(f"auto_pad must be SAME_UPPER, SAME_LOWER or VALID, not {automatic!r}")
    return (less, more) if automatic == "SAME_UPPER" else (more, less)


def _ceiling(size: int, reach: int, stride: int, before: int, after: int) -> int:
    """How far the last position of a rounded-up size reaches out of the padded image."""
    rest = size + before + after - reach
    last = -(-rest // stride) * stride
    if last >= size + before:  # a position must begin inside the image or its first padding
        last -= stride
    return max(last - rest, 0)


def _pair(values: Sequence[int], missing: int) -> tuple[int, int]:
    rows, columns = values if len(values) == 2 else (missing, values[0])
    return rows, columns
