"""Sums of two images, and factors and offsets of each channel, in integers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.graph import Array
from naas_hw.graph.integers.builder import IntegerBuilder
from naas_hw.graph.integers.scales import addition_of, multiplier_and_shift
from naas_hw.graph.integers.values import (
    Bytes,
    ConstantValue,
    HostOnly,
    Quantisation,
    Result,
    image_shape,
    is_image,
)
from naas_hw.graph.quantised import Convolution, Sum, Upsampling

Reals = NDArray[np.float64]

_WEIGHT = 64
_MAX_WEIGHT = 127
_NOTHING = 2.0**-4  # of a step of the output: what all inputs of a channel together change
_FARTHEST = 1024.0  # steps from the zero point, more than any output has


def two_images(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """An `add` or `subtract` of two activations, or of one and a number for each channel."""
    if any(isinstance(value, ConstantValue) for value in result.inputs):
        return channel_wise(builder, result, name, quantisation)
    first, second = (
        _grown(builder, value, result.shape) for value in builder.byte_inputs(result, 2)
    )
    addition = addition_of(
        (first.quantisation.scale, first.quantisation.zero_point),
        (second.quantisation.scale, second.quantisation.zero_point),
        (quantisation.scale, quantisation.zero_point),
        quantisation.bounds(result.low, result.high),
        -1 if result.operator.kind == "subtract" else 1,
    )
    if addition is None:
        raise HostOnly("its output has too small a scale for its inputs")
    return builder.bytes(
        Sum,
        (first, second),
        name,
        result.shape,
        quantisation,
        sources=result.sources,
        addition=addition,
    )


def _grown(builder: IntegerBuilder, value: Bytes, shape: tuple[int, ...]) -> Bytes:
    """An operand with the result's shape: a pixel is repeated over all rows and columns."""
    if image_shape(value.shape) == image_shape(shape):
        return value
    channels, rows, columns = image_shape(shape)
    if not is_image(shape) or image_shape(value.shape) != (channels, 1, 1):
        raise HostOnly("its operands have different shapes")
    return builder.bytes(
        Upsampling,
        (value,),
        f"{value.tensor}/repeated",
        shape,
        value.quantisation,
        factors=(rows, columns),
    )


def channel_wise(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """Factors and offsets of each channel: a depthwise layer of one pixel.

    The factor is in the multiplier, so weights need no rounding.
    """
    constants = [value for value in result.inputs if isinstance(value, ConstantValue)]
    images = [value for value in result.inputs if isinstance(value, Bytes)]
    if len(images) != 1 or len(constants) + 1 != len(result.inputs):
        raise HostOnly("it is a product of two activations")
    image = builder.upright(images[0])
    if image_shape(image.shape) != image_shape(result.shape):
        raise HostOnly("its operands have different shapes")
    first = isinstance(result.inputs[0], ConstantValue)
    factors, offsets = _affine(result, [value.real for value in constants], first)
    fields = _depthwise(image.quantisation, quantisation, factors, offsets)
    clamp_min, clamp_max = quantisation.bounds(result.low, result.high)
    return builder.bytes(
        Convolution,
        (image,),
        name,
        result.shape,
        quantisation,
        sources=result.sources,
        groups=len(factors),
        clamp_min=clamp_min,
        clamp_max=clamp_max,
        **fields,
    )


def _affine(result: Result, constants: list[Array], constant_first: bool) -> tuple[Reals, Reals]:
    """Factor and offset of each channel."""
    kind = result.operator.kind
    if kind == "batch_norm":
        return _batch_norm(result, constants)
    values = _of_channels(constants[0], result.shape)
    ones, zeros = np.ones_like(values), np.zeros_like(values)
    if kind == "add":
        return ones, values
    if kind == "subtract":
        return (-ones, values) if constant_first else (ones, -values)
    if kind == "multiply":
        return values, zeros
    if kind == "divide" and not constant_first and np.all(values):
        return 1 / values, zeros
    raise HostOnly("it is no factor and no offset")


def _batch_norm(result: Result, constants: list[Array]) -> tuple[Reals, Reals]:
    scale, bias, mean, variance = (
        np.broadcast_to(values.astype(np.float64).reshape(-1), image_shape(result.shape)[0])
        for values in constants
    )
    epsilon: Any = result.operator.attributes["epsilon"]
    factors = scale / np.sqrt(variance + epsilon)
    return factors, bias - mean * factors


def _of_channels(values: Array, shape: tuple[int, ...]) -> Reals:
    """A number for each channel [C].

    Raises
    ------
    HostOnly : it differs within a channel.
    """
    channels, rows, columns = image_shape(shape)
    if values.size > channels * rows * columns:
        raise HostOnly("its operands have different shapes")
    spread = np.broadcast_to(values, shape).reshape(channels, rows * columns)
    if np.any(spread != spread[:, :1]):
        raise HostOnly("its constant differs within a channel")
    return spread[:, 0].astype(np.float64)


def _depthwise(
    before: Quantisation, after: Quantisation, factors: Reals, offsets: Reals
) -> dict[str, Any]:
    """Weights, bias, multiplier and shift that say factors and offsets."""
    rows = [
        _channel(float(factor) * before.scale / after.scale, float(offset) / after.scale)
        for factor, offset in zip(factors, offsets, strict=True)
    ]
    weights, bias, multiplier, shift = zip(*rows, strict=True)
    return {
        "weights": np.array(weights, np.int8).reshape(-1, 1, 1, 1),
        "bias": np.array(bias, np.int32),
        "multiplier": np.array(multiplier, np.int32),
        "shift": np.array(shift, np.int32),
    }


def _channel(factor: float, offset: float) -> tuple[int, int, int, int]:
    """Weight, bias, multiplier and shift of one channel; factor and offset in steps of the output.

    Raises
    ------
    HostOnly : the factor is too large.
    """
    offset = max(-_FARTHEST, min(_FARTHEST, offset))
    sign = -1 if factor < 0 else 1
    if abs(factor) * 255 < _NOTHING:
        multiplier, shift = multiplier_and_shift(_NOTHING / 255 / _WEIGHT)
        weight = 0
    else:
        weight = _WEIGHT if abs(factor) < _WEIGHT else _MAX_WEIGHT
        multiplier, shift = multiplier_and_shift(abs(factor) / weight)
    if shift < 0:
        raise HostOnly("its output has too small a scale for its factors")
    return sign * weight, round(offset / (multiplier * 2.0 ** (-31 - shift))), multiplier, shift
