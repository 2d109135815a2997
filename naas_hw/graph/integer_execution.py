"""A quantised graph executed in numpy, byte by byte: the reference of the hardware.

Every tensor is kept and can be looked at. Sums are exact: `workload.arithmetic.golden` convolves.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_kind
from naas_hw.graph.graph import Array
from naas_hw.graph.integers.values import Quantisation
from naas_hw.graph.quantised import (
    AveragePool,
    Concatenation,
    Convolution,
    Crop,
    HostFunction,
    Lookup,
    MaximumPool,
    Padded,
    QuantisedGraph,
    QuantisedOperator,
    QuantisedTensor,
    Rearranged,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.workload.arithmetic.images import convolve_image, maximum_of_windows, surrounded
from naas_hw.workload.arithmetic.requantise import requantise

Image = NDArray[np.int8]
Tensors = Mapping[str, QuantisedTensor]
Values = dict[str, Array]

_CHANNELS_SECOND: Final = (0, 3, 1, 2)
_CHANNELS_LAST: Final = (0, 2, 3, 1)
_LOWEST: Final = -128
_UINT8_MOVE: Final = 128


def run_integers(graph: QuantisedGraph, inputs: Mapping[str, Array]) -> Values:
    """All tensors of a network, each [C, H, W].

    Parameters
    ----------
    inputs : by name, each as `image_of` takes it.

    Raises
    ------
    InputError : an input is missing, or has another shape or type.
    """
    values: Values = {}
    for name in graph.inputs:
        if name not in inputs:
            raise InputError(f"inputs must have {name!r}, not only {sorted(inputs)}")
        values[name] = image_of(graph.tensors[name], inputs[name])
    for operator in graph.operators:
        given = [values[name] for name in operator.inputs]
        values[operator.output] = run_operator(operator, graph.tensors, given)
    return values


def image_of(tensor: QuantisedTensor, values: Array) -> Array:
    """What a model's user hands in as [C, H, W].

    Parameters
    ----------
    values : of the model's shape; real numbers, which are quantised, or integers of the model's
        type.

    Raises
    ------
    InputError : another shape, or another type of integers.
    """
    if values.shape != tensor.graph_shape:
        raise InputError(
            f"input {tensor.name!r} must be {list(tensor.graph_shape)}, not {list(values.shape)}"
        )
    if tensor.channels_last:
        values = values.transpose(_CHANNELS_SECOND)
    image = values.reshape(tensor.shape)
    if tensor.dtype != "int8":
        return image.astype(tensor.dtype)
    if image.dtype.kind == "f":
        return _quantisation(tensor).bytes_of(image.astype(np.float32))
    if image.dtype == np.uint8 and tensor.graph_dtype == "uint8":
        return (image.astype(np.int16) - _UINT8_MOVE).astype(np.int8)
    if image.dtype != np.int8:
        known = "float32, int8 or uint8" if tensor.graph_dtype == "uint8" else "float32 or int8"
        raise InputError(f"input {tensor.name!r} must be {known}, not {image.dtype}")
    return image


def model_values(tensor: QuantisedTensor, image: Array) -> Array:
    """[C, H, W] as the model's user gets it: the reverse of `image_of`."""
    if tensor.dtype == "int8" and tensor.graph_dtype == "float32":
        image = _quantisation(tensor).real(image)
    elif tensor.dtype == "int8" and tensor.graph_dtype == "uint8":
        image = (image.astype(np.int16) + _UINT8_MOVE).astype(np.uint8)
    if not tensor.channels_last:
        return image.reshape(tensor.graph_shape)
    shape = tuple(tensor.graph_shape[axis] for axis in _CHANNELS_SECOND)
    return image.reshape(shape).transpose(_CHANNELS_LAST)


def run_operator(operator: QuantisedOperator, tensors: Tensors, inputs: list[Array]) -> Array:
    """What one operator makes of its inputs [C, H, W].

    Raises
    ------
    InputError : the host does not know its kind.
    """
    return _FUNCTIONS[type(operator)](operator, tensors, inputs)


def _quantisation(tensor: QuantisedTensor) -> Quantisation:
    return Quantisation(scale=tensor.scale, zero_point=tensor.zero_point)


def _convolution(one: Convolution, tensors: Tensors, inputs: list[Array]) -> Array:
    zero_point = tensors[one.inputs[0]].zero_point
    output = tensors[one.output]
    sums = convolve_image(
        inputs[0],
        one.weights,
        zero_point,
        stride=one.stride,
        padding=one.padding,
        dilation=one.dilation,
        groups=one.groups,
    )
    return _requantised(one, output, sums, rounds_once=one.rounds_once)


def _requantised(
    one: Convolution | TransposedConvolution,
    output: QuantisedTensor,
    sums: NDArray[np.int64],
    rounds_once: bool = False,
) -> Array:
    return requantise(
        sums,
        one.bias,
        one.multiplier,
        one.shift,
        output.zero_point,
        one.clamp_min,
        one.clamp_max,
        rounds_once,
    )


def _transposed(one: TransposedConvolution, tensors: Tensors, inputs: list[Array]) -> Array:
    zero_point = tensors[one.inputs[0]].zero_point
    channels, rows, columns = inputs[0].shape
    stretched = np.full(
        (channels, (rows - 1) * one.stride[0] + 1, (columns - 1) * one.stride[1] + 1),
        zero_point,
        np.int8,
    )
    stretched[:, :: one.stride[0], :: one.stride[1]] = inputs[0]
    kernel = one.weights.shape[2:]
    reach = [(size - 1) * step for size, step in zip(kernel, one.dilation, strict=True)]
    top, left, bottom, right = one.padding
    sums = convolve_image(
        stretched,
        mirrored_weights(one),
        zero_point,
        stride=(1, 1),
        padding=(reach[0] - top, reach[1] - left, reach[0] - bottom, reach[1] - right),
        dilation=one.dilation,
        groups=one.groups,
    )
    return _requantised(one, tensors[one.output], sums)


def mirrored_weights(one: TransposedConvolution) -> Image:
    """Weights [K, C / groups, R, S] of the convolution of the stretched image."""
    channels, outputs, rows, columns = one.weights.shape
    parts = one.weights.reshape(one.groups, channels // one.groups, outputs, rows, columns)
    turned = parts.transpose(0, 2, 1, 3, 4)[..., ::-1, ::-1]
    return turned.reshape(one.groups * outputs, channels // one.groups, rows, columns)


def _sum(one: Sum, _tensors: Tensors, inputs: list[Array]) -> Array:
    return one.addition.of(inputs[0], inputs[1])


def _lookup(one: Lookup, _tensors: Tensors, inputs: list[Array]) -> Array:
    return one.entries[inputs[0].view(np.uint8)]


def _maximum(one: MaximumPool, _tensors: Tensors, inputs: list[Array]) -> Array:
    image = surrounded(inputs[0], one.padding, _LOWEST)
    return maximum_of_windows(image, one.kernel, one.stride, one.dilation)


def _average(one: AveragePool, _tensors: Tensors, inputs: list[Array]) -> Array:
    channels = len(inputs[0])
    sums = convolve_image(
        inputs[0],
        np.full((channels, 1, *one.kernel), one.weight, np.int8),
        one.input_zero_point,
        stride=one.stride,
        padding=one.padding,
        groups=channels,
    )
    return requantise(
        sums,
        0,
        one.multiplier,
        one.shift,
        one.output_zero_point,
        one.clamp_min,
        one.clamp_max,
    )


def _concatenation(_one: Concatenation, _tensors: Tensors, inputs: list[Array]) -> Array:
    return np.concatenate(inputs)


def _crop(one: Crop, _tensors: Tensors, inputs: list[Array]) -> Array:
    parts = tuple(
        slice(start, end, step)
        for start, end, step in zip(one.starts, one.ends, one.steps, strict=True)
    )
    return np.ascontiguousarray(inputs[0][parts])


def _padded(one: Padded, _tensors: Tensors, inputs: list[Array]) -> Array:
    return surrounded(inputs[0], one.padding, one.value)


def _upsampling(one: Upsampling, _tensors: Tensors, inputs: list[Array]) -> Array:
    return inputs[0].repeat(one.factors[0], axis=1).repeat(one.factors[1], axis=2)


def _rearranged(one: Rearranged, _tensors: Tensors, inputs: list[Array]) -> Array:
    moved = inputs[0].reshape(one.before).transpose(one.axes).reshape(one.after)
    return np.ascontiguousarray(moved)


def _host(one: HostFunction, tensors: Tensors, inputs: list[Array]) -> Array:
    """Dequantise, compute, quantise."""
    read = [
        _real(tensors[name], value).reshape(shape)
        for name, value, shape in zip(one.inputs, inputs, one.input_shapes, strict=True)
    ]
    rest = iter(read)
    count = len(read) + len(one.constants)
    given = [
        one.constants[place] if place in one.constants else next(rest) for place in range(count)
    ]
    result = run_kind(one.kind, one.attributes, given, one.output_shape, one.name)
    output = tensors[one.output]
    if result.size != prod(output.shape):
        raise InputError(
            f"{one.name} must make {list(output.graph_shape)}, not {list(result.shape)}"
        )
    image = result.reshape(output.shape)
    if output.dtype == "int8":
        return _quantisation(output).bytes_of(image.astype(np.float32))
    return image.astype(output.dtype)


def _real(tensor: QuantisedTensor, image: Array) -> Array:
    """Numbers that the host computes with."""
    return _quantisation(tensor).real(image) if tensor.dtype == "int8" else image


_FUNCTIONS: Final[dict[type[QuantisedOperator], Callable[[Any, Tensors, list[Array]], Array]]] = {
    Convolution: _convolution,
    TransposedConvolution: _transposed,
    Sum: _sum,
    Lookup: _lookup,
    MaximumPool: _maximum,
    AveragePool: _average,
    Concatenation: _concatenation,
    Crop: _crop,
    Padded: _padded,
    Upsampling: _upsampling,
    Rearranged: _rearranged,
    HostFunction: _host,
}
"""Kind -> what executes it."""
