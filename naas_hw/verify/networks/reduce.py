"""A smaller network that still fails: fewer operators, then smaller images and fewer channels."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import Convolution, QuantisedGraph, Shape
from naas_hw.verify.networks.case import NetworkCase, random_mappings_of
from naas_hw.verify.networks.shrinking import with_sizes

Array = NDArray[Any]


def reduce_network(
    case: NetworkCase, fails: Callable[[NetworkCase], bool], *, seed: int, max_trials: int
) -> NetworkCase:
    """Shrink a failing network on its accelerator for as long as it fails.

    Parameters
    ----------
    fails : whether a case fails; asked at most `max_trials` times.
    seed : of the mappings; layers that stay as they are keep theirs.
    """
    trials = 0
    progress = True
    while progress:
        progress = False
        for graph, inputs in simpler_networks(case.graph, case.inputs):
            smaller = _mapped(replace(case, graph=graph, inputs=inputs, mappings={}), seed)
            if smaller is None:
                continue
            if trials == max_trials:
                return case
            trials += 1
            if fails(smaller):
                case, progress = smaller, True
                break
    return case


def _mapped(case: NetworkCase, seed: int) -> NetworkCase | None:
    """The case with mappings, or without where it cannot be lowered; None where there is none."""
    try:
        lowered = case.lowered()
    except Exception:
        return case
    if not lowered.layer_calls:
        return None
    try:
        mappings = random_mappings_of(seed, case.accelerator, lowered)
    except InputError:
        return None
    return replace(case, mappings=mappings)


def simpler_networks(
    graph: QuantisedGraph, inputs: Mapping[str, Array]
) -> Iterator[tuple[QuantisedGraph, dict[str, Array]]]:
    """Networks that are a little simpler with their inputs, those that help most first.

    A tensor that becomes an input keeps its values; a smaller input is a part of it.
    """
    values = run_integers(graph, inputs)
    for smaller in (*_with_fewer_operators(graph), *_with_smaller_tensors(graph)):
        given = {name: _part(smaller, name, values[name]) for name in smaller.inputs}
        yield smaller, given


def _part(graph: QuantisedGraph, name: str, values: Array) -> Array:
    channels, rows, columns = graph.tensors[name].shape
    image = values[:channels, :rows, :columns]
    return np.ascontiguousarray(image).reshape(graph.tensors[name].graph_shape)


def _with_fewer_operators(graph: QuantisedGraph) -> Iterator[QuantisedGraph]:
    """One output only, or one operator less at the beginning."""
    made = [operator.output for operator in graph.operators]
    for name in made:
        smaller = pruned(graph, inputs=graph.inputs, outputs=(name,))
        if len(smaller.operators) < len(made):
            yield smaller
    for name in reversed(made):
        if name in graph.outputs:
            continue
        smaller = pruned(graph, inputs=(*graph.inputs, name), outputs=graph.outputs)
        yield smaller
    for name in graph.outputs if len(graph.outputs) > 1 else ():
        kept = tuple(other for other in graph.outputs if other != name)
        yield pruned(graph, inputs=graph.inputs, outputs=kept)


def pruned(
    graph: QuantisedGraph, *, inputs: Iterable[str], outputs: tuple[str, ...]
) -> QuantisedGraph:
    """What these outputs need, down to these inputs."""
    given, needed = set(inputs), set(outputs)
    operators = []
    for operator in reversed(graph.operators):
        if operator.output in needed and operator.output not in given:
            operators.append(operator)
            needed |= set(operator.inputs)
    made = {operator.output for operator in operators}
    return replace(
        graph,
        operators=tuple(reversed(operators)),
        tensors={name: tensor for name, tensor in graph.tensors.items() if name in needed},
        inputs=tuple(sorted(needed - made)),
        outputs=outputs,
    )


def _with_smaller_tensors(graph: QuantisedGraph) -> Iterator[QuantisedGraph]:
    """All images with fewer rows, columns or channels, or a convolution with fewer outputs."""
    for axis in (1, 2, 0):
        for shrink in (_one, _half, _less):
            sizes = {
                name: _with_size(graph.tensors[name].shape, axis, shrink) for name in graph.inputs
            }
            if all(sizes[name] == graph.tensors[name].shape for name in graph.inputs):
                continue
            if (smaller := with_sizes(graph, sizes)) is not None:
                yield smaller
    for operator in graph.operators:
        if not isinstance(operator, Convolution):
            continue
        count = len(operator.bias)
        for number in sorted({1, count // 2, count - 1} - {0, count}):
            smaller = with_sizes(graph, {}, {operator.name: number})
            if smaller is not None:
                yield smaller


def _with_size(shape: Shape, axis: int, shrink: Callable[[int], int]) -> Shape:
    channels, rows, columns = (
        shrink(size) if index == axis else size for index, size in enumerate(shape)
    )
    return channels, rows, columns


def _one(_size: int) -> int:
    return 1


def _half(size: int) -> int:
    return -(-size // 2)


def _less(size: int) -> int:
    return max(1, size - 1)
