"""Factors and addends of channels go into the weights of the layer before, or become a layer."""

from typing import Final

import numpy as np

from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Array, Operator

_AXIS_OF_OUTPUTS: Final = {"conv": 0, "linear": 0, "conv_transposed": 1}


def fold_batch_norm(editor: GraphEditor) -> None:
    """Batch normalisation: into the layer before, else a factor and an addend a channel."""
    for operator in editor.operators:
        if operator.kind != "batch_norm":
            continue
        statistics = [editor.values(name) for name in operator.inputs[1:]]
        if any(values is None for values in statistics):
            continue
        scale, bias, mean, variance = (np.asarray(x, dtype=np.float64) for x in statistics)
        factor = scale / np.sqrt(variance + float(str(operator.attributes["epsilon"])))
        _apply(editor, operator, operator.inputs[0], factor, bias - mean * factor)


def fold_factors(editor: GraphEditor) -> None:
    """A constant that is added to the result of a layer, or that it is multiplied by."""
    for operator in editor.operators:
        if operator.kind not in ("add", "subtract", "multiply", "divide"):
            continue
        data, constant = _data_and_constant(editor, operator)
        values = None if constant is None else editor.values(constant)
        if data is None or values is None or values.dtype.kind != "f":
            continue
        layer = _layer_before(editor, data)
        if layer is None or editor.shape(data) != editor.shape(operator.outputs[0]):
            continue
        channels = _of_channels(editor, data, values)
        if channels is None:
            continue
        factor, addend = _factor_and_addend(operator, channels.astype(np.float64))
        _fold_into(editor, operator, layer, factor, addend)


def _factor_and_addend(operator: Operator, values: Array) -> tuple[Array, Array]:
    one, zero = np.ones_like(values), np.zeros_like(values)
    if operator.kind in ("add", "subtract"):
        return one, values if operator.kind == "add" else -values
    return values if operator.kind == "multiply" else 1 / values, zero


def _data_and_constant(editor: GraphEditor, operator: Operator) -> tuple[str | None, str | None]:
    """The input that is computed and the one that is constant."""
    first, second = operator.inputs
    if editor.values(second) is not None:
        return first, second
    if editor.values(first) is not None and operator.kind in ("add", "multiply"):
        return second, first
    return None, None


def _of_channels(editor: GraphEditor, data: str, values: Array) -> Array | None:
    """A constant as one number a channel; None if it differs inside a channel."""
    shape = editor.shape(data)
    producer = editor.producer(data)
    axis = len(shape) - 1 if producer is not None and producer.kind == "linear" else 1
    if values.ndim > len(shape):
        return None
    full = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
    if any(size != 1 for place, size in enumerate(full.shape) if place != axis):
        return None
    return np.broadcast_to(full.reshape(-1), (shape[axis],))


def _layer_before(editor: GraphEditor, data: str) -> Operator | None:
    """The layer that makes a tensor for one reader only, if its weights are constants."""
    layer = editor.made_by(data, *_AXIS_OF_OUTPUTS)
    if layer is None or editor.only_reader(data) is None:
        return None
    constants = [editor.values(name) for name in layer.inputs[1:] if name]
    return None if any(values is None for values in constants) else layer


def _apply(
    editor: GraphEditor, operator: Operator, data: str, factor: Array, addend: Array
) -> None:
    layer = _layer_before(editor, data)
    shape = editor.shape(data)
    if layer is not None and (layer.kind != "linear" or len(shape) == 2):
        _fold_into(editor, operator, layer, factor, addend)
        return
    if len(shape) == 4:
        _become_layer(editor, operator, data, factor, addend)
        return
    sizes = (-1,) + (1,) * (len(shape) - 2)
    constants = [
        editor.add_constant(f"{operator.name}/{what}", values.astype(np.float32).reshape(sizes))
        for what, values in (("factor", factor), ("addend", addend))
    ]
    product = editor.add(operator, "multiply", (data, constants[0]))
    editor.change(operator, kind="add", inputs=(product, constants[1]), attributes={})


def _become_layer(
    editor: GraphEditor, operator: Operator, data: str, factor: Array, addend: Array
) -> None:
    """A 1 x 1 layer with one weight a channel."""
    weights = factor.astype(np.float32).reshape(-1, 1, 1, 1)
    inputs = (
        data,
        editor.add_constant(f"{operator.name}/weights", weights),
        editor.add_constant(f"{operator.name}/bias", addend.astype(np.float32)),
    )
    editor.change(
        operator,
        kind="conv",
        inputs=inputs,
        attributes={
            "stride": (1, 1),
            "padding": (0, 0, 0, 0),
            "dilation": (1, 1),
            "groups": len(factor),
        },
    )


def _fold_into(
    editor: GraphEditor, operator: Operator, layer: Operator, factor: Array, addend: Array
) -> None:
    """The layer computes `factor * result + addend`."""
    weights = editor.values(layer.inputs[1])
    bias = editor.values(layer.inputs[2]) if len(layer.inputs) > 2 else None
    assert weights is not None
    inputs = [layer.inputs[0], layer.inputs[1]]
    if (factor != 1).any():
        scaled = _scaled(weights, factor, layer)
        inputs[1] = editor.add_constant(f"{layer.name}/weights", scaled)
    moved = addend if bias is None else bias.astype(np.float64) * factor + addend
    inputs.append(editor.add_constant(f"{layer.name}/bias", moved.astype(np.float32)))
    layer = editor.change(layer, inputs=inputs)
    editor.bypass(operator, layer.outputs[0])


def _scaled(weights: Array, factor: Array, layer: Operator) -> Array:
    """Weights times a factor for each output channel."""
    if layer.kind != "conv_transposed":
        sizes = (-1,) + (1,) * (weights.ndim - 1)
        return (weights * factor.reshape(sizes)).astype(np.float32)
    groups = int(str(layer.attributes.get("groups", 1)))
    grouped = weights.reshape(groups, weights.shape[0] // groups, *weights.shape[1:])
    each = factor.reshape(groups, 1, weights.shape[1], 1, 1)
    return (grouped * each).astype(np.float32).reshape(weights.shape)
