"""Small graphs with quantize and dequantize operators around what a test is about."""

from typing import Any

import numpy as np

from naas_hw.graph.graph import Graph, GraphTensor, Operator, tensor_of


class QuantisedModel:
    """A graph that grows; activations are float tensors that stand between dequantize and quantize.

    Each activation x is followed by `x_bytes` and `x_real`.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, GraphTensor] = {}
        self.operators: list[Operator] = []
        self.inputs: list[str] = []

    def tensor(self, name: str, shape, dtype="float32") -> str:
        self.tensors[name] = GraphTensor(name=name, shape=tuple(shape), dtype=np.dtype(dtype))
        return name

    def constant(self, name: str, values) -> str:
        self.tensors[name] = tensor_of(name, np.asarray(values))
        return name

    def append(self, kind, inputs, output, shape, **attributes) -> str:
        dtype = attributes["dtype"] if kind == "quantize" else "float32"
        self.tensor(output, shape, dtype)
        operator = Operator(
            name=f"{kind} {output}",
            kind=kind,
            inputs=tuple(inputs),
            outputs=(output,),
            attributes=attributes,
        )
        self.operators.append(operator)
        return output

    def input(self, name: str, shape, scale=0.05, zero_point=3, dtype="int8") -> str:
        self.inputs.append(self.tensor(name, shape))
        return self.quantised(name, scale, zero_point, dtype)

    def quantised(self, name: str, scale: float, zero_point: int, dtype="int8") -> str:
        """The real numbers of a tensor behind quantize and dequantize."""
        given: dict[str, Any] = {
            "scale": float(np.float32(scale)),
            "zero_point": zero_point,
            "axis": None,
            "dtype": dtype,
        }
        shape = self.tensors[name].shape
        self.append("quantize", [name], f"{name}_bytes", shape, **given)
        return self.append("dequantize", [f"{name}_bytes"], f"{name}_real", shape, **given)

    def weights(self, name: str, values, scale, zero_point=0, axis=None, dtype="int8") -> str:
        """The real numbers of constant integers."""
        self.constant(name, np.asarray(values, dtype))
        many = np.ndim(scale) > 0
        return self.append(
            "dequantize",
            [name],
            f"{name}_real",
            np.shape(values),
            scale=tuple(float(np.float32(s)) for s in scale) if many else float(np.float32(scale)),
            zero_point=(zero_point,) * len(scale) if many else zero_point,
            axis=axis if many else None,
            dtype=dtype,
        )

    def graph(self, *outputs: str) -> Graph:
        return Graph(
            name="model",
            operators=tuple(self.operators),
            tensors=self.tensors,
            inputs=tuple(self.inputs),
            outputs=outputs,
        )
