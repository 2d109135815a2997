"""Small TFLite files, written with the schema that LiteRT ships."""

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import pytest

schema = pytest.importorskip(
    "ai_edge_litert.schema_py_generated", reason="ai-edge-litert is missing"
)

TYPES = {
    "resource": 13,
    "int16": 7,
    "int4": 17,
    "int8": 9,
    "uint8": 3,
    "int32": 2,
    "float32": 0,
    "int64": 4,
}


@dataclass(frozen=True, kw_only=True)
class TensorOfFile:
    """A tensor; scales and zero points are none, one, or one an index of `axis`."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "int8"
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    values: Any = None


@dataclass(frozen=True, kw_only=True)
class OperatorOfFile:
    """An operator; options by the names of the schema's classes and fields."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def file_content(tensors, operators, inputs, outputs) -> bytes:
    """The bytes of a TFLite file."""
    numbers = {tensor.name: number for number, tensor in enumerate(tensors)}
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(model, tensor) for tensor in tensors]
    graph.inputs = [numbers[name] for name in inputs]
    graph.outputs = [numbers[name] for name in outputs]
    kinds = list(dict.fromkeys(operator.kind for operator in operators))
    model.operatorCodes = [_code(kind) for kind in kinds]
    graph.operators = [_operator(operator, kinds, numbers) for operator in operators]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _tensor(model, tensor):
    made = schema.TensorT()
    made.name = tensor.name.encode()
    made.shape = list(tensor.shape)
    made.type = TYPES[tensor.dtype]
    made.buffer = 0
    if tensor.values is not None:
        buffer = schema.BufferT()
        values = np.ascontiguousarray(np.asarray(tensor.values, tensor.dtype))
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        model.buffers.append(buffer)
        made.buffer = len(model.buffers) - 1
    if tensor.scales:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = list(tensor.scales)
        made.quantization.zeroPoint = list(tensor.zero_points or (0,) * len(tensor.scales))
        made.quantization.quantizedDimension = tensor.axis
    return made


def _code(kind):
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 1
    return code


def _operator(operator, kinds, numbers):
    made = schema.OperatorT()
    made.opcodeIndex = kinds.index(operator.kind)
    made.inputs = [numbers[name] if name else -1 for name in operator.inputs]
    made.outputs = [numbers[name] for name in operator.outputs]
    if operator.options:
        made.builtinOptionsType = getattr(schema.BuiltinOptions, operator.options)
        made.builtinOptions = getattr(schema, f"{operator.options}T")()
        for name, value in operator.fields.items():
            assert hasattr(made.builtinOptions, name), name
            setattr(made.builtinOptions, name, value)
    return made
