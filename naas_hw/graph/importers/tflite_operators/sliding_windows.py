"""Strides, paddings and dilations of a TFLite file."""

from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_graph import Shape, TfliteGraph
from naas_hw.graph.importers.tflite_operators.handler import Attributes, option_of
from naas_hw.graph.importers.tflite_tables import TfliteOperator

_SAME: Final = 0


def window_attributes(
    graph: TfliteGraph,
    operator: TfliteOperator,
    image: Shape,
    outputs: Shape,
    kernel: tuple[int, int],
) -> Attributes:
    """Stride, padding and dilation of a convolution or a pooling; shapes of the graph."""
    stride = (option_of(graph, operator, "StrideH"), option_of(graph, operator, "StrideW"))
    dilation = (
        int(operator.options.get("DilationHFactor", 1)),
        int(operator.options.get("DilationWFactor", 1)),
    )
    if min(*stride, *dilation, *kernel) < 1:
        raise InputError(
            f"{operator.name} of {graph.file} must have strides, dilations and kernels of at least "
            f"1, not {list(stride)}, {list(dilation)} and {list(kernel)}"
        )
    same = option_of(graph, operator, "Padding") == _SAME
    top, bottom = _sides(same, image[2], outputs[2], kernel[0], stride[0], dilation[0])
    left, right = _sides(same, image[3], outputs[3], kernel[1], stride[1], dilation[1])
    return {"stride": stride, "dilation": dilation, "padding": (top, left, bottom, right)}


def _sides(
    same: bool, size: int, outputs: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Padding before and after one axis, as TensorFlow has it."""
    if not same:
        return 0, 0
    total = max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2
