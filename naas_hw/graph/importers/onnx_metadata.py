"""What we say about a node of an ONNX file that ONNX has no attribute for.

A node's `metadata_props` are read by programs that know the keys and by no other. There is one key,
`naas_hw.rounding`, and its one value is `once`: the integer form of this `Gemm` or `MatMul` rounds
sums once, as a fully connected layer of TensorFlow Lite does.
"""

from typing import Final

from onnx import NodeProto

from naas_hw.core.errors import InputError

_ROUNDING: Final = "naas_hw.rounding"
_ONCE: Final = "once"
_LINEAR: Final = ("Gemm", "MatMul")


def mark_rounding_once(node: NodeProto) -> None:
    """Say that the integer form of a linear layer rounds sums once."""
    entry = node.metadata_props.add()
    entry.key, entry.value = _ROUNDING, _ONCE


def rounds_once(node: NodeProto) -> bool:
    """Whether a node says so.

    Raises
    ------
    InputError : the key has another value, stands twice, or belongs to another operator.
    """
    values = [entry.value for entry in node.metadata_props if entry.key == _ROUNDING]
    if not values:
        return False
    if values != [_ONCE]:
        raise InputError(
            f"{_ROUNDING} of {node.name!r} must be {_ONCE!r}, not {', '.join(map(repr, values))}"
        )
    if node.op_type not in _LINEAR:
        raise InputError(
            f"{_ROUNDING} must belong to {' or '.join(_LINEAR)}, not to the {node.op_type} "
            f"{node.name!r}"
        )
    return True
