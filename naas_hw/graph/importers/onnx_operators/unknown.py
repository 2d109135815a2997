"""Operators that have no kind here: they keep their own name, for the host or for a refusal."""

from typing import Any

import numpy as np

from naas_hw.graph.graph import Attribute, Operator
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.operators import KINDS


def keep_unknown(node: Node) -> None:
    """A node under its own name in lower case, with the shapes that the file tells.

    A name that is one of our kinds, of a node that means something else, gets `onnx.` before it.

    Raises
    ------
    InputError : the file does not tell them.
    """
    outputs = tuple(name for name in node.outputs if name)
    inferred = [node.inferred(name) for name in outputs]
    operator = Operator(
        name=node.name,
        kind=f"onnx.{name}" if (name := node.operator.lower()) in KINDS else name,
        inputs=node.inputs,
        outputs=outputs,
        attributes={
            key: value
            for key, entry in node.attributes.items()
            if (value := _plain(entry)) is not None
        },
        source=node.operator,
    )
    node.builder.add_unknown(
        operator, [shape for shape, _ in inferred], [dtype for _, dtype in inferred]
    )


def _plain(value: Any) -> Attribute:
    """A number, a text, or a tuple of numbers; None for all else."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(v, (int, float)) for v in value):
        return tuple(value)
    if isinstance(value, np.ndarray) and value.size == 1:
        return float(value.reshape(-1)[0])
    return None
