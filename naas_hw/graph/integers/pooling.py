"""Pooling in integers."""

from math import prod
from typing import Any

from naas_hw.graph.graph import Operator
from naas_hw.graph.integers.builder import IntegerBuilder
from naas_hw.graph.integers.scales import multiplier_and_shift
from naas_hw.graph.integers.values import (
    Bytes,
    HostOnly,
    Quantisation,
    Result,
    image_shape,
    is_image,
)
from naas_hw.graph.quantised import AveragePool, MaximumPool, Pair, Sides

_WEIGHTS = (4, 8, 16, 32, 64, 127)
_MAX_SHIFT = 31


def maximum_pool(builder: IntegerBuilder, operator: Operator, image: Bytes) -> Bytes | None:
    """A `max_pool`: its bytes have the input's scale, whatever follows."""
    if not is_image(image.shape):
        return None
    given: dict[str, Any] = dict(operator.attributes)
    return builder.bytes(
        MaximumPool,
        (builder.upright(image),),
        operator.outputs[0],
        builder.graph.tensors[operator.outputs[0]].shape,
        image.quantisation,
        sources=(operator.name,),
        kernel=given["kernel"],
        stride=given["stride"],
        padding=given.get("padding", (0, 0, 0, 0)),
        dilation=given.get("dilation", (1, 1)),
    )


def maximum_of_image(builder: IntegerBuilder, operator: Operator, image: Bytes) -> Bytes | None:
    """A `reduce_max` over all rows and columns."""
    if not _reduces_image(operator, image.shape):
        return None
    _, rows, columns = image_shape(image.shape)
    return builder.bytes(
        MaximumPool,
        (builder.upright(image),),
        operator.outputs[0],
        builder.graph.tensors[operator.outputs[0]].shape,
        image.quantisation,
        sources=(operator.name,),
        image=(image_shape(image.shape)[0], 1, 1),
        kernel=(rows, columns),
        stride=(1, 1),
    )


def average_pool(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """An `average_pool` whose divisor is the same everywhere."""
    (image,) = builder.byte_inputs(result, 1)
    given: dict[str, Any] = dict(result.operator.attributes)
    if not is_image(image.shape):
        raise HostOnly("its input is no single image of channels, rows and columns")
    padding: Sides = given.get("padding", (0, 0, 0, 0))
    kernel, stride = given["kernel"], given["stride"]
    divisor = kernel[0] * kernel[1]
    if any(padding) and not given.get("count_include_pad"):
        divisor = prod(
            _num_inside(image.shape[2 + i], kernel[i], stride[i], (padding[i], padding[2 + i]))
            for i in (0, 1)
        )
    return _average(builder, result, name, image, quantisation, kernel, stride, padding, divisor)


def _num_inside(size: int, kernel: int, stride: int, sides: Pair) -> int:
    """How many rows or columns under a kernel are of the image, wherever it is.

    Raises
    ------
    HostOnly : that depends on where it is.
    """
    last = size + sum(sides) - kernel
    numbers = {
        min(first + kernel, sides[0] + size) - max(first, sides[0])
        for first in range(0, last + 1, stride)
    }
    if len(numbers) > 1 or min(numbers) < 1:
        raise HostOnly("its divisor depends on the place")
    return numbers.pop()


def average_of_image(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """A `reduce_mean` or `reduce_sum` over all rows and columns."""
    (image,) = builder.byte_inputs(result, 1)
    if not _reduces_image(result.operator, image.shape):
        raise HostOnly("it reduces other axes than all rows and columns")
    _, rows, columns = image_shape(image.shape)
    divisor = rows * columns if result.operator.kind == "reduce_mean" else 1
    return _average(
        builder,
        result,
        name,
        image,
        quantisation,
        (rows, columns),
        (1, 1),
        (0, 0, 0, 0),
        divisor,
    )


def _reduces_image(operator: Operator, shape: tuple[int, ...]) -> bool:
    """Whether the reduced axes are the rows and columns of [1, C, H, W], or those of [1, C, L]."""
    axes: Any = operator.attributes["axes"]
    places = {axis % len(shape) for axis in axes}
    return len(shape) in (3, 4) and shape[0] == 1 and places | {0} == {0, *range(2, len(shape))}


def _average(
    builder: IntegerBuilder,
    result: Result,
    name: str,
    image: Bytes,
    quantisation: Quantisation,
    kernel: Pair,
    stride: Pair,
    padding: Sides,
    divisor: int,
) -> Bytes:
    factor = image.quantisation.scale / quantisation.scale / divisor
    weight, multiplier, shift = _weight_for(factor)
    # With zero points of 0 a mean between two bytes goes the way that TensorFlow Lite's goes, and
    # what is outside adds nothing, so that it must not count.
    counts_outside = any(padding) and divisor == kernel[0] * kernel[1]
    same = image.quantisation == quantisation and not counts_outside
    clamp_min, clamp_max = quantisation.bounds(result.low, result.high)
    return builder.bytes(
        AveragePool,
        (image,),
        name,
        result.shape,
        quantisation,
        sources=result.sources,
        kernel=kernel,
        stride=stride,
        weight=weight,
        multiplier=multiplier,
        shift=shift,
        input_zero_point=0 if same else image.quantisation.zero_point,
        output_zero_point=0 if same else quantisation.zero_point,
        padding=padding,
        clamp_min=clamp_min,
        clamp_max=clamp_max,
    )


def _weight_for(factor: float) -> tuple[int, int, int]:
    """A weight that makes the factor of its sums less than 1, their multiplier and shift."""
    for weight in _WEIGHTS:
        multiplier, shift = multiplier_and_shift(factor / weight)
        if 0 <= shift <= _MAX_SHIFT:
            return weight, multiplier, shift
    raise HostOnly("its output has too small or too large a scale for its sums")
