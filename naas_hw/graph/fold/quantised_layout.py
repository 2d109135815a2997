"""Operators on bytes become operators on real numbers, between dequantise and quantise.

A file in QOperator form moves, pools and cuts int8 tensors as they are. Such an operator means the
same on real numbers, because scale and zero point stay; so every operator of a quantised graph has
the one form that what follows expects.
"""

from collections.abc import Mapping
from typing import Final

from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Attribute, Operator

_KEEPING_SCALE: Final = frozenset(
    "reshape transpose expand identity max_pool slice pad resize depth_to_space space_to_depth "
    "gather concat clamp reduce_max".split()
)
_SCALE_NAMES: Final = ("scale", "zero_point", "axis", "dtype")

Quantisation = Mapping[str, Attribute]


def fold_quantised_layout(editor: GraphEditor) -> None:
    """Wrap operators on bytes into dequantise and quantise."""
    for operator in editor.operators:
        if operator.kind not in _KEEPING_SCALE or not _is_of_bytes(editor, operator):
            continue
        scales = [_quantisation(editor, name) for name in _data_inputs(operator)]
        if None in scales:
            output = _quantisation_of_readers(editor, operator.outputs[0])
            scales = [output if scale is None else scale for scale in scales]
        first = scales[0]
        if first is not None and all(scale == first for scale in scales):
            _wrap(editor, operator, first)


def fold_requantisation(editor: GraphEditor) -> None:
    """Bytes that are dequantised and quantised with the same scale are what they were."""
    for operator in editor.operators:
        if operator.kind != "quantize" or not editor.is_current(operator):
            continue
        before = editor.made_by(operator.inputs[0], "dequantize")
        if before is not None and _same_scale(before, operator):
            editor.bypass(operator, before.inputs[0])


def _same_scale(first: Operator, second: Operator) -> bool:
    return all(first.attributes.get(x) == second.attributes.get(x) for x in _SCALE_NAMES)


def _is_of_bytes(editor: GraphEditor, operator: Operator) -> bool:
    """Whether an operator makes bytes of bytes that are computed."""
    names = (operator.inputs[0], operator.outputs[0])
    if editor.values(operator.inputs[0]) is not None:
        return False
    return all(editor.dtype(name).name in ("int8", "uint8") for name in names)


def _data_inputs(operator: Operator) -> tuple[str, ...]:
    return operator.inputs if operator.kind == "concat" else operator.inputs[:1]


def _quantisation(editor: GraphEditor, name: str) -> Quantisation | None:
    """Scale and zero point of bytes, from what makes them or from another reader of them."""
    operator = editor.made_by(name, "quantize")
    if operator is not None and operator.attributes.get("axis") is None:
        return {x: operator.attributes[x] for x in _SCALE_NAMES}
    return _quantisation_of_readers(editor, name)


def _quantisation_of_readers(editor: GraphEditor, name: str) -> Quantisation | None:
    for reader in editor.readers(name):
        if reader.kind == "dequantize" and reader.attributes.get("axis") is None:
            return {x: reader.attributes[x] for x in _SCALE_NAMES}
    return None


def _wrap(editor: GraphEditor, operator: Operator, scale: Quantisation) -> None:
    data = _data_inputs(operator)
    real = [editor.add(operator, "dequantize", (name,), scale) for name in data]
    attributes = dict(operator.attributes)
    for name in ("value", "minimum", "maximum"):
        if attributes.get(name) is not None:
            attributes[name] = _real_number(attributes[name], scale)
    editor.remove(operator)
    result = editor.add(
        operator,
        operator.kind,
        (*real, *operator.inputs[len(data) :]),
        attributes,
        name=operator.name,
        shape=editor.shape(operator.outputs[0]),
        dtype=editor.dtype(real[0]),
    )
    editor.add(operator, "quantize", (result,), scale, output=operator.outputs[0])


def _real_number(value: Attribute, scale: Quantisation) -> float:
    """The number that a byte stands for."""
    return (float(str(value)) - float(str(scale["zero_point"]))) * float(str(scale["scale"]))
