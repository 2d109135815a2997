"""What the onnx package itself knows of a model: shapes of operators, and values of constants."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, ValueInfoProto

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.importers.builder import Shape
from naas_hw.graph.importers.onnx_values import dtype_of_code


class InferredShapes:
    """Shapes that `onnx.shape_inference` finds, computed when the first one is asked for.

    Parameters
    ----------
    inputs : shapes of the model's inputs, all fixed.
    """

    def __init__(self, model: ModelProto, inputs: Mapping[str, Shape]) -> None:
        self._model = model
        self._inputs = inputs

    def __call__(self, name: str) -> tuple[Shape, np.dtype[Any]]:
        """Shape and type of a tensor.

        Raises
        ------
        InputError : they are not known.
        """
        info = self._infos.get(name)
        if info is None or not info.type.HasField("tensor_type"):
            raise InputError(f"the shape of {name!r} must be known, but ONNX cannot infer it")
        sizes = info.type.tensor_type.shape.dim
        if not all(size.HasField("dim_value") for size in sizes):
            raise InputError(f"the shape of {name!r} must be fixed, but ONNX cannot infer it")
        dtype = dtype_of_code(info.type.tensor_type.elem_type, name)
        return tuple(size.dim_value for size in sizes), dtype

    @cached_property
    def _infos(self) -> dict[str, ValueInfoProto]:
        model = ModelProto()
        model.CopyFrom(self._model)
        for value in model.graph.input:
            if value.name in self._inputs:
                del value.type.tensor_type.shape.dim[:]
                for size in self._inputs[value.name]:
                    value.type.tensor_type.shape.dim.add().dim_value = size
        try:
            model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
            return {}
        return {value.name: value for value in (*model.graph.value_info, *model.graph.output)}


def evaluate(
    node: NodeProto, inputs: Mapping[str, Array], opsets: Mapping[str, int]
) -> list[Array]:
    """What a node computes of constants.

    Raises
    ------
    InputError : ONNX's reference implementation fails.
    """
    from onnx.reference import ReferenceEvaluator

    given = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(values.dtype), values.shape
        )
        for name, values in inputs.items()
    ]
    outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "constants", given, outputs)
    versions = [onnx.helper.make_opsetid(domain, number) for domain, number in opsets.items()]
    try:
        model = onnx.helper.make_model(graph, opset_imports=versions)
        results = ReferenceEvaluator(model).run(None, dict(inputs))
    except Exception as error:  # an interpreter of many operators raises many kinds of errors
        raise InputError(
            f"constants of {node.op_type} {node.name!r} must be computable: {error}"
        ) from None
    return [np.asarray(result) for result in results]
