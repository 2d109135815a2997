"""Draws a network: which kind of operator comes next, and how often each kind is taken."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.graph.random_graph.convolutions import (
    add_convolution,
    add_depthwise,
    add_grouped,
    add_linear,
)
from naas_hw.graph.random_graph.elementwise import add_lookup, add_sum
from naas_hw.graph.random_graph.growing import GrowingGraph, begin_graph
from naas_hw.graph.random_graph.host import add_host_function
from naas_hw.graph.random_graph.layout import (
    add_concatenation,
    add_crop,
    add_padded,
    add_rearranged,
    add_upsampling,
)
from naas_hw.graph.random_graph.pooling import add_average_pool, add_maximum_pool
from naas_hw.graph.random_graph.transposed import add_transposed_convolution

FREQUENCIES: Final[Mapping[Callable[[GrowingGraph], None], int]] = {
    add_convolution: 6,
    add_depthwise: 3,
    add_grouped: 2,
    add_transposed_convolution: 2,
    add_linear: 2,
    add_sum: 5,
    add_lookup: 4,
    add_maximum_pool: 2,
    add_average_pool: 2,
    add_concatenation: 4,
    add_crop: 2,
    add_padded: 2,
    add_upsampling: 1,
    add_rearranged: 2,
    add_host_function: 1,
}
"""How often each way to add operators is taken, relative to the others.

In another order, a seed gives another network.
"""


def random_graph(seed: int, *, num_operators: int | None = None) -> QuantisedGraph:
    """A network of so many operators, 1 to 12 if None; each is needed for an output."""
    rng = np.random.default_rng(seed)
    wanted = int(rng.integers(1, 13)) if num_operators is None else num_operators
    graph = begin_graph(rng)
    while len(graph.operators) < wanted:
        grow(graph)
    return graph.finish(f"random_{seed}")


def grow(graph: GrowingGraph) -> None:
    """Add an operator, or two that belong together; nothing where what is drawn does not fit."""
    ways = tuple(FREQUENCIES)
    frequencies = np.array(list(FREQUENCIES.values()), float)
    index = int(graph.rng.choice(len(ways), p=frequencies / frequencies.sum()))
    ways[index](graph)
