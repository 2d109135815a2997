"""What a file of a trained model holds, before anything becomes of it: operators and constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from naas_hw.core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class FileOperator:
    """An operator as the file has it.

    Parameters
    ----------
    name : unique in the file.
    kind : the file's word for it: `Conv`, `CONV_2D`.
    inputs, outputs : names of tensors; those that are missing are left out.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class FileContents:
    """All operators of a file, in order of execution, and the sizes of its constants.

    Parameters
    ----------
    constants : tensor -> how many numbers it has.
    inputs, outputs : names of the model's own tensors.
    """

    operators: tuple[FileOperator, ...]
    constants: Mapping[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_contents(path: Path) -> FileContents:
    """What an ONNX or TFLite file holds.

    Raises
    ------
    InputError : the file is none of the two, or it cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return _contents_of_onnx(path)
    if suffix == ".tflite":
        return _contents_of_tflite(path)
    raise InputError(f"{path.name} must be a .onnx or .tflite file")


def _contents_of_onnx(path: Path) -> FileContents:
    from naas_hw.graph.importers.onnx_file import inlined_model, unique_names
    from naas_hw.graph.importers.onnx_values import array_of

    model = inlined_model(path)
    graph = model.graph
    constants = {tensor.name: prod(tensor.dims) for tensor in graph.initializer}
    small = {tensor.name: tensor for tensor in graph.initializer if prod(tensor.dims) <= 8}
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            constants[node.output[0]] = _num_values(node)
        elif node.op_type == "ConstantOfShape" and node.output and node.input[0] in small:
            shape = array_of(small[node.input[0]], path.parent)
            constants[node.output[0]] = prod(int(size) for size in shape.reshape(-1))
    return FileContents(
        operators=tuple(
            FileOperator(
                name=name,
                kind=node.op_type,
                inputs=tuple(filter(None, node.input)),
                outputs=tuple(filter(None, node.output)),
            )
            for name, node in zip(unique_names(model), graph.node, strict=True)
        ),
        constants=constants,
        inputs=tuple(value.name for value in graph.input if value.name not in constants),
        outputs=tuple(value.name for value in graph.output),
    )


def _num_values(node: object) -> int:
    """How many numbers a `Constant` has."""
    from onnx import NodeProto

    assert isinstance(node, NodeProto)
    for attribute in node.attribute:
        if attribute.HasField("t"):
            return prod(attribute.t.dims)
        if attribute.floats or attribute.ints:
            return len(attribute.floats) + len(attribute.ints)
    return 1


def _contents_of_tflite(path: Path) -> FileContents:
    from naas_hw.graph.importers.tflite_tables import read_tables

    model = read_tables(path.read_bytes(), path.name)
    names = [tensor.name for tensor in model.tensors]
    return FileContents(
        operators=tuple(
            FileOperator(
                name=operator.name,
                kind=operator.kind,
                inputs=tuple(names[number] for number in operator.inputs if number >= 0),
                outputs=tuple(names[number] for number in operator.outputs if number >= 0),
            )
            for operator in model.operators
        ),
        constants={
            tensor.name: tensor.values.size for tensor in model.tensors if tensor.values is not None
        },
        inputs=tuple(names[number] for number in model.inputs),
        outputs=tuple(names[number] for number in model.outputs),
    )
