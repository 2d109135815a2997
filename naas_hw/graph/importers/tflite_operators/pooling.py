"""Pools, reductions and resizes of a TFLite file."""

import numpy as np

from naas_hw.graph.importers.tflite_graph import (
    IMAGE_RANK,
    Shape,
    TfliteGraph,
    graph_axis,
    graph_shape,
)
from naas_hw.graph.importers.tflite_operators.handler import (
    Attributes,
    Handler,
    append_result,
    image_shape,
    option_of,
    sum_name,
)
from naas_hw.graph.importers.tflite_operators.sliding_windows import window_attributes
from naas_hw.graph.importers.tflite_tables import TfliteOperator


def pool_handler(kind: str) -> Handler:
    """The handler of a pooling."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        x = operator.inputs[0]
        image, outputs = (
            image_shape(graph, operator, x),
            image_shape(graph, operator, operator.outputs[0]),
        )
        kernel = (
            option_of(graph, operator, "FilterHeight"),
            option_of(graph, operator, "FilterWidth"),
        )
        given = window_attributes(graph, operator, image, outputs, kernel)
        given["kernel"] = kernel
        if kind == "average_pool":
            given["count_include_pad"] = False
            del given["dilation"]
        append_result(graph, operator, kind, (graph.real(x),), given)

    return append


def reduction_handler(kind: str) -> Handler:
    """The handler of a sum, a mean or a maximum over axes."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        x, number = operator.inputs[0], operator.outputs[0]
        before = graph.tensor(x).shape
        axes = tuple(int(axis) for axis in graph.known(operator, 1).reshape(-1))
        places = sorted({graph_axis(axis, len(before)) for axis in axes})
        kept = tuple(
            1 if graph_axis(axis, len(before)) in places else size
            for axis, size in enumerate(before)
        )
        real = graph.emit(
            kind,
            (graph.real(x),),
            graph_shape(kept),
            sum_name(graph, number),
            {"axes": tuple(places), "keepdims": True},
            operator.kind,
        )
        after = graph.tensor(number).shape
        if _order_is_kept(kept, after):
            if kept != after:
                real = graph.emit("reshape", (real,), graph_shape(after), f"{real}/reshaped")
        else:
            real = graph.reshaped(real, kept, after)
        graph.finish(number, real, operator.kind)

    return append


def _order_is_kept(before: Shape, after: Shape) -> bool:
    """Whether a reshape gives the same order of numbers with channels second or last."""

    def moves(shape: Shape) -> bool:
        return len(shape) == IMAGE_RANK and shape[3] > 1 and shape[1] * shape[2] > 1

    return not moves(before) and not moves(after)


def append_argmax(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """The place of the largest number along one axis."""
    x, number = operator.inputs[0], operator.outputs[0]
    shape = graph.tensor(x).shape
    axis = int(graph.known(operator, 1).reshape(-1)[0])
    place = graph_axis(axis, len(shape))
    kept = tuple(1 if i == axis % len(shape) else size for i, size in enumerate(shape))
    real = graph.emit(
        "argmax",
        (graph.real(x),),
        graph_shape(kept),
        sum_name(graph, number),
        {"axis": place, "keepdims": True},
        operator.kind,
        np.dtype(np.int64),
    )
    graph.finish(number, graph.reshaped(real, kept, graph.tensor(number).shape))


def resize_handler(mode: str) -> Handler:
    """The handler of a change of the size of an image."""

    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        coordinates, rounding = "asymmetric", "floor"
        if operator.options.get("AlignCorners"):
            coordinates, rounding = "align_corners", "round_prefer_ceil"
        elif operator.options.get("HalfPixelCenters"):
            coordinates, rounding = "half_pixel", "round_prefer_ceil"
        given: Attributes = {"mode": mode, "coordinates": coordinates, "rounding": rounding}
        image_shape(graph, operator, operator.inputs[0])
        append_result(graph, operator, "resize", (graph.real(operator.inputs[0]),), given)

    return append
