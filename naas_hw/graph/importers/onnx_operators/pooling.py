"""Pooling and reductions."""

from typing import Final

import numpy as np

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.handler import Handler
from naas_hw.graph.importers.onnx_operators.sliding_windows import (
    SlidingWindow,
    finish_image,
    has_rows,
    image_of,
    sliding_window,
)
from naas_hw.graph.importers.onnx_operators.unknown import keep_unknown


def max_pool(node: Node) -> None:
    """`MaxPool`; its second output, the places, is not made."""
    if not has_rows(node) or any(node.outputs[1:]):
        keep_unknown(node)
        return
    window = sliding_window(node, node.shape()[2:], node.get("kernel_shape", ()))
    attributes = window.attributes("kernel", "stride", "dilation")
    attributes["padding"] = window.padding_with_ceiling
    finish_image(node, "max_pool", (image_of(node, node.input(0)),), attributes)


def average_pool(node: Node) -> None:
    """`AveragePool`."""
    if not has_rows(node):
        keep_unknown(node)
        return
    window = sliding_window(node, node.shape()[2:], node.get("kernel_shape", ()))
    if window.dilation != (1, 1):
        keep_unknown(node)
        return
    add_average_pool(node, window, image_of(node, node.input(0)))


def add_average_pool(node: Node, window: SlidingWindow, image: str) -> None:
    """The mean; padding may count in the divisor, what only a rounded-up size needs may not."""
    included = bool(node.get("count_include_pad", 0))
    padding = window.padding_with_ceiling
    if included and any(window.ceiling) and any(window.padding):
        image = pad_image(node, image, window.padding)
        padding = (0, 0, *window.ceiling)
    attributes = window.attributes("kernel", "stride")
    attributes["padding"] = padding
    attributes["count_include_pad"] = included and not any(window.ceiling) and any(padding)
    finish_image(node, "average_pool", (image,), attributes)


def pad_image(node: Node, image: str, padding: tuple[int, int, int, int]) -> str:
    """Zeros around an image."""
    top, left, bottom, right = padding
    sides = (0, 0, top, left, 0, 0, bottom, right)
    return node.add("pad", (image,), {"padding": sides, "value": 0.0, "mode": "constant"})


def global_pool(kind: str) -> Handler:
    """`GlobalAveragePool` or `GlobalMaxPool`."""

    def handle(node: Node) -> None:
        if not has_rows(node):
            keep_unknown(node)
            return
        image = image_of(node, node.required(0))
        rows, columns = node.builder.shape(image)[2:]
        window = SlidingWindow(
            kernel=(rows, columns), stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0)
        )
        attributes = window.attributes("kernel", "stride", "padding")
        if kind == "average_pool":
            attributes["count_include_pad"] = False
        else:
            attributes["dilation"] = (1, 1)
        finish_image(node, kind, (image,), attributes)

    return handle


def reduction(kind: str) -> Handler:
    """`ReduceMean` and its like: axes are an attribute, or an input in newer opsets."""

    def handle(node: Node) -> None:
        node.add(kind, (node.required(0),), _reduced_axes(node), last=True)

    return handle


def _reduced_axes(node: Node) -> dict[str, Attribute]:
    """Attributes of a reduction; without axes it is one over all, or over none."""
    rank = len(node.shape())
    axes = node.integers("axes", 1) or ()
    if not axes and not node.get("noop_with_empty_axes", 0):
        axes = tuple(range(rank))
    checked = tuple(sorted(node.checked_axis(axis, rank) for axis in axes))
    return {"axes": checked, "keepdims": bool(node.get("keepdims", 1))}


def reduce_minimum(node: Node) -> None:
    """`ReduceMin`: the maximum of the opposite numbers."""
    opposite = node.add("negate", (node.required(0),))
    node.add("negate", (node.add("reduce_max", (opposite,), _reduced_axes(node)),), last=True)


def reduce_lengths(node: Node) -> None:
    """`ReduceL1`, `ReduceL2` and `ReduceSumSquare`."""
    data = node.required(0)
    if node.operator == "ReduceL1":
        parts = node.add("absolute", (data,))
    else:
        parts = node.add("multiply", (data, data))
    is_root = node.operator == "ReduceL2"
    total = node.add("reduce_sum", (parts,), _reduced_axes(node), last=not is_root)
    if is_root:
        node.add("sqrt", (total,), last=True)


def argmax(node: Node) -> None:
    """`ArgMax`; of equal numbers the first."""
    if node.get("select_last_index", 0):
        keep_unknown(node)
        return
    attributes = {
        "axis": node.axis("axis", 0, len(node.shape())),
        "keepdims": bool(node.get("keepdims", 1)),
    }
    node.add("argmax", (node.input(0),), attributes, last=True, dtype=np.dtype(np.int64))


HANDLERS: Final[dict[str, Handler]] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_pool("average_pool"),
    "GlobalMaxPool": global_pool("max_pool"),
    "ReduceMean": reduction("reduce_mean"),
    "ReduceSum": reduction("reduce_sum"),
    "ReduceMax": reduction("reduce_max"),
    "ReduceMin": reduce_minimum,
    "ReduceL1": reduce_lengths,
    "ReduceL2": reduce_lengths,
    "ReduceSumSquare": reduce_lengths,
    "ArgMax": argmax,
}
