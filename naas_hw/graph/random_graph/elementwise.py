"""Sums of two tensors, and tables."""

import numpy as np

from naas_hw.graph.quantised import Lookup, Pair, Sum
from naas_hw.graph.random_graph.convolutions import convolve
from naas_hw.graph.random_graph.draws import draw_clamps, draw_integer
from naas_hw.graph.random_graph.growing import GrowingGraph, Scaling
from naas_hw.graph.random_graph.window import KernelWindow
from naas_hw.workload.arithmetic.epilogue import Addition
from naas_hw.workload.option import TABLE_SIZE


def add_sum(graph: GrowingGraph) -> None:
    """A sum of two tensors of one shape; the second one is often made for it."""
    first = graph.draw_tensor()
    second = _second_input(graph, first)
    if second is None:
        return
    inputs = (first, second) if graph.rng.random() < 0.5 else (second, first)
    addition, scaling = _draw_addition(graph, inputs)
    graph.add(
        lambda name, output: Sum(name=name, inputs=inputs, output=output, addition=addition),
        graph.shape_of(first),
        scaling,
    )


def add_lookup(graph: GrowingGraph) -> None:
    """A table that has every byte once."""
    source = graph.draw_tensor()
    entries = graph.rng.permutation(TABLE_SIZE).astype(np.uint8).view(np.int8)
    graph.add(
        lambda name, output: Lookup(name=name, inputs=(source,), output=output, entries=entries),
        graph.shape_of(source),
        graph.draw_scaling(),
    )


def _second_input(graph: GrowingGraph, first: str) -> str | None:
    """A tensor of the same shape, perhaps a new one; None where the new one does not fit."""
    same = [name for name in graph.tensors if graph.shape_of(name) == graph.shape_of(first)]
    second = same[draw_integer(graph.rng, 0, len(same) - 1)]
    return _convolve_to_shape_of(graph, first) if graph.rng.random() < 0.7 else second


def _convolve_to_shape_of(graph: GrowingGraph, other: str) -> str | None:
    """A new tensor of the shape of another one, made of any tensor of its size."""
    shape = graph.shape_of(other)
    channels = shape[0]
    sources = [name for name in graph.tensors if graph.shape_of(name)[1:] == shape[1:]]
    source = sources[draw_integer(graph.rng, 0, len(sources) - 1)]
    depthwise = graph.shape_of(source)[0] == channels and graph.rng.random() < 0.4
    window = KernelWindow(kernel=(3, 3), padding=(1, 1, 1, 1))
    return convolve(graph, source, channels, groups=channels if depthwise else 1, window=window)


def _draw_addition(graph: GrowingGraph, inputs: tuple[str, str]) -> tuple[Addition, Scaling]:
    """How two tensors are added, and the scaling of their sum."""
    shift = draw_integer(graph.rng, 8, 15)
    factors = _draw_factors(graph.rng, shift)
    clamps, scaling = draw_clamps(graph.rng), graph.draw_scaling()
    addition = Addition(
        main_multiplier=factors[0],
        multiplier=factors[1],
        shift=shift,
        main_zero_point=graph.tensors[inputs[0]].zero_point,
        zero_point=graph.tensors[inputs[1]].zero_point,
        output_zero_point=scaling[1],
        clamp_min=clamps[0],
        clamp_max=clamps[1],
    )
    return addition, scaling


def _draw_factors(rng: np.random.Generator, shift: int) -> Pair:
    """Two multipliers of 1/4 to 1 after the shift, within 16 bits; a third are negative."""
    most = min(1 << shift, (1 << 15) - 1)
    factors = rng.integers(most // 4, most + 1, size=2) * rng.choice((1, 1, -1), 2)
    return int(factors[0]), int(factors[1])
