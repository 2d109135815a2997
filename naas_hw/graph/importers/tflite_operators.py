"""What each operator of a TFLite file becomes.

An operator's function reads its inputs as real numbers, appends operators of the kinds of
`naas_hw.graph.operators`, and says which of them is the output.
"""

from collections.abc import Callable
from math import prod
from typing import Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Attribute
from naas_hw.graph.importers.tflite_graph import (
    IMAGE_RANK,
    Shape,
    TfliteGraph,
    graph_axes,
    graph_axis,
    graph_shape,
)
from naas_hw.graph.importers.tflite_tables import TfliteOperator

Attributes = dict[str, Attribute]
Function = Callable[[TfliteGraph, TfliteOperator], None]

_SAME: Final = 0
_BOUNDS: Final[dict[int, tuple[float | None, float | None]]] = {
    1: (0.0, None),
    2: (-1.0, 1.0),
    3: (0.0, 6.0),
}
"""Fused activations that are bounds: RELU, RELU_N1_TO_1, RELU6."""

_TANH: Final = 4
_SPATIAL: Final = (2, 3)


def append_operator(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """What `operator` of the file is, in operators of a `Graph`.

    Raises
    ------
    InputError : an input or an option is missing or wrong.
    """
    function = FUNCTIONS.get(operator.kind, _unknown)
    needed = 1 if function is _unknown else _NUM_INPUTS.get(operator.kind, 1)
    if len(operator.inputs) < needed or min(operator.inputs[:needed], default=0) < 0:
        raise InputError(
            f"{operator.name} of {graph.file} must have {needed} inputs, not {len(operator.inputs)}"
        )
    if not operator.outputs:
        raise InputError(f"{operator.name} of {graph.file} must have an output")
    function(graph, operator)


def _option(graph: TfliteGraph, operator: TfliteOperator, name: str) -> int:
    """An option that the kind cannot do without."""
    if name not in operator.options:
        raise InputError(f"{operator.name} of {graph.file} must have the option {name}")
    return int(operator.options[name])


def _name(graph: TfliteGraph, number: int) -> str:
    """The name of the real numbers that become the tensor `number`."""
    return f"{graph.tensor(number).name}/sum"


def _result(
    graph: TfliteGraph,
    operator: TfliteOperator,
    kind: str,
    inputs: tuple[str, ...],
    attributes: Attributes | None = None,
    shape: Shape | None = None,
) -> None:
    """Append the operator that makes the output, and its fused activation."""
    number = operator.outputs[0]
    shape = graph.shape(number) if shape is None else shape
    real = graph.emit(kind, inputs, shape, _name(graph, number), attributes or {}, operator.kind)
    real = _activated(graph, operator, real, shape)
    if shape != graph.shape(number):
        real = graph.emit("reshape", (real,), graph.shape(number), f"{real}/reshaped")
    graph.finish(number, real, operator.kind)


def _activated(graph: TfliteGraph, operator: TfliteOperator, real: str, shape: Shape) -> str:
    """The fused activation behind `real`."""
    activation = operator.options.get("FusedActivationFunction", 0)
    if activation == 0:
        return real
    if activation == _TANH:
        return graph.emit("tanh", (real,), shape, f"{real}/activated")
    if activation not in _BOUNDS:
        raise InputError(
            f"{operator.name} of {graph.file} must have a fused activation 0 to {_TANH}, "
            f"not {activation}"
        )
    low, high = _BOUNDS[activation]
    given: Attributes = {"minimum": low, "maximum": high}
    return graph.emit("clamp", (real,), shape, f"{real}/activated", given)


def _sides(
    same: bool, size: int, outputs: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Padding before and after one axis, as TensorFlow has it."""
    if not same:
        return 0, 0
    total = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def _window(
    graph: TfliteGraph,
    operator: TfliteOperator,
    image: Shape,
    outputs: Shape,
    kernel: tuple[int, int],
) -> Attributes:
    """Stride, padding and dilation of a convolution or a pooling; shapes of the graph."""
    stride = (_option(graph, operator, "StrideH"), _option(graph, operator, "StrideW"))
    dilation = (
        int(operator.options.get("DilationHFactor", 1)),
        int(operator.options.get("DilationWFactor", 1)),
    )
    if min(*stride, *dilation, *kernel) < 1:
        raise InputError(
            f"{operator.name} of {graph.file} must have strides, dilations and kernels of at least "
            f"1, not {list(stride)}, {list(dilation)} and {list(kernel)}"
        )
    same = _option(graph, operator, "Padding") == _SAME
    top, bottom = _sides(same, image[2], outputs[2], kernel[0], stride[0], dilation[0])
    left, right = _sides(same, image[3], outputs[3], kernel[1], stride[1], dilation[1])
    return {"stride": stride, "dilation": dilation, "padding": (top, left, bottom, right)}


def _image(graph: TfliteGraph, operator: TfliteOperator, number: int) -> Shape:
    """The shape of a tensor that has to be an image."""
    shape = graph.shape(number)
    if len(shape) != IMAGE_RANK:
        raise InputError(
            f"{operator.name} of {graph.file} must read and make images of 4 axes, "
            f"not {list(shape)}"
        )
    return shape


def _bias(graph: TfliteGraph, operator: TfliteOperator, place: int) -> tuple[str, ...]:
    """The bias, if the operator has one."""
    if len(operator.inputs) <= place or operator.inputs[place] < 0:
        return ()
    return (graph.real(operator.inputs[place]),)


def _weights(graph: TfliteGraph, operator: TfliteOperator, rank: int) -> Array:
    weights = graph.known(operator, 1)
    if weights.ndim != rank:
        raise InputError(
            f"weights of {operator.name} of {graph.file} must have {rank} axes, not {weights.ndim}"
        )
    return weights


def _convolution(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x, number = operator.inputs[:2]
    weights = _weights(graph, operator, IMAGE_RANK).transpose(0, 3, 1, 2)
    image, outputs = _image(graph, operator, x), _image(graph, operator, operator.outputs[0])
    _check_channels(graph, operator, image[1], weights.shape[1])
    given = _window(graph, operator, image, outputs, (weights.shape[2], weights.shape[3]))
    given["groups"] = image[1] // weights.shape[1]
    w = graph.constant_real(number, weights, 0)
    _result(graph, operator, "conv", (graph.real(x), w, *_bias(graph, operator, 2)), given)


def _check_channels(
    graph: TfliteGraph, operator: TfliteOperator, channels: int, in_weights: int
) -> None:
    if channels % in_weights:
        raise InputError(
            f"weights of {operator.name} of {graph.file} must have a divisor of the input's "
            f"{channels} channels, not {in_weights}"
        )


def _depthwise(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x, number = operator.inputs[:2]
    weights = _weights(graph, operator, IMAGE_RANK).transpose(3, 0, 1, 2)
    image, outputs = _image(graph, operator, x), _image(graph, operator, operator.outputs[0])
    _check_channels(graph, operator, weights.shape[0], image[1])
    given = _window(graph, operator, image, outputs, (weights.shape[2], weights.shape[3]))
    given["groups"] = image[1]
    w = graph.constant_real(number, weights, 0)
    _result(graph, operator, "conv", (graph.real(x), w, *_bias(graph, operator, 2)), given)


def _transposed_convolution(graph: TfliteGraph, operator: TfliteOperator) -> None:
    number, x = operator.inputs[1:3]
    weights = _weights(graph, operator, IMAGE_RANK).transpose(3, 0, 1, 2)
    image, outputs = _image(graph, operator, x), _image(graph, operator, operator.outputs[0])
    kernel = (weights.shape[2], weights.shape[3])
    # The convolution whose transpose it is goes from the outputs to the image.
    given = _window(graph, operator, outputs, image, kernel)
    stride, padding = _pair(given["stride"]), _four(given["padding"])
    missing = [
        outputs[2 + axis]
        - ((image[2 + axis] - 1) * stride[axis] + kernel[axis])
        + padding[axis]
        + padding[2 + axis]
        for axis in range(2)
    ]
    given |= {"output_padding": (missing[0], missing[1]), "groups": 1}
    w = graph.constant_real(number, weights, 1)
    inputs = (graph.real(x), w, *_bias(graph, operator, 3))
    _result(graph, operator, "conv_transposed", inputs, given)


def _pair(value: Attribute) -> tuple[int, int]:
    assert isinstance(value, tuple)
    return int(value[0]), int(value[1])


def _four(value: Attribute) -> tuple[int, int, int, int]:
    assert isinstance(value, tuple)
    return int(value[0]), int(value[1]), int(value[2]), int(value[3])


def _linear(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A fully connected layer; it reads an image in the file's order.

    In integers its sums are rounded once, also where each output has a scale of its own, while
    those of a convolution are rounded twice.
    """
    x, number = operator.inputs[:2]
    weights = _weights(graph, operator, 2)
    before = graph.tensor(x).shape
    if prod(before) % weights.shape[1]:
        raise InputError(
            f"weights of {operator.name} of {graph.file} must have as many columns as the input "
            f"has numbers, not {weights.shape[1]} for {list(before)}"
        )
    flat: Shape = (prod(before) // weights.shape[1], weights.shape[1])
    image = graph.reshaped(graph.real(x), before, flat)
    w = graph.constant_real(number, weights, 0)
    after: Shape = (flat[0], weights.shape[0])
    number = operator.outputs[0]
    given: Attributes = {"rounds_once": True} if graph.tensor(number).is_quantised else {}
    real = graph.emit(
        "linear",
        (image, w, *_bias(graph, operator, 2)),
        after,
        _name(graph, number),
        given,
        source=operator.kind,
    )
    real = _activated(graph, operator, real, after)
    real = graph.reshaped(real, after, graph.tensor(number).shape)
    graph.finish(number, real, operator.kind)


def _pool(kind: str) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        x = operator.inputs[0]
        image, outputs = _image(graph, operator, x), _image(graph, operator, operator.outputs[0])
        kernel = (
            _option(graph, operator, "FilterHeight"),
            _option(graph, operator, "FilterWidth"),
        )
        given = _window(graph, operator, image, outputs, kernel)
        given["kernel"] = kernel
        if kind == "average_pool":
            given["count_include_pad"] = False
            del given["dilation"]
        _result(graph, operator, kind, (graph.real(x),), given)

    return append


def _unary(kind: str, **attributes: Attribute) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        given: Attributes = dict(attributes)
        if "Alpha" in operator.options:
            given["alpha"] = float(operator.options["Alpha"])
        if "Approximate" in operator.options:
            given["approximate"] = bool(operator.options["Approximate"])
        _result(graph, operator, kind, (graph.real(operator.inputs[0]),), given)

    return append


def _elementwise(kind: str) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        rank = len(graph.tensor(operator.outputs[0]).shape)
        inputs = tuple(_broadcast(graph, number, rank) for number in operator.inputs[:2])
        _result(graph, operator, kind, inputs)

    return append


def _broadcast(graph: TfliteGraph, number: int, rank: int) -> str:
    """An operand with as many axes as the result has, in the order of the graph."""
    tensor = graph.tensor(number)
    missing = rank - len(tensor.shape)
    if missing <= 0:
        return graph.real(number)
    shape = (1,) * missing + tensor.shape
    values = graph.constant(number)
    if values is None:
        return graph.reshaped(graph.real(number), tensor.shape, shape)
    axis = graph_axis(tensor.axis + missing, rank) if len(tensor.scales) > 1 else 0
    return graph.constant_real(number, values.reshape(shape).transpose(graph_axes(rank)), axis)


def _prelu(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x, slope = operator.inputs[:2]
    rank = len(graph.tensor(x).shape)
    _result(graph, operator, "prelu", (graph.real(x), _broadcast(graph, slope, rank)))


def _reduction(kind: str) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        x, number = operator.inputs[0], operator.outputs[0]
        before = graph.tensor(x).shape
        axes = tuple(int(axis) for axis in graph.known(operator, 1).reshape(-1))
        places = sorted({graph_axis(axis, len(before)) for axis in axes})
        kept = tuple(
            1 if graph_axis(axis, len(before)) in places else size
            for axis, size in enumerate(before)
        )
        real = graph.emit(
            kind,
            (graph.real(x),),
            graph_shape(kept),
            _name(graph, number),
            {"axes": tuple(places), "keepdims": True},
            operator.kind,
        )
        after = graph.tensor(number).shape
        if _order_is_kept(kept, after):
            if kept != after:
                real = graph.emit("reshape", (real,), graph_shape(after), f"{real}/reshaped")
        else:
            real = graph.reshaped(real, kept, after)
        graph.finish(number, real, operator.kind)

    return append


def _order_is_kept(before: Shape, after: Shape) -> bool:
    """Whether a reshape gives the same order of numbers with channels second or last."""

    def moves(shape: Shape) -> bool:
        return len(shape) == IMAGE_RANK and shape[3] > 1 and shape[1] * shape[2] > 1

    return not moves(before) and not moves(after)


def _argmax(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x, number = operator.inputs[0], operator.outputs[0]
    shape = graph.tensor(x).shape
    axis = int(graph.known(operator, 1).reshape(-1)[0])
    place = graph_axis(axis, len(shape))
    kept = tuple(1 if i == axis % len(shape) else size for i, size in enumerate(shape))
    real = graph.emit(
        "argmax",
        (graph.real(x),),
        graph_shape(kept),
        _name(graph, number),
        {"axis": place, "keepdims": True},
        operator.kind,
        np.dtype(np.int64),
    )
    graph.finish(number, graph.reshaped(real, kept, graph.tensor(number).shape))


def _concatenation(graph: TfliteGraph, operator: TfliteOperator) -> None:
    rank = len(graph.tensor(operator.outputs[0]).shape)
    axis = graph_axis(_option(graph, operator, "Axis"), rank)
    inputs = tuple(graph.real(number) for number in operator.inputs)
    _result(graph, operator, "concat", inputs, {"axis": axis})


def _pad(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x = operator.inputs[0]
    rank = len(graph.tensor(x).shape)
    sides = graph.known(operator, 1).reshape(-1, 2)
    if len(sides) != rank:
        raise InputError(
            f"{operator.name} of {graph.file} must have {rank} pairs of paddings, not {len(sides)}"
        )
    moved = sides[list(graph_axes(rank))]
    mode = "constant"
    if operator.kind == "MIRROR_PAD":
        if _option(graph, operator, "Mode") != 0:
            raise InputError(f"{operator.name} of {graph.file} must reflect, not be symmetric")
        mode = "reflect"
    padding = tuple(int(side) for side in moved.T.reshape(-1))
    given: Attributes = {"padding": padding, "value": _pad_value(graph, operator), "mode": mode}
    _result(graph, operator, "pad", (graph.real(x),), given)


def _pad_value(graph: TfliteGraph, operator: TfliteOperator) -> float:
    """The real number outside the image."""
    if operator.kind != "PADV2":
        return 0.0
    value = float(graph.known(operator, 2).reshape(-1)[0])
    tensor = graph.tensor(operator.inputs[2])
    if not tensor.is_quantised:
        return value
    return float(np.float32(value - tensor.zero_points[0]) * np.float32(tensor.scales[0]))


def _reshape(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x, number = operator.inputs[0], operator.outputs[0]
    before, after = graph.tensor(x).shape, graph.tensor(number).shape
    if prod(before) != prod(after):
        raise InputError(
            f"{operator.name} of {graph.file} must keep {prod(before)} numbers, not {prod(after)}"
        )
    graph.finish(number, graph.reshaped(graph.real(x), before, after, operator.kind))


def _transpose(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x = operator.inputs[0]
    order = [int(axis) for axis in graph.known(operator, 1).reshape(-1)]
    rank = len(graph.tensor(x).shape)
    if sorted(order) != list(range(rank)):
        raise InputError(
            f"{operator.name} of {graph.file} must order axes 0 to {rank - 1}, not {order}"
        )
    axes = tuple(graph_axis(order[axis], rank) for axis in graph_axes(rank))
    _result(graph, operator, "transpose", (graph.real(x),), {"axes": axes})


def _softmax(kind: str) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        x = operator.inputs[0]
        real, shape = graph.real(x), graph.shape(x)
        beta = float(operator.options.get("Beta", 1.0))
        if beta != 1.0:
            factor = graph.new_constant(f"{real}/beta", np.array(beta, np.float32))
            real = graph.emit("multiply", (real, factor), shape, f"{real}/scaled")
        _result(graph, operator, kind, (real,), {"axis": graph_axis(-1, len(shape))})

    return append


def _resize(mode: str) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        coordinates, rounding = "asymmetric", "floor"
        if operator.options.get("AlignCorners"):
            coordinates, rounding = "align_corners", "round_prefer_ceil"
        elif operator.options.get("HalfPixelCenters"):
            coordinates, rounding = "half_pixel", "round_prefer_ceil"
        given: Attributes = {"mode": mode, "coordinates": coordinates, "rounding": rounding}
        _image(graph, operator, operator.inputs[0])
        _result(graph, operator, "resize", (graph.real(operator.inputs[0]),), given)

    return append


def _blocks(kind: str) -> Function:
    def append(graph: TfliteGraph, operator: TfliteOperator) -> None:
        _image(graph, operator, operator.inputs[0])
        given: Attributes = {"block": _option(graph, operator, "BlockSize"), "mode": "DCR"}
        _result(graph, operator, kind, (graph.real(operator.inputs[0]),), given)

    return append


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
        _name(graph, number),
        {
            "starts": tuple(start for start, _, _ in moved),
            "ends": tuple(end for _, end, _ in moved),
            "steps": tuple(step for _, _, step in moved),
            "axes": tuple(range(len(shape))),
        },
        source,
    )
    graph.finish(number, graph.reshaped(real, kept, graph.tensor(number).shape), source)


def _slice(graph: TfliteGraph, operator: TfliteOperator) -> None:
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
            raise InputError(f"{operator.name} of {graph.file} must have no {mask}")
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


def _strided_slice(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x = operator.inputs[0]
    shape = graph.tensor(x).shape
    parts = [
        slice(part, part + 1 or None) if isinstance(part, int) else part
        for part in strided_parts(graph, operator, len(shape))
    ]
    _part(graph, x, operator.outputs[0], parts, operator.kind)


def _split(graph: TfliteGraph, operator: TfliteOperator) -> None:
    axis = int(graph.known(operator, 0).reshape(-1)[0])
    x = operator.inputs[1]
    size = graph.tensor(x).shape[axis]
    even = size // len(operator.outputs)
    _split_into(graph, operator, x, axis, [even] * len(operator.outputs))


def _split_by_sizes(graph: TfliteGraph, operator: TfliteOperator) -> None:
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


def _pack(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """Tensors of one shape along a new axis."""
    number = operator.outputs[0]
    after = graph.tensor(number).shape
    axis = int(operator.options.get("Axis", 0)) % len(after)
    single = (*after[:axis], 1, *after[axis + 1 :])
    inputs = tuple(
        graph.reshaped(graph.real(one), graph.tensor(one).shape, single) for one in operator.inputs
    )
    _result(graph, operator, "concat", inputs, {"axis": graph_axis(axis, len(after))})


def _square(graph: TfliteGraph, operator: TfliteOperator) -> None:
    real = graph.real(operator.inputs[0])
    _result(graph, operator, "multiply", (real, real))


def _quantize(graph: TfliteGraph, operator: TfliteOperator) -> None:
    graph.finish(operator.outputs[0], graph.real(operator.inputs[0]), operator.kind)


def _matmul(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """A product of two activations, in the file's order of axes."""
    operands = []
    for number, mask in zip(operator.inputs[:2], ("AdjX", "AdjY"), strict=True):
        shape = graph.tensor(number).shape
        real = graph.in_file_order(graph.real(number), shape)
        if operator.options.get(mask):
            axes = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
            turned = tuple(shape[axis] for axis in axes)
            real = graph.emit("transpose", (real,), turned, f"{real}/turned", {"axes": axes})
        operands.append(real)
    number = operator.outputs[0]
    shape = graph.tensor(number).shape
    real = graph.emit("matmul", operands, shape, _name(graph, number), source=operator.kind)
    graph.finish(number, graph.in_graph_order(real, shape), operator.kind)


def _gather(graph: TfliteGraph, operator: TfliteOperator) -> None:
    x, number = operator.inputs[0], operator.outputs[0]
    shape = graph.tensor(x).shape
    indices = graph.known(operator, 1).astype(np.int64)
    axis = int(operator.options.get("Axis", 0)) % len(shape)
    real = graph.in_file_order(graph.real(x), shape)
    places = graph.new_constant(f"{real}/indices", indices)
    after = graph.tensor(number).shape
    real = graph.emit(
        "gather", (real, places), after, _name(graph, number), {"axis": axis}, operator.kind
    )
    graph.finish(number, graph.in_graph_order(real, after), operator.kind)


def _cast(graph: TfliteGraph, operator: TfliteOperator) -> None:
    number = operator.outputs[0]
    dtype = graph.tensor(number).dtype
    real = graph.emit(
        "cast",
        (graph.real(operator.inputs[0]),),
        graph.shape(number),
        _name(graph, number),
        {"dtype": dtype.name},
        operator.kind,
        dtype,
    )
    graph.finish(number, real, operator.kind)


def _unknown(graph: TfliteGraph, operator: TfliteOperator) -> None:
    """An operator that no kind says, under its own name and with its own order of axes."""
    inputs = tuple(
        graph.in_file_order(graph.real(number), graph.tensor(number).shape) if number >= 0 else ""
        for number in operator.inputs
    )
    for number in operator.outputs:
        shape = graph.tensor(number).shape
        real = graph.emit(
            operator.kind.lower(), inputs, shape, _name(graph, number), {}, operator.kind
        )
        graph.finish(number, graph.in_graph_order(real, shape), operator.kind)


FUNCTIONS: Final[dict[str, Function]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed_convolution,
    "FULLY_CONNECTED": _linear,
    "AVERAGE_POOL_2D": _pool("average_pool"),
    "MAX_POOL_2D": _pool("max_pool"),
    "LOGISTIC": _unary("sigmoid"),
    "TANH": _unary("tanh"),
    "HARD_SWISH": _unary("hard_swish"),
    "RELU": _unary("clamp", minimum=0.0, maximum=None),
    "RELU6": _unary("clamp", minimum=0.0, maximum=6.0),
    "RELU_N1_TO_1": _unary("clamp", minimum=-1.0, maximum=1.0),
    "RELU_0_TO_1": _unary("clamp", minimum=0.0, maximum=1.0),
    "LEAKY_RELU": _unary("leaky_relu"),
    "ELU": _unary("elu", alpha=1.0),
    "GELU": _unary("gelu"),
    "EXP": _unary("exp"),
    "LOG": _unary("log"),
    "SQRT": _unary("sqrt"),
    "ABS": _unary("absolute"),
    "NEG": _unary("negate"),
    "PRELU": _prelu,
    "ADD": _elementwise("add"),
    "SUB": _elementwise("subtract"),
    "MUL": _elementwise("multiply"),
    "DIV": _elementwise("divide"),
    "MINIMUM": _elementwise("minimum"),
    "MAXIMUM": _elementwise("maximum"),
    "POW": _elementwise("power"),
    "MEAN": _reduction("reduce_mean"),
    "SUM": _reduction("reduce_sum"),
    "REDUCE_MAX": _reduction("reduce_max"),
    "ARG_MAX": _argmax,
    "CONCATENATION": _concatenation,
    "PACK": _pack,
    "SQUARE": _square,
    "PAD": _pad,
    "PADV2": _pad,
    "MIRROR_PAD": _pad,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "TRANSPOSE": _transpose,
    "SOFTMAX": _softmax("softmax"),
    "LOG_SOFTMAX": _softmax("log_softmax"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
    "RESIZE_BILINEAR": _resize("linear"),
    "DEPTH_TO_SPACE": _blocks("depth_to_space"),
    "SPACE_TO_DEPTH": _blocks("space_to_depth"),
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _split,
    "SPLIT_V": _split_by_sizes,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _quantize,
    "BATCH_MATMUL": _matmul,
    "GATHER": _gather,
    "CAST": _cast,
}
"""Kind of the file -> what appends it."""

_NUM_INPUTS: Final = {
    kind: 2
    for kind, function in FUNCTIONS.items()
    if function in (_convolution, _depthwise, _linear, _pad, _prelu, _transpose, _split, _matmul)
    or kind in "ADD SUB MUL DIV MINIMUM MAXIMUM POW".split()
} | {"TRANSPOSE_CONV": 3, "SLICE": 3, "STRIDED_SLICE": 4, "SPLIT_V": 3}
"""Inputs that a kind cannot do without; the others need one."""
