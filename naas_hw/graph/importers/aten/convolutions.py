"""Convolutions, forward and transposed, of one and of two axes."""

from typing import Final

from naas_hw.graph.importers.aten.call import Attributes, Call, Pair, Translation, UnsupportedError
from naas_hw.graph.importers.aten.images import as_image, image_shape


def convolution(call: Call) -> str:
    """`conv1d`, `conv2d`, `convolution` and the transposed ones."""
    rank = len(call.builder.shape(call.tensor("weight"))) - 2
    if rank not in (1, 2):
        raise UnsupportedError(f"a convolution must have one or two spatial axes, not {rank}")
    is_transposed = call.operator.kind in _TRANSPOSED or bool(call.argument("transposed", False))
    image = as_image(call, call.tensor("input"), rank)
    weights = call.tensor("weight")
    outputs, inputs, *kernel = call.builder.shape(weights)
    weights = call.reshaped(weights, (outputs, inputs, *([1] * (2 - rank)), *kernel))
    bias = [call.tensor("bias")] if call.has("bias") else []
    stride, dilation = (call.pair(name, 1, rank=rank) for name in ("stride", "dilation"))
    rows, columns = call.builder.shape(weights)[2:]
    before, after = _padding(call, (rows, columns), dilation, rank)
    shape = image_shape(call.shape, rank)
    attributes: Attributes = {
        "stride": stride,
        "dilation": dilation,
        "padding": (*before, *after),
        "groups": int(call.number("groups", 1)),
    }
    if is_transposed:
        output_padding = call.pair("output_padding", 0, rank=rank)
        result = call.emit(
            "conv_transposed",
            [image, weights, *bias],
            shape,
            output_padding=output_padding,
            also=attributes,
        )
    else:
        result = call.emit("conv", [image, weights, *bias], shape, also=attributes)
    return call.reshaped(result, call.shape)


def _padding(call: Call, kernel: Pair, dilation: Pair, rank: int) -> tuple[Pair, Pair]:
    """Rows and columns before, and after; torch pads the odd one of "same" behind."""
    padding = call.argument("padding", 0)
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        total = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
        before = (total[0] // 2, total[1] // 2)
        return before, (total[0] - before[0], total[1] - before[1])
    both = call.pair("padding", 0, rank=rank)
    return both, both


_TRANSPOSED: Final = frozenset({"conv_transpose1d", "conv_transpose2d"})

TRANSLATIONS: Final[dict[str, Translation]] = dict.fromkeys(
    ("conv1d", "conv2d", "convolution", "_convolution", *_TRANSPOSED), convolution
)
