"""The stride of the first layer becomes channels of the network's input.

An image of few channels leaves most bytes of a beat empty, and most rows of an array that is
parallel in channels idle. Where its only reader is a convolution with a stride, rows and columns of
one remainder become channels of their own, and the convolution has no stride any more. It is exact:
the weights are the same numbers at other places, and cells that no pixel is have the zero point,
which is what lies outside of the image.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from naas_hw.graph.quantised import Convolution, Pair, QuantisedGraph, Shape
from naas_hw.mapping.geometry import ceil_div

UNFOLDED: Pair = (1, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldedGraph:
    """A network whose inputs are folded.

    Parameters
    ----------
    graph : the network; channel (a columns + b) C + c of a folded input is channel c of its rows
        a, a + rows, ... and columns b, b + columns, ...
    folds : (rows, columns) of each input.
    """

    graph: QuantisedGraph
    folds: dict[str, Pair]


def fold_inputs(graph: QuantisedGraph, beat_bytes: int) -> FoldedGraph:
    """Fold every input for which that leaves fewer beats to read or fewer products."""
    operators, tensors = list(graph.operators), dict(graph.tensors)
    folds = dict.fromkeys(graph.inputs, UNFOLDED)
    for name in graph.inputs:
        reader = _only_reader(graph, name)
        if reader is None:
            continue
        shape = tensors[name].shape
        costs = {fold: _cost(shape, reader, fold, beat_bytes) for fold in _candidates(reader)}
        best = min(costs, key=lambda fold: costs[fold])
        if best != UNFOLDED:
            folds[name] = best
            operators[operators.index(reader)] = folded(reader, shape, best)
            tensors[name] = replace(tensors[name], shape=folded_shape(shape, best))
    rewritten = replace(graph, operators=tuple(operators), tensors=tensors)
    return FoldedGraph(graph=rewritten, folds=folds)


def _only_reader(graph: QuantisedGraph, name: str) -> Convolution | None:
    """The dense convolution without dilation that alone reads a tensor, if it is so."""
    readers = graph.consumers(name)
    if len(readers) != 1 or name in graph.outputs or graph.tensors[name].dtype != "int8":
        return None
    (reader,) = readers
    if isinstance(reader, Convolution) and (reader.groups, reader.dilation) == (1, (1, 1)):
        return reader
    return None


def _candidates(operator: Convolution) -> Iterator[Pair]:
    yield UNFOLDED
    down, across = operator.stride
    for fold in ((down, across), (down, 1), (1, across)):
        if fold != UNFOLDED:
            yield fold


def _cost(shape: Shape, operator: Convolution, fold: Pair, beat_bytes: int) -> tuple[int, int]:
    """Products of whole blocks for an output, then beats of the image."""
    channels, rows, columns = folded_shape(shape, fold)
    blocks = ceil_div(channels, beat_bytes)
    kernel = [len(_positions(operator, axis, fold[axis])[1]) for axis in (0, 1)]
    return blocks * prod(kernel), blocks * rows * columns


def folded_shape(shape: Shape, fold: Pair) -> Shape:
    """Channels, rows and columns of a folded image."""
    channels, rows, columns = shape
    return channels * prod(fold), ceil_div(rows, fold[0]), ceil_div(columns, fold[1])


def _positions(operator: Convolution, axis: int, fold: int) -> tuple[int, list[list[Pair]]]:
    """Padding of the folded convolution, and for each of its positions (remainder, old position).

    Old position r of output 0 meets row d r - padding, which is a row of remainder
    (d r - padding) mod fold.
    """
    kernel, dilation = operator.weights.shape[2 + axis], operator.dilation[axis]
    places = [divmod(dilation * r - operator.padding[axis], fold) for r in range(kernel)]
    first, last = places[0][0], places[-1][0]
    positions: list[list[Pair]] = [[] for _ in range(last - first + 1)]
    for old, (place, remainder) in enumerate(places):
        positions[place - first].append((remainder, old))
    return -first, positions


def folded(operator: Convolution, shape: Shape, fold: Pair) -> Convolution:
    """The convolution of the folded image of this shape.

    Along an axis that is folded by its stride it has no stride; along one that is not folded
    nothing changes.
    """
    channels = shape[0]
    above, rows = _positions(operator, 0, fold[0])
    left, columns = _positions(operator, 1, fold[1])
    weights = np.zeros((len(operator.weights), *fold, channels, len(rows), len(columns)), np.int8)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            for a, r in row:
                for b, s in column:
                    weights[:, a, b, :, i, j] = operator.weights[:, :, r, s]
    size = folded_shape(shape, fold)[1:]
    stride = (operator.stride[0] // fold[0], operator.stride[1] // fold[1])
    kernel = (len(rows), len(columns))
    reach = [
        (_outputs(operator, shape, axis) - 1) * stride[axis] + kernel[axis] - size[axis]
        for axis in (0, 1)
    ]
    return replace(
        operator,
        weights=weights.reshape(len(weights), -1, *kernel),
        stride=stride,
        padding=(above, left, reach[0] - above, reach[1] - left),
        dilation=(1, 1),
    )


def _outputs(operator: Convolution, shape: Shape, axis: int) -> int:
    """Rows or columns of the output."""
    padded = shape[1 + axis] + operator.padding[axis] + operator.padding[2 + axis]
    return int(padded - operator.weights.shape[2 + axis]) // operator.stride[axis] + 1
