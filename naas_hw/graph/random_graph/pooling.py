"""Maximum and average pooling."""

import numpy as np

from naas_hw.graph.quantised import AveragePool, MaximumPool, Pair, Shape
from naas_hw.graph.random_graph.draws import choose, draw_pair
from naas_hw.graph.random_graph.growing import GrowingGraph, Scaling
from naas_hw.graph.random_graph.window import KernelWindow, draw_padding


def add_maximum_pool(graph: GrowingGraph) -> None:
    """The largest byte under a kernel; nothing where the kernel does not fit."""
    source, window, shape = _draw_pool(graph)
    if shape is None:
        return
    graph.add(
        lambda name, output: MaximumPool(
            name=name,
            inputs=(source,),
            output=output,
            kernel=window.kernel,
            stride=window.stride,
            padding=window.padding,
        ),
        shape,
        graph.scaling_of(source),
    )


def add_average_pool(graph: GrowingGraph) -> None:
    """The mean of the bytes under a kernel; nothing where the kernel does not fit."""
    source, window, shape = _draw_pool(graph)
    if shape is None:
        return
    weight = choose(graph.rng, (1, 4, 8))
    scaling = graph.draw_scaling()
    zero_points = _zero_points(graph.scaling_of(source), scaling, window)
    mantissa, exponent = np.frexp(0.9 / (window.kernel[0] * window.kernel[1] * weight))
    graph.add(
        lambda name, output: AveragePool(
            name=name,
            inputs=(source,),
            output=output,
            kernel=window.kernel,
            stride=window.stride,
            weight=weight,
            multiplier=int(mantissa * 2.0**31),
            shift=int(-exponent),
            input_zero_point=zero_points[0],
            output_zero_point=zero_points[1],
            padding=window.padding,
        ),
        shape,
        scaling,
    )


def _draw_pool(graph: GrowingGraph) -> tuple[str, KernelWindow, Shape | None]:
    """Input, kernel and shape of the output; no shape where the kernel does not fit."""
    source = graph.draw_tensor()
    channels, rows, columns = graph.shape_of(source)
    window = _draw_window(graph.rng, (rows, columns))
    size = window.output_size((rows, columns))
    return source, window, None if size is None else (channels, *size)


def _draw_window(rng: np.random.Generator, size: Pair) -> KernelWindow:
    """A small kernel or one of the whole image, without dilation; no side is cropped."""
    kernel = draw_pair(rng, 1, 3)
    if rng.random() < 0.3:
        kernel = size
    stride = draw_pair(rng, 1, 3)
    top, left, bottom, right = draw_padding(rng, kernel)
    padding = (max(0, top), max(0, left), max(0, bottom), max(0, right))
    return KernelWindow(kernel=kernel, stride=stride, padding=padding)


def _zero_points(source: Scaling, output: Scaling, window: KernelWindow) -> Pair:
    """Those of input and output; both are left out where they cancel."""
    cancel = source == output and not any(window.padding)
    return (0, 0) if cancel else (source[1], output[1])
