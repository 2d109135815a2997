"""Operators of a TFLite file that take parts of a tensor."""

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_graph import TfliteGraph, graph_axes, graph_shape
from naas_hw.graph.importers.tflite_operators.handler import sum_name
from naas_hw.graph.importers.tflite_tables import TfliteOperator


def append_slice(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A box out of a tensor."""
    x = operator.inputs[0]
    starts = graph.known(operator, 1).reshape(-1)
    sizes = graph.known(operator, 2).reshape(-1)
    parts = [
        slice(int(start), None if size < 0 else int(start + size))
        for start, size in zip(starts, sizes, strict=True)
    ]
    _part(graph, x, operator.outputs[0], parts, operator.kind)


def strided_parts(graph: TfliteGraph, operator: TfliteOperator, rank: int) -> list[slice | int]:
    """What STRIDED_SLICE takes of each axis of the file; a number removes the axis.

    Raises
    ------
    InputError : it has a mask that is not known here.
    """
    for mask in ("EllipsisMask", "NewAxisMask"):
        if operator.options.get(mask, 0):
            raise InputError(f"{operator.name} of {graph.file} must not use {mask}")
    begins, ends, steps = (graph.known(operator, place).reshape(-1) for place in (1, 2, 3))
    parts: list[slice | int] = []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        bit = 1 << axis
        if operator.options.get("ShrinkAxisMask", 0) & bit:
            parts.append(int(begin))
            continue
        first = None if operator.options.get("BeginMask", 0) & bit else int(begin)
        last = None if operator.options.get("EndMask", 0) & bit else int(end)
        parts.append(slice(first, last, int(step)))
    return parts + [slice(None)] * (rank - len(parts))


def append_strided_slice(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Every so many numbers along each axis."""
    x = operator.inputs[0]
    shape = graph.tensor(x).shape
    parts = [
        slice(part, part + 1 or None) if isinstance(part, int) else part
        for part in strided_parts(graph, operator, len(shape))
    ]
    _part(graph, x, operator.outputs[0], parts, operator.kind)


def append_split(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Equal parts along one axis."""
    axis = int(graph.known(operator, 0).reshape(-1)[0])
    x = operator.inputs[1]
    size = graph.tensor(x).shape[axis]
    even = size // len(operator.outputs)
    _split_into(graph, operator, x, axis, [even] * len(operator.outputs))


def append_split_by_sizes(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Parts of given sizes along one axis."""
    axis = int(graph.known(operator, 2).reshape(-1)[0])
    x = operator.inputs[0]
    sizes = [int(size) for size in graph.known(operator, 1).reshape(-1)]
    rest = graph.tensor(x).shape[axis] - sum(size for size in sizes if size >= 0)
    _split_into(graph, operator, x, axis, [size if size >= 0 else rest for size in sizes])


def _split_into(
    graph: TfliteGraph, operator: TfliteOperator, x: int, axis: int, sizes: list[int]
) -> None:
    start = 0
    for number, size in zip(operator.outputs, sizes, strict=True):
        parts = [slice(None)] * len(graph.tensor(x).shape)
        parts[axis] = slice(start, start + size)
        _part(graph, x, number, parts, operator.kind)
        start += size


def _part(graph: TfliteGraph, x: int, number: int, parts: list[slice], source: str) -> None:
    """The tensor `number` is a part of x; `parts` are along the file's axes."""
    shape = graph.tensor(x).shape
    bounds = [part.indices(size) for part, size in zip(parts, shape, strict=True)]
    kept = tuple(len(range(*bound)) for bound in bounds)
    moved = [bounds[axis] for axis in graph_axes(len(shape))]
    real = graph.emit(
        "slice",
        (graph.real(x),),
        graph_shape(kept),
        sum_name(graph, number),
        {
            "starts": tuple(start for start, _, _ in moved),
            "ends": tuple(end for _, end, _ in moved),
            "steps": tuple(step for _, _, step in moved),
            "axes": tuple(range(len(shape))),
        },
        source,
    )
    graph.finish(number, graph.reshaped(real, kept, graph.tensor(number).shape), source)
