"""Operators that move bytes: what they make has the scale of what they read."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from naas_hw.graph.float_execution import run_kind
from naas_hw.graph.graph import Graph, Operator
from naas_hw.graph.integers.builder import CHANNELS_LAST, CHANNELS_SECOND, IntegerBuilder
from naas_hw.graph.integers.pooling import maximum_of_image, maximum_pool
from naas_hw.graph.integers.values import (
    Bytes,
    ConstantValue,
    GraphShape,
    Value,
    image_shape,
    is_image,
)
from naas_hw.graph.quantised import (
    Concatenation,
    Crop,
    Padded,
    Rearranged,
    Sides,
    Sum,
    Upsampling,
)
from naas_hw.workload.arithmetic.epilogue import Addition

Move = Callable[[IntegerBuilder, Operator, Bytes], Bytes | None]
"""What becomes of bytes; None: the host moves them."""


def door_of(graph: Graph, name: str) -> Operator | None:
    """The first operator behind an input, if it is alone and moves numbers only in name.

    It is a reshape, or the transposition that brings channels second. Quantisation may stand
    between it and the input.
    """
    readers = graph.consumers
    while len(readers.get(name, ())) == 1 and name not in graph.outputs:
        (reader,) = readers[name]
        if reader.kind == "reshape":
            return reader
        if reader.kind == "transpose":
            turns = reader.attributes["axes"] == CHANNELS_SECOND
            return reader if turns and is_image(graph.tensors[name].shape) else None
        if reader.kind not in ("quantize", "dequantize"):
            return None
        name = reader.outputs[0]
    return None


def moved_constant(
    operator: Operator, value: ConstantValue, shape: GraphShape
) -> ConstantValue | None:
    """A constant that is reshaped or transposed; else None."""
    if operator.kind not in ("reshape", "transpose", "identity"):
        return None
    given: dict[str, Any] = dict(operator.attributes)
    parts = [value.values]
    if value.scale is not None and value.zero_point is not None:
        parts += [np.broadcast_to(part, value.shape) for part in (value.scale, value.zero_point)]
    moved = [run_kind(operator.kind, given, [part], shape) for part in parts]
    return ConstantValue(
        values=np.ascontiguousarray(moved[0]),
        scale=_compressed(moved[1]) if len(moved) > 1 else None,
        zero_point=_compressed(moved[2]) if len(moved) > 1 else None,
    )


def _compressed(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Axes along which nothing changes have size 1."""
    for axis in range(values.ndim):
        first = np.take(values, [0], axis=axis)
        if np.all(values == first):
            values = first
    return values


def _reshape(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    shape = builder.graph.tensors[operator.outputs[0]].shape
    upright = builder.upright(value)
    if image_shape(shape) == builder.tensors[upright.tensor].shape:
        return Bytes(
            tensor=upright.tensor, shape=shape, quantisation=value.quantisation, root=value.root
        )
    before = builder.tensors[upright.tensor].shape
    return builder.bytes(
        Rearranged,
        (upright,),
        operator.outputs[0],
        shape,
        value.quantisation,
        sources=(operator.name,),
        before=before,
        axes=(0, 1, 2),
        after=image_shape(shape),
    )


def _transpose(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    axes: Any = operator.attributes["axes"]
    shape = builder.graph.tensors[operator.outputs[0]].shape
    if value.turned and axes == CHANNELS_SECOND:
        return Bytes(
            tensor=value.tensor, shape=shape, quantisation=value.quantisation, root=value.root
        )
    if not value.turned and axes == CHANNELS_LAST and is_image(value.shape):
        return Bytes(tensor=value.tensor, shape=shape, quantisation=value.quantisation, turned=True)
    upright = builder.upright(value)
    return builder.bytes(
        Rearranged,
        (upright,),
        operator.outputs[0],
        shape,
        value.quantisation,
        sources=(operator.name,),
        before=value.shape,
        axes=tuple(axes),
        after=image_shape(shape),
    )


def _image_axes(shape: GraphShape) -> dict[int, int] | None:
    """For each axis of the model's shape, that of [C, H, W]; None where they do not agree."""
    places = {1: {0: 0}, 2: {1: 0}, 3: {1: 0, 2: 2}, 4: {1: 0, 2: 1, 3: 2}}
    if len(shape) not in places or (len(shape) > 1 and shape[0] != 1):
        return None
    return places[len(shape)]


def _slice(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    given: dict[str, Any] = dict(operator.attributes)
    bounds = zip(given["starts"], given["ends"], given["steps"], given["axes"], strict=True)
    parts = {axis % len(value.shape): slice(start, end, step) for start, end, step, axis in bounds}
    return _cropped(builder, operator, value, parts)


def _cropped(
    builder: IntegerBuilder, operator: Operator, value: Bytes, parts: dict[int, slice]
) -> Bytes | None:
    """The part of an image; `parts` belong to axes of the model."""
    value = builder.upright(value)
    places = _image_axes(value.shape)
    if places is None or any(part.step is not None and part.step < 1 for part in parts.values()):
        return None
    starts, ends, steps = [0, 0, 0], list(image_shape(value.shape)), [1, 1, 1]
    for axis, part in parts.items():
        start, end, step = part.indices(value.shape[axis])
        if axis not in places:
            continue
        place = places[axis]
        starts[place], ends[place], steps[place] = start, end, step
    return builder.bytes(
        Crop,
        (value,),
        operator.outputs[0],
        builder.graph.tensors[operator.outputs[0]].shape,
        value.quantisation,
        sources=(operator.name,),
        starts=tuple(starts),
        ends=tuple(ends),
        steps=tuple(steps),
    )


def _gather(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    """Indices that grow evenly are a part of the image."""
    indices = builder.graph.constant(operator.inputs[1])
    axis: Any = operator.attributes["axis"]
    if indices is None or indices.ndim != 1 or not len(indices):
        return None
    steps = set(np.diff(indices).tolist()) or {1}
    if len(steps) != 1 or min(steps) < 1 or indices[0] < 0:
        return None
    part = slice(int(indices[0]), int(indices[-1]) + 1, int(steps.pop()))
    return _cropped(builder, operator, value, {axis % len(value.shape): part})


def _pad(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    """A constant around rows and columns; negative sides crop."""
    given: dict[str, Any] = dict(operator.attributes)
    padding = _padding_of_image(given["padding"], value.shape)
    if padding is None or given.get("mode", "constant") != "constant":
        return None
    value = builder.upright(value)
    number = np.array([given.get("value") or 0.0], np.float32)
    byte = value.quantisation.bytes_of(number)[0]
    is_shown = abs(value.quantisation.real(np.array([byte])) - number)[0] < value.quantisation.scale
    if not is_shown and not _is_bounded(builder, operator):
        return None
    return builder.bytes(
        Padded,
        (value,),
        operator.outputs[0],
        builder.graph.tensors[operator.outputs[0]].shape,
        value.quantisation,
        sources=(operator.name,),
        padding=padding,
        value=int(byte),
    )


def _padding_of_image(padding: Sequence[int], shape: GraphShape) -> Sides | None:
    """That of rows and columns; None where an axis of another meaning is padded."""
    places = _image_axes(shape)
    if places is None:
        return None
    before, after = [0, 0, 0], [0, 0, 0]
    for axis, sides in enumerate(zip(padding[: len(shape)], padding[len(shape) :], strict=True)):
        if not any(sides):
            continue
        if not places.get(axis):
            return None
        before[places[axis]], after[places[axis]] = sides
    return before[1], before[2], after[1], after[2]


def _is_bounded(builder: IntegerBuilder, operator: Operator) -> bool:
    """Whether a number that no byte shows is bounded, or loses against others, right behind."""
    readers = builder.graph.consumers.get(operator.outputs[0], [])
    return all(reader.kind in ("quantize", "max_pool") for reader in readers)


def _resize(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    """Nearest neighbours that repeat each pixel."""
    shape = builder.graph.tensors[operator.outputs[0]].shape
    if not is_image(value.shape) or operator.attributes["mode"] != "nearest":
        return None
    factors = []
    for axis in (2, 3):
        size, length = shape[axis], value.shape[axis]
        if size % length or not _repeats(operator, axis, size, length):
            return None
        factors.append(size // length)
    return _repeated(builder, operator, value, (factors[0], factors[1]))


def _repeats(operator: Operator, axis: int, size: int, length: int) -> bool:
    """Whether a resize along one axis repeats every element `size / length` times."""
    line = np.arange(length, dtype=np.float32)
    before, after = [1] * 4, [1] * 4
    before[axis], after[axis] = length, size
    given = dict(operator.attributes)
    scales: Any = given.get("scales")
    if scales is not None:
        given["scales"] = tuple(s if i == axis else 1.0 for i, s in enumerate(scales))
    taken = run_kind("resize", given, [line.reshape(before)], tuple(after)).reshape(-1)
    return bool(np.array_equal(taken, np.repeat(line, size // length)))


def _repeated(
    builder: IntegerBuilder, operator: Operator, value: Bytes, factors: tuple[int, int]
) -> Bytes:
    value = builder.upright(value)
    shape = builder.graph.tensors[operator.outputs[0]].shape
    return builder.bytes(
        Upsampling,
        (value,),
        operator.outputs[0],
        shape,
        value.quantisation,
        sources=(operator.name,),
        factors=factors,
    )


def _expand(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    """A pixel repeated over all rows and columns."""
    shape = builder.graph.tensors[operator.outputs[0]].shape
    if value.shape == shape:
        return value
    if not is_image(shape) or value.shape != (*shape[:2], 1, 1):
        return None
    return _repeated(builder, operator, value, (shape[2], shape[3]))


def _depth_to_space(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    if not is_image(value.shape):
        return None
    block: Any = operator.attributes["block"]
    channels, rows, columns = image_shape(value.shape)
    depth = channels // block**2
    if operator.attributes.get("mode", "DCR") == "DCR":
        before, axes = (block, block, depth, rows, columns), (2, 3, 0, 4, 1)
    else:
        before, axes = (depth, block, block, rows, columns), (0, 3, 1, 4, 2)
    return _blocks(builder, operator, value, before, axes)


def _space_to_depth(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    if not is_image(value.shape):
        return None
    block: Any = operator.attributes["block"]
    channels, rows, columns = image_shape(value.shape)
    before = (channels, rows // block, block, columns // block, block)
    dcr = operator.attributes.get("mode", "DCR") == "DCR"
    return _blocks(builder, operator, value, before, (2, 4, 0, 1, 3) if dcr else (0, 2, 4, 1, 3))


def _blocks(
    builder: IntegerBuilder,
    operator: Operator,
    value: Bytes,
    before: tuple[int, ...],
    axes: tuple[int, ...],
) -> Bytes:
    shape = builder.graph.tensors[operator.outputs[0]].shape
    return builder.bytes(
        Rearranged,
        (builder.upright(value),),
        operator.outputs[0],
        shape,
        value.quantisation,
        sources=(operator.name,),
        before=before,
        axes=axes,
        after=image_shape(shape),
    )


def concatenation_axis(operator: Operator, shape: GraphShape) -> int | None:
    """Which axis of [C, H, W] a `concat` makes longer; None for another axis of the model."""
    axis: Any = operator.attributes["axis"]
    places = _image_axes(shape)
    return None if places is None else places.get(axis % len(shape))


def concatenated(
    builder: IntegerBuilder,
    parts: tuple[Bytes, ...],
    name: str,
    shape: GraphShape,
    sources: tuple[str, ...],
    axis: int,
) -> Bytes:
    """Images that have one scale and zero point, one after the other along an axis of [C, H, W].

    Rows and columns are put together as a sum: each image has a frame of zero points up to the
    whole size, and a zero point adds nothing.
    """
    quantisation = parts[0].quantisation
    if axis == 0:
        return builder.bytes(Concatenation, parts, name, shape, quantisation, sources=sources)
    total, start = image_shape(shape)[axis], 0
    whole: Bytes | None = None
    for place, part in enumerate(parts):
        length = image_shape(part.shape)[axis]
        framed = _framed(builder, part, shape, axis, (start, total - start - length))
        start += length
        if whole is None:
            whole = framed
            continue
        last = place == len(parts) - 1
        whole = builder.bytes(
            Sum,
            (whole, framed),
            name if last else f"{name}/{place}",
            shape,
            quantisation,
            sources=sources,
            addition=_exact_addition(quantisation.zero_point),
        )
    assert whole is not None
    return whole


def _framed(
    builder: IntegerBuilder, part: Bytes, shape: GraphShape, axis: int, sides: tuple[int, int]
) -> Bytes:
    """An image with zero points before and after it along its rows or its columns."""
    before, after = sides
    return builder.bytes(
        Padded,
        (part,),
        f"{part.tensor}/framed",
        shape,
        part.quantisation,
        padding=(before, 0, after, 0) if axis == 1 else (0, before, 0, after),
        value=part.quantisation.zero_point,
    )


def _exact_addition(zero_point: int) -> Addition:
    """The sum of two images of one scale, which is not rounded."""
    return Addition(
        main_multiplier=1,
        multiplier=1,
        shift=0,
        main_zero_point=zero_point,
        zero_point=zero_point,
        output_zero_point=zero_point,
    )


def joined(
    builder: IntegerBuilder, operator: Operator, values: tuple[Value | None, ...]
) -> Bytes | None:
    """A `concat` of images that have one scale and zero point."""
    shape = builder.graph.tensors[operator.outputs[0]].shape
    parts = [value for value in values if isinstance(value, Bytes)]
    if len(parts) != len(values) or len({part.quantisation for part in parts}) != 1:
        return None
    axis = concatenation_axis(operator, shape)
    if axis is None or len(parts) < 2:
        return None
    upright = tuple(builder.upright(part) for part in parts)
    return concatenated(builder, upright, operator.outputs[0], shape, (operator.name,), axis)


def _identity(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    return value


def _cast(builder: IntegerBuilder, operator: Operator, value: Bytes) -> Bytes | None:
    """A cast between floating-point types changes no quantised number."""
    floats = builder.graph.tensors[operator.outputs[0]].dtype.kind == "f"
    return value if floats else None


MOVES: Final[dict[str, Move]] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "identity": _identity,
    "cast": _cast,
    "slice": _slice,
    "gather": _gather,
    "pad": _pad,
    "resize": _resize,
    "expand": _expand,
    "depth_to_space": _depth_to_space,
    "space_to_depth": _space_to_depth,
    "max_pool": maximum_pool,
    "reduce_max": maximum_of_image,
}
"""Kinds that move bytes."""
