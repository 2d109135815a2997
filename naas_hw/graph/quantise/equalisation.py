"""Cross-layer equalisation: channels between two layers get weights of similar size on both sides.

A channel may be divided by a positive number behind one layer and multiplied with it in the next,
if what lies between is positively homogeneous: a bound at 0, a leaky ReLU, a pool. The factor makes
the largest weights of both sides equal.

Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
equation 11.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.graph import Array, Graph, Operator
from naas_hw.graph.quantise.form import with_constants

_SWEEPS: Final = 3
_LARGEST_FACTOR: Final = 100.0
_PASSING: Final = frozenset({"leaky_relu", "max_pool", "average_pool"})

Pair = tuple[Operator, Operator]


def equalised(graph: Graph) -> Graph:
    """The same function with other weights; the graph itself if no layers are chained."""
    pairs = chained_layers(graph)
    names = {name for pair in pairs for layer in pair for name in layer.inputs[1:] if name}
    values = {name: np.array(graph.tensors[name].values) for name in names}
    for _ in range(_SWEEPS):
        for pair in pairs:
            _equalise(*pair, values)
    return with_constants(graph, values) if pairs else graph


def chained_layers(graph: Graph) -> list[Pair]:
    """Pairs of layers of which the second alone reads what the first makes."""
    pairs = []
    shared = _names_read_twice(graph)
    for first in graph.operators:
        if not _has_own_constants(graph, first, shared):
            continue
        second = _next_layer(graph, first.outputs[0])
        if second is not None and _has_own_constants(graph, second, shared):
            pairs.append((first, second))
    return pairs


def _names_read_twice(graph: Graph) -> set[str]:
    return {name for name, readers in graph.consumers.items() if len(readers) > 1}


def _has_own_constants(graph: Graph, operator: Operator, shared: set[str]) -> bool:
    if operator.kind not in ("conv", "linear"):
        return False
    names = [name for name in operator.inputs[1:] if name]
    return all(graph.tensors[name].is_constant and name not in shared for name in names)


def _next_layer(graph: Graph, name: str) -> Operator | None:
    """The layer that reads a tensor through homogeneous operators only."""
    while True:
        readers = graph.consumers.get(name, [])
        if len(readers) != 1 or name in graph.outputs:
            return None
        (reader,) = readers
        if reader.kind == "conv" and reader.inputs[0] == name:
            return reader
        if reader.kind == "linear" and graph.tensors[name].shape == (
            1,
            graph.tensors[reader.inputs[1]].shape[1],
        ):
            return reader
        if not _is_homogeneous(reader):
            return None
        name = reader.outputs[0]


def _is_homogeneous(operator: Operator) -> bool:
    if operator.kind == "clamp":
        bounds = operator.attributes
        return bounds.get("minimum") == 0 and bounds.get("maximum") is None
    return operator.kind in _PASSING


def _equalise(first: Operator, second: Operator, values: dict[str, Array]) -> None:
    before, after = values[first.inputs[1]], values[second.inputs[1]]
    if before.shape[0] != _num_inputs(second, after):
        return
    here = np.abs(before).reshape(before.shape[0], -1).max(axis=1)
    there = _largest_by_input(second, after)
    known = (here > 0) & (there > 0)
    factor = np.ones_like(here)
    np.sqrt(here / np.where(known, there, 1), out=factor, where=known)
    factor = np.clip(factor, 1 / _LARGEST_FACTOR, _LARGEST_FACTOR).astype(np.float32)
    values[first.inputs[1]] = before / factor.reshape(-1, *([1] * (before.ndim - 1)))
    for name in first.inputs[2:]:
        if name:
            values[name] = values[name] / factor
    values[second.inputs[1]] = after * _by_weight(second, after, factor)


def _groups(layer: Operator) -> int:
    return int(str(layer.attributes.get("groups", 1)))


def _num_inputs(layer: Operator, weights: Array) -> int:
    inputs: int = weights.shape[1]
    return inputs * _groups(layer)


def _largest_by_input(layer: Operator, weights: Array) -> NDArray[np.float32]:
    """The largest weight [C] of each input channel."""
    groups = _groups(layer)
    split = np.abs(weights).reshape(groups, weights.shape[0] // groups, weights.shape[1], -1)
    largest: NDArray[np.float32] = split.max(axis=(1, 3)).reshape(-1)
    return largest


def _by_weight(layer: Operator, weights: Array, factor: Array) -> Array:
    """Factors [C] of input channels in the shape of the weights."""
    groups = _groups(layer)
    rows = np.repeat(factor.reshape(groups, -1), weights.shape[0] // groups, axis=0)
    return rows.reshape(*weights.shape[:2], *([1] * (weights.ndim - 2)))
