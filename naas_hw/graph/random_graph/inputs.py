"""Random bytes for the inputs of a network."""

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.quantised import QuantisedGraph


def random_inputs(graph: QuantisedGraph, rng: np.random.Generator) -> dict[str, NDArray[np.int8]]:
    """Bytes for all inputs, in the shapes of the model."""
    return {
        name: rng.integers(-128, 128, size=graph.tensors[name].graph_shape, dtype=np.int8)
        for name in graph.inputs
    }
