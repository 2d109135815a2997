"""Batch norm in evaluation mode, layer, group and instance norm, softmax."""

from math import prod
from typing import Final

import numpy as np

from naas_hw.graph.importers.aten.call import FLOAT, Call, Translation, UnsupportedError
from naas_hw.workload.frontends.operators import BATCH_NORMS


def batch_norm(call: Call) -> str | list[str]:
    """Batch norm with the statistics of training."""
    x = call.tensor("input")
    is_training = bool(call.argument("training", call.operator.kind == "_batch_norm_no_update"))
    if is_training or not call.has("running_mean"):
        if call.builder.shape(x)[0] == 1 and not call.has("running_mean"):
            return _by_group(call, x, call.builder.shape(x)[1])
        raise UnsupportedError("batch norm must be in evaluation mode")
    channels = call.builder.shape(x)[1]
    statistics = [
        call.tensor(name) if call.has(name) else call.constant(np.full(channels, value, FLOAT))
        for name, value in (
            ("weight", 1),
            ("bias", 0),
            ("running_mean", 0),
            ("running_var", 1),
        )
    ]
    result = call.emit("batch_norm", [x, *statistics], epsilon=float(call.number("eps", 1e-5)))
    return result if call.operator.kind == "batch_norm" else [result]


def layer_norm(call: Call) -> str | list[str]:
    """`layer_norm` and `native_layer_norm`."""
    x = call.tensor("input")
    rank = len(call.builder.shape(x))
    axes = tuple(range(rank - len(call.integers("normalized_shape")), rank))
    parameters = _parameters(call)
    epsilon = float(call.number("eps", 1e-5))
    result = call.emit("layer_norm", [x, *parameters], axes=axes, epsilon=epsilon)
    return [result] if call.operator.kind == "native_layer_norm" else result


def _parameters(call: Call) -> list[str]:
    """Scale and bias, those that are there."""
    scale, bias = call.tensor_or_none("weight"), call.tensor_or_none("bias")
    return [scale, bias] if bias else [scale] if scale else []


def group_norm(call: Call) -> str | list[str]:
    """`group_norm`, `native_group_norm` and `instance_norm`, as layer norms of groups."""
    x = call.tensor("input")
    channels = call.builder.shape(x)[1]
    default = channels if call.operator.kind == "instance_norm" else 1
    if call.operator.kind == "instance_norm" and not call.argument("use_input_stats", True):
        raise UnsupportedError("instance norm must use the statistics of its input")
    groups = int(call.number("num_groups" if call.has("num_groups") else "group", default))
    return _by_group(call, x, groups)


def _by_group(call: Call, x: str, groups: int) -> str | list[str]:
    shape = call.builder.shape(x)
    if shape[0] != 1:
        raise UnsupportedError(f"batch must be 1, not {shape[0]}")
    split_shape = (groups, prod(shape) // groups)
    split = call.reshaped(x, split_shape)
    epsilon = float(call.number("eps", 1e-5))
    split = call.emit("layer_norm", [split], split_shape, axes=(1,), epsilon=epsilon)
    result = call.reshaped(split, shape)
    for kind, parameter in (("multiply", "weight"), ("add", "bias")):
        if call.has(parameter):
            along = call.reshaped(call.tensor(parameter), (shape[1], *([1] * (len(shape) - 2))))
            result = call.emit(kind, [result, along], shape)
    return [result] if call.operator.kind.startswith(("native", "_native")) else result


def softmax(call: Call) -> str:
    """`softmax` and `log_softmax`."""
    x = call.tensor("self")
    kind = "log_softmax" if "log" in call.operator.kind else "softmax"
    return call.emit(kind, [x], axis=call.axis("dim", -1, len(call.builder.shape(x))))


def vector_norm(call: Call) -> str:
    """`linalg_vector_norm` of order 2, spelled out."""
    x = call.tensor("self")
    if call.number("ord", 2) != 2:
        raise UnsupportedError(f"the order of a norm must be 2, not {call.argument('ord')}")
    shape = call.builder.shape(x)
    axes = call.integers("dim", tuple(range(len(shape))))
    squares = call.emit("multiply", [x, x], shape)
    total = call.emit(
        "reduce_sum",
        [squares],
        axes=tuple(axis % len(shape) for axis in axes),
        keepdims=bool(call.argument("keepdim", False)),
    )
    return call.emit("sqrt", [total])


TRANSLATIONS: Final[dict[str, Translation]] = {
    **dict.fromkeys(BATCH_NORMS, batch_norm),
    **dict.fromkeys(("layer_norm", "native_layer_norm"), layer_norm),
    **dict.fromkeys(("group_norm", "native_group_norm", "instance_norm"), group_norm),
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax"), softmax),
    "linalg_vector_norm": vector_norm,
}
