"""Operators that move bytes and compute nothing: joins, crops, padding, copies and new orders."""

import numpy as np

from naas_hw.graph.quantised import Concatenation, Crop, Padded, Rearranged, Upsampling
from naas_hw.graph.random_graph.draws import choose, draw_integer, draw_pair
from naas_hw.graph.random_graph.growing import GrowingGraph
from naas_hw.graph.random_graph.orders import ORDERS


def add_concatenation(graph: GrowingGraph) -> None:
    """Two to four tensors of one size and scale; now and then one comes twice."""
    first = graph.draw_tensor()
    parts = _draw_parts(graph, first)
    if len(parts) < 2:
        return
    _, rows, columns = graph.shape_of(first)
    channels = sum(graph.shape_of(name)[0] for name in parts)
    graph.add(
        lambda name, output: Concatenation(name=name, inputs=parts, output=output),
        (channels, rows, columns),
        graph.scaling_of(first),
    )


def add_crop(graph: GrowingGraph) -> None:
    """A part of an image; each axis is whole, or has a start, an end and a step."""
    source = graph.draw_tensor()
    channels, rows, columns = (_draw_kept(graph.rng, size) for size in graph.shape_of(source))
    graph.add(
        lambda name, output: Crop(
            name=name,
            inputs=(source,),
            output=output,
            starts=(channels.start, rows.start, columns.start),
            ends=(channels.stop, rows.stop, columns.stop),
            steps=(channels.step, rows.step, columns.step),
        ),
        (len(channels), len(rows), len(columns)),
        graph.scaling_of(source),
    )


def add_padded(graph: GrowingGraph) -> None:
    """An image with up to two rows or columns of one byte at each side."""
    source = graph.draw_tensor()
    channels, rows, columns = graph.shape_of(source)
    top, left, bottom, right = (draw_integer(graph.rng, 0, 2) for _ in range(4))
    zero_point = graph.tensors[source].zero_point
    value = choose(graph.rng, (zero_point, zero_point, -128, 3))
    graph.add(
        lambda name, output: Padded(
            name=name,
            inputs=(source,),
            output=output,
            padding=(top, left, bottom, right),
            value=value,
        ),
        (channels, rows + top + bottom, columns + left + right),
        graph.scaling_of(source),
    )


def add_upsampling(graph: GrowingGraph) -> None:
    """An image with each pixel up to three times in rows and in columns."""
    source = graph.draw_tensor()
    channels, rows, columns = graph.shape_of(source)
    factors = draw_pair(graph.rng, 1, 3)
    graph.add(
        lambda name, output: Upsampling(
            name=name, inputs=(source,), output=output, factors=factors
        ),
        (channels, rows * factors[0], columns * factors[1]),
        graph.scaling_of(source),
    )


def add_rearranged(graph: GrowingGraph) -> None:
    """The numbers of a tensor in another order; nothing where its shape does not allow it."""
    source = graph.draw_tensor()
    shape = graph.shape_of(source)
    order = ORDERS[draw_integer(graph.rng, 0, len(ORDERS) - 1)](shape)
    if order is None:
        return
    graph.add(
        lambda name, output: Rearranged(
            name=name,
            inputs=(source,),
            output=output,
            before=order.before,
            axes=order.axes,
            after=order.after,
        ),
        order.after,
        graph.scaling_of(source),
    )


def _draw_parts(graph: GrowingGraph, first: str) -> tuple[str, ...]:
    """Up to four tensors that can stand in one concatenation with `first`."""
    like = [
        name
        for name in graph.tensors
        if graph.shape_of(name)[1:] == graph.shape_of(first)[1:]
        and graph.scaling_of(name) == graph.scaling_of(first)
    ]
    number = draw_integer(graph.rng, 2, 4)
    twice = graph.rng.random() < 0.1
    parts = graph.rng.choice(like, min(number, len(like)), replace=twice)
    return tuple(str(name) for name in parts)


def _draw_kept(rng: np.random.Generator, size: int) -> range:
    """What a crop keeps of an axis."""
    if rng.random() >= 0.5:
        return range(size)
    start = draw_integer(rng, 0, size - 1)
    end = draw_integer(rng, start + 1, size)
    return range(start, end, choose(rng, (1, 1, 2)))
