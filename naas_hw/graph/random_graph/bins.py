"""Names of what is of interest in a network, so that a run of many seeds can count them."""

from naas_hw.graph.quantised import (
    AveragePool,
    Convolution,
    Crop,
    MaximumPool,
    QuantisedGraph,
    QuantisedOperator,
    Sum,
    TransposedConvolution,
)


def bins_of(graph: QuantisedGraph) -> frozenset[str]:
    """What is of interest in a network: kinds, variants, and which kinds follow one another."""
    bins: set[str] = set()
    for operator in graph.operators:
        kind = type(operator).__name__
        bins |= {kind, *(f"{kind}: {variant}" for variant in _variants(graph, operator))}
        for reader in graph.consumers(operator.output):
            bins.add(f"{kind} -> {type(reader).__name__}")
        if len(graph.consumers(operator.output)) > 1:
            bins.add(f"{kind} with several readers")
    return frozenset(bins)


def _variants(graph: QuantisedGraph, operator: QuantisedOperator) -> set[str]:
    variants = set()
    if isinstance(operator, Convolution | TransposedConvolution):
        channels = graph.tensors[operator.inputs[0]].shape[0]
        grouped = "depthwise" if operator.groups == channels == len(operator.bias) else "grouped"
        variants.add("dense" if operator.groups == 1 else grouped)
        variants |= {"dilated"} if operator.dilation != (1, 1) else set()
        variants |= {"cropped"} if min(operator.padding) < 0 else set()
    if isinstance(operator, Convolution):
        variants |= {"rounds once"} if operator.rounds_once else set()
    if isinstance(operator, Convolution | MaximumPool | AveragePool):
        variants |= {"strided"} if operator.stride != (1, 1) else set()
        top, left, bottom, right = operator.padding
        variants |= {"padded unevenly"} if (top, left) != (bottom, right) else set()
    if isinstance(operator, Sum) and operator.inputs[0] == operator.inputs[1]:
        variants.add("of one tensor")
    if isinstance(operator, Crop):
        variants |= {"of channels"} if operator.starts[0] or operator.steps[0] > 1 else set()
        variants |= {"with steps"} if max(operator.steps) > 1 else set()
    return variants
