"""The shape and type of what each kind of operator makes."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from naas_hw.graph.float_kernels.windows import output_size

Shape = tuple[int, ...]
Attributes = Mapping[str, Any]
Rule = Callable[[Sequence[Shape], Attributes], Shape]


def output_shape(kind: str, attributes: Attributes, inputs: Sequence[Shape]) -> Shape | None:
    """The output's shape; None where a kind's attributes and inputs do not tell it.

    Parameters
    ----------
    inputs : shapes, in order; of an input that is missing, ().

    Raises
    ------
    ValueError : the inputs do not fit together.
    """
    rule = _RULES.get(kind)
    if rule is None:
        return None
    shape = rule(inputs, attributes)
    if any(size < 0 for size in shape):
        raise ValueError(f"an output must have sizes of 0 or more, not {list(shape)}")
    return shape


def fitting_shape(
    kind: str, attributes: Attributes, inputs: Sequence[Shape], wanted: Shape
) -> Shape:
    """`wanted` where the output may have that shape, else another one that it may have.

    Parameters
    ----------
    wanted : what `reshape`, `expand` and `resize` need to be told.

    Raises
    ------
    ValueError : the inputs do not fit together.
    """
    made = output_shape(kind, attributes, inputs)
    if made is not None:
        return made
    if kind == "reshape" and math.prod(inputs[0]) != math.prod(wanted):
        return inputs[0]
    if kind == "resize":
        return (*inputs[0][:2], *wanted[2:]) if len(wanted) == len(inputs[0]) else inputs[0]
    if kind == "expand":
        return np.broadcast_shapes(inputs[0], wanted)
    return wanted


def output_dtype(kind: str, attributes: Attributes, inputs: Sequence[np.dtype[Any]]) -> Any:
    """The output's type, where the first input's is not it."""
    if kind in ("quantize", "cast"):
        return np.dtype(attributes["dtype"])
    if kind == "dequantize":
        return np.dtype(np.float32)
    if kind == "argmax":
        return np.dtype(np.int64)
    return inputs[0]


def _same(inputs: Sequence[Shape], _a: Attributes) -> Shape:
    return inputs[0]


def _batch_norm(inputs: Sequence[Shape], _a: Attributes) -> Shape:
    channels = inputs[0][1:2]
    for shape in inputs[1:]:
        if shape != channels:
            raise ValueError(f"statistics must be {list(channels)}, not {list(shape)}")
    return inputs[0]


def _check_bias(inputs: Sequence[Shape], outputs: int) -> None:
    """A bias is one number for each output channel; () stands for none."""
    if len(inputs) > 2 and inputs[2] not in ((), (outputs,)):
        raise ValueError(f"a bias must be [{outputs}], not {list(inputs[2])}")


def _normalised(inputs: Sequence[Shape], _a: Attributes) -> Shape:
    if np.broadcast_shapes(*inputs) != inputs[0]:
        raise ValueError(f"factors must fit {list(inputs[0])}, not {[list(x) for x in inputs[1:]]}")
    return inputs[0]


def _broadcast(inputs: Sequence[Shape], _a: Attributes) -> Shape:
    return np.broadcast_shapes(*inputs[:2])


def _image(inputs: Sequence[Shape]) -> Shape:
    if len(inputs[0]) != 4:
        raise ValueError(f"an image must have 4 axes, not {len(inputs[0])}")
    return inputs[0]


def _conv(inputs: Sequence[Shape], a: Attributes) -> Shape:
    images, channels, *sizes = _image(inputs)
    outputs, each, *kernel = inputs[1]
    groups = a.get("groups", 1)
    if groups < 1 or each * groups != channels or outputs % groups:
        raise ValueError(
            f"weights must be for {channels} channels in {groups} groups, not {list(inputs[1])}"
        )
    _check_bias(inputs, outputs)
    return images, outputs, *_positions(sizes, kernel, a)


def _conv_transposed(inputs: Sequence[Shape], a: Attributes) -> Shape:
    images, channels, *sizes = _image(inputs)
    first, outputs, *kernel = inputs[1]
    if first != channels:
        raise ValueError(f"weights must be for {channels} channels, not {list(inputs[1])}")
    top, left, bottom, right = a["padding"]
    rows, columns = (
        (size - 1) * step + reach * (taps - 1) + 1 + extra - cut
        for size, step, reach, taps, extra, cut in zip(
            sizes,
            a["stride"],
            a.get("dilation", (1, 1)),
            kernel,
            a.get("output_padding", (0, 0)),
            (top + bottom, left + right),
            strict=True,
        )
    )
    groups = a.get("groups", 1)
    if groups < 1 or channels % groups:
        raise ValueError(f"groups must divide {channels} channels, not be {groups}")
    _check_bias(inputs, outputs * groups)
    return images, outputs * groups, rows, columns


def _pool(inputs: Sequence[Shape], a: Attributes) -> Shape:
    images, channels, *sizes = _image(inputs)
    return images, channels, *_positions(sizes, a["kernel"], a)


def _positions(sizes: Sequence[int], kernel: Sequence[int], a: Attributes) -> Shape:
    top, left, bottom, right = a["padding"]
    positions = tuple(
        output_size(size, taps, step, padding, reach)
        for size, taps, step, padding, reach in zip(
            sizes,
            kernel,
            a["stride"],
            (top + bottom, left + right),
            a.get("dilation", (1, 1)),
            strict=True,
        )
    )
    if min(positions) < 1:
        raise ValueError(f"a kernel of {list(kernel)} must fit into the image {list(sizes)}")
    return positions


def _linear(inputs: Sequence[Shape], _a: Attributes) -> Shape:
    if not inputs[0] or len(inputs[1]) != 2 or inputs[0][-1] != inputs[1][1]:
        raise ValueError(f"weights {list(inputs[1])} must fit the input {list(inputs[0])}")
    _check_bias(inputs, inputs[1][0])
    return *inputs[0][:-1], inputs[1][0]


def _matmul(inputs: Sequence[Shape], _a: Attributes) -> Shape:
    a, b = inputs[:2]
    rows, columns = a if len(a) > 1 else (1, *a), b if len(b) > 1 else (*b, 1)
    if not a or not b or rows[-1] != columns[-2]:
        raise ValueError(f"matrices must fit together, not {list(a)} and {list(b)}")
    return (
        *np.broadcast_shapes(rows[:-2], columns[:-2]),
        *(rows[-2:-1] if len(a) > 1 else ()),
        *(columns[-1:] if len(b) > 1 else ()),
    )


def _reduce(inputs: Sequence[Shape], a: Attributes) -> Shape:
    rank = len(inputs[0])
    axes = {axis % rank for axis in a.get("axes", (a.get("axis"),))}
    kept = a.get("keepdims", True)
    return tuple(
        1 if axis in axes else size
        for axis, size in enumerate(inputs[0])
        if kept or axis not in axes
    )


def _concat(inputs: Sequence[Shape], a: Attributes) -> Shape:
    axis = a["axis"] % len(inputs[0])
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in inputs}
    if len(others) > 1:
        raise ValueError(f"parts must fit together, not {[list(shape) for shape in inputs]}")
    total = sum(shape[axis] for shape in inputs)
    return *inputs[0][:axis], total, *inputs[0][axis + 1 :]


def _slice(inputs: Sequence[Shape], a: Attributes) -> Shape:
    shape = list(inputs[0])
    for axis, start, end, step in zip(a["axes"], a["starts"], a["ends"], a["steps"], strict=True):
        shape[axis] = len(range(*slice(start, end, step).indices(shape[axis])))
    return tuple(shape)


def _pad(inputs: Sequence[Shape], a: Attributes) -> Shape:
    rank = len(inputs[0])
    before, after = a["padding"][:rank], a["padding"][rank:]
    return tuple(sum(sizes) for sizes in zip(inputs[0], before, after, strict=True))


def _depth_to_space(inputs: Sequence[Shape], a: Attributes) -> Shape:
    images, channels, rows, columns = _image(inputs)
    block = a["block"]
    if channels % block**2:
        raise ValueError(f"channels must be a multiple of {block**2}, not {channels}")
    return images, channels // block**2, rows * block, columns * block


def _space_to_depth(inputs: Sequence[Shape], a: Attributes) -> Shape:
    images, channels, rows, columns = _image(inputs)
    block = a["block"]
    if rows % block or columns % block:
        raise ValueError(f"rows and columns must be multiples of {block}, not {rows}, {columns}")
    return images, channels * block**2, rows // block, columns // block


def _transpose(inputs: Sequence[Shape], a: Attributes) -> Shape:
    if sorted(a["axes"]) != list(range(len(inputs[0]))):
        raise ValueError(f"axes must order {len(inputs[0])} axes, not {list(a['axes'])}")
    return tuple(inputs[0][axis] for axis in a["axes"])


def _gather(inputs: Sequence[Shape], a: Attributes) -> Shape:
    axis = a["axis"] % len(inputs[0])
    return *inputs[0][:axis], *inputs[1], *inputs[0][axis + 1 :]


_SAME: Final = (
    "quantize dequantize clamp sigmoid tanh hard_swish hard_sigmoid silu softplus mish "
    "exp log sqrt absolute negate erf gelu leaky_relu elu softmax log_softmax cast "
    "identity local_response_norm"
)
_BROADCAST: Final = "add subtract multiply divide minimum maximum power"
_RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(_SAME.split(), _same),
    **dict.fromkeys(_BROADCAST.split(), _broadcast),
    **dict.fromkeys(("max_pool", "average_pool"), _pool),
    **dict.fromkeys(("reduce_mean", "reduce_sum", "reduce_max", "argmax"), _reduce),
    **dict.fromkeys(("layer_norm", "prelu"), _normalised),
    "batch_norm": _batch_norm,
    "conv": _conv,
    "conv_transposed": _conv_transposed,
    "linear": _linear,
    "matmul": _matmul,
    "concat": _concat,
    "slice": _slice,
    "pad": _pad,
    "depth_to_space": _depth_to_space,
    "space_to_depth": _space_to_depth,
    "transpose": _transpose,
    "gather": _gather,
}


def reshaped(shape: Shape, wanted: Sequence[int]) -> Shape:
    """`wanted` with its one size of -1 resolved.

    Raises
    ------
    ValueError : the numbers of elements differ.
    """
    known = math.prod(size for size in wanted if size != -1)
    total = math.prod(shape)
    if list(wanted).count(-1) == 1 and known and total % known == 0:
        return tuple(total // known if size == -1 else size for size in wanted)
    if min(wanted, default=0) < 0 or known != total:
        raise ValueError(f"a shape of {total} elements must be given, not {list(wanted)}")
    return tuple(wanted)
