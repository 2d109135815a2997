"""How many products an operator of a model has."""

from math import prod

from naas_hw.graph.graph import Graph, Operator


def macs_of(graph: Graph, operator: Operator) -> int:
    """Multiply-accumulates of an operator with weights, or of a product; 0 of all others."""
    if operator.kind not in ("conv", "conv_transposed", "linear", "matmul"):
        return 0
    first, second = (graph.tensors[name].shape for name in operator.inputs[:2])
    outputs = graph.tensors[operator.outputs[0]].shape
    if operator.kind == "conv_transposed":
        return prod(first) * prod(second[1:])
    if operator.kind == "matmul":
        return prod(outputs) * first[-1]
    return prod(outputs) * prod(second[1:])
