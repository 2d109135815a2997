"""Convolutions, linear layers and products of activations of a TFLite file."""

from math import prod

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Attribute
from naas_hw.graph.importers.tflite_graph import IMAGE_RANK, Shape, TfliteGraph
from naas_hw.graph.importers.tflite_operators.handler import (
    Attributes,
    append_activation,
    append_result,
    image_shape,
    sum_name,
)
from naas_hw.graph.importers.tflite_operators.sliding_windows import window_attributes
from naas_hw.graph.importers.tflite_tables import TfliteOperator


def append_convolution(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A convolution, grouped where its weights have fewer channels than the image."""
    x, number = operator.inputs[:2]
    weights = _weights(graph, operator, IMAGE_RANK).transpose(0, 3, 1, 2)
    image, outputs = (
        image_shape(graph, operator, x),
        image_shape(graph, operator, operator.outputs[0]),
    )
    _check_channels(graph, operator, image[1], weights.shape[1])
    given = window_attributes(graph, operator, image, outputs, (weights.shape[2], weights.shape[3]))
    given["groups"] = image[1] // weights.shape[1]
    w = graph.constant_real(number, weights, 0)
    append_result(graph, operator, "conv", (graph.real(x), w, *_bias(graph, operator, 2)), given)


def append_depthwise(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A convolution of each channel alone."""
    x, number = operator.inputs[:2]
    weights = _weights(graph, operator, IMAGE_RANK).transpose(3, 0, 1, 2)
    image, outputs = (
        image_shape(graph, operator, x),
        image_shape(graph, operator, operator.outputs[0]),
    )
    _check_channels(graph, operator, weights.shape[0], image[1])
    given = window_attributes(graph, operator, image, outputs, (weights.shape[2], weights.shape[3]))
    given["groups"] = image[1]
    w = graph.constant_real(number, weights, 0)
    append_result(graph, operator, "conv", (graph.real(x), w, *_bias(graph, operator, 2)), given)


def _check_channels(
    graph: TfliteGraph, operator: TfliteOperator, channels: int, in_weights: int
) -> None:
    if channels % in_weights:
        raise InputError(
            f"weights of {operator.name} of {graph.file} must have a divisor of the input's "
            f"{channels} channels, not {in_weights}"
        )


def append_transposed_convolution(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """The transpose of a convolution."""
    number, x = operator.inputs[1:3]
    weights = _weights(graph, operator, IMAGE_RANK).transpose(3, 0, 1, 2)
    image, outputs = (
        image_shape(graph, operator, x),
        image_shape(graph, operator, operator.outputs[0]),
    )
    kernel = (weights.shape[2], weights.shape[3])
    # The convolution whose transpose it is goes from the outputs to the image.
    given = window_attributes(graph, operator, outputs, image, kernel)
    stride, padding = _pair(given["stride"]), _four(given["padding"])
    missing = [
        outputs[2 + axis]
        - ((image[2 + axis] - 1) * stride[axis] + kernel[axis])
        + padding[axis]
        + padding[2 + axis]
        for axis in range(2)
    ]
    given |= {"output_padding": (missing[0], missing[1]), "groups": 1}
    w = graph.constant_real(number, weights, 1)
    inputs = (graph.real(x), w, *_bias(graph, operator, 3))
    append_result(graph, operator, "conv_transposed", inputs, given)


def _pair(value: Attribute) -> tuple[int, int]:
    assert isinstance(value, tuple)
    return int(value[0]), int(value[1])


def _four(value: Attribute) -> tuple[int, int, int, int]:
    assert isinstance(value, tuple)
    return int(value[0]), int(value[1]), int(value[2]), int(value[3])


def append_linear(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A fully connected layer; it reads an image in the file's order.

    In integers its sums are rounded once, also where each output has a scale of its own, while
    those of a convolution are rounded twice.
    """
    x, number = operator.inputs[:2]
    weights = _weights(graph, operator, 2)
    before = graph.tensor(x).shape
    if prod(before) % weights.shape[1]:
        raise InputError(
            f"weights of {operator.name} of {graph.file} must have as many columns as the input "
            f"has numbers, not {weights.shape[1]} for {list(before)}"
        )
    flat: Shape = (prod(before) // weights.shape[1], weights.shape[1])
    image = graph.reshaped(graph.real(x), before, flat)
    w = graph.constant_real(number, weights, 0)
    after: Shape = (flat[0], weights.shape[0])
    number = operator.outputs[0]
    given: Attributes = {"rounds_once": True} if graph.tensor(number).is_quantised else {}
    real = graph.emit(
        "linear",
        (image, w, *_bias(graph, operator, 2)),
        after,
        sum_name(graph, number),
        given,
        source=operator.kind,
    )
    real = append_activation(graph, operator, real, after)
    real = graph.reshaped(real, after, graph.tensor(number).shape)
    graph.finish(number, real, operator.kind)


def _weights(graph: TfliteGraph, operator: TfliteOperator, rank: int) -> Array:
    weights = graph.known(operator, 1)
    if weights.ndim != rank:
        raise InputError(
            f"weights of {operator.name} of {graph.file} must have {rank} axes, not {weights.ndim}"
        )
    return weights


def _bias(graph: TfliteGraph, operator: TfliteOperator, place: int) -> tuple[str, ...]:
    """The bias, if the operator has one."""
    if len(operator.inputs) <= place or operator.inputs[place] < 0:
        return ()
    return (graph.real(operator.inputs[place]),)


def append_matmul(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A product of two activations, in the file's order of axes."""
    operands = []
    for number, mask in zip(operator.inputs[:2], ("AdjX", "AdjY"), strict=True):
        shape = graph.tensor(number).shape
        real = graph.in_file_order(graph.real(number), shape)
        if operator.options.get(mask):
            axes = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
            turned = tuple(shape[axis] for axis in axes)
            real = graph.emit("transpose", (real,), turned, f"{real}/turned", {"axes": axes})
        operands.append(real)
    number = operator.outputs[0]
    shape = graph.tensor(number).shape
    real = graph.emit("matmul", operands, shape, sum_name(graph, number), source=operator.kind)
    graph.finish(number, graph.in_graph_order(real, shape), operator.kind)
