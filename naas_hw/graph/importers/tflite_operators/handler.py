"""What handlers of operators of a TFLite file share."""

from collections.abc import Callable
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.tflite_graph import (
    IMAGE_RANK,
    Shape,
    TfliteGraph,
    graph_axes,
    graph_axis,
)
from naas_hw.graph.importers.tflite_tables import TfliteOperator

Attributes = dict[str, Attribute]
Handler = Callable[[TfliteGraph, TfliteOperator], None]

_BOUNDS: Final[dict[int, tuple[float | None, float | None]]] = {
    1: (0.0, None),
    2: (-1.0, 1.0),
    3: (0.0, 6.0),
}
"""Fused activations that are bounds: RELU, RELU_N1_TO_1, RELU6."""
_TANH: Final = 4


def option_of(graph: TfliteGraph, operator: TfliteOperator, name: str) -> int:
    """An option that the kind cannot do without."""
    if name not in operator.options:
        raise InputError(f"{operator.name} of {graph.file} must have the option {name}")
    return int(operator.options[name])


def sum_name(graph: TfliteGraph, number: int) -> str:
    """The name of the real numbers that become the tensor `number`."""
    return f"{graph.tensor(number).name}/sum"


def append_result(
    graph: TfliteGraph,
    operator: TfliteOperator,
    kind: str,
    inputs: tuple[str, ...],
    attributes: Attributes | None = None,
    shape: Shape | None = None,
) -> None:
    """Append the operator that makes the output, and its fused activation."""
    number = operator.outputs[0]
    shape = graph.shape(number) if shape is None else shape
    real = graph.emit(kind, inputs, shape, sum_name(graph, number), attributes or {}, operator.kind)
    real = append_activation(graph, operator, real, shape)
    if shape != graph.shape(number):
        real = graph.emit("reshape", (real,), graph.shape(number), f"{real}/reshaped")
    graph.finish(number, real, operator.kind)


def append_activation(graph: TfliteGraph, operator: TfliteOperator, real: str, shape: Shape) -> str:
    """The fused activation behind `real`."""
    activation = operator.options.get("FusedActivationFunction", 0)
    if activation == 0:
        return real
    if activation == _TANH:
        return graph.emit("tanh", (real,), shape, f"{real}/activated")
    if activation not in _BOUNDS:
        raise InputError(
            f"{operator.name} of {graph.file} must have a fused activation 0 to {_TANH}, "
            f"not {activation}"
        )
    low, high = _BOUNDS[activation]
    given: Attributes = {"minimum": low, "maximum": high}
    return graph.emit("clamp", (real,), shape, f"{real}/activated", given)


def image_shape(graph: TfliteGraph, operator: TfliteOperator, number: int) -> Shape:
    """The shape of a tensor that has to be an image."""
    shape = graph.shape(number)
    if len(shape) != IMAGE_RANK:
        raise InputError(
            f"{operator.name} of {graph.file} must read and make images of 4 axes, "
            f"not {list(shape)}"
        )
    return shape


def broadcast_operand(graph: TfliteGraph, number: int, rank: int) -> str:
    """An operand with as many axes as the result has, in the order of the graph."""
    tensor = graph.tensor(number)
    missing = rank - len(tensor.shape)
    if missing <= 0:
        return graph.real(number)
    shape = (1,) * missing + tensor.shape
    values = graph.constant(number)
    if values is None:
        return graph.reshaped(graph.real(number), tensor.shape, shape)
    axis = graph_axis(tensor.axis + missing, rank) if len(tensor.scales) > 1 else 0
    return graph.constant_real(number, values.reshape(shape).transpose(graph_axes(rank)), axis)
