"""Padding by an operator of its own becomes the padding of the layer that reads it.

That is exact where the value is what the layer finds outside its image: 0 for a convolution and
for a mean whose divisor counts padding, and nothing above any number for a maximum. In a quantised
model the padded image is quantised in between, which changes nothing if it keeps its scale.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Attribute, Operator

Sides = tuple[int, int, int, int]


def fold_padding(editor: GraphEditor) -> None:
    """Give the padding of a `pad` to the convolution or pooling behind it."""
    for operator in editor.operators:
        if operator.kind not in ("conv", "average_pool", "max_pool"):
            continue
        pad = _pad_before(editor, operator.inputs[0])
        if pad is None:
            continue
        sides = _sides_of_image(editor, pad)
        attributes = None if sides is None else _with_padding(editor, operator, pad, sides)
        if attributes is not None:
            editor.change(
                operator, inputs=(pad.inputs[0], *operator.inputs[1:]), attributes=attributes
            )


def _pad_before(editor: GraphEditor, name: str) -> Operator | None:
    """The padding that a tensor comes from, perhaps through quantisation that changes nothing."""
    pad = editor.made_by(name, "pad")
    if pad is not None:
        return pad
    after = editor.made_by(name, "dequantize")
    quantize = after and editor.made_by(after.inputs[0], "quantize")
    pad = quantize and editor.made_by(quantize.inputs[0], "pad")
    before = pad and editor.made_by(pad.inputs[0], "dequantize")
    if not (after and quantize and before):
        return None
    scales = {
        (x.attributes["scale"], x.attributes["zero_point"], x.attributes["dtype"])
        for x in (after, quantize, before)
    }
    return pad if len(scales) == 1 else None


def _sides_of_image(editor: GraphEditor, pad: Operator) -> Sides | None:
    """Rows and columns that a constant padding adds; None if it does anything else."""
    padding = pad.attributes["padding"]
    assert isinstance(padding, tuple)
    numbers = [int(size) for size in padding]
    if pad.attributes["mode"] != "constant" or len(numbers) != 8 or min(numbers) < 0:
        return None
    if any(numbers[:2]) or any(numbers[4:6]):
        return None
    return numbers[2], numbers[3], numbers[6], numbers[7]


def _with_padding(
    editor: GraphEditor, operator: Operator, pad: Operator, sides: Sides
) -> Mapping[str, Attribute] | None:
    """Attributes of a layer that pads by itself; None if it cannot."""
    attributes: dict[str, Any] = dict(operator.attributes)
    own: Sides = attributes["padding"]
    value = float(str(pad.attributes["value"]))
    merged = tuple(a + b for a, b in zip(own, sides, strict=True))
    if min(own) < 0:
        return None
    attributes["padding"] = merged
    if operator.kind == "conv":
        return attributes if value == 0 else None
    if operator.kind == "average_pool":
        counts = attributes.get("count_include_pad", False) or not any(own)
        attributes["count_include_pad"] = True
        return attributes if value == 0 and counts else None
    kernel = attributes["kernel"]
    reaches = all(side < kernel[index % 2] for index, side in enumerate(merged))
    lowest = _lower_bound(editor, pad.inputs[0])
    return attributes if reaches and value <= lowest else None


def _lower_bound(editor: GraphEditor, name: str) -> float:
    """A number that no element of a tensor is below."""
    operator = editor.made_by(name, "clamp", "max_pool", "dequantize")
    if operator is None:
        return -float(np.finfo(np.float32).max)
    if operator.kind == "max_pool":
        return _lower_bound(editor, operator.inputs[0])
    if operator.kind == "clamp":
        low = operator.attributes.get("minimum")
        return -math.inf if low is None else float(str(low))
    scale, zero = operator.attributes["scale"], operator.attributes["zero_point"]
    if isinstance(scale, tuple) or isinstance(zero, tuple):
        return -math.inf
    lowest = np.iinfo(str(operator.attributes["dtype"])).min
    return float(str(scale)) * (lowest - int(str(zero)))
