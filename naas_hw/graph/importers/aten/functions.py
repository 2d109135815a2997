"""Functions of one tensor or of two, number by number, and sums over axes."""

from typing import Final

import numpy as np

from naas_hw.graph.importers.aten.call import Call, Translation, UnsupportedError


def _function(kind: str) -> Translation:
    """A function without attributes."""
    return lambda call: call.emit(kind, [call.tensor("self", "input")])


def relu(call: Call) -> str:
    """`relu` and `relu6`."""
    top = 6.0 if call.operator.kind == "relu6" else None
    return call.emit("clamp", [call.tensor("self", "input")], minimum=0.0, maximum=top)


def hardtanh(call: Call) -> str:
    """`hardtanh`: a clamp whose limits have defaults."""
    low, high = float(call.number("min_val", -1)), float(call.number("max_val", 1))
    return call.emit("clamp", [call.tensor("self", "input")], minimum=low, maximum=high)


def clamp(call: Call) -> str:
    """`clamp` with numbers; with tensors, maximum and minimum."""
    x = call.tensor("self")
    limits = ("min", "max")
    if not any(call.is_tensor(limit) for limit in limits):
        low, high = (float(call.number(name)) if call.has(name) else None for name in limits)
        return call.emit("clamp", [x], minimum=low, maximum=high)
    for kind, limit in zip(("maximum", "minimum"), limits, strict=True):
        if call.has(limit):
            x = call.emit(kind, [x, call.operand(limit)])
    return x


def gelu(call: Call) -> str:
    """`gelu`, exact or by tanh."""
    by_tanh = call.argument("approximate", "none") == "tanh"
    return call.emit("gelu", [call.tensor("self")], approximate=by_tanh)


def hard_sigmoid(call: Call) -> str:
    """`hardsigmoid`: x / 6 + 1 / 2, in 0 to 1."""
    return call.emit("hard_sigmoid", [call.tensor("self")], alpha=1 / 6, beta=0.5)


def leaky_relu(call: Call) -> str:
    """`leaky_relu`."""
    slope = float(call.number("negative_slope", 0.01))
    return call.emit("leaky_relu", [call.tensor("self")], alpha=slope)


def elu(call: Call) -> str:
    """`elu`; `selu` and `celu` are others."""
    if call.number("scale", 1) != 1 or call.number("input_scale", 1) != 1:
        raise UnsupportedError("`scale` and `input_scale` of elu must be 1")
    return call.emit("elu", [call.tensor("self")], alpha=float(call.number("alpha", 1)))


def softplus(call: Call) -> str:
    """`softplus` of slope 1; torch's threshold makes no difference in float32."""
    if call.number("beta", 1) != 1:
        raise UnsupportedError(f"`beta` of softplus must be 1, not {call.argument('beta')}")
    return call.emit("softplus", [call.tensor("self")])


def prelu(call: Call) -> str:
    """`prelu`, its slopes along the channels."""
    x, slope = call.tensor("self", "input"), call.tensor("weight")
    rank = len(call.builder.shape(x))
    count = call.builder.shape(slope)
    if count and count[0] > 1 and rank > 2:
        slope = call.reshaped(slope, (count[0], *([1] * (rank - 2))))
    return call.emit("prelu", [x, slope])


def _binary(kind: str) -> Translation:
    """A function of two tensors, or of a tensor and a number; `alpha` scales the second."""

    def translate(call: Call) -> str:
        first, second = _operands(call)
        if call.operator.kind == "rsub":
            first, second = second, first
        if (alpha := call.number("alpha", 1)) != 1:
            if call.operator.kind == "rsub":
                raise UnsupportedError(f"alpha of rsub must be 1, not {alpha}")
            factor = call.constant(np.asarray(alpha, call.builder.dtype(second)))
            shape = call.builder.shape(second)
            second = call.emit("multiply", [second, factor], shape)
        return call.emit(kind, [first, second])

    return translate


def _operands(call: Call) -> tuple[str, str]:
    """Both operands as tensors."""
    second = "exponent" if call.operator.kind == "pow" else "other"
    return call.operand("self"), call.operand(second)


def division(call: Call) -> str:
    """`div` without rounding."""
    if call.has("rounding_mode"):
        raise UnsupportedError("a division must have no `rounding_mode`")
    first, second = _operands(call)
    return call.emit("divide", [first, second])


def power(call: Call) -> str:
    """`pow`; a square is a product."""
    if not call.is_tensor("exponent") and call.argument("exponent") == 2:
        x = call.tensor("self")
        return call.emit("multiply", [x, x])
    first, second = _operands(call)
    return call.emit("power", [first, second])


def square(call: Call) -> str:
    """`square`."""
    x = call.tensor("self")
    return call.emit("multiply", [x, x])


def reciprocal(call: Call) -> str:
    """`reciprocal` and `rsqrt`."""
    x = call.tensor("self")
    if call.operator.kind == "rsqrt":
        x = call.emit("sqrt", [x])
    return call.emit("divide", [call.constant(np.asarray(1, call.dtype)), x])


def _reduction(kind: str) -> Translation:
    """A sum, mean or maximum over axes; over all where none is named."""

    def translate(call: Call) -> str:
        x = call.tensor("self")
        rank = len(call.builder.shape(x))
        axes = call.integers("dim") or tuple(range(rank))
        return call.emit(
            kind,
            [x],
            axes=tuple(sorted(axis % max(rank, 1) for axis in axes)),
            keepdims=bool(call.argument("keepdim", False)),
        )

    return translate


def maximum(call: Call) -> str | list[str]:
    """`max` of a tensor, over an axis, or of two tensors."""
    if call.has("other"):
        return _binary("maximum")(call)
    result = _reduction("reduce_max")(call)
    assert isinstance(result, str)
    return [result] if call.has("dim") else result


def argmax(call: Call) -> str:
    """`argmax` over an axis."""
    x = call.tensor("self")
    if not call.has("dim"):
        raise UnsupportedError("argmax must have an axis (`dim`)")
    axis = call.axis("dim", 0, len(call.builder.shape(x)))
    return call.emit("argmax", [x], axis=axis, keepdims=bool(call.argument("keepdim", False)))


TRANSLATIONS: Final[dict[str, Translation]] = {
    **{
        name: _function(kind)
        for name, kind in {
            "sigmoid": "sigmoid",
            "tanh": "tanh",
            "hardswish": "hard_swish",
            "silu": "silu",
            "mish": "mish",
            "exp": "exp",
            "log": "log",
            "sqrt": "sqrt",
            "abs": "absolute",
            "neg": "negate",
            "erf": "erf",
        }.items()
    },
    **dict.fromkeys(("relu", "relu6"), relu),
    "hardtanh": hardtanh,
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max"), clamp),
    "gelu": gelu,
    "hardsigmoid": hard_sigmoid,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "softplus": softplus,
    **dict.fromkeys(("prelu", "_prelu_kernel"), prelu),
    "add": _binary("add"),
    **dict.fromkeys(("sub", "rsub"), _binary("subtract")),
    "mul": _binary("multiply"),
    **dict.fromkeys(("div", "divide", "true_divide"), division),
    "minimum": _binary("minimum"),
    "maximum": _binary("maximum"),
    "pow": power,
    "square": square,
    **dict.fromkeys(("reciprocal", "rsqrt"), reciprocal),
    "mean": _reduction("reduce_mean"),
    "sum": _reduction("reduce_sum"),
    "amax": _reduction("reduce_max"),
    "max": maximum,
    "argmax": argmax,
}
