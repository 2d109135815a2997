"""Which tensors of a float graph become int8, and which of them share a scale.

- A tensor becomes int8 if the accelerator makes it or reads it. Between two operators of the host
  numbers stay as they are.
- A bound behind a sum belongs to the sum, and functions of one number behind each other are one
  table: nothing is rounded in between.
- What only moves numbers keeps the scale, a concatenation has one scale for all its parts, and an
  average pool keeps the scale of its input unless its own numbers have less than half its range.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from naas_hw.graph.graph import Graph, Operator
from naas_hw.graph.operators import ELEMENTWISE_KINDS, TABLE_KINDS, WEIGHTED_KINDS
from naas_hw.graph.quantise.observation import Observation

SUM_KINDS: Final = WEIGHTED_KINDS | frozenset(
    "add subtract multiply divide average_pool reduce_mean reduce_sum".split()
)
"""Operators whose result may get bounds before it is rounded."""

MOVING_KINDS: Final = frozenset(
    "reshape transpose identity slice gather pad expand depth_to_space space_to_depth max_pool "
    "reduce_max".split()
)
"""Operators whose result has the scale of what they read."""

AVERAGES: Final = frozenset({"average_pool", "reduce_mean"})

_LEAST_SHARE: Final = 0.5


def int8_tensors(graph: Graph) -> tuple[str, ...]:
    """Names of the tensors that become int8, in order of execution."""
    readers, producers = graph.consumers, graph.producers
    made = [name for operator in graph.operators for name in operator.outputs]
    return tuple(
        name
        for name in (*graph.inputs, *made)
        if graph.tensors[name].dtype == np.float32
        and _is_at_accelerator(graph, producers.get(name), readers.get(name, []))
        and not _goes_on(graph, producers.get(name), name, readers.get(name, []))
    )


def _is_at_accelerator(graph: Graph, producer: Operator | None, readers: list[Operator]) -> bool:
    makers = [] if producer is None else [producer]
    return any(runs_on_accelerator(graph, operator) for operator in (*makers, *readers))


def runs_on_accelerator(graph: Graph, operator: Operator) -> bool:
    """Whether an operator has an integer form."""
    kind = operator.kind
    if kind in ("conv", "conv_transposed", "linear"):
        return graph.tensors[operator.inputs[1]].is_constant
    if kind in ("multiply", "divide"):
        return any(graph.tensors[name].is_constant for name in operator.inputs)
    if kind == "resize":
        return operator.attributes["mode"] == "nearest"
    return kind in TABLE_KINDS | MOVING_KINDS | AVERAGES | {"add", "subtract", "concat"}


def _goes_on(graph: Graph, producer: Operator | None, name: str, readers: list[Operator]) -> bool:
    """Whether the next operator takes the result before it is rounded."""
    if producer is None or len(readers) != 1 or name in graph.outputs:
        return False
    if producer.kind in SUM_KINDS and not _is_function(graph, producer):
        return readers[0].kind == "clamp"
    if producer.kind == "clamp" and _bounds_a_sum(graph, producer):
        return False
    return _is_function(graph, producer) and _is_function(graph, readers[0])


def _bounds_a_sum(graph: Graph, clamp: Operator) -> bool:
    (name,) = clamp.inputs
    before = graph.producers.get(name)
    return before is not None and _goes_on(graph, before, name, graph.consumers[name])


def _is_function(graph: Graph, operator: Operator) -> bool:
    """Whether the result follows from one number."""
    if operator.kind in TABLE_KINDS:
        return True
    if operator.kind not in ELEMENTWISE_KINDS:
        return False
    tensors = [graph.tensors[name] for name in operator.inputs]
    return any(x.is_constant and x.values is not None and x.values.size == 1 for x in tensors)


def groups_of_scales(
    graph: Graph, names: tuple[str, ...], observations: Mapping[str, Observation]
) -> dict[str, str]:
    """Tensor -> the tensor that stands for all with which it shares its scale."""
    leaders = {name: name for name in names}

    def leader(name: str) -> str:
        while leaders[name] != name:
            name = leaders[name]
        return name

    for operator in graph.operators:
        output = operator.outputs[0]
        for name in _shared(graph, operator):
            if name in leaders and output in leaders:
                if operator.kind in AVERAGES and _is_narrow(
                    observations[output], observations[name]
                ):
                    continue
                leaders[leader(output)] = leader(name)
    return {name: leader(name) for name in names}


def _shared(graph: Graph, operator: Operator) -> tuple[str, ...]:
    """Inputs with which the output shares its scale."""
    if operator.kind == "concat":
        return operator.inputs
    moves = operator.kind in MOVING_KINDS | AVERAGES
    moves |= operator.kind == "resize" and operator.attributes["mode"] == "nearest"
    return operator.inputs[:1] if moves else ()


def _is_narrow(output: Observation, source: Observation) -> bool:
    reach = max(source.high, 0.0) - min(source.low, 0.0)
    return max(output.high, 0.0) - min(output.low, 0.0) < _LEAST_SHARE * reach
