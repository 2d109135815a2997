"""Values for a graph that has none: drawn with a seed, such that activations stay in range.

Weights of convolutions and linear layers are normal, their variance 2 / fan-in (He et al. 2015), so
that a clamp at 0 keeps the variance. Batch norm gets the mean and variance of what it reads when
the graph runs on a normal image; its own scale and bias vary from channel to channel.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Final

import numpy as np

from naas_hw.graph.float_execution import run_operator
from naas_hw.graph.graph import Array, Graph, Operator, tensor_of
from naas_hw.graph.operators import WEIGHTED_KINDS

SEED: Final = 0

_BIAS_DEVIATION: Final = 0.1
_SCALES: Final = (0.5, 1.0)
"""Limits of the scales of batch norm: below 1, so that sums of many blocks stay in range."""


def with_seeded_values(graph: Graph, seed: int = SEED) -> Graph:
    """The graph with other values of its weights, biases and batch norms."""
    values = _drawn(graph, np.random.default_rng(seed))
    if any(operator.kind == "batch_norm" for operator in graph.operators):
        values |= _statistics(graph, values, np.random.default_rng(seed + 1))
    tensors = {
        name: tensor_of(name, values[name]) if name in values else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


def _drawn(graph: Graph, random: np.random.Generator) -> dict[str, Array]:
    """Weights, biases, and the parameters of batch norm."""
    values: dict[str, Array] = {}
    for operator in graph.operators:
        if operator.kind in WEIGHTED_KINDS:
            weights, *bias = operator.inputs[1:]
            shape = graph.tensors[weights].shape
            deviation = np.float32(np.sqrt(2 / _fan_in(operator, shape)))
            values[weights] = random.standard_normal(shape, np.float32) * deviation
            for name in bias:
                values[name] = _normal(random, graph.tensors[name].shape, _BIAS_DEVIATION)
        elif operator.kind == "batch_norm":
            _, scale, bias_name, *_ = operator.inputs
            shape = graph.tensors[scale].shape
            values[scale] = random.uniform(*_SCALES, shape).astype(np.float32)
            values[bias_name] = _normal(random, shape, _BIAS_DEVIATION)
    return values


def _fan_in(operator: Operator, shape: tuple[int, ...]) -> float:
    """Products that make one sum."""
    if operator.kind != "conv_transposed":
        return prod(shape[1:])
    stride = operator.attributes["stride"]
    assert isinstance(stride, tuple)
    return shape[0] * prod(shape[2:]) / prod(stride)


def _normal(random: np.random.Generator, shape: tuple[int, ...], deviation: float) -> Array:
    return random.standard_normal(shape, np.float32) * np.float32(deviation)


def _statistics(
    graph: Graph, drawn: Mapping[str, Array], random: np.random.Generator
) -> dict[str, Array]:
    """Mean and variance of what each batch norm reads."""
    statistics: dict[str, Array] = {}
    tensors: dict[str, Array] = {
        name: random.standard_normal(graph.tensors[name].shape, np.float32) for name in graph.inputs
    }
    readers = Counter(name for operator in graph.operators for name in operator.inputs)
    for operator in graph.operators[: _last_batch_norm(graph) + 1]:
        if operator.kind == "batch_norm":
            mean, variance = operator.inputs[3:]
            statistics[mean], statistics[variance] = _moments(tensors[operator.inputs[0]])
        arguments = [
            tensors.get(name, drawn.get(name, statistics.get(name, graph.constant(name))))
            for name in operator.inputs
        ]
        output = operator.outputs[0]
        tensors[output] = run_operator(operator, arguments, graph.tensors[output].shape)
        for name in operator.inputs:
            readers[name] -= 1
            if readers[name] == 0:
                tensors.pop(name, None)
    return statistics


def _last_batch_norm(graph: Graph) -> int:
    return max(i for i, operator in enumerate(graph.operators) if operator.kind == "batch_norm")


def _moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance of each channel."""
    pixels = x.reshape(x.shape[1], -1)
    mean = pixels.mean(axis=1)
    variance = pixels.var(axis=1)
    floor = np.float32(1e-3) * pixels.var()
    return mean, np.maximum(variance, floor)
