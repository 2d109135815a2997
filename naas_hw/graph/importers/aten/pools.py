"""Pooling, with the rounding of sizes resolved, and pooling to a fixed size."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from naas_hw.graph.importers.aten.call import Attributes, Call, Pair, Translation, UnsupportedError
from naas_hw.graph.importers.aten.images import as_image, image_shape

Windows = list[tuple[int, int]]
"""Begin and end of the window of each output along an axis."""


def max_pool(call: Call) -> str | list[str]:
    """`max_pool1d`, `max_pool2d` and those with indices."""
    rank = _rank(call)
    image = as_image(call, call.tensor("self"), rank)
    kernel = _kernel(call, rank)
    stride = call.pair("stride", 1, rank=rank) if call.integers("stride") else kernel
    dilation = call.pair("dilation", 1, rank=rank)
    before = call.pair("padding", 0, rank=rank)
    shape = image_shape(call.shape, rank)
    after = _padding_after(call.builder.shape(image), shape, kernel, stride, before, dilation)
    result = call.emit(
        "max_pool",
        [image],
        shape,
        kernel=kernel,
        stride=stride,
        padding=(*before, *after),
        dilation=dilation,
    )
    result = call.reshaped(result, call.shape)
    return [result] if call.operator.kind.endswith("with_indices") else result


def average_pool(call: Call) -> str:
    """`avg_pool1d` and `avg_pool2d`."""
    rank = _rank(call)
    image = as_image(call, call.tensor("self"), rank)
    kernel = _kernel(call, rank)
    stride = call.pair("stride", 1, rank=rank) if call.integers("stride") else kernel
    before = call.pair("padding", 0, rank=rank)
    counts = bool(call.argument("count_include_pad", True))
    shape = image_shape(call.shape, rank)
    if call.has("divisor_override"):
        counts = True
    after = _padding_after(call.builder.shape(image), shape, kernel, stride, before, (1, 1))
    if counts and any(end > begin for end, begin in zip(after, before, strict=True)):
        # Rows that the rounding adds do not count in the divisor, those of the padding do.
        image = _padded(call, image, before)
        after = (max(after[0] - before[0], 0), max(after[1] - before[1], 0))
        before, counts = (0, 0), False
    result = call.emit(
        "average_pool",
        [image],
        shape,
        kernel=kernel,
        stride=stride,
        padding=(*before, *after),
        count_include_pad=counts and any((*before, *after)),
    )
    if call.has("divisor_override"):
        if not counts:
            raise UnsupportedError(
                "average pooling must not have both `divisor_override` and `ceil_mode`"
            )
        factor = kernel[0] * kernel[1] / call.number("divisor_override")
        constant = call.constant(np.asarray(factor, call.dtype))
        result = call.emit("multiply", [result, constant], shape)
    return call.reshaped(result, call.shape)


def _rank(call: Call) -> int:
    return 1 if "1d" in call.operator.kind else 2


def _kernel(call: Call, rank: int) -> Pair:
    return call.pair("kernel_size", 1, rank=rank)


def _padded(call: Call, image: str, sides: Pair) -> str:
    """The image with zeros around it."""
    if not any(sides):
        return image
    _, channels, rows, columns = call.builder.shape(image)
    return call.emit(
        "pad",
        [image],
        (1, channels, rows + 2 * sides[0], columns + 2 * sides[1]),
        padding=(0, 0, *sides, 0, 0, *sides),
        value=0.0,
        mode="constant",
    )


def _padding_after(
    image: Sequence[int],
    result: Sequence[int],
    kernel: Pair,
    stride: Pair,
    before: Pair,
    dilation: Pair,
) -> Pair:
    """Rows and columns behind the image that windows of this number reach, at least `before`."""
    sides = []
    for axis in (0, 1):
        reach = (result[2 + axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
        sides.append(max(reach - image[2 + axis] - before[axis], before[axis]))
    return (sides[0], sides[1])


def adaptive_pool(call: Call) -> str | list[str]:
    """Average or maximum pooling to a fixed size."""
    rank = _rank(call)
    image = as_image(call, call.tensor("self", "input"), rank)
    kind = "max_pool" if "max" in call.operator.kind else "average_pool"
    shape = image_shape(call.shape, rank)
    sizes = call.builder.shape(image)
    windows = [_windows(sizes[axis], shape[axis]) for axis in (2, 3)]
    pools = [_regular(axis_windows) for axis_windows in windows]
    if pools[0] is not None and pools[1] is not None:
        kernel, stride = zip(pools[0], pools[1], strict=True)
        result = _pool(call, kind, image, shape, (kernel[0], kernel[1]), (stride[0], stride[1]))
    else:
        result = image
        for axis in (2, 3):
            result = _pool_axis(call, kind, result, axis, windows[axis - 2])
    result = call.reshaped(result, call.shape)
    return [result] if kind == "max_pool" else result


def _windows(size: int, outputs: int) -> Windows:
    """The windows of torch: from floor(i n / m) to ceil((i + 1) n / m)."""
    return [(i * size // outputs, -(-(i + 1) * size // outputs)) for i in range(outputs)]


def _regular(windows: Windows) -> tuple[int, int] | None:
    """Kernel and stride of windows of one size at equal distances; None of others."""
    sizes = {end - begin for begin, end in windows}
    steps = {after[0] - before[0] for before, after in zip(windows, windows[1:], strict=False)}
    if len(sizes) > 1 or len(steps) > 1:
        return None
    (size,) = sizes
    step = next(iter(steps), size)
    return (size, step) if step > 0 else None


def _pool(
    call: Call, kind: str, image: str, shape: Sequence[int], kernel: Pair, stride: Pair
) -> str:
    extra: Attributes = {"dilation": (1, 1)} if kind == "max_pool" else {"count_include_pad": False}
    return call.emit(
        kind, [image], shape, kernel=kernel, stride=stride, padding=(0, 0, 0, 0), also=extra
    )


def _pool_axis(call: Call, kind: str, image: str, axis: int, windows: Windows) -> str:
    """Windows of different sizes along one axis: each cut out and pooled, then joined."""
    parts = []
    for begin, end in windows:
        shape = list(call.builder.shape(image))
        shape[axis] = end - begin
        part = call.emit(
            "slice", [image], shape, starts=(begin,), ends=(end,), steps=(1,), axes=(axis,)
        )
        kernel = (end - begin, 1) if axis == 2 else (1, end - begin)
        shape[axis] = 1
        parts.append(_pool(call, kind, part, shape, kernel, (1, 1)))
    shape = list(call.builder.shape(image))
    shape[axis] = len(windows)
    return call.emit("concat", parts, shape, axis=axis) if len(parts) > 1 else parts[0]


TRANSLATIONS: Final[dict[str, Translation]] = {
    **dict.fromkeys(
        ("max_pool1d", "max_pool2d", "max_pool1d_with_indices", "max_pool2d_with_indices"),
        max_pool,
    ),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d"), average_pool),
    **dict.fromkeys(
        (
            "adaptive_avg_pool1d",
            "adaptive_avg_pool2d",
            "_adaptive_avg_pool2d",
            "adaptive_max_pool1d",
            "adaptive_max_pool2d",
        ),
        adaptive_pool,
    ),
}
