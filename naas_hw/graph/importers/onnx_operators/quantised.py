"""Quantised operators: those of ONNX and those of com.microsoft.

`QLinearConv` and its like become dequantise, operator, quantise, which mean the same.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from naas_hw.graph.float_kernels.quantisation import has_real_numbers
from naas_hw.graph.graph import Array, Attribute
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators import convolution, pooling
from naas_hw.graph.importers.onnx_operators.handler import Handler
from naas_hw.graph.importers.onnx_operators.normalisation import HANDLERS as NORMALISATION

_BYTES: Final = ("int8", "uint8")


def quantisation(
    node: Node, scale_index: int, zero_index: int, shape: Sequence[int], axis: int, dtype: str
) -> dict[str, Attribute]:
    """Attributes of `quantize` and `dequantize`.

    Parameters
    ----------
    scale_index, zero_index : inputs of the node.
    shape : of the tensor.
    axis : that several scales belong to.
    dtype : of the numbers, where no zero point tells it.

    Raises
    ------
    InputError : scales are not positive, or the numbers are no bytes.
    """
    scale = _constant(node, scale_index)
    zero = _constant(node, zero_index) if node.input(zero_index) else None
    name = dtype if zero is None else zero.dtype.name
    if name not in (*_BYTES, "int32"):
        raise node.error(f"quantised numbers must be int8 or uint8, not {name}")
    _check_scales(node, scale, name)
    scales = [float(value) for value in scale.reshape(-1)]
    zeros = [0] * len(scales) if zero is None else [int(value) for value in zero.reshape(-1)]
    if scale.ndim > 1 or len(zeros) != len(scales):
        raise node.error(f"scales and zero points must be as many, not {scale.size}, {len(zeros)}")
    if len(scales) == 1:
        return {"scale": scales[0], "zero_point": zeros[0], "axis": None, "dtype": name}
    place = node.checked_axis(axis, len(shape))
    if shape[place] != len(scales):
        raise node.error(f"scales must be {shape[place]} or one, not {len(scales)}")
    return {"scale": tuple(scales), "zero_point": tuple(zeros), "axis": place, "dtype": name}


def _check_scales(node: Node, scales: Array, dtype: str) -> None:
    if not has_real_numbers(scales, dtype):
        raise node.error("scales must be positive numbers, with which all numbers are float32")


def _constant(node: Node, index: int) -> Array:
    values = node.builder.values(node.required(index))
    if values is None:
        raise node.error("scales must be constants: quantise statically, not dynamically")
    return values


def quantize(node: Node) -> None:
    """`QuantizeLinear`."""
    _refuse_blocks(node)
    dtype = {3: "int8", 2: "uint8"}.get(node.get("output_dtype", 0) or 2, "another type")
    attributes = quantisation(node, 1, 2, node.shape(), node.get("axis", 1), dtype)
    node.add("quantize", (node.input(0),), attributes, last=True)


def dequantize(node: Node) -> None:
    """`DequantizeLinear`."""
    _refuse_blocks(node)
    dtype = node.builder.dtype(node.required(0)).name
    attributes = quantisation(node, 1, 2, node.shape(), node.get("axis", 1), dtype)
    node.add("dequantize", (node.input(0),), attributes, last=True)


def _refuse_blocks(node: Node) -> None:
    if node.get("block_size", 0):
        raise node.error("scales must belong to a tensor or an axis, not to blocks")


def real_input(node: Node, index: int, axis: int = 1) -> str:
    """Input `index`, dequantised by the two inputs behind it."""
    name = node.required(index)
    dtype = node.builder.dtype(name).name
    shape = node.builder.shape(name)
    attributes = quantisation(node, index + 1, index + 2, shape, axis, dtype)
    return node.add("dequantize", (name,), attributes)


def finish(node: Node, result: str, scale_index: int) -> None:
    """The node's last operator: `result`, quantised."""
    zero = scale_index + 1
    dtype = "uint8"
    if not node.input(zero):
        dtype = node.builder.dtype(node.input(0)).name
    shape = node.builder.shape(result)
    attributes = quantisation(node, scale_index, zero, shape, 1, dtype)
    node.add("quantize", (result,), attributes, last=True, main=False)


def real_bias(node: Node, name: str, scales: Array, axis: int | None) -> str:
    """An int32 bias, dequantised by the product of the scales of inputs and weights."""
    _check_scales(node, scales, "int32")
    values = tuple(float(scale) for scale in scales.reshape(-1))
    attributes: dict[str, Attribute] = {
        "scale": values if len(values) > 1 else values[0],
        "zero_point": (0,) * len(values) if len(values) > 1 else 0,
        "axis": axis if len(values) > 1 else None,
        "dtype": "int32",
    }
    return node.add("dequantize", (name,), attributes)


def _product_of_scales(node: Node, first: int, second: int) -> Array:
    """In float64, since the product of two float32 may be none."""
    return np.asarray(_constant(node, first).astype(np.float64) * _constant(node, second))


def qlinear_conv(node: Node) -> None:
    """`QLinearConv`."""
    image, weights = real_input(node, 0), real_input(node, 3, axis=0)
    bias = node.input(8)
    inputs = [image, weights]
    if bias:
        inputs.append(real_bias(node, bias, _product_of_scales(node, 1, 4), 0))
    last_first = bool(node.get("channels_last", 0))
    if last_first:
        inputs[0] = node.transpose(image, (0, 3, 1, 2))
    result = node.nested(convolution.conv, inputs)
    finish(node, node.transpose(result, (0, 2, 3, 1)) if last_first else result, 6)


def qlinear_matmul(node: Node) -> None:
    """`QLinearMatMul`."""
    axis = len(node.shape(3)) - 1
    inputs = [real_input(node, 0, axis=len(node.shape()) - 2), real_input(node, 3, axis=axis)]
    finish(node, node.nested(convolution.matmul, inputs), 6)


def qgemm(node: Node) -> None:
    """`QGemm` of com.microsoft, whose output may be a number."""
    axis = 0 if node.get("transB", 0) else 1
    inputs = [real_input(node, 0), real_input(node, 3, axis=axis)]
    if node.input(6):
        scales = _product_of_scales(node, 1, 4) * float(node.get("alpha", 1.0))
        inputs.append(real_bias(node, node.input(6), scales, len(node.shape(6)) - 1))
    result = node.nested(convolution.gemm, inputs)
    if node.input(7):
        finish(node, result, 7)
    else:
        node.add("identity", (result,), last=True)


def _of_two(kind: str) -> Handler:
    """`QLinearAdd`, `QLinearMul`."""

    def handle(node: Node) -> None:
        finish(node, node.add(kind, (real_input(node, 0), real_input(node, 3)), main=True), 6)

    return handle


def _function(kind: str, **defaults: float) -> Handler:
    """`QLinearSigmoid`, `QLinearLeakyRelu`."""

    def handle(node: Node) -> None:
        attributes: dict[str, Attribute] = {
            name: float(node.get(name, value)) for name, value in defaults.items()
        }
        finish(node, node.add(kind, (real_input(node, 0),), attributes, main=True), 3)

    return handle


def _nested(handler: Handler) -> Handler:
    """An operator of one quantised input that is otherwise one of ONNX."""

    def handle(node: Node) -> None:
        finish(node, node.nested(handler, [real_input(node, 0)]), 3)

    return handle


def _pool(handler: Handler) -> Handler:
    """`QLinearAveragePool`, `QLinearGlobalAveragePool`, perhaps with channels last."""

    def handle(node: Node) -> None:
        image = real_input(node, 0)
        if not node.get("channels_last", 0):
            finish(node, node.nested(handler, [image]), 3)
            return
        result = node.nested(handler, [node.transpose(image, (0, 3, 1, 2))])
        finish(node, node.transpose(result, (0, 2, 3, 1)), 3)

    return handle


def qlinear_softmax(node: Node) -> None:
    """`QLinearSoftmax`, which names the opset that its axis belongs to."""
    softmax = NORMALISATION["Softmax"]
    finish(node, node.nested(softmax, [real_input(node, 0)], opset=node.get("opset", 13)), 3)


def qlinear_concat(node: Node) -> None:
    """`QLinearConcat`: the output's scale first, then each part with its own."""
    parts = tuple(real_input(node, index) for index in range(2, len(node.inputs), 3))
    axis = node.axis("axis", 1, len(node.shape(2)))
    finish(node, node.add("concat", parts, {"axis": axis}, main=True), 0)


def refuse_dynamic(node: Node) -> None:
    """Operators whose scales are found at run time."""
    raise node.error("scales must be constants: quantise statically, not dynamically")


HANDLERS: Final[dict[str, Handler]] = {
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
    **dict.fromkeys(
        (
            "ConvInteger",
            "MatMulInteger",
            "DynamicQuantizeLinear",
            "DynamicQuantizeMatMul",
            "MatMulIntegerToFloat",
            "DynamicQuantizeLSTM",
        ),
        refuse_dynamic,
    ),
    "QGemm": qgemm,
    "QLinearAdd": _of_two("add"),
    "QLinearMul": _of_two("multiply"),
    "QLinearSigmoid": _function("sigmoid"),
    "QLinearLeakyRelu": _function("leaky_relu", alpha=0.01),
    "QLinearAveragePool": _pool(pooling.average_pool),
    "QLinearGlobalAveragePool": _pool(pooling.global_pool("average_pool")),
    "QLinearReduceMean": _nested(pooling.reduction("reduce_mean")),
    "QLinearSoftmax": qlinear_softmax,
    "QLinearConcat": qlinear_concat,
}
