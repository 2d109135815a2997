"""Softmax and normalisations."""

import math
from typing import Final

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.handler import Handler


def _softmax(kind: str) -> Handler:
    """Softmax along an axis; before opset 13, over all axes from one on."""

    def handle(node: Node) -> None:
        shape = node.shape()
        if node.opset >= 13 and node.domain == "":
            node.add(kind, (node.input(0),), {"axis": node.axis("axis", -1, len(shape))}, last=True)
            return
        axis = node.axis("axis", 1, len(shape)) if len(shape) > 1 else 0
        if math.prod(shape[axis + 1 :]) == 1:
            node.add(kind, (node.input(0),), {"axis": axis}, last=True)
            return
        rows = node.reshape(node.input(0), (math.prod(shape[:axis]), math.prod(shape[axis:])))
        node.reshape(node.add(kind, (rows,), {"axis": 1}), shape, last=True)

    return handle


def layer_norm(node: Node) -> None:
    """`LayerNormalization` over the last axes; its other outputs are not made."""
    rank = len(node.shape())
    first = node.axis("axis", -1, rank)
    attributes = _normalisation(node, tuple(range(first, rank)))
    node.add("layer_norm", (node.input(0), *node.inputs[1:3]), attributes, last=True)


def instance_norm(node: Node) -> None:
    """`InstanceNormalization`: each channel over its pixels."""
    rank = len(node.shape())
    attributes = _normalisation(node, tuple(range(2, rank)))
    channels = (node.shape()[1], *(1,) * (rank - 2))
    scale, bias = (node.reshape(node.required(index), channels) for index in (1, 2))
    node.add("layer_norm", (node.input(0), scale, bias), attributes, last=True)


def group_norm(node: Node) -> None:
    """`GroupNormalization`: groups of channels over their pixels."""
    shape, groups = node.shape(), node.get("num_groups", 1)
    channels = (shape[1], *(1,) * (len(shape) - 2))
    grouped = node.reshape(node.input(0), (shape[0], groups, math.prod(shape[1:]) // groups))
    plain = node.add("layer_norm", (grouped,), _normalisation(node, (2,)))
    result = node.reshape(plain, shape)
    for kind, index in (("multiply", 1), ("add", 2)):
        factor = node.required(index)
        if node.builder.shape(factor) != (shape[1],):  # one for each group, before opset 21
            factor = node.add(
                "expand",
                (node.reshape(factor, (groups, 1)),),
                shape=(groups, shape[1] // groups),
            )
        values = node.reshape(factor, channels)
        result = node.add(kind, (result, values), last=index == 2)


def _normalisation(node: Node, axes: tuple[int, ...]) -> dict[str, Attribute]:
    return {"axes": axes, "epsilon": float(node.get("epsilon", 1e-5))}


def local_response_norm(node: Node) -> None:
    """`LRN`."""
    attributes: dict[str, Attribute] = {
        "size": node.get("size", 1),
        "alpha": float(node.get("alpha", 1e-4)),
        "beta": float(node.get("beta", 0.75)),
        "bias": float(node.get("bias", 1.0)),
    }
    node.add("local_response_norm", (node.required(0),), attributes, last=True)


HANDLERS: Final[dict[str, Handler]] = {
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "LayerNormalization": layer_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LRN": local_response_norm,
}
