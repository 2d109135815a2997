"""Convolutions and linear layers in integers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.graph import Operator
from naas_hw.graph.integers.builder import IntegerBuilder
from naas_hw.graph.integers.scales import requantisation
from naas_hw.graph.integers.values import (
    Bytes,
    ConstantValue,
    HostOnly,
    Quantisation,
    Result,
    image_shape,
    is_image,
)
from naas_hw.graph.quantised import Convolution, Rearranged, TransposedConvolution

Weights = NDArray[np.int64]

_INT32 = np.iinfo(np.int32)
_SAME_BIAS_SCALE = 1e-4
_BYTE_STEPS = 255
"""The largest difference of a byte and a zero point."""


def convolution(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """A `conv` of a quantised image with quantised weights."""
    (image,) = builder.byte_inputs(result, 1)
    if not is_image(image.shape):
        raise HostOnly("its input is no single image of channels, rows and columns")
    weights, scales = int8_weights(builder, result, output_axis=0)
    fields = _requantised(builder, result, image, weights, scales, quantisation, 0)
    return builder.bytes(
        Convolution,
        (image,),
        name,
        result.shape,
        quantisation,
        sources=result.sources,
        **fields,
        **_geometry(result.operator),
    )


def transposed_convolution(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """A `conv_transposed` of a quantised image with quantised weights."""
    (image,) = builder.byte_inputs(result, 1)
    if not is_image(image.shape):
        raise HostOnly("its input is no single image of channels, rows and columns")
    weights, scales = int8_weights(builder, result, output_axis=1)
    geometry = _geometry(result.operator)
    if geometry["groups"] > 1 and len(scales) > 1:
        raise HostOnly("scales of grouped transposed weights belong to several channels")
    channels = result.shape[1]
    scales = np.broadcast_to(scales, channels) if len(scales) == 1 else scales
    fields = _requantised(builder, result, image, weights, scales, quantisation, 1)
    more = result.operator.attributes.get("output_padding", (0, 0))
    assert isinstance(more, tuple)
    top, left, bottom, right = geometry["padding"]
    geometry["padding"] = (top, left, bottom - int(more[0]), right - int(more[1]))
    return builder.bytes(
        TransposedConvolution,
        (image,),
        name,
        result.shape,
        quantisation,
        sources=result.sources,
        **fields,
        **geometry,
    )


def linear(builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation) -> Bytes:
    """A `linear` of a vector, or of rows of vectors, which become the columns of an image."""
    weights, scales = int8_weights(builder, result, output_axis=0)
    return _rows(builder, result, name, quantisation, weights, scales)


def matrix_product(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """A `matmul` whose second factor is a constant matrix."""
    if not isinstance(result.inputs[1], ConstantValue) or result.inputs[1].values.ndim != 2:
        raise HostOnly("it is a product of two activations")
    weights, scales = int8_weights(builder, result, output_axis=1)
    return _rows(builder, result, name, quantisation, weights.T, scales)


def _rows(
    builder: IntegerBuilder,
    result: Result,
    name: str,
    quantisation: Quantisation,
    weights: Weights,
    scales: NDArray[np.float64],
) -> Bytes:
    (vectors,) = builder.byte_inputs(result, 1)
    num_outputs, num_inputs = weights.shape
    num_rows = int(np.prod(vectors.shape)) // num_inputs
    if num_rows == 1:
        image = builder.image(vectors, (num_inputs, 1, 1))
    else:
        image = _turned(builder, vectors, num_rows, num_inputs, f"{vectors.tensor}/columns")
    fields = _requantised(builder, result, image, weights, scales, quantisation, 0)
    fields["weights"] = fields["weights"].reshape(num_outputs, num_inputs, 1, 1)
    outputs = builder.bytes(
        Convolution,
        (image,),
        name if num_rows == 1 else f"{name}/columns",
        result.shape,
        quantisation,
        sources=result.sources,
        image=(num_outputs, 1, num_rows),
        rounds_once=bool(result.operator.attributes.get("rounds_once", False)),
        **fields,
    )
    if num_rows == 1:
        return builder.image(outputs, image_shape(result.shape))
    return builder.bytes(
        Rearranged,
        (outputs,),
        name,
        result.shape,
        quantisation,
        before=(num_outputs, num_rows),
        axes=(1, 0),
        after=image_shape(result.shape),
    )


def _turned(
    builder: IntegerBuilder, vectors: Bytes, num_rows: int, num_inputs: int, name: str
) -> Bytes:
    """Rows of vectors as columns: [rows, numbers] becomes [numbers, 1, rows]."""
    return builder.bytes(
        Rearranged,
        (vectors,),
        name,
        vectors.shape,
        vectors.quantisation,
        image=(num_inputs, 1, num_rows),
        before=(num_rows, num_inputs),
        axes=(1, 0),
        after=(num_inputs, 1, num_rows),
    )


def int8_weights(
    builder: IntegerBuilder, result: Result, output_axis: int
) -> tuple[Weights, NDArray[np.float64]]:
    """Symmetric int8 weights, and their scales: one, or one an output channel.

    Raises
    ------
    HostOnly : they are not quantised so.
    """
    weights = builder.fixed(result.inputs[1])
    if weights is None or weights.scale is None or weights.zero_point is None:
        raise HostOnly("its weights are not quantised")
    values = weights.values.astype(np.int64)
    if np.any(weights.zero_point):
        raise HostOnly("its weights have a zero point")
    if values.min(initial=0) < -128 or values.max(initial=0) > 127:
        raise HostOnly("its weights are wider than int8")
    lies_along = [axis for axis, size in enumerate(weights.scale.shape) if size > 1]
    if lies_along not in ([], [output_axis]):
        raise HostOnly("its weights have scales along another axis than the outputs")
    return values, weights.scale.astype(np.float64).reshape(-1)


def int32_bias(
    bias: ConstantValue | None, scales: NDArray[np.float64], num_outputs: int
) -> NDArray[np.int64]:
    """The bias in units of the sums [K].

    Parameters
    ----------
    scales : of the sums, one or [K].
    """
    if bias is None:
        return np.zeros(num_outputs, np.int64)
    if bias.scale is not None and bias.values.dtype == np.int32 and not np.any(bias.zero_point):
        given = bias.scale.astype(np.float64).reshape(-1)
        if np.all(np.abs(given - scales) <= _SAME_BIAS_SCALE * scales):
            return np.broadcast_to(bias.values.reshape(-1), num_outputs).astype(np.int64)
    real = np.broadcast_to(bias.real.reshape(-1), num_outputs).astype(np.float64)
    return np.clip(np.rint(real / scales), _INT32.min, _INT32.max).astype(np.int64)


def _requantised(
    builder: IntegerBuilder,
    result: Result,
    image: Bytes,
    weights: Weights,
    scales: NDArray[np.float64],
    quantisation: Quantisation,
    output_axis: int,
) -> dict[str, Any]:
    """Weights, bias, multipliers, shifts and bounds."""
    groups = int(result.operator.attributes.get("groups", 1) or 1)  # type: ignore[arg-type]
    num_outputs = weights.shape[output_axis] * (groups if output_axis else 1)
    of_sums = _sum_scales(image.quantisation.scale, scales, result.operator.kind)
    factors = np.broadcast_to(of_sums / quantisation.scale, num_outputs)
    others = tuple(axis for axis in range(weights.ndim) if axis != output_axis)
    largest = np.abs(weights).max(axis=others)
    repeats = num_outputs // largest.size  # groups of a transposed convolution have the same scale
    parts = requantisation(factors, np.tile(largest, repeats))
    if parts is None:
        raise HostOnly("its output has so small a scale that sums would have to grow")
    multiplier, shift, grown = parts
    bias = int32_bias(
        builder.fixed(result.inputs[2] if len(result.inputs) > 2 else None), of_sums, num_outputs
    )
    products = _BYTE_STEPS * np.abs(weights).sum(axis=others)
    sums = np.tile(products, repeats) + np.abs(bias)
    if (sums * grown).max() > _INT32.max:
        raise HostOnly("its weights and its bias are so large that sums could leave int32")
    along = [-1 if axis == output_axis else 1 for axis in range(weights.ndim)]
    clamp_min, clamp_max = quantisation.bounds(result.low, result.high)
    return {
        "weights": (weights * grown[: weights.shape[output_axis]].reshape(along)).astype(np.int8),
        "bias": (bias * grown).astype(np.int32),
        "multiplier": multiplier,
        "shift": shift,
        "clamp_min": clamp_min,
        "clamp_max": clamp_max,
    }


def _sum_scales(image: float, weights: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """What one step of a sum stands for.

    A linear layer with one scale has the product in float32, as TensorFlow Lite has it.
    """
    if kind == "linear" and len(weights) == 1:
        return (np.float32(image) * weights.astype(np.float32)).astype(np.float64)
    return image * weights


def _geometry(operator: Operator) -> dict[str, Any]:
    """Stride, padding, dilation and groups."""
    given = operator.attributes
    return {
        "stride": given.get("stride", (1, 1)),
        "padding": given.get("padding", (0, 0, 0, 0)),
        "dilation": given.get("dilation", (1, 1)),
        "groups": given.get("groups", 1),
    }
