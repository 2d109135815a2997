"""Functions of single numbers, and of pairs of them, of a TFLite file."""

import numpy as np

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.tflite_graph import TfliteGraph, graph_axis
from naas_hw.graph.importers.tflite_operators.handler import (
    Attributes,
    Handler,
    append_result,
    broadcast_operand,
    sum_name,
)
from naas_hw.graph.importers.tflite_tables import TfliteOperator


def unary_handler(kind: str, **attributes: Attribute) -> Handler:
    """The handler of a function of single numbers."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        given: Attributes = dict(attributes)
        if "Alpha" in operator.options:
            given["alpha"] = float(operator.options["Alpha"])
        if "Approximate" in operator.options:
            given["approximate"] = bool(operator.options["Approximate"])
        append_result(graph, operator, kind, (graph.real(operator.inputs[0]),), given)

    return append


def elementwise_handler(kind: str) -> Handler:
    """The handler of a function of pairs of numbers; shapes are broadcast."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        rank = len(graph.tensor(operator.outputs[0]).shape)
        inputs = tuple(broadcast_operand(graph, number, rank) for number in operator.inputs[:2])
        append_result(graph, operator, kind, inputs)

    return append


def append_prelu(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A leaky rectifier with a slope for each channel."""
    x, slope = operator.inputs[:2]
    rank = len(graph.tensor(x).shape)
    append_result(graph, operator, "prelu", (graph.real(x), broadcast_operand(graph, slope, rank)))


def append_square(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Each number times itself."""
    real = graph.real(operator.inputs[0])
    append_result(graph, operator, "multiply", (real, real))


def softmax_handler(kind: str) -> Handler:
    """The handler of a softmax, or of its logarithm, over the channels."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        x = operator.inputs[0]
        real, shape = graph.real(x), graph.shape(x)
        beta = float(operator.options.get("Beta", 1.0))
        if beta != 1.0:
            factor = graph.new_constant(f"{real}/beta", np.array(beta, np.float32))
            real = graph.emit("multiply", (real, factor), shape, f"{real}/scaled")
        append_result(graph, operator, kind, (real,), {"axis": graph_axis(-1, len(shape))})

    return append


def append_quantize(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """QUANTIZE or DEQUANTIZE: the same real numbers."""
    graph.finish(operator.outputs[0], graph.real(operator.inputs[0]), operator.kind)


def append_cast(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """The same numbers in another type."""
    number = operator.outputs[0]
    dtype = graph.tensor(number).dtype
    real = graph.emit(
        "cast",
        (graph.real(operator.inputs[0]),),
        graph.shape(number),
        sum_name(graph, number),
        {"dtype": dtype.name},
        operator.kind,
        dtype,
    )
    graph.finish(number, real, operator.kind)
