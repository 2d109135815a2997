"""One operator with weights -> one `Layer`, or the reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Final

from pydantic import ValidationError

from naas_hw.system.yaml_files import validation_sentence
from naas_hw.workload.frontends.graph import TracedOperator
from naas_hw.workload.frontends.operands import EITHER_FACTOR, Operands
from naas_hw.workload.frontends.products import (
    Product,
    linear_product,
    matrix_product,
    product_layer,
)
from naas_hw.workload.frontends.unmappable import UnmappableError
from naas_hw.workload.layer import Kind, Layer

Shapes = dict[str, tuple[int, ...]]
Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Translation:
    """An operator as a layer.

    Parameters
    ----------
    channel_axes : axes of the result along which output channels lie, those of groups included;
        counted from the front.
    """

    layer: Layer
    channel_axes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a layer is made of.

    Parameters
    ----------
    is_repeated : whether the weights are one matrix, repeated along their leading axes.
    name : of the layer.
    """

    operator: TracedOperator
    operands: Operands
    shapes: Shapes
    is_repeated: bool
    name: str

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The shape of a tensor, or UnmappableError where it is not fixed."""
        return _shape(self.shapes, tensor)

    @property
    def result(self) -> tuple[int, ...]:
        """The shape of the result."""
        return self.shape(self.operator.outputs[0])


def translate(source: Source) -> Translation:
    """The layer of an operator with constant weights.

    Raises
    ------
    UnmappableError : the operator is outside of what a layer can say.
    """
    try:
        return _TRANSLATORS[source.operator.kind](source)
    except ValidationError as error:
        raise UnmappableError(validation_sentence(error)) from error


def _shape(shapes: Shapes, name: str) -> tuple[int, ...]:
    shape = shapes.get(name, ())
    if -1 in shape:
        raise UnmappableError("sizes must be fixed, not dynamic")
    return shape


def _kernel(source: Source) -> tuple[int, ...]:
    shape = source.shape(source.operands.weight)
    if len(shape) != 4:
        raise UnmappableError(f"weights must have 4 axes, not {len(shape)}")
    return shape


def _pair(operator: TracedOperator, name: str, default: int) -> Pair:
    value = operator.arguments.get(name)
    if value is None or value == []:
        return (default, default)
    values = value if isinstance(value, list) else [value]
    integers = [item for item in values if isinstance(item, int)]
    if len(integers) != len(values) or len(values) > 2:
        raise UnmappableError(f"{name} must be one or two integers, not {value}")
    return (integers[0], integers[-1])


def _image(source: Source) -> tuple[int, int, int]:
    """Channels, rows and columns of the input."""
    shape = source.shape(source.operands.input)
    if len(shape) not in (3, 4):
        raise UnmappableError(
            f"a convolution must have two spatial axes, not {max(len(shape) - 2, 0)}"
        )
    if len(shape) == 4 and shape[0] != 1:
        raise UnmappableError(f"batch must be 1, not {shape[0]}")
    return shape[-3], shape[-2], shape[-1]


def _convolution(source: Source) -> Translation:
    operator = source.operator
    if operator.arguments.get("transposed"):
        return _transposed(source)
    weight = _kernel(source)
    channels, height, width = _image(source)
    output = source.result
    if len(output) not in (3, 4):
        raise UnmappableError(f"a result must have the axes of an image, not {len(output)}")
    groups = operator.arguments.get("groups", 1)
    if not isinstance(groups, int) or groups < 1 or weight[1] * groups != channels:
        raise UnmappableError(f"groups must split {channels} channels by {weight[1]}, not {groups}")
    stride = _pair(operator, "stride", 1)
    dilation = _pair(operator, "dilation", 1)
    is_depthwise = groups > 1 and groups == channels == weight[0]
    layer = Layer(
        name=source.name,
        kind=Kind.DEPTHWISE if is_depthwise else Kind.CONV,
        K=weight[0] if is_depthwise else weight[0] // groups,
        C=weight[1],
        P=output[-2],
        Q=output[-1],
        R=weight[2],
        S=weight[3],
        height=height,
        width=width,
        stride=stride,
        padding=_padding(operator, weight, dilation),
        dilation=dilation,
        groups=1 if is_depthwise else groups,
    )
    return Translation(layer=layer, channel_axes=(len(output) - 3,))


def _padding(operator: TracedOperator, weight: tuple[int, ...], dilation: Pair) -> Pair:
    """Rows above and columns to the left; torch pads the odd one of "same" below and right."""
    padding = operator.arguments.get("padding")
    if padding == "valid":
        return (0, 0)
    if padding == "same":
        rows, columns = (dilation[axis] * (weight[2 + axis] - 1) // 2 for axis in (0, 1))
        return (rows, columns)
    return _pair(operator, "padding", 0)


def _transposed(source: Source) -> Translation:
    operator, weight = source.operator, _kernel(source)
    channels, height, width = _image(source)
    kernel = (weight[2], weight[3])
    stride = _pair(operator, "stride", 1)
    if stride != kernel:
        raise UnmappableError(
            f"stride of a transposed convolution must be its kernel, {kernel}, not {stride}"
        )
    for what, neutral in (("padding", 0), ("output_padding", 0), ("dilation", 1)):
        if (value := _pair(operator, what, neutral)) != (neutral, neutral):
            raise UnmappableError(
                f"{what} of a transposed convolution must be {neutral}, not {value}"
            )
    if (groups := operator.arguments.get("groups", 1)) != 1:
        raise UnmappableError(f"groups of a transposed convolution must be 1, not {groups}")
    layer = Layer(
        name=source.name,
        kind=Kind.TRANSPOSED,
        K=weight[1] * prod(kernel),
        C=channels,
        P=height,
        Q=width,
        height=height,
        width=width,
    )
    return Translation(layer=layer, channel_axes=(len(source.result) - 3,))


def _one_dimensional(source: Source) -> Translation:
    raise UnmappableError("a convolution must have two spatial axes, not 1")


def _three_dimensional(source: Source) -> Translation:
    raise UnmappableError("a convolution must have two spatial axes, not 3")


def _linear(source: Source) -> Translation:
    operands = source.operands
    product = linear_product(source.shape(operands.weight), source.shape(operands.input))
    return _product(source, product, (len(source.result) - 1,))


def _matrix_product(source: Source) -> Translation:
    operands = source.operands
    product = matrix_product(
        source.shape(operands.weight),
        source.shape(operands.input),
        source.result,
        weight_first=operands.weight_first,
        is_repeated=source.is_repeated,
    )
    last = len(source.result) - (2 if operands.weight_first else 1)
    if operands.weight_first and len(source.shape(operands.input)) == 1:
        last = len(source.result) - 1
    groups = range(len(source.shape(operands.weight)) - 2) if product.groups > 1 else ()
    return _product(source, product, (*groups, last))


def _batch_sum(source: Source) -> Translation:
    raise UnmappableError("a product must not be summed over its batch: write it as one product")


def _product(source: Source, product: Product, channel_axes: tuple[int, ...]) -> Translation:
    return Translation(layer=product_layer(product, source.name), channel_axes=channel_axes)


_TRANSLATORS: Final[dict[str, Callable[[Source], Translation]]] = {
    **dict.fromkeys(EITHER_FACTOR, _matrix_product),
    **dict.fromkeys(("conv1d", "conv_transpose1d"), _one_dimensional),
    **dict.fromkeys(("conv3d", "conv_transpose3d"), _three_dimensional),
    "conv2d": _convolution,
    "convolution": _convolution,
    "_convolution": _convolution,
    "conv_transpose2d": _transposed,
    "linear": _linear,
    "addbmm": _batch_sum,
}
