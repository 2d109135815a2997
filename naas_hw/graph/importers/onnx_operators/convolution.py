"""Convolutions and linear layers."""

from typing import Final

import numpy as np

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.handler import Handler
from naas_hw.graph.importers.onnx_operators.sliding_windows import (
    finish_image,
    has_rows,
    image_of,
    sliding_window,
)
from naas_hw.graph.importers.onnx_operators.unknown import keep_unknown


def conv(node: Node) -> None:
    """`Conv`."""
    if not has_rows(node):
        keep_unknown(node)
        return
    weights = node.shape(1)
    if len(weights) != len(node.shape()):
        raise node.error(f"weights must have {len(node.shape())} axes, not {len(weights)}")
    window = sliding_window(node, node.shape()[2:], node.get("kernel_shape") or weights[2:])
    attributes = window.attributes("stride", "padding", "dilation")
    attributes["groups"] = node.get("group", 1)
    inputs = (image_of(node, node.input(0)), image_of(node, node.input(1)), *node.inputs[2:3])
    finish_image(node, "conv", inputs, attributes)


def conv_transposed(node: Node) -> None:
    """`ConvTranspose`."""
    if not has_rows(node):
        keep_unknown(node)
        return
    kernel = node.get("kernel_shape") or node.shape(1)[2:]
    window = sliding_window(node, node.shape()[2:], kernel)
    rank = len(kernel)
    extra = _pair(node.get("output_padding") or (0,) * rank)
    attributes = window.attributes("stride", "padding", "dilation")
    attributes |= {"groups": node.get("group", 1), "output_padding": extra}
    if node.get("output_shape") or str(node.get("auto_pad", "")).startswith("SAME"):
        attributes["padding"] = _cut(node, kernel, extra)
    inputs = (image_of(node, node.input(0)), image_of(node, node.input(1)), *node.inputs[2:3])
    finish_image(node, "conv_transposed", inputs, attributes)


def _cut(node: Node, kernel: tuple[int, ...], extra: tuple[int, int]) -> tuple[int, int, int, int]:
    """What is cut off the full result, where the file gives the size of the output."""
    sizes = node.shape()[2:]
    rank = len(sizes)
    stride = node.get("strides") or (1,) * rank
    dilation = node.get("dilations") or (1,) * rank
    wanted = node.get("output_shape") or [a * b for a, b in zip(sizes, stride, strict=True)]
    totals = [
        (size - 1) * step + reach * (taps - 1) + 1 + more - out
        for size, step, reach, taps, more, out in zip(
            sizes, stride, dilation, kernel, extra[2 - rank :], wanted[-rank:], strict=True
        )
    ]
    less = [total // 2 for total in totals]
    more = [total - total // 2 for total in totals]
    before, after = (less, more) if node.get("auto_pad") == "SAME_UPPER" else (more, less)
    return *_pair(before), *_pair(after)


def _pair(values: tuple[int, ...] | list[int]) -> tuple[int, int]:
    rows, columns = values if len(values) == 2 else (0, values[0])
    return rows, columns


def gemm(node: Node) -> None:
    """`Gemm`: alpha A B + beta C."""
    if node.get("transA", 0):
        first = node.transpose(node.required(0), (1, 0))
    else:
        first = node.required(0)
    alpha, beta = float(node.get("alpha", 1.0)), float(node.get("beta", 1.0))
    addend = node.input(2) if beta else ""
    constant = node.builder.is_constant(node.required(1))
    second = node.input(1)
    if bool(node.get("transB", 0)) != constant:
        second = node.transpose(second, (1, 0))
    second = scaled(node, second, alpha)
    addend = scaled(node, addend, beta) if addend else ""
    if not constant:
        add_to(node, node.add("matmul", (first, second), last=not addend), addend)
        return
    bias = _bias_of(node, addend, node.builder.shape(second)[0])
    late = addend if addend and not bias else ""
    inputs = (first, second, bias) if bias else (first, second)
    add_to(node, node.add("linear", inputs, _rounding(node), last=not late), late)


def scaled(node: Node, name: str, factor: float) -> str:
    """A tensor times a number."""
    if factor == 1:
        return name
    constant = node.constant("factor", np.array(factor, dtype=node.builder.dtype(name)))
    return node.add("multiply", (name, constant))


def add_to(node: Node, result: str, addend: str) -> None:
    """The node's last addition, if there is something to add."""
    if addend:
        node.add("add", (result, addend), last=True)


def _bias_of(node: Node, name: str, size: int) -> str:
    """A constant addend as a bias [K]; "" if it is none."""
    if not name or not node.builder.is_constant(name):
        return ""
    shape = node.builder.shape(name)
    if shape == (size,):
        return name
    if shape in ((1, size), (1, 1, size)):
        return node.reshape(name, (size,))
    if shape in ((), (1,), (1, 1)):
        return node.add("expand", (node.reshape(name, (1,)),), shape=(size,))
    return ""


def matmul(node: Node) -> None:
    """`MatMul`; with constant weights, a linear layer."""
    first, second = node.required(0), node.required(1)
    constant = node.builder.is_constant(second) and not node.builder.is_constant(first)
    if not constant or len(node.shape(1)) != 2 or len(node.shape()) < 2:
        node.add("matmul", (first, second), last=True)
        return
    inputs = (first, node.transpose(second, (1, 0)))
    node.add("linear", inputs, _rounding(node), last=True)


def _rounding(node: Node) -> dict[str, Attribute]:
    """The attribute of a linear layer whose node says that it rounds once."""
    return {"rounds_once": True} if node.rounds_once else {}


def batch_norm(node: Node) -> None:
    """`BatchNormalization` at inference."""
    attributes: dict[str, Attribute] = {"epsilon": float(node.get("epsilon", 1e-5))}
    node.add("batch_norm", tuple(node.required(i) for i in range(5)), attributes, last=True)


HANDLERS: Final[dict[str, Handler]] = {
    "Conv": conv,
    "ConvTranspose": conv_transposed,
    "Gemm": gemm,
    "MatMul": matmul,
    "BatchNormalization": batch_norm,
}
