"""Operators that move numbers: shapes, axes, parts, padding, joining, resizing."""

from collections.abc import Sequence
from math import prod
from typing import Final

import numpy as np

from naas_hw.graph.importers.aten.call import Call, Translation, UnsupportedError
from naas_hw.graph.importers.aten.images import as_image, image_shape
from naas_hw.graph.importers.builder import Shape


def reshape(call: Call) -> str:
    """Whatever changes the shape only."""
    x = call.tensor("self", "input", "tensor")
    if prod(call.builder.shape(x)) != prod(call.shape):
        raise UnsupportedError(f"a reshape must keep the {prod(call.builder.shape(x))} numbers")
    return call.reshaped(x, call.shape)


def same(call: Call) -> str:
    """What does nothing at inference."""
    if call.argument("train", False):
        raise UnsupportedError("dropout must be in evaluation mode")
    return call.tensor("self", "input")


def dropout_with_mask(call: Call) -> list[str]:
    """`native_dropout`, whose mask nothing reads in evaluation mode."""
    return [same(call)]


def cast(call: Call) -> str:
    """A change of the number format; all floating-point formats are float32 here."""
    x = call.tensor("self", "input")
    return x if call.builder.dtype(x) == call.dtype else call.cast(x, call.dtype)


def permute(call: Call) -> str:
    """`permute`."""
    x = call.tensor("self", "input")
    rank = len(call.builder.shape(x))
    return call.transposed(x, [axis % rank for axis in call.integers("dims")])


def transpose(call: Call) -> str:
    """`transpose` and `t`: two axes exchanged."""
    x = call.tensor("self", "input")
    rank = len(call.builder.shape(x))
    axes = list(range(rank))
    if rank < 2:
        return x
    first, second = call.axis("dim0", 0, rank), call.axis("dim1", 1, rank)
    axes[first], axes[second] = axes[second], axes[first]
    return call.transposed(x, axes)


def move_axes(call: Call) -> str:
    """`movedim`."""
    x = call.tensor("self", "input")
    rank = len(call.builder.shape(x))
    source = [axis % rank for axis in call.integers("source")]
    target = [axis % rank for axis in call.integers("destination")]
    others = iter(axis for axis in range(rank) if axis not in source)
    places = dict(zip(target, source, strict=True))
    return call.transposed(
        x, [places[axis] if axis in places else next(others) for axis in range(rank)]
    )


def expand(call: Call) -> str:
    """`expand`, `expand_as` and `broadcast_to`."""
    x = call.tensor("self", "input")
    return x if call.builder.shape(x) == call.shape else call.emit("expand", [x])


def part(call: Call, x: str, axis: int, start: int, end: int, step: int = 1) -> str:
    """The elements `start` to `end` of an axis, every `step`-th."""
    shape = list(call.builder.shape(x))
    size = shape[axis]
    start, end, step = slice(start, end, step).indices(size)
    if (start, end, step) == (0, size, 1):
        return x
    shape[axis] = len(range(start, end, step))
    return call.emit(
        "slice",
        [x],
        shape,
        dtype=call.builder.dtype(x),
        starts=(start,),
        ends=(end,),
        steps=(step,),
        axes=(axis,),
    )


def take_slice(call: Call) -> str:
    """`slice`."""
    x = call.tensor("self", "input")
    axis = call.axis("dim", 0, len(call.builder.shape(x)))
    start, end = int(call.number("start", 0)), int(call.number("end", 1 << 62))
    return part(call, x, axis, start, end, int(call.number("step", 1)))


def narrow(call: Call) -> str:
    """`narrow`."""
    x = call.tensor("self", "input")
    axis = call.axis("dim", 0, len(call.builder.shape(x)))
    start = int(call.number("start"))
    start += call.builder.shape(x)[axis] if start < 0 else 0
    return part(call, x, axis, start, start + int(call.number("length")))


def select(call: Call) -> str:
    """`select`: one element of an axis, which disappears."""
    x = call.tensor("self", "input")
    shape = call.builder.shape(x)
    axis = call.axis("dim", 0, len(shape))
    index = int(call.number("index")) % shape[axis]
    return call.reshaped(part(call, x, axis, index, index + 1), call.shape)


def split(call: Call) -> list[str]:
    """`split`, `split_with_sizes` and `chunk`."""
    x = call.tensor("self", "input", "tensor")
    shape = call.builder.shape(x)
    axis = call.axis("dim", 0, len(shape))
    if call.operator.kind == "chunk":
        sizes: Sequence[int] = [-(-shape[axis] // int(call.number("chunks")))]
    else:
        sizes = call.integers("split_sizes" if call.has("split_sizes") else "split_size")
    if len(sizes) == 1:
        sizes = [sizes[0]] * -(-shape[axis] // sizes[0])
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return [
        part(call, x, axis, start, start + size) for start, size in zip(starts, sizes, strict=True)
    ]


def unbind(call: Call) -> list[str]:
    """`unbind`: each element of an axis, which disappears."""
    x = call.tensor("self", "input")
    shape = call.builder.shape(x)
    axis = call.axis("dim", 0, len(shape))
    parts = [part(call, x, axis, index, index + 1) for index in range(shape[axis])]
    return [call.reshaped(name, (*shape[:axis], *shape[axis + 1 :])) for name in parts]


def concat(call: Call) -> str:
    """`cat`; empty tensors without axes of their own are left out."""
    parts = [name for name in call.tensors("tensors") if call.builder.shape(name) != (0,)]
    axis = call.axis("dim", 0, len(call.shape))
    return call.emit("concat", parts, axis=axis) if len(parts) > 1 else parts[0]


def stack(call: Call) -> str:
    """`stack`: `cat` along a new axis."""
    axis = call.axis("dim", 0, len(call.shape))
    shape = tuple(1 if place == axis else size for place, size in enumerate(call.shape))
    parts = [call.reshaped(name, shape) for name in call.tensors("tensors")]
    return call.emit("concat", parts, axis=axis) if len(parts) > 1 else parts[0]


_PADDING_MODES: Final = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


def pad(call: Call) -> str:
    """`pad` and its own operators for each mode."""
    x = call.tensor("self")
    rank = len(call.builder.shape(x))
    widths = call.integers("pad" if call.has("pad") else "padding")
    before, after = [0] * rank, [0] * rank
    for index, width in enumerate(widths):
        side = after if index % 2 else before
        side[rank - 1 - index // 2] = width
    named = {"reflection_": "reflect", "replication_": "replicate"}
    kind = call.operator.kind
    mode = next((mode for start, mode in named.items() if kind.startswith(start)), None)
    mode = mode or str(call.argument("mode", "constant"))
    if mode not in _PADDING_MODES:
        raise UnsupportedError(f"padding must be constant, reflect or replicate, not {mode}")
    return call.emit(
        "pad",
        [x],
        padding=(*before, *after),
        value=float(call.number("value", 0)),
        mode=_PADDING_MODES[mode],
    )


def resize(call: Call) -> str:
    """`upsample_nearest*`, `upsample_bilinear2d`, `upsample_bicubic2d` and their like."""
    kind = call.operator.kind
    rank = 1 if "1d" in kind or kind == "upsample_linear1d" else 2
    image = as_image(call, call.tensor("self", "input"), rank)
    shape = image_shape(call.shape, rank)
    if kind.startswith("_upsample_nearest_exact"):
        how = ("nearest", "half_pixel", "round_prefer_ceil")
    elif "nearest" in kind:
        how = ("nearest", "asymmetric", "floor")
    else:
        coordinates = "align_corners" if call.argument("align_corners", False) else "half_pixel"
        how = ("cubic" if "cubic" in kind else "linear", coordinates, "round_prefer_floor")
    result = call.emit(
        "resize",
        [image],
        shape,
        mode=how[0],
        coordinates=how[1],
        rounding=how[2],
        scales=_scales(call, call.builder.shape(image), shape, rank),
    )
    return call.reshaped(result, call.shape)


def _scales(call: Call, before: Shape, after: Shape, rank: int) -> tuple[float, ...]:
    """Factors of all four axes: those that are given, else quotients of the sizes."""
    given = call.argument("scale_factors") or [
        call.argument(name) for name in ("scales_h", "scales_w", "scales")[2 * (2 - rank) :][:rank]
    ]
    factors = [
        float(factor) if factor else new / old
        for factor, new, old in zip(given, after[4 - rank :], before[4 - rank :], strict=True)
    ]
    return (*([1.0] * (4 - rank)), *factors)


def pixel_shuffle(call: Call) -> str:
    """`pixel_shuffle` and `pixel_unshuffle` of an image."""
    x = call.tensor("self")
    is_up = call.operator.kind == "pixel_shuffle"
    block = int(call.number("upscale_factor" if is_up else "downscale_factor"))
    result = call.emit(
        "depth_to_space" if is_up else "space_to_depth",
        [as_image(call, x, 2)],
        image_shape(call.shape, 2),
        block=block,
        mode="CRD",
    )
    return call.reshaped(result, call.shape)


def channel_shuffle(call: Call) -> str:
    """`channel_shuffle`, as a transpose between two reshapes."""
    x = call.tensor("self", "input")
    shape = call.builder.shape(x)
    groups = int(call.number("groups"))
    split_shape = (shape[0], groups, shape[1] // groups, *shape[2:])
    moved = call.transposed(call.reshaped(x, split_shape), (0, 2, 1, *range(3, len(split_shape))))
    return call.reshaped(moved, shape)


def gather(call: Call) -> str:
    """`index_select`, `embedding`, and `index` with one tensor of indices."""
    x = call.tensor("self", "weight")
    if call.operator.kind == "index":
        given = [(axis, item) for axis, item in enumerate(call.argument("indices")) if item]
        if len(given) != 1:
            raise UnsupportedError(f"an index must be along one axis, not {len(given)}")
        axis, indices = given[0][0], call.tensors("indices")[0]
    else:
        indices = call.tensor("indices", "index")
        axis = call.axis("dim", 0, len(call.builder.shape(x)))
    if call.builder.dtype(indices) == np.bool_:
        raise UnsupportedError("an index must be integers, not truth values")
    return call.emit("gather", [x, indices], axis=axis)


TRANSLATIONS: Final[dict[str, Translation]] = {
    **dict.fromkeys(
        "_unsafe_view flatten reshape squeeze unflatten unsqueeze view view_as".split(),
        reshape,
    ),
    **dict.fromkeys(
        "alias alpha_dropout clone contiguous detach dropout feature_alpha_dropout "
        "feature_dropout identity lift_fresh_copy lift_fresh".split(),
        same,
    ),
    "native_dropout": dropout_with_mask,
    **dict.fromkeys(
        "_to_copy bfloat16 bool byte double float half int long to type type_as".split(), cast
    ),
    "permute": permute,
    **dict.fromkeys(("transpose", "t", "swapaxes"), transpose),
    **dict.fromkeys(("movedim", "moveaxis"), move_axes),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), expand),
    "slice": take_slice,
    "narrow": narrow,
    "select": select,
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), split),
    "unbind": unbind,
    **dict.fromkeys(("cat", "concat", "concatenate"), concat),
    "stack": stack,
    **dict.fromkeys(
        "pad constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d "
        "replication_pad2d".split(),
        pad,
    ),
    **dict.fromkeys(
        "upsample_nearest1d upsample_nearest2d _upsample_nearest_exact1d "
        "_upsample_nearest_exact2d upsample_linear1d upsample_bilinear2d "
        "upsample_bicubic2d".split(),
        resize,
    ),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), pixel_shuffle),
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), channel_shuffle),
    **dict.fromkeys(("index_select", "embedding", "index"), gather),
}
