"""Operators that change nothing go; equal ones, and layouts behind each other, become one."""

from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Operator


def fold_identities(editor: GraphEditor) -> None:
    """Remove operators whose output equals their input."""
    for operator in editor.operators:
        if editor.is_current(operator) and _changes_nothing(editor, operator):
            editor.bypass(operator, operator.inputs[0])


def fold_duplicates(editor: GraphEditor) -> None:
    """Operators that compute the same of the same tensors become one.

    Files that quantise a tensor once for each reader would otherwise have several copies of it.
    """
    first: dict[object, Operator] = {}
    for operator in editor.operators:
        if len(operator.outputs) != 1:
            continue
        output = operator.outputs[0]
        key = (
            operator.kind,
            operator.inputs,
            tuple(sorted(operator.attributes.items())),
            editor.shape(output),
            editor.dtype(output),
        )
        same = first.setdefault(key, operator)
        if same is not operator and output not in editor.outputs:
            editor.bypass(operator, same.outputs[0])


def fold_layouts(editor: GraphEditor) -> None:
    """Merge a reshape or a transposition with one of its kind before it."""
    for operator in editor.operators:
        if not editor.is_current(operator) or operator.kind not in ("reshape", "transpose"):
            continue
        before = editor.made_by(operator.inputs[0], operator.kind)
        if before is None:
            continue
        attributes = dict(operator.attributes)
        if operator.kind == "transpose":
            first, second = before.attributes["axes"], operator.attributes["axes"]
            assert isinstance(first, tuple) and isinstance(second, tuple)
            attributes["axes"] = tuple(int(first[int(axis)]) for axis in second)
        editor.change(operator, inputs=before.inputs, attributes=attributes)


def fold_flat_transposes(editor: GraphEditor) -> None:
    """A transposition that moves axes of size 1 only is a reshape."""
    for operator in editor.operators:
        if operator.kind != "transpose":
            continue
        axes, shape = operator.attributes["axes"], editor.shape(operator.inputs[0])
        assert isinstance(axes, tuple)
        moved = [axis for axis in axes if shape[int(axis)] != 1]
        if moved == sorted(moved):
            editor.change(operator, kind="reshape", attributes={})


def _changes_nothing(editor: GraphEditor, operator: Operator) -> bool:
    kind, attributes = operator.kind, operator.attributes
    if kind == "identity":
        return True
    if not operator.inputs or not operator.inputs[0]:
        return False
    source, output = operator.inputs[0], operator.outputs[0]
    if editor.shape(source) != editor.shape(output) or editor.dtype(source) != editor.dtype(output):
        return False
    if kind == "transpose":
        axes = attributes["axes"]
        return isinstance(axes, tuple) and list(axes) == sorted(axes)
    if kind == "clamp":
        return attributes.get("minimum") is None and attributes.get("maximum") is None
    if kind == "concat":
        return len(operator.inputs) == 1
    if kind == "slice":
        steps = attributes["steps"]
        return isinstance(steps, tuple) and min(steps) > 0
    if kind == "pad":
        padding = attributes["padding"]
        return isinstance(padding, tuple) and not any(padding)
    return kind in ("reshape", "expand", "cast") or _is_neutral(editor, operator)


def _is_neutral(editor: GraphEditor, operator: Operator) -> bool:
    """Whether an operator adds 0 or multiplies by 1."""
    neutral = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0, "power": 1.0}
    expected = neutral.get(operator.kind)
    return expected is not None and editor.number(operator.inputs[1]) == expected
