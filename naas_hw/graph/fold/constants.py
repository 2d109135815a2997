"""Operators of constants become constants."""

from typing import Final

import numpy as np

from naas_hw.graph.float_execution import KERNELS, run_operator
from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Array, Operator

_KEPT: Final = frozenset({"dequantize"})
"""A dequantised constant carries the scales of weights."""


def fold_constants(editor: GraphEditor) -> None:
    """Compute operators that read constants only."""
    for operator in editor.operators:
        inputs = [editor.values(name) for name in operator.inputs]
        known = all(
            values is not None for name, values in zip(operator.inputs, inputs, strict=True) if name
        )
        if known and operator.kind in KERNELS and operator.kind not in _KEPT:
            editor.make_constant(operator, _computed(editor, operator, inputs))


def _computed(editor: GraphEditor, operator: Operator, inputs: list[Array | None]) -> Array:
    output = operator.outputs[0]
    values = np.asarray(run_operator(operator, inputs, editor.shape(output)))
    return values.astype(editor.dtype(output), copy=False)


def fold_layout_of_weights(editor: GraphEditor) -> None:
    """Move an operator of layout before the dequantisation of a constant."""
    for operator in editor.operators:
        if operator.kind not in ("reshape", "transpose", "expand", "identity"):
            continue
        dequantize = editor.made_by(operator.inputs[0], "dequantize")
        if dequantize is None or editor.values(dequantize.inputs[0]) is None:
            continue
        axis = _moved_axis(editor, operator, dequantize)
        if axis == _NOWHERE:
            continue
        numbers = dequantize.inputs[0]
        moved = editor.add(
            operator,
            operator.kind,
            (numbers,),
            operator.attributes,
            shape=editor.shape(operator.outputs[0]),
            dtype=editor.dtype(numbers),
        )
        editor.change(
            operator,
            kind="dequantize",
            inputs=(moved,),
            attributes={**dequantize.attributes, "axis": axis},
        )


_NOWHERE: Final = -1


def _moved_axis(editor: GraphEditor, operator: Operator, dequantize: Operator) -> int | None:
    """The axis of the scales behind an operator of layout; `_NOWHERE` if there is none."""
    axis = dequantize.attributes.get("axis")
    if axis is None or operator.kind == "identity":
        return None if axis is None else int(str(axis))
    place = int(str(axis))
    if operator.kind == "transpose":
        axes = operator.attributes["axes"]
        assert isinstance(axes, tuple)
        return axes.index(place)
    before, after = editor.shape(operator.inputs[0]), editor.shape(operator.outputs[0])
    if operator.kind == "expand":
        moved = place + len(after) - len(before)
        return moved if before[place] == after[moved] else _NOWHERE
    return _reshaped_axis(before, after, place)


def _reshaped_axis(before: tuple[int, ...], after: tuple[int, ...], axis: int) -> int:
    """Where an axis is after a reshape, if it stays whole."""
    outer = int(np.prod(before[:axis], dtype=np.int64))
    for place, size in enumerate(after):
        if size == before[axis] and int(np.prod(after[:place], dtype=np.int64)) == outer:
            return place
    return _NOWHERE
