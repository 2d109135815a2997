"""From a `Graph` to an ONNX file, float or with `QuantizeLinear` and `DequantizeLinear`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

from naas_hw.core.errors import InputError
from naas_hw.graph.float_kernels.resampling import resized_shape
from naas_hw.graph.graph import Array, Graph, Operator
from naas_hw.graph.importers.onnx_metadata import mark_rounding_once
from naas_hw.system.files import write_file

OPSET: Final = 20
"""The first one that has all our functions of one number."""

_IR_VERSION: Final = 10
"""The first one whose nodes have metadata."""

_MAX_BYTES: Final = (1 << 31) - (1 << 20)


def write_onnx(graph: Graph, path: Path) -> None:
    """Write a graph as an ONNX file.

    Raises
    ------
    InputError : an operator has no form in ONNX, or the values do not fit into one file.
    """
    write_file(path, onnx_model(graph).SerializeToString(deterministic=True))


def onnx_model(graph: Graph) -> ModelProto:
    """A graph as an ONNX model.

    Raises
    ------
    InputError : see `write_onnx`.
    """
    total = sum(t.values.nbytes for t in graph.tensors.values() if t.values is not None)
    if total > _MAX_BYTES:
        raise InputError(f"a model must have at most {_MAX_BYTES} bytes of values, not {total}")
    writer = _OnnxWriter(graph)
    for operator in graph.operators:
        writer.write(operator)
    return writer.finished()


class _OnnxWriter:
    """Nodes and constants of a model that is being written."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, Array] = {}
        self._taken = set(graph.tensors)

    def write(self, operator: Operator) -> None:
        """The nodes of an operator."""
        form = _FORMS.get(operator.kind)
        if form is None:
            raise InputError(
                f"{operator.name} cannot be written as ONNX, because ONNX has no operator "
                f"{operator.kind}"
            )
        form(self, operator)

    def node(
        self, operator: Operator, kind: str, inputs: Sequence[str], *, last: bool = True, **a: Any
    ) -> str:
        """A node of an operator, whose output is returned."""
        output = operator.outputs[0] if last else self._free_name(f"{operator.name}/{kind}")
        name = operator.name if last else output
        given = {key: value for key, value in a.items() if value is not None}
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=name, **given))
        return output

    def mark_rounding(self, operator: Operator) -> None:
        """Let the last node say how the integer form of a linear layer rounds."""
        if operator.attributes.get("rounds_once", False):
            mark_rounding_once(self._nodes[-1])

    def constant(self, operator: Operator, what: str, values: Any, dtype: Any = np.int64) -> str:
        """A constant that belongs to an operator."""
        name = self._free_name(f"{operator.name}/{what}")
        self._constants[name] = np.asarray(values, dtype=dtype)
        return name

    def rank(self, name: str) -> int:
        """Number of axes of a tensor."""
        return len(self.graph.tensors[name].shape)

    def finished(self) -> ModelProto:
        """The model."""
        graph = self.graph
        read = {name for operator in graph.operators for name in operator.inputs}
        read |= set(graph.outputs)
        values = {
            name: tensor.values
            for name, tensor in graph.tensors.items()
            if tensor.values is not None and name in read
        }
        constants = [
            numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
            for name, array in (*values.items(), *self._constants.items())
        ]
        body = helper.make_graph(
            self._nodes,
            graph.name,
            [self._info(name) for name in graph.inputs],
            [self._info(name) for name in graph.outputs],
            constants,
        )
        return helper.make_model(
            body,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR_VERSION,
            producer_name="naas_hw",
        )

    def _info(self, name: str) -> ValueInfoProto:
        tensor = self.graph.tensors[name]
        code = helper.np_dtype_to_tensor_dtype(tensor.dtype)
        return helper.make_tensor_value_info(name, code, tensor.shape)

    def _free_name(self, name: str) -> str:
        free, number = name, 0
        while free in self._taken:
            number += 1
            free = f"{name}_{number}"
        self._taken.add(free)
        return free


Form = Callable[[_OnnxWriter, Operator], None]


def _plain(kind: str, **names: str) -> Form:
    """One node; `names` says which attribute of ours each attribute of ONNX is."""

    def write(writer: _OnnxWriter, operator: Operator) -> None:
        given = {onnx: _listed(operator.attributes[ours]) for onnx, ours in names.items()}
        writer.node(operator, kind, operator.inputs, **given)

    return write


def _listed(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def _quantization(kind: str) -> Form:
    def write(writer: _OnnxWriter, operator: Operator) -> None:
        a = operator.attributes
        inputs = [operator.inputs[0], writer.constant(operator, "scale", a["scale"], np.float32)]
        if a["dtype"] != "int32":
            inputs.append(writer.constant(operator, "zero_point", a["zero_point"], a["dtype"]))
        writer.node(operator, kind, inputs, axis=a.get("axis"))

    return write


def _padded_first(writer: _OnnxWriter, operator: Operator) -> tuple[str, list[int]]:
    """The image of a layer, cut where a side of its padding is negative, and the other sides."""
    sides: Any = operator.attributes["padding"]
    image = operator.inputs[0]
    if min(sides) >= 0:
        return image, list(sides)
    return _pad_image(writer, operator, image, [min(side, 0) for side in sides]), [
        max(side, 0) for side in sides
    ]


def _pad_image(
    writer: _OnnxWriter, operator: Operator, image: str, sides: Sequence[int], last: bool = False
) -> str:
    top, left, bottom, right = sides
    pads = writer.constant(operator, "pads", [0, 0, top, left, 0, 0, bottom, right])
    return writer.node(operator, "Pad", [image, pads], last=last)


def _conv(writer: _OnnxWriter, operator: Operator) -> None:
    image, pads = _padded_first(writer, operator)
    inputs = [image, *operator.inputs[1:]]
    writer.node(operator, "Conv", inputs, pads=pads, **_window(operator.attributes))


def _window(a: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a kernel that moves over an image."""
    names = {"strides": "stride", "dilations": "dilation", "kernel_shape": "kernel"}
    given = {onnx: list(a[ours]) for onnx, ours in names.items() if ours in a}
    return given | ({"group": a["groups"]} if "groups" in a else {})


def _conv_transposed(writer: _OnnxWriter, operator: Operator) -> None:
    a: Any = operator.attributes
    options = {**_window(a), "output_padding": list(a.get("output_padding", (0, 0)))}
    cut = [max(side, 0) for side in a["padding"]]
    more = [max(-side, 0) for side in a["padding"]]
    result = writer.node(
        operator, "ConvTranspose", operator.inputs, last=not any(more), pads=cut, **options
    )
    if any(more):
        _pad_image(writer, operator, result, more, last=True)


def _max_pool(writer: _OnnxWriter, operator: Operator) -> None:
    image, pads = _padded_first(writer, operator)
    writer.node(operator, "MaxPool", [image], pads=pads, **_window(operator.attributes))


def _average_pool(writer: _OnnxWriter, operator: Operator) -> None:
    image, pads = _padded_first(writer, operator)
    included = int(bool(operator.attributes.get("count_include_pad", False)))
    options = {"count_include_pad": included, **_window(operator.attributes)}
    writer.node(operator, "AveragePool", [image], pads=pads, **options)


def _linear(writer: _OnnxWriter, operator: Operator) -> None:
    image, weights, *bias = operator.inputs
    if writer.rank(image) == 2:
        writer.node(operator, "Gemm", operator.inputs, transB=1)
        writer.mark_rounding(operator)
        return
    turned = writer.node(operator, "Transpose", [weights], last=False, perm=[1, 0])
    result = writer.node(operator, "MatMul", [image, turned], last=not any(bias))
    writer.mark_rounding(operator)
    if any(bias):
        writer.node(operator, "Add", [result, *bias])


def _clamp(writer: _OnnxWriter, operator: Operator) -> None:
    low, high = operator.attributes.get("minimum"), operator.attributes.get("maximum")
    if high is None and low == 0:
        writer.node(operator, "Relu", operator.inputs)
        return
    dtype = writer.graph.tensors[operator.inputs[0]].dtype
    bounds = [
        "" if bound is None else writer.constant(operator, what, bound, dtype)
        for what, bound in (("minimum", low), ("maximum", high))
    ]
    writer.node(operator, "Clip", [operator.inputs[0], *bounds])


def _silu(writer: _OnnxWriter, operator: Operator) -> None:
    gate = writer.node(operator, "Sigmoid", operator.inputs, last=False)
    writer.node(operator, "Mul", [operator.inputs[0], gate])


def _gelu(writer: _OnnxWriter, operator: Operator) -> None:
    approximate = "tanh" if operator.attributes["approximate"] else "none"
    writer.node(operator, "Gelu", operator.inputs, approximate=approximate)


def _reduction(kind: str) -> Form:
    def write(writer: _OnnxWriter, operator: Operator) -> None:
        axes = writer.constant(operator, "axes", operator.attributes["axes"])
        kept = int(bool(operator.attributes.get("keepdims", True)))
        writer.node(operator, kind, [operator.inputs[0], axes], keepdims=kept)

    return write


def _slice(writer: _OnnxWriter, operator: Operator) -> None:
    parts = [
        writer.constant(operator, name, operator.attributes[name])
        for name in ("starts", "ends", "axes", "steps")
    ]
    writer.node(operator, "Slice", [operator.inputs[0], *parts])


def _pad(writer: _OnnxWriter, operator: Operator) -> None:
    a = operator.attributes
    inputs = [operator.inputs[0], writer.constant(operator, "pads", a["padding"])]
    if a["value"]:
        dtype = writer.graph.tensors[operator.inputs[0]].dtype
        inputs.append(writer.constant(operator, "value", a["value"], dtype))
    writer.node(operator, "Pad", inputs, mode=a["mode"])


def _resize(writer: _OnnxWriter, operator: Operator) -> None:
    a: Any = operator.attributes
    before = writer.graph.tensors[operator.inputs[0]].shape
    after = writer.graph.tensors[operator.outputs[0]].shape
    exact = tuple(size / length for size, length in zip(after, before, strict=True))
    scales = np.asarray(a.get("scales") or exact, dtype=np.float32)
    by_scales = not np.array_equal(scales, np.asarray(exact, dtype=np.float32))
    if by_scales and resized_shape(before, [float(x) for x in scales]) == after:
        inputs = ["", writer.constant(operator, "scales", scales, np.float32)]
    else:
        inputs = ["", "", writer.constant(operator, "sizes", after)]
    writer.node(
        operator,
        "Resize",
        [operator.inputs[0], *inputs],
        mode=a["mode"],
        coordinate_transformation_mode=a.get("coordinates", "half_pixel"),
        nearest_mode=a.get("rounding", "round_prefer_floor"),
    )


def _space_to_depth(writer: _OnnxWriter, operator: Operator) -> None:
    block, mode = operator.attributes["block"], operator.attributes["mode"]
    if mode == "DCR":
        writer.node(operator, "SpaceToDepth", operator.inputs, blocksize=block)
        return
    images, channels, rows, columns = writer.graph.tensors[operator.inputs[0]].shape
    size = int(str(block))
    parts = [images, channels, rows // size, size, columns // size, size]
    result = operator.inputs[0]
    shape = writer.constant(operator, "parts", parts)
    result = writer.node(operator, "Reshape", [result, shape], last=False)
    result = writer.node(operator, "Transpose", [result], last=False, perm=[0, 1, 3, 5, 2, 4])
    _shaped("Reshape", result)(writer, operator)


def _shaped(kind: str, image: str = "") -> Form:
    """A node with the shape of its output as input."""

    def write(writer: _OnnxWriter, operator: Operator) -> None:
        shape = writer.graph.tensors[operator.outputs[0]].shape
        given = writer.constant(operator, "shape", shape)
        options: dict[str, Any] = {"allowzero": 1} if kind == "Reshape" and 0 in shape else {}
        writer.node(operator, kind, [image or operator.inputs[0], given], **options)

    return write


def _layer_norm(writer: _OnnxWriter, operator: Operator) -> None:
    image, scale, bias = (*operator.inputs, "", "")[:3]
    a: Any = operator.attributes
    shape = writer.graph.tensors[image].shape
    axes = sorted(axis % len(shape) for axis in a["axes"])
    factors = {writer.graph.tensors[name].shape for name in (scale, bias) if name}
    if axes == list(range(axes[0], len(shape))) and factors <= {shape[axes[0] :]}:
        kind, size, options = "LayerNormalization", shape[axes[0] :], {"axis": axes[0]}
    elif axes == list(range(2, len(shape))) and factors <= {(shape[1], *(1,) * len(axes))}:
        kind, size, options = "InstanceNormalization", (shape[1],), {}
    else:
        raise InputError(
            f"{operator.name} must normalise the last axes with a factor for each number or for "
            f"each channel, not axes {axes} with factors of shape {sorted(factors)}"
        )
    inputs = [
        _of_shape(writer, operator, name, size, default)
        for name, default in ((scale, 1), (bias, 0))
    ]
    writer.node(operator, kind, [image, *inputs], epsilon=a["epsilon"], **options)


def _of_shape(
    writer: _OnnxWriter, operator: Operator, name: str, shape: tuple[int, ...], default: float
) -> str:
    """A tensor in another shape, or a constant where there is none."""
    if not name:
        return writer.constant(operator, "factor", np.full(shape, default), np.float32)
    if writer.graph.tensors[name].shape == shape:
        return name
    return writer.node(
        operator, "Reshape", [name, writer.constant(operator, "channels", shape)], last=False
    )


def _cast(writer: _OnnxWriter, operator: Operator) -> None:
    code = helper.np_dtype_to_tensor_dtype(np.dtype(str(operator.attributes["dtype"])))
    writer.node(operator, "Cast", operator.inputs, to=code)


_FORMS: Final[dict[str, Form]] = {
    "quantize": _quantization("QuantizeLinear"),
    "dequantize": _quantization("DequantizeLinear"),
    "conv": _conv,
    "conv_transposed": _conv_transposed,
    "linear": _linear,
    "matmul": _plain("MatMul"),
    "batch_norm": _plain("BatchNormalization", epsilon="epsilon"),
    "add": _plain("Add"),
    "subtract": _plain("Sub"),
    "multiply": _plain("Mul"),
    "divide": _plain("Div"),
    "minimum": _plain("Min"),
    "maximum": _plain("Max"),
    "power": _plain("Pow"),
    "clamp": _clamp,
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "hard_swish": _plain("HardSwish"),
    "hard_sigmoid": _plain("HardSigmoid", alpha="alpha", beta="beta"),
    "silu": _silu,
    "softplus": _plain("Softplus"),
    "mish": _plain("Mish"),
    "exp": _plain("Exp"),
    "log": _plain("Log"),
    "sqrt": _plain("Sqrt"),
    "absolute": _plain("Abs"),
    "negate": _plain("Neg"),
    "erf": _plain("Erf"),
    "gelu": _gelu,
    "leaky_relu": _plain("LeakyRelu", alpha="alpha"),
    "elu": _plain("Elu", alpha="alpha"),
    "prelu": _plain("PRelu"),
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "reduce_mean": _reduction("ReduceMean"),
    "reduce_sum": _reduction("ReduceSum"),
    "reduce_max": _reduction("ReduceMax"),
    "concat": _plain("Concat", axis="axis"),
    "slice": _slice,
    "pad": _pad,
    "resize": _resize,
    "depth_to_space": _plain("DepthToSpace", blocksize="block", mode="mode"),
    "space_to_depth": _space_to_depth,
    "reshape": _shaped("Reshape"),
    "transpose": _plain("Transpose", perm="axes"),
    "expand": _shaped("Expand"),
    "identity": _plain("Identity"),
    "softmax": _plain("Softmax", axis="axis"),
    "log_softmax": _plain("LogSoftmax", axis="axis"),
    "layer_norm": _layer_norm,
    "local_response_norm": _plain("LRN", size="size", alpha="alpha", beta="beta", bias="bias"),
    "argmax": _plain("ArgMax", axis="axis", keepdims="keepdims"),
    "cast": _cast,
    "gather": _plain("Gather", axis="axis"),
}
"""Kind -> its nodes."""
