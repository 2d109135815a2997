"""Transposed convolutions."""

import numpy as np

from naas_hw.graph.quantised import Pair, TransposedConvolution
from naas_hw.graph.random_graph.draws import choose, choose_pair, draw_integer, draw_pair
from naas_hw.graph.random_graph.growing import GrowingGraph
from naas_hw.graph.random_graph.weights import draw_requantisation, draw_weights
from naas_hw.graph.random_graph.window import KernelWindow, draw_padding


def add_transposed_convolution(graph: GrowingGraph) -> None:
    """A transposed convolution, dense or of each channel by itself."""
    source = graph.draw_tensor()
    channels, rows, columns = graph.shape_of(source)
    groups = choose(graph.rng, (1, 1, channels))
    outputs = draw_integer(graph.rng, 1, 12) if groups == 1 else 1
    window = _draw_window(graph.rng)
    products = channels // groups * window.kernel[0] * window.kernel[1]
    bias, multiplier, shift = draw_requantisation(
        graph.rng, channels=outputs * groups, products=products
    )
    weights = draw_weights(graph.rng, (channels, outputs, *window.kernel))
    graph.add(
        lambda name, output: TransposedConvolution(
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
        ),
        (outputs * groups, *_output_size(window, (rows, columns))),
        graph.draw_scaling(),
    )


def _draw_window(rng: np.random.Generator) -> KernelWindow:
    kernel = draw_pair(rng, 1, 4)
    stride = draw_pair(rng, 1, 3)
    dilation = choose_pair(rng, (1, 1, 2))
    padding = draw_padding(rng, kernel, dilation)
    return KernelWindow(kernel=kernel, stride=stride, dilation=dilation, padding=padding)


def _output_size(window: KernelWindow, size: Pair) -> Pair:
    """Rows and columns of the output; the padding is cut off."""
    rows, columns = (
        (size[i] - 1) * window.stride[i]
        + (window.kernel[i] - 1) * window.dilation[i]
        + 1
        - window.padding[i]
        - window.padding[2 + i]
        for i in (0, 1)
    )
    return rows, columns
