"""One operator with weights -> one `Layer`, or the reason why not."""

from collections.abc import Callable
from math import prod
from typing import Final

from pydantic import ValidationError

from naas_hw.workload.graph import Operator, Reference
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.yaml_edge import validation_sentence

Shapes = dict[str, tuple[int, ...]]
Pair = tuple[int, int]


class NotMappable(Exception):
    """The accelerator cannot run this operator; the text says why."""


def translate(operator: Operator, shapes: Shapes, name: str) -> Layer:
    """The layer of an operator whose kind is in `TRANSLATORS`.

    Raises
    ------
    NotMappable : the operator is outside of what a layer can say.
    """
    try:
        return TRANSLATORS[operator.kind](operator, shapes, name)
    except ValidationError as error:
        raise NotMappable(validation_sentence(error)) from error


def weight_of(operator: Operator) -> str | None:
    """The tensor that holds the weights of an operator whose kind is in `TRANSLATORS`."""
    value = operator.arguments.get(_WEIGHT_ARGUMENT.get(operator.kind, "weight"))
    return value.name if isinstance(value, Reference) else None


_WEIGHT_ARGUMENT: Final = {"addmm": "mat2", "mm": "mat2", "matmul": "other"}
_INPUT_ARGUMENT: Final = {"addmm": "mat1", "mm": "self", "matmul": "self"}


def input_of(operator: Operator) -> str:
    """The tensor that an operator works on."""
    value = operator.arguments.get(_INPUT_ARGUMENT.get(operator.kind, "input"))
    if not isinstance(value, Reference):
        raise NotMappable("the input must be a tensor")
    return value.name


def _shape(shapes: Shapes, name: str | None) -> tuple[int, ...]:
    shape = shapes.get(name or "", ())
    if -1 in shape:
        raise NotMappable("sizes must be fixed, not dynamic")
    return shape


def _weight(operator: Operator, shapes: Shapes, num_axes: int) -> tuple[int, ...]:
    shape = _shape(shapes, weight_of(operator))
    if len(shape) != num_axes:
        raise NotMappable(f"weights must have {num_axes} axes, not {len(shape)}")
    return shape


def _pair(operator: Operator, name: str, default: int) -> Pair:
    value = operator.arguments.get(name)
    if value is None or value == []:
        return (default, default)
    values = value if isinstance(value, list) else [value]
    integers = [item for item in values if isinstance(item, int)]
    if len(integers) != len(values) or len(values) > 2:
        raise NotMappable(f"{name} must be one or two integers, not {value}")
    return (integers[0], integers[-1])


def _image(operator: Operator, shapes: Shapes) -> tuple[int, int, int]:
    """Channels, rows and columns of the input."""
    shape = _shape(shapes, input_of(operator))
    if len(shape) not in (3, 4):
        raise NotMappable(f"a convolution must have two spatial axes, not {max(len(shape) - 2, 0)}")
    if len(shape) == 4 and shape[0] != 1:
        raise NotMappable(f"batch must be 1, not {shape[0]}")
    return shape[-3], shape[-2], shape[-1]


def _convolution(operator: Operator, shapes: Shapes, name: str) -> Layer:
    if operator.arguments.get("transposed"):
        return _transposed(operator, shapes, name)
    weight = _weight(operator, shapes, 4)
    channels, height, width = _image(operator, shapes)
    output = _shape(shapes, operator.outputs[0])
    groups = operator.arguments.get("groups", 1)
    if not isinstance(groups, int) or groups < 1 or weight[1] * groups != channels:
        raise NotMappable(f"groups must split {channels} channels by {weight[1]}, not {groups}")
    stride = _pair(operator, "stride", 1)
    dilation = _pair(operator, "dilation", 1)
    is_depthwise = groups > 1 and groups == channels == weight[0]
    return Layer(
        name=name,
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


def _padding(operator: Operator, weight: tuple[int, ...], dilation: Pair) -> Pair:
    """Rows above and columns to the left; torch pads the odd one of "same" below and right."""
    padding = operator.arguments.get("padding")
    if padding == "valid":
        return (0, 0)
    if padding == "same":
        rows, columns = (dilation[axis] * (weight[2 + axis] - 1) // 2 for axis in (0, 1))
        return (rows, columns)
    return _pair(operator, "padding", 0)


def _transposed(operator: Operator, shapes: Shapes, name: str) -> Layer:
    weight = _weight(operator, shapes, 4)
    channels, height, width = _image(operator, shapes)
    kernel = (weight[2], weight[3])
    stride = _pair(operator, "stride", 1)
    if stride != kernel:
        raise NotMappable(
            f"stride of a transposed convolution must be its kernel, {kernel}, not {stride}"
        )
    for what, neutral in (("padding", 0), ("output_padding", 0), ("dilation", 1)):
        if (value := _pair(operator, what, neutral)) != (neutral, neutral):
            raise NotMappable(f"{what} of a transposed convolution must be {neutral}, not {value}")
    if (groups := operator.arguments.get("groups", 1)) != 1:
        raise NotMappable(f"groups of a transposed convolution must be 1, not {groups}")
    return Layer(
        name=name,
        kind=Kind.TRANSPOSED,
        K=weight[1] * prod(kernel),
        C=channels,
        P=height,
        Q=width,
        height=height,
        width=width,
    )


def _linear(operator: Operator, shapes: Shapes, name: str) -> Layer:
    out_features, in_features = _weight(operator, shapes, 2)
    return _product(operator, shapes, name, out_features, in_features)


def _matrix_product(operator: Operator, shapes: Shapes, name: str) -> Layer:
    in_features, out_features = _weight(operator, shapes, 2)
    return _product(operator, shapes, name, out_features, in_features)


def _product(
    operator: Operator, shapes: Shapes, name: str, out_features: int, in_features: int
) -> Layer:
    """A linear layer; one that acts on several rows is a 1x1 convolution of a column of them."""
    rows = prod(_shape(shapes, input_of(operator))[:-1])
    return Layer(
        name=name,
        kind=Kind.LINEAR if rows == 1 else Kind.CONV,
        K=out_features,
        C=in_features,
        P=rows,
        height=rows,
        width=1,
    )


PRODUCTS: Final = frozenset({"linear", "addmm", "mm", "matmul"})
TRANSLATORS: Final[dict[str, Callable[[Operator, Shapes, str], Layer]]] = {
    "conv2d": _convolution,
    "convolution": _convolution,
    "_convolution": _convolution,
    "conv_transpose2d": _transposed,
    "linear": _linear,
    "addmm": _matrix_product,
    "mm": _matrix_product,
    "matmul": _matrix_product,
}
