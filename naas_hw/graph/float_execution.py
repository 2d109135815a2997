"""What a graph computes, in the floating-point numbers of numpy.

Every kind of `naas_hw.graph.operators` has an entry in one table. Calibration, folding of
constants, operators on the host and tables of 256 entries use it.
"""

import operator as python
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.float_kernels import functions, layout
from naas_hw.graph.float_kernels.convolution import convolve, convolve_transposed
from naas_hw.graph.float_kernels.pooling import pool_average, pool_maximum
from naas_hw.graph.float_kernels.quantisation import dequantise_values, quantise_values
from naas_hw.graph.float_kernels.resampling import resize
from naas_hw.graph.graph import Array, Attribute, Graph, Operator

Attributes = Mapping[str, Any]
Inputs = Sequence[Any]
Kernel = Callable[[Inputs, Attributes, tuple[int, ...]], Array]
"""What a kind computes of its inputs and attributes; the last argument is the output's shape."""


def run_floats(
    graph: Graph, inputs: Mapping[str, Array], *, wanted: Collection[str] | None = None
) -> dict[str, Array]:
    """All tensors that a graph computes.

    Parameters
    ----------
    inputs : values of each input of the graph, by name, in its shape; cast to its type.
    wanted : the tensors to return, so that the others are freed early; None means all.

    Raises
    ------
    InputError : an input is missing or has another shape, or an operator is unknown.
    """
    values = {name: _checked_input(graph, name, inputs) for name in graph.inputs}
    last_reader = {name: users[-1].name for name, users in graph.consumers.items()}
    for operator in graph.operators:
        arguments = [_value(graph, values, name) for name in operator.inputs]
        result = run_operator(operator, arguments, graph.tensors[operator.outputs[0]].shape)
        values[operator.outputs[0]] = result.astype(
            graph.tensors[operator.outputs[0]].dtype, copy=False
        )
        if wanted is None:
            continue
        for name in (*operator.inputs, *operator.outputs):
            if name not in wanted and last_reader.get(name, operator.name) == operator.name:
                values.pop(name, None)
    constants = {name: graph.constant(name) for name in graph.outputs}
    values |= {name: value for name, value in constants.items() if value is not None}
    return values if wanted is None else {name: values[name] for name in wanted}


def run_operator(
    operator: Operator, inputs: Sequence[Array | None], shape: tuple[int, ...]
) -> Array:
    """What one operator computes; None stands for an input that is missing.

    Parameters
    ----------
    shape : of the output, which `reshape`, `expand` and `resize` need.

    Raises
    ------
    InputError : nobody knows what its kind computes.
    """
    return run_kind(operator.kind, operator.attributes, inputs, shape, operator.name)


def run_kind(
    kind: str,
    attributes: Mapping[str, Attribute],
    inputs: Sequence[Array | None],
    shape: tuple[int, ...],
    name: str = "an operator",
) -> Array:
    """`run_operator` by kind and attributes."""
    kernel = KERNELS.get(kind)
    if kernel is None:
        raise InputError(f"{name} must be of a kind that can be executed, not {kind!r}")
    with np.errstate(all="ignore"):  # infinities and their quotients are values here
        return kernel(inputs, attributes, shape)


def _value(graph: Graph, values: Mapping[str, Array], name: str) -> Array | None:
    if not name:
        return None
    constant = graph.constant(name)
    return values[name] if constant is None else constant


def _checked_input(graph: Graph, name: str, inputs: Mapping[str, Array]) -> Array:
    tensor = graph.tensors[name]
    if name not in inputs:
        raise InputError(f"inputs must have {name!r}, not only {sorted(inputs)}")
    value = np.asarray(inputs[name])
    if value.shape != tensor.shape:
        raise InputError(f"input {name!r} must be {list(tensor.shape)}, not {list(value.shape)}")
    with np.errstate(over="ignore"):  # a number beyond float32 is infinite
        return value.astype(tensor.dtype, copy=False)


def _of_one(function: Callable[..., Array], *names: str) -> Kernel:
    """A kernel of a function of one array and of some attributes, in order."""
    return lambda x, a, _: function(x[0], *(a[name] for name in names))


def _of_two(function: Callable[[Any, Any], Any]) -> Kernel:
    return lambda x, _a, _s: np.asarray(function(x[0], x[1]))


def _over_axes(function: Callable[..., Any]) -> Kernel:
    return lambda x, a, _: np.asarray(
        function(x[0], axis=tuple(a["axes"]), keepdims=a.get("keepdims", True))
    )


def _linear(x: Inputs, _a: Attributes, _s: tuple[int, ...]) -> Array:
    image, weights, bias = _three(x)
    result = image @ weights.T
    return result if bias is None else result + bias


def _three(x: Inputs) -> tuple[Array, Array, Array | None]:
    return x[0], x[1], x[2] if len(x) > 2 else None


def _conv(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    return convolve(*_three(x), **_options(a, "stride padding dilation groups"))


def _conv_transposed(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    options = _options(a, "stride padding dilation groups output_padding")
    return convolve_transposed(*_three(x), **options)


def _options(a: Attributes, names: str) -> dict[str, Any]:
    return {name: a[name] for name in names.split() if name in a}


def _batch_norm(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    image, *statistics = x
    shape = (-1,) + (1,) * (image.ndim - 2)
    scale, bias, mean, variance = (np.reshape(value, shape) for value in statistics)
    factor = scale / np.sqrt(variance + image.dtype.type(a["epsilon"]))
    return np.asarray((image - mean) * factor + bias)


def _clamp(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    image: Array = x[0]
    low, high = a.get("minimum"), a.get("maximum")
    image = image if low is None else np.maximum(image, image.dtype.type(low))
    return image if high is None else np.minimum(image, image.dtype.type(high))


def _divide(a: Array, b: Array) -> Array:
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    return np.asarray(np.trunc(a / b)).astype(a.dtype)


def _prelu(x: Inputs, _a: Attributes, _s: tuple[int, ...]) -> Array:
    image, slope, _ = _three(x)
    return np.where(image >= 0, image, image * slope)


def _max_pool(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    return pool_maximum(x[0], **_options(a, "kernel stride padding dilation"))


def _average_pool(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    options = _options(a, "kernel stride padding")
    return pool_average(x[0], count_include_pad=a.get("count_include_pad", False), **options)


def _resize(x: Inputs, a: Attributes, shape: tuple[int, ...]) -> Array:
    return resize(x[0], shape, **_options(a, "mode coordinates rounding scales"))


def _layer_norm(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    image, scale, bias = (*x, None, None)[:3]
    return functions.normalise(image, scale, bias, tuple(a["axes"]), a["epsilon"])


def _quantize(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    return quantise_values(x[0], a["scale"], a["zero_point"], a.get("axis"), a["dtype"])


def _dequantize(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    return dequantise_values(x[0], a["scale"], a["zero_point"], a.get("axis"))


def _argmax(x: Inputs, a: Attributes, _s: tuple[int, ...]) -> Array:
    result = np.argmax(x[0], axis=a["axis"], keepdims=a.get("keepdims", True))
    return np.asarray(result)


KERNELS: Final[dict[str, Kernel]] = {
    "quantize": _quantize,
    "dequantize": _dequantize,
    "conv": _conv,
    "conv_transposed": _conv_transposed,
    "linear": _linear,
    "matmul": _of_two(np.matmul),
    "batch_norm": _batch_norm,
    "add": _of_two(python.add),
    "subtract": _of_two(python.sub),
    "multiply": _of_two(python.mul),
    "divide": _of_two(_divide),
    "minimum": _of_two(np.minimum),
    "maximum": _of_two(np.maximum),
    "power": _of_two(np.power),
    "clamp": _clamp,
    "sigmoid": _of_one(functions.sigmoid),
    "tanh": _of_one(np.tanh),
    "hard_swish": _of_one(functions.hard_swish),
    "hard_sigmoid": _of_one(functions.hard_sigmoid, "alpha", "beta"),
    "silu": lambda x, _a, _s: x[0] * functions.sigmoid(x[0]),
    "softplus": _of_one(functions.softplus),
    "mish": lambda x, _a, _s: x[0] * np.tanh(functions.softplus(x[0])),
    "exp": _of_one(np.exp),
    "log": _of_one(np.log),
    "sqrt": _of_one(np.sqrt),
    "absolute": _of_one(np.abs),
    "negate": _of_one(np.negative),
    "erf": _of_one(functions.erf),
    "gelu": _of_one(functions.gelu, "approximate"),
    "leaky_relu": _of_one(functions.leaky_relu, "alpha"),
    "elu": _of_one(functions.elu, "alpha"),
    "prelu": _prelu,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "reduce_mean": _over_axes(np.mean),
    "reduce_sum": _over_axes(np.sum),
    "reduce_max": _over_axes(np.max),
    "concat": lambda x, a, _: np.concatenate(list(x), axis=a["axis"]),
    "slice": _of_one(layout.take_part, "starts", "ends", "steps", "axes"),
    "pad": _of_one(layout.pad, "padding", "value", "mode"),
    "resize": _resize,
    "depth_to_space": _of_one(layout.depth_to_space, "block", "mode"),
    "space_to_depth": _of_one(layout.space_to_depth, "block", "mode"),
    "reshape": lambda x, _a, shape: np.reshape(x[0], shape),
    "transpose": _of_one(np.transpose, "axes"),
    "expand": lambda x, _a, shape: np.broadcast_to(x[0], shape),
    "identity": lambda x, _a, _s: np.asarray(x[0]),
    "softmax": _of_one(functions.softmax, "axis"),
    "log_softmax": _of_one(functions.log_softmax, "axis"),
    "layer_norm": _layer_norm,
    "local_response_norm": _of_one(functions.normalise_locally, "size", "alpha", "beta", "bias"),
    "argmax": _argmax,
    "cast": lambda x, a, _: x[0].astype(a["dtype"]),
    "gather": lambda x, a, _: np.take(x[0], x[1], axis=a["axis"]),
}
"""Kind -> what it computes."""
