"""Reductions over rows and columns are pooling."""

from typing import Final

from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Attribute

_POOLS: Final = {"reduce_mean": "average_pool", "reduce_max": "max_pool"}


def fold_reductions(editor: GraphEditor) -> None:
    """A mean or a maximum over all rows and columns becomes pooling of the whole image."""
    for operator in editor.operators:
        if operator.kind not in _POOLS:
            continue
        shape = editor.shape(operator.inputs[0])
        if len(shape) != 4:
            continue
        axes = operator.attributes["axes"]
        assert isinstance(axes, tuple)
        if sorted(int(axis) % 4 for axis in axes) != [2, 3]:
            continue
        kind = _POOLS[operator.kind]
        attributes: dict[str, Attribute] = {
            "kernel": shape[2:],
            "stride": (1, 1),
            "padding": (0, 0, 0, 0),
        }
        if kind == "average_pool":
            attributes["count_include_pad"] = False
        if operator.attributes.get("keepdims", True):
            editor.change(operator, kind=kind, attributes=attributes)
            continue
        pooled = editor.add(operator, kind, operator.inputs, attributes)
        editor.change(operator, kind="reshape", inputs=(pooled,), attributes={})
