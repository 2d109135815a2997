"""A float graph with quantize and dequantize operators between its others.

A tensor x that becomes int8 is made as `x/float`, quantised to `x/int8`, and dequantised to x,
which all its readers read; an input keeps its name, and its readers read `x/real`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from naas_hw.graph.graph import Array, Attribute, Graph, GraphTensor, Operator, tensor_of
from naas_hw.graph.operators import WEIGHTED_KINDS
from naas_hw.graph.quantise.weights import bias_scale, quantise_bias, quantise_weights

FLOAT: Final = np.dtype(np.float32)


@dataclass(frozen=True, kw_only=True)
class TensorScale:
    """TensorScale and zero point of a tensor of int8."""

    scale: float
    zero_point: int

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Attributes of `quantize` and `dequantize`."""
        return {
            "scale": self.scale,
            "zero_point": self.zero_point,
            "axis": None,
            "dtype": "int8",
        }


def with_quantisation(graph: Graph, scales: Mapping[str, TensorScale]) -> Graph:
    """The graph in which these tensors are int8, and the weights of layers that read them.

    Parameters
    ----------
    graph : float and folded.
    scales : of each tensor that becomes int8.

    Raises
    ------
    InputError : a weight or a bias is infinite or not a number.
    """
    form = _Form(graph=graph, scales=scales)
    for name in graph.inputs:
        form.add_input(name)
    for operator in graph.operators:
        form.add(operator)
    return replace(graph, operators=tuple(form.operators), tensors=form.needed_tensors())


@dataclass(kw_only=True)
class _Form:
    """Operators and tensors so far; `readings` : input -> what its readers read."""

    graph: Graph
    scales: Mapping[str, TensorScale]
    operators: list[Operator] = field(default_factory=list)
    tensors: dict[str, GraphTensor] = field(init=False)
    readings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tensors = dict(self.graph.tensors)

    def add_input(self, name: str) -> None:
        """Quantise an input of the model."""
        if name in self.scales:
            self.readings[name] = f"{name}/real"
            self._round(name, name, f"{name}/real")

    def add(self, operator: Operator) -> None:
        """An operator that reads what is quantised, and rounds what it makes."""
        inputs = [self.readings.get(name, name) for name in operator.inputs]
        source = operator.inputs[0] if operator.inputs else ""
        if operator.kind in WEIGHTED_KINDS and source in self.scales:
            if self.graph.tensors[operator.inputs[1]].is_constant:
                inputs[1:] = self._constants(operator, self.scales[source].scale)
        output = operator.outputs[0]
        if output not in self.scales:
            self.operators.append(replace(operator, inputs=tuple(inputs)))
            return
        made = f"{output}/float"
        self.tensors[made] = replace(self.tensors[output], name=made)
        self.operators.append(replace(operator, inputs=tuple(inputs), outputs=(made,)))
        self._round(output, made, output)

    def needed_tensors(self) -> dict[str, GraphTensor]:
        """Tensors that an operator or the model itself names."""
        used = {name for x in self.operators for name in (*x.inputs, *x.outputs)}
        used |= {*self.graph.inputs, *self.graph.outputs}
        return {name: tensor for name, tensor in self.tensors.items() if name in used}

    def _round(self, name: str, source: str, target: str) -> None:
        """Add `quantize` and `dequantize` between a tensor and what is read of it."""
        shape = self.graph.tensors[name].shape
        attributes = self.scales[name].attributes
        middle = f"{name}/int8"
        self.tensors[middle] = GraphTensor(name=middle, shape=shape, dtype=np.dtype(np.int8))
        self.tensors[target] = GraphTensor(name=target, shape=shape, dtype=FLOAT)
        self._append("quantize", source, middle, attributes)
        self._append("dequantize", middle, target, attributes)

    def _append(
        self, kind: str, source: str, target: str, attributes: Mapping[str, Attribute]
    ) -> None:
        self.operators.append(
            Operator(
                name=f"{target}/{kind}",
                kind=kind,
                inputs=(source,),
                outputs=(target,),
                attributes=dict(attributes),
                source=kind,
            )
        )

    def _constants(self, operator: Operator, input_scale: float) -> list[str]:
        """Weights and bias of a layer as dequantised integers."""
        weights, bias = layer_constants(self.graph, operator)
        quantised = quantise_weights(operator, weights, bias, input_scale)
        names = [
            self._dequantised(
                f"{operator.name}/weights", quantised.values, quantised.scale, quantised.axis
            )
        ]
        if bias is not None:
            scale = bias_scale(quantised, input_scale, bias.size)
            names.append(
                self._dequantised(f"{operator.name}/bias", quantise_bias(bias, scale), scale, 0)
            )
        return names

    def _dequantised(self, name: str, values: Array, scale: Array, axis: int) -> str:
        integers = f"{name}/{values.dtype.name}"
        self.tensors[integers] = tensor_of(integers, values)
        self.tensors[name] = GraphTensor(name=name, shape=values.shape, dtype=FLOAT)
        attributes: dict[str, Attribute] = {
            "scale": tuple(float(x) for x in scale),
            "zero_point": (0,) * scale.size,
            "axis": axis,
            "dtype": values.dtype.name,
        }
        self._append("dequantize", integers, name, attributes)
        return name


def layer_constants(graph: Graph, operator: Operator) -> tuple[Array, Array | None]:
    """Weights and bias of a layer; None where it has no bias."""
    weights = graph.constant(operator.inputs[1])
    bias = graph.constant(operator.inputs[2]) if len(operator.inputs) > 2 else None
    assert weights is not None
    return weights, bias


def with_constants(graph: Graph, changes: Mapping[str, Array]) -> Graph:
    """The graph with other values of some constants."""
    tensors: dict[str, Any] = {
        name: tensor_of(name, changes[name]) if name in changes else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)
