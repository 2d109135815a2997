"""Operators that move numbers."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from naas_hw.graph.float_kernels.resampling import resized_shape
from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.handler import Handler
from naas_hw.graph.importers.onnx_operators.unknown import keep_unknown
from naas_hw.graph.shapes import Shape, reshaped


def reshape(node: Node) -> None:
    """`Reshape`: a size of 0 is that of the input, one of -1 what is left."""
    wanted = node.integers("shape", 1)
    if wanted is None:
        raise node.error("a shape must be given")
    before = node.shape()
    if not node.get("allowzero", 0):
        wanted = tuple(
            before[axis] if size == 0 and axis < len(before) else size
            for axis, size in enumerate(wanted)
        )
    _finish(node, wanted)


def flatten(node: Node) -> None:
    """`Flatten`: two axes are left."""
    shape = node.shape()
    axis = node.get("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    _finish(node, (int(np.prod(shape[:axis], dtype=np.int64)), -1))


def squeeze(node: Node) -> None:
    """`Squeeze`: axes of size 1 go."""
    shape = node.shape()
    axes = node.integers("axes", 1)
    if axes is None:
        axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
    gone = {node.checked_axis(axis, len(shape)) for axis in axes}
    _finish(node, tuple(size for axis, size in enumerate(shape) if axis not in gone))


def unsqueeze(node: Node) -> None:
    """`Unsqueeze`: axes of size 1 come in."""
    axes = node.integers("axes", 1) or ()
    rank = len(node.shape()) + len(axes)
    new = {node.checked_axis(axis, rank) for axis in axes}
    sizes = iter(node.shape())
    _finish(node, tuple(1 if axis in new else next(sizes, 1) for axis in range(rank)))


def _finish(node: Node, wanted: Sequence[int]) -> None:
    try:
        shape = reshaped(node.shape(), wanted)
    except ValueError as error:
        raise node.error(str(error)) from None
    node.reshape(node.input(0), shape, last=True)


def transpose(node: Node) -> None:
    """`Transpose`; without an order, the axes are reversed."""
    axes = node.integers("perm", 0) or tuple(reversed(range(len(node.shape()))))
    node.transpose(node.input(0), axes, last=True)


def expand(node: Node) -> None:
    """`Expand`, whose shape is broadcast with that of its input."""
    wanted = node.integers("shape", 1) or ()
    try:
        shape = np.broadcast_shapes(node.shape(), wanted)
    except ValueError:
        raise node.error(f"{list(node.shape())} must fit the shape {list(wanted)}") from None
    node.add("expand", (node.input(0),), shape=shape, last=True)


def tile(node: Node) -> None:
    """`Tile`: the tensor beside itself."""
    repeats = node.integers("repeats", 1) or ()
    result = node.required(0)
    for axis, count in enumerate(repeats):
        if count != 1:
            result = node.add("concat", (result,) * count, {"axis": axis})
    node.add("identity", (result,), last=True)


def concat(node: Node) -> None:
    """`Concat`; the axis was 1 by default before opset 4."""
    names = tuple(node.required(index) for index in range(len(node.inputs)))
    node.add("concat", names, {"axis": node.axis("axis", 1, len(node.shape()))}, last=True)


def slice_(node: Node) -> None:
    """`Slice`: attributes before opset 10, inputs after."""
    starts, ends = node.integers("starts", 1) or (), node.integers("ends", 2) or ()
    axes = node.integers("axes", 3) or tuple(range(len(starts)))
    steps = node.integers("steps", 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise node.error("starts, ends, axes and steps must be of one length")
    add_slice(node, starts, ends, axes, steps)


def add_slice(
    node: Node,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
    steps: Sequence[int],
) -> None:
    """The node's last operator: a part, its ends inside the tensor."""
    shape = node.shape()
    axes = [node.checked_axis(axis, len(shape)) for axis in axes]
    if 0 in steps:
        raise node.error("steps must be numbers other than 0")
    parts = [
        slice(start, end, step).indices(shape[axis])
        for start, end, step, axis in zip(starts, ends, steps, axes, strict=True)
    ]
    attributes: dict[str, Attribute] = {
        "starts": tuple(part[0] for part in parts),
        # Behind the first element, an end of -1 would mean the last one.
        "ends": tuple(
            -shape[axis] - 1 if part[1] < 0 else part[1]
            for part, axis in zip(parts, axes, strict=True)
        ),
        "steps": tuple(part[2] for part in parts),
        "axes": tuple(axes),
    }
    node.add("slice", (node.input(0),), attributes, last=True)


def split(node: Node) -> None:
    """`Split` becomes a slice for each output."""
    shape = node.shape()
    axis = node.axis("axis", 0, len(shape))
    sizes = node.integers("split", 1)
    if sizes is None:
        count = len(node.outputs)
        each = -(-shape[axis] // count)
        sizes = tuple(min(each, shape[axis] - i * each) for i in range(count))
    if sum(sizes) != shape[axis] or len(sizes) != len(node.outputs):
        raise node.error(f"the parts must have {shape[axis]} together, not {list(sizes)}")
    start = 0
    for output, size in zip(node.outputs, sizes, strict=True):
        if output:
            add_slice(node.making(output), [start], [start + size], [axis], [1])
        start += size


def gather(node: Node) -> None:
    """`Gather`; indices that count from the end are counted from the start."""
    axis = node.axis("axis", 0, len(node.shape()))
    indices = node.required(1)
    known = node.builder.values(indices)
    if known is not None:
        size = node.shape()[axis]
        if known.size and not -size <= known.min() <= known.max() < size:
            raise node.error(f"indices must be {-size} to {size - 1}")
        indices = node.constant("indices", np.where(known < 0, known + size, known))
    node.add("gather", (node.input(0), indices), {"axis": axis}, last=True)


def pad(node: Node) -> None:
    """`Pad`: attributes before opset 11 (`paddings` at first), inputs after."""
    mode = node.get("mode", "constant")
    rank = len(node.shape())
    sides = node.integers("paddings", 0) or node.integers("pads", 1)
    axes = node.integers("", 3)
    if sides is None or len(sides) != 2 * (rank if axes is None else len(axes)):
        raise node.error(f"pads must be {2 * rank} numbers")
    if axes is not None:
        sides = _all_axes(node, sides, axes, rank)
    if mode not in ("constant", "reflect", "edge"):
        keep_unknown(node)
        return
    value = node.number("value", 2) or 0.0
    attributes: dict[str, Attribute] = {"padding": sides, "value": value, "mode": mode}
    node.add("pad", (node.input(0),), attributes, last=True)


def _all_axes(
    node: Node, sides: tuple[int, ...], axes: tuple[int, ...], rank: int
) -> tuple[int, ...]:
    """Padding of all axes, from that of some."""
    result = [0] * (2 * rank)
    for index, axis in enumerate(axes):
        place = node.checked_axis(axis, rank)
        result[place], result[place + rank] = sides[index], sides[index + len(axes)]
    return tuple(result)


def resize(node: Node) -> None:
    """`Resize` and `Upsample`: scales or sizes, of all axes or of some."""
    shape = node.shape()
    mode = {"bilinear": "linear", "trilinear": "linear"}.get(
        node.get("mode", "nearest"), node.get("mode", "nearest")
    )
    first = 1 if node.operator == "Upsample" or node.opset < 11 else 2
    sizes = node.integers("", 3) if node.operator == "Resize" and node.opset >= 11 else None
    given = node.get("scales") or node.values(first)
    scales = None if given is None or not len(given) else [float(scale) for scale in given]
    if node.operator == "Upsample" and scales is None:
        scales = [1.0, 1.0, node.get("height_scale", 1.0), node.get("width_scale", 1.0)]
    if unusual_resize(node, mode):
        keep_unknown(node)
        return
    output, factors = _target(node, shape, sizes, scales)
    attributes: dict[str, Attribute] = {"mode": mode, **_coordinates(node), "scales": factors}
    node.add("resize", (node.input(0),), attributes, last=True, shape=output)


def unusual_resize(node: Node, mode: str) -> bool:
    """Whether a node asks for a way of resizing that nothing here computes."""
    return (
        node.get("coordinate_transformation_mode") == "tf_crop_and_resize"
        or bool(node.get("antialias", 0))
        or (mode == "cubic" and bool(node.get("exclude_outside", 0)))
        or node.get("cubic_coeff_a", -0.75) != -0.75
    )


def _coordinates(node: Node) -> dict[str, Attribute]:
    if node.operator == "Upsample" or node.opset < 11:
        return {"coordinates": "asymmetric", "rounding": "floor"}
    return {
        "coordinates": node.get("coordinate_transformation_mode", "half_pixel"),
        "rounding": node.get("nearest_mode", "round_prefer_floor"),
    }


def _target(
    node: Node,
    shape: Shape,
    sizes: tuple[int, ...] | None,
    scales: list[float] | None,
) -> tuple[Shape, tuple[float, ...]]:
    """Shape of the output and scale of each axis."""
    axes = [node.checked_axis(axis, len(shape)) for axis in node.get("axes") or range(len(shape))]
    given = sizes or scales
    if given is None or len(given) != len(axes):
        raise node.error(f"scales or sizes must be given for {len(axes)} axes")
    factors = [1.0] * len(shape)
    output = list(shape)
    if scales and not sizes:
        for axis, scale in zip(axes, scales, strict=True):
            factors[axis] = scale
        return resized_shape(shape, factors), tuple(factors)
    assert sizes is not None
    wanted = _kept_ratio(node, [shape[axis] for axis in axes], sizes)
    for axis, size in zip(axes, wanted, strict=True):
        output[axis], factors[axis] = size, size / shape[axis]
    return tuple(output), tuple(factors)


def _kept_ratio(node: Node, before: Sequence[int], sizes: Sequence[int]) -> Sequence[int]:
    """Sizes under `keep_aspect_ratio_policy`."""
    policy = node.get("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return sizes
    ratios = [size / length for size, length in zip(sizes, before, strict=True)]
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    return [int(np.floor(length * ratio + 0.5)) for length in before]


def depth_to_space(node: Node) -> None:
    """`DepthToSpace`."""
    attributes = {"block": node.get("blocksize"), "mode": node.get("mode", "DCR")}
    node.add("depth_to_space", (node.required(0),), attributes, last=True)


def space_to_depth(node: Node) -> None:
    """`SpaceToDepth`, whose channels are ordered as DCR of its opposite."""
    attributes = {"block": node.get("blocksize"), "mode": node.get("mode", "DCR")}
    node.add("space_to_depth", (node.required(0),), attributes, last=True)


HANDLERS: Final[dict[str, Handler]] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Expand": expand,
    "Tile": tile,
    "Concat": concat,
    "Slice": slice_,
    "Split": split,
    "Gather": gather,
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
