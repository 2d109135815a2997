"""Operators of a TFLite file that move numbers."""

from math import prod

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_graph import TfliteGraph, graph_axes, graph_axis
from naas_hw.graph.importers.tflite_operators.handler import (
    Attributes,
    Handler,
    append_result,
    image_shape,
    option_of,
    sum_name,
)
from naas_hw.graph.importers.tflite_tables import TfliteOperator


def append_concatenation(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Tensors side by side along one axis."""
    rank = len(graph.tensor(operator.outputs[0]).shape)
    axis = graph_axis(option_of(graph, operator, "Axis"), rank)
    inputs = tuple(graph.real(number) for number in operator.inputs)
    append_result(graph, operator, "concat", inputs, {"axis": axis})


def append_pack(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Tensors of one shape along a new axis."""
    number = operator.outputs[0]
    after = graph.tensor(number).shape
    axis = int(operator.options.get("Axis", 0)) % len(after)
    single = (*after[:axis], 1, *after[axis + 1 :])
    inputs = tuple(
        graph.reshaped(graph.real(one), graph.tensor(one).shape, single) for one in operator.inputs
    )
    append_result(graph, operator, "concat", inputs, {"axis": graph_axis(axis, len(after))})


def append_pad(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A border of a constant, or a reflected one."""
    x = operator.inputs[0]
    rank = len(graph.tensor(x).shape)
    sides = graph.known(operator, 1).reshape(-1, 2)
    if len(sides) != rank:
        raise InputError(
            f"{operator.name} of {graph.file} must have {rank} pairs of paddings, not {len(sides)}"
        )
    moved = sides[list(graph_axes(rank))]
    mode = "constant"
    if operator.kind == "MIRROR_PAD":
        if option_of(graph, operator, "Mode") != 0:
            raise InputError(f"{operator.name} of {graph.file} must reflect, not be symmetric")
        mode = "reflect"
    padding = tuple(int(side) for side in moved.T.reshape(-1))
    given: Attributes = {"padding": padding, "value": _pad_value(graph, operator), "mode": mode}
    append_result(graph, operator, "pad", (graph.real(x),), given)


def _pad_value(graph: TfliteGraph, operator: TfliteOperator) -> float:
    """The real number outside the image."""
    if operator.kind != "PADV2":
        return 0.0
    value = float(graph.known(operator, 2).reshape(-1)[0])
    tensor = graph.tensor(operator.inputs[2])
    if not tensor.is_quantised:
        return value
    return float(np.float32(value - tensor.zero_points[0]) * np.float32(tensor.scales[0]))


def append_reshape(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """The same numbers in another shape."""
    x, number = operator.inputs[0], operator.outputs[0]
    before, after = graph.tensor(x).shape, graph.tensor(number).shape
    if prod(before) != prod(after):
        raise InputError(
            f"{operator.name} of {graph.file} must keep {prod(before)} numbers, not {prod(after)}"
        )
    graph.finish(number, graph.reshaped(graph.real(x), before, after, operator.kind))


def append_transpose(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """The axes in another order."""
    x = operator.inputs[0]
    order = [int(axis) for axis in graph.known(operator, 1).reshape(-1)]
    rank = len(graph.tensor(x).shape)
    if sorted(order) != list(range(rank)):
        raise InputError(
            f"{operator.name} of {graph.file} must order axes 0 to {rank - 1}, not {order}"
        )
    axes = tuple(graph_axis(order[axis], rank) for axis in graph_axes(rank))
    append_result(graph, operator, "transpose", (graph.real(x),), {"axes": axes})


def block_handler(kind: str) -> Handler:
    """The handler of moves between channels and blocks of pixels."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        image_shape(graph, operator, operator.inputs[0])
        given: Attributes = {"block": option_of(graph, operator, "BlockSize"), "mode": "DCR"}
        append_result(graph, operator, kind, (graph.real(operator.inputs[0]),), given)

    return append


def append_gather(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """The rows whose numbers a constant lists."""
    x, number = operator.inputs[0], operator.outputs[0]
    shape = graph.tensor(x).shape
    indices = graph.known(operator, 1).astype(np.int64)
    axis = int(operator.options.get("Axis", 0)) % len(shape)
    real = graph.in_file_order(graph.real(x), shape)
    places = graph.new_constant(f"{real}/indices", indices)
    after = graph.tensor(number).shape
    real = graph.emit(
        "gather", (real, places), after, sum_name(graph, number), {"axis": axis}, operator.kind
    )
    graph.finish(number, graph.in_graph_order(real, after), operator.kind)
