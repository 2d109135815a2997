"""What the host hands in lies as the network reads it.

A model with channels last turns its input before its first layer. The host writes the input to
memory anyway, so it writes each number where the turned image has it, and nothing is turned. The
same holds for what an operator of the host makes.
"""

from dataclasses import dataclass, replace

import numpy as np

from naas_hw.compiler.lowering.values import Order
from naas_hw.graph.quantised import HostFunction, QuantisedGraph, Rearranged


@dataclass(frozen=True, kw_only=True, eq=False)
class TurnedGraph:
    """A network whose inputs, and results of the host, are what their only reader makes of them.

    Parameters
    ----------
    graph : the network.
    given : tensor of it -> the tensor that the host hands in for it, and that one's order.
    """

    graph: QuantisedGraph
    given: dict[str, tuple[str, Order]]


def without_outer_orders(graph: QuantisedGraph) -> TurnedGraph:
    """Leave out rearrangements of what the host hands in."""
    given: dict[str, tuple[str, Order]] = {}
    renamed: dict[str, str] = {}
    for name in _handed_in(graph):
        reader = _only_rearrangement(graph, name)
        if reader is not None:
            renamed[name] = reader.output
            given[reader.output] = (name, _inverse(reader))
    operators = [
        replace(operator, output=renamed.get(operator.output, operator.output))
        for operator in graph.operators
        if operator.output not in given
    ]
    inputs = tuple(renamed.get(name, name) for name in graph.inputs)
    return TurnedGraph(graph=replace(graph, operators=tuple(operators), inputs=inputs), given=given)


def _handed_in(graph: QuantisedGraph) -> list[str]:
    made = [op.output for op in graph.operators if isinstance(op, HostFunction)]
    return [name for name in (*graph.inputs, *made) if graph.tensors[name].dtype == "int8"]


def _only_rearrangement(graph: QuantisedGraph, name: str) -> Rearranged | None:
    readers = graph.consumers(name)
    if len(readers) != 1 or name in graph.outputs:
        return None
    (reader,) = readers
    if isinstance(reader, Rearranged) and reader.output not in graph.outputs:
        return reader
    return None


def _inverse(operator: Rearranged) -> Order:
    """How the input of a rearrangement is made of its output."""
    return Order(
        shape=operator.after,
        before=tuple(operator.before[axis] for axis in operator.axes),
        axes=tuple(int(axis) for axis in np.argsort(operator.axes)),
    )
