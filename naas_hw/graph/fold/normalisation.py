"""Layer normalisation that a file spells out."""

from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Operator


def fold_layer_norm(editor: GraphEditor) -> None:
    """`(x - mean) / sqrt(variance + epsilon)` is one operator, with its scale and bias."""
    for operator in editor.operators:
        if operator.kind == "divide":
            _fold_division(editor, operator)
        elif operator.kind in ("multiply", "add"):
            _fold_factor(editor, operator)


def _fold_division(editor: GraphEditor, operator: Operator) -> None:
    centred = editor.made_by(operator.inputs[0], "subtract")
    root = editor.made_by(operator.inputs[1], "sqrt")
    total = root and editor.made_by(root.inputs[0], "add")
    variance = total and editor.made_by(total.inputs[0], "reduce_mean")
    epsilon = editor.number(total.inputs[1]) if total else None
    mean = centred and editor.made_by(centred.inputs[1], "reduce_mean")
    if not (centred and variance and mean) or epsilon is None:
        return
    squared = _squared(editor, variance.inputs[0])
    same_data = mean.inputs[0] == centred.inputs[0]
    kept = mean.attributes.get("keepdims", True)
    if squared is None or squared.inputs != centred.inputs or not same_data or not kept:
        return
    if dict(mean.attributes) == dict(variance.attributes):
        attributes = {"axes": mean.attributes["axes"], "epsilon": epsilon}
        editor.change(operator, kind="layer_norm", inputs=mean.inputs, attributes=attributes)


def _squared(editor: GraphEditor, name: str) -> Operator | None:
    """The difference whose square a tensor is."""
    square = editor.made_by(name, "power", "multiply")
    if square is None:
        return None
    first, second = square.inputs
    is_square = editor.number(second) == 2 if square.kind == "power" else first == second
    return editor.made_by(first, "subtract") if is_square else None


def _fold_factor(editor: GraphEditor, operator: Operator) -> None:
    """A constant behind a normalisation becomes its scale or its bias."""
    for data, constant in (operator.inputs, operator.inputs[::-1]):
        layer = editor.made_by(data, "layer_norm")
        values = editor.values(constant)
        if layer is None or values is None or editor.only_reader(data) is None:
            continue
        if editor.shape(data) != editor.shape(operator.outputs[0]):
            continue
        place = 1 if operator.kind == "multiply" else 2
        inputs = [*layer.inputs, "", ""][:3]
        if not any(inputs[place:]):
            inputs[place] = constant
            editor.change(layer, inputs=inputs)
            editor.bypass(operator, data)
            return
