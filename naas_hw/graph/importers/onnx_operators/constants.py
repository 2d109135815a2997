"""Constants, shapes and types."""

import math
from typing import Final

import numpy as np

from naas_hw.graph.graph import Array, Operator
from naas_hw.graph.importers.builder import check_size
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.handler import Handler
from naas_hw.graph.importers.onnx_values import dtype_of_code, plain_floats


def constant(node: Node) -> None:
    """`Constant`: a tensor, a number, or a list of numbers."""
    for name, dtype in (
        ("value", None),
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in node.attributes:
            make_constant(node, plain_floats(np.asarray(node.get(name), dtype=dtype)))
            return
    raise node.error("a value must be a tensor or numbers")


def make_constant(node: Node, values: Array) -> None:
    """The node's output is a constant; the node is folded."""
    node.builder.add_file_constant(node.outputs[0], values)
    node.builder.add_folded(
        Operator(
            name=node.name,
            kind="constant",
            inputs=(),
            outputs=(node.outputs[0],),
            source=node.operator,
        )
    )


def constant_of_shape(node: Node) -> None:
    """`ConstantOfShape`: one number everywhere, kept in memory once."""
    shape = tuple(int(size) for size in node.required_values(0).reshape(-1))
    if min(shape, default=0) < 0:
        raise node.error(f"a shape must have sizes of 0 or more, not {list(shape)}")
    check_size(shape, node.name)
    value = plain_floats(np.asarray(node.get("value", np.zeros(1, dtype=np.float32))))
    make_constant(node, np.broadcast_to(value.reshape(-1)[:1].reshape(()), shape))


def shape_of(node: Node) -> None:
    """`Shape`, of some axes."""
    shape = node.shape()
    part = shape[slice(node.get("start", 0), node.get("end", len(shape)))]
    make_constant(node, np.array(part, dtype=np.int64))


def size_of(node: Node) -> None:
    """`Size`."""
    make_constant(node, np.array(math.prod(node.shape()), dtype=np.int64))


def cast(node: Node) -> None:
    """`Cast`; floating-point numbers of any width are float32 here."""
    code = node.get("to", 1)
    dtype = dtype_of_code(code, node.name)
    node.add("cast", (node.required(0),), {"dtype": dtype.name}, last=True)


HANDLERS: Final[dict[str, Handler]] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Shape": shape_of,
    "Size": size_of,
    "Cast": cast,
}
