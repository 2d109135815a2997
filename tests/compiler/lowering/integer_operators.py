"""The operators of a network in integers, written down once more, number by number."""

import numpy as np

from naas_hw.graph.quantised import (
    AveragePool,
    Concatenation,
    Convolution,
    Crop,
    HostFunction,
    Lookup,
    MaximumPool,
    Padded,
    Rearranged,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.workload.arithmetic.requantise import requantise


def surrounded(x, padding, value):
    top, left, bottom, right = padding
    c, h, w = x.shape
    out = np.full((c, h + top + bottom, w + left + right), value, x.dtype)
    rows, columns = max(0, -top), max(0, -left)
    inner = x[:, rows : h - max(0, -bottom), columns : w - max(0, -right)]
    out[
        :,
        max(0, top) : max(0, top) + inner.shape[1],
        max(0, left) : max(0, left) + inner.shape[2],
    ] = inner
    return out


def windows(x, kernel, stride, dilation):
    """[C, P, Q, R, S]."""
    reach = [(kernel[i] - 1) * dilation[i] for i in (0, 1)]
    p = (x.shape[1] - reach[0] - 1) // stride[0] + 1
    q = (x.shape[2] - reach[1] - 1) // stride[1] + 1
    rows = np.arange(p)[:, None] * stride[0] + np.arange(kernel[0]) * dilation[0]
    columns = np.arange(q)[:, None] * stride[1] + np.arange(kernel[1]) * dilation[1]
    return x[:, rows[:, None, :, None], columns[None, :, None, :]]


def grouped(seen, weights, groups):
    inputs, outputs = len(seen) // groups, len(weights) // groups
    return np.concatenate(
        [
            np.einsum(
                "cpqrs,kcrs->kpq",
                seen[g * inputs : (g + 1) * inputs],
                weights[g * outputs : (g + 1) * outputs].astype(np.int64),
            )
            for g in range(groups)
        ]
    )


def run_operator(graph, operator, inputs):
    """What an operator of a network makes of its inputs."""
    for rule in (weighted, pooled, elementwise, moved):
        result = rule(graph, operator, inputs)
        if result is not None:
            return result
    raise AssertionError(operator)


def weighted(graph, operator, inputs):
    if not isinstance(operator, Convolution | TransposedConvolution):
        return None
    image = inputs[0].astype(np.int64) - graph.tensors[operator.inputs[0]].zero_point
    if isinstance(operator, Convolution):
        image = surrounded(image, operator.padding, 0)
        seen = windows(image, operator.weights.shape[2:], operator.stride, operator.dilation)
        sums = grouped(seen, operator.weights, operator.groups)
    else:
        sums = transposed(operator, image)
    return requantise(
        sums,
        operator.bias,
        operator.multiplier,
        operator.shift,
        graph.tensors[operator.output].zero_point,
        operator.clamp_min,
        operator.clamp_max,
    )


def pooled(graph, operator, inputs):
    if isinstance(operator, MaximumPool):
        image = surrounded(inputs[0], operator.padding, -128)
        return windows(image, operator.kernel, operator.stride, operator.dilation).max((3, 4))
    if not isinstance(operator, AveragePool):
        return None
    image = surrounded(inputs[0].astype(np.int64) - operator.input_zero_point, operator.padding, 0)
    sums = windows(image, operator.kernel, operator.stride, (1, 1)).sum(axis=(3, 4))
    return requantise(
        sums * operator.weight,
        0,
        operator.multiplier,
        operator.shift,
        operator.output_zero_point,
        operator.clamp_min,
        operator.clamp_max,
    )


def elementwise(graph, operator, inputs):
    if isinstance(operator, Sum):
        return operator.addition.of(*inputs)
    if isinstance(operator, Lookup):
        return operator.entries[inputs[0].view(np.uint8)]
    if not isinstance(operator, HostFunction):
        return None
    source, out = graph.tensors[operator.inputs[0]], graph.tensors[operator.output]
    real = np.exp((inputs[0].astype(float) - source.zero_point) * source.scale)
    real = np.rint(real / real.sum(axis=0) / out.scale) + out.zero_point
    return np.clip(real, -128, 127).astype(np.int8)


def moved(graph, operator, inputs):
    x = inputs[0]
    match operator:
        case Concatenation():
            return np.concatenate(inputs)
        case Crop():
            parts = zip(operator.starts, operator.ends, operator.steps, strict=True)
            return x[tuple(slice(*part) for part in parts)]
        case Padded():
            return surrounded(x, operator.padding, operator.value)
        case Upsampling():
            return x.repeat(operator.factors[0], 1).repeat(operator.factors[1], 2)
        case Rearranged():
            return x.reshape(operator.before).transpose(operator.axes).reshape(operator.after)
    return None


def transposed(operator, x):
    (c, h, w), (_, outputs, r, s) = x.shape, operator.weights.shape
    (down, across), (dr, ds) = operator.stride, operator.dilation
    full = np.zeros(
        (
            outputs * operator.groups,
            (h - 1) * down + (r - 1) * dr + 1,
            (w - 1) * across + (s - 1) * ds + 1,
        ),
        np.int64,
    )
    inputs = c // operator.groups
    for channel in range(c):
        first = channel // inputs * outputs
        for k in range(outputs):
            for i in range(r):
                for j in range(s):
                    full[
                        first + k,
                        i * dr : i * dr + (h - 1) * down + 1 : down,
                        j * ds : j * ds + (w - 1) * across + 1 : across,
                    ] += x[channel] * int(operator.weights[channel, k, i, j])
    return surrounded(full, tuple(-side for side in operator.padding), 0)


def run_graph(graph, inputs):
    tensors = dict(inputs)
    for operator in graph.operators:
        values = [tensors[name] for name in operator.inputs]
        tensors[operator.output] = run_operator(graph, operator, values)
        assert tensors[operator.output].shape == graph.tensors[operator.output].shape, operator
    return tensors
