"""Convolutions: dense, depthwise and grouped ones, and linear layers."""

from typing import Final

import numpy as np

from naas_hw.graph.quantised import Convolution, Rearranged
from naas_hw.graph.random_graph.draws import choose, choose_pair, draw_clamps, draw_integer
from naas_hw.graph.random_graph.growing import MAX_NUMBERS, GrowingGraph
from naas_hw.graph.random_graph.weights import draw_requantisation, draw_weights
from naas_hw.graph.random_graph.window import KernelWindow, draw_padding

_SHARE_ROUNDING_ONCE: Final = 0.25


def add_convolution(graph: GrowingGraph) -> None:
    """A dense convolution of any kernel."""
    source = graph.draw_tensor()
    outputs = draw_integer(graph.rng, 1, 40)
    convolve(graph, source, outputs, groups=1, window=_draw_window(graph.rng))


def add_depthwise(graph: GrowingGraph) -> None:
    """A convolution of each channel by itself."""
    source = graph.draw_tensor()
    channels = graph.shape_of(source)[0]
    convolve(graph, source, channels, groups=channels, window=_draw_window(graph.rng))


def add_grouped(graph: GrowingGraph) -> None:
    """A convolution of two groups or more; nothing where there is one channel only."""
    source = graph.draw_tensor()
    channels = graph.shape_of(source)[0]
    divisors = [n for n in range(2, channels + 1) if channels % n == 0]
    if divisors:
        groups = choose(graph.rng, divisors)
        outputs = groups * draw_integer(graph.rng, 1, 6)
        convolve(graph, source, outputs, groups=groups, window=_draw_window(graph.rng))


def add_linear(graph: GrowingGraph) -> None:
    """A linear layer of all numbers of an image, in one of two orders."""
    source = graph.draw_tensor()
    shape = graph.shape_of(source)
    axes = (0, 1, 2) if graph.rng.random() < 0.5 else (1, 2, 0)
    number = int(np.prod(shape))
    if number > MAX_NUMBERS // 4:
        return
    vector = (number, 1, 1)
    flat = graph.append(
        lambda name, output: Rearranged(
            name=name, inputs=(source,), output=output, before=shape, axes=axes, after=vector
        ),
        vector,
        graph.scaling_of(source),
    )
    convolve(graph, flat, draw_integer(graph.rng, 1, 30), groups=1, window=KernelWindow())


def convolve(
    graph: GrowingGraph, source: str, outputs: int, *, groups: int, window: KernelWindow
) -> str | None:
    """Add a convolution of `outputs` channels; None, and no operator, where it does not fit."""
    channels, rows, columns = graph.shape_of(source)
    output_size = window.output_size((rows, columns))
    if output_size is None:
        return None
    inputs = channels // groups
    bias, multiplier, shift = draw_requantisation(
        graph.rng, channels=outputs, products=inputs * window.kernel[0] * window.kernel[1]
    )
    weights = draw_weights(graph.rng, (outputs, inputs, *window.kernel))
    clamps = draw_clamps(graph.rng)
    rounds_once = bool(graph.roundings.random() < _SHARE_ROUNDING_ONCE)
    return graph.add(
        lambda name, output: Convolution(
            name=name,
            inputs=(source,),
            output=output,
            weights=weights,
            bias=bias,
            multiplier=multiplier,
            shift=shift,
            stride=window.stride,
            padding=window.padding,
            dilation=window.dilation,
            groups=groups,
            clamp_min=clamps[0],
            clamp_max=clamps[1],
            rounds_once=rounds_once,
        ),
        (outputs, *output_size),
        graph.draw_scaling(),
    )


def _draw_window(rng: np.random.Generator) -> KernelWindow:
    kernel = choose_pair(rng, (1, 1, 2, 3, 5))
    stride = choose_pair(rng, (1, 1, 2, 3))
    dilation = choose_pair(rng, (1, 1, 1, 2))
    padding = draw_padding(rng, kernel, dilation)
    return KernelWindow(kernel=kernel, stride=stride, dilation=dilation, padding=padding)
