"""Functions of one number that a file spells out, recognised by their values.

Hard swish as `x * Clip(x + 3, 0, 6) / 6`, SiLU as `x * Sigmoid(x)`, GELU by `Erf` or `Tanh` and
the like: whatever operators compute it, the function of one tensor is evaluated on a grid and
compared with the kinds that have a name.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from naas_hw.graph.float_execution import run_kind
from naas_hw.graph.fold.editor import GraphEditor
from naas_hw.graph.graph import Array, Attribute, Operator
from naas_hw.graph.operators import ELEMENTWISE_KINDS, TABLE_KINDS

_GRID: Final = np.concatenate(
    [np.linspace(-9, 9, 721), [-40.0, -20.0, 20.0, 40.0]],
).astype(np.float32)
_TOLERANCE: Final = 2e-5
_MAX_OPERATORS: Final = 16

_ROOTS: Final = ELEMENTWISE_KINDS | {"clamp"}
_NAMED: Final[tuple[tuple[str, Mapping[str, Attribute]], ...]] = (
    ("hard_swish", {}),
    ("silu", {}),
    ("gelu", {"approximate": False}),
    ("gelu", {"approximate": True}),
    ("mish", {}),
    ("hard_sigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    ("hard_sigmoid", {"alpha": 0.2, "beta": 0.5}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("softplus", {}),
    ("absolute", {}),
)


def _evaluated(kind: str, attributes: Mapping[str, Attribute]) -> Array:
    return run_kind(kind, attributes, [_GRID], _GRID.shape)


_VALUES: Final = np.stack([_evaluated(*named) for named in _NAMED])


def fold_functions(editor: GraphEditor) -> None:
    """Replace operators that together compute a function with a name."""
    for operator in editor.operators:
        if operator.kind in _ROOTS and editor.is_current(operator):
            _fold_function(editor, operator)


def fold_bounds(editor: GraphEditor) -> None:
    """A maximum or minimum with a constant is a clamp, and a clamp of a clamp is one clamp."""
    for operator in editor.operators:
        if operator.kind in ("maximum", "minimum"):
            _become_clamp(editor, operator)
        elif operator.kind == "clamp" and editor.is_current(operator):
            _merge_clamps(editor, operator)


def _become_clamp(editor: GraphEditor, operator: Operator) -> None:
    for data, other in (operator.inputs, operator.inputs[::-1]):
        bound = editor.number(other)
        if bound is not None and editor.shape(data) == editor.shape(operator.outputs[0]):
            attributes: dict[str, Attribute] = {"minimum": None, "maximum": None}
            attributes["minimum" if operator.kind == "maximum" else "maximum"] = bound
            editor.change(operator, kind="clamp", inputs=(data,), attributes=attributes)
            return


def _merge_clamps(editor: GraphEditor, operator: Operator) -> None:
    before = editor.made_by(operator.inputs[0], "clamp")
    if before is None:
        return
    low, high = _bounds(before)
    minimum, maximum = _bounds(operator)
    if low > high or minimum > maximum:
        return
    merged = [min(max(bound, minimum), maximum) for bound in (low, high)]
    attributes = {
        "minimum": None if np.isinf(merged[0]) else merged[0],
        "maximum": None if np.isinf(merged[1]) else merged[1],
    }
    editor.change(operator, inputs=before.inputs, attributes=attributes)


def _bounds(clamp: Operator) -> tuple[float, float]:
    low, high = clamp.attributes.get("minimum"), clamp.attributes.get("maximum")
    return (
        -np.inf if low is None else float(str(low)),
        np.inf if high is None else float(str(high)),
    )


def _fold_function(editor: GraphEditor, root: Operator) -> None:
    """Widen the part that ends in `root` until it is a function with a name of one tensor."""
    part = [root]
    frontier = _computed_inputs(editor, root)
    while frontier and len(part) <= _MAX_OPERATORS:
        if len(frontier) == 1 and len(part) > 1:
            (source,) = frontier
            named = _named(_values_of(editor, part, source))
            if named is not None and editor.shape(source) == editor.shape(root.outputs[0]):
                editor.change(root, kind=named[0], inputs=(source,), attributes=named[1])
                return
        producer = _last_producer(editor, frontier)
        if producer is None:
            return
        part.append(producer)
        frontier.discard(producer.outputs[0])
        frontier |= _computed_inputs(editor, producer)


def _computed_inputs(editor: GraphEditor, operator: Operator) -> set[str]:
    """Inputs that are no constants of one number."""
    return {name for name in operator.inputs if name and editor.number(name) is None}


def _last_producer(editor: GraphEditor, frontier: set[str]) -> Operator | None:
    """The maker of a tensor of the frontier on which no other tensor of it depends."""
    makers = []
    for name in frontier:
        operator = editor.made_by(name, *ELEMENTWISE_KINDS, *TABLE_KINDS)
        if operator is not None and all(
            editor.number(entry) is not None or editor.shape(entry) == editor.shape(name)
            for entry in operator.inputs
        ):
            makers.append(operator)
    for operator in makers:
        if not any(
            _depends(editor, other, operator.outputs[0])
            for other in frontier - set(operator.outputs)
        ):
            return operator
    return None


def _depends(editor: GraphEditor, name: str, source: str) -> bool:
    """Whether a tensor is computed from another one by few functions of numbers."""
    waiting, seen = [name], 0
    while waiting and seen < _MAX_OPERATORS:
        seen += 1
        current = waiting.pop()
        if current == source:
            return True
        maker = editor.made_by(current, *ELEMENTWISE_KINDS, *TABLE_KINDS)
        waiting += [] if maker is None else _computed_inputs(editor, maker)
    return False


def _values_of(editor: GraphEditor, part: list[Operator], source: str) -> Array:
    """What a part computes of the grid; its operators are in an order of widening."""
    known = {source: _GRID}
    for operator in _in_order(part):
        inputs = [known[x] if x in known else editor.values(x) for x in operator.inputs]
        flat = [x if x is None or x.shape == _GRID.shape else x.reshape(-1)[:1] for x in inputs]
        known[operator.outputs[0]] = run_kind(
            operator.kind, operator.attributes, flat, _GRID.shape, operator.name
        )
    return known[part[0].outputs[0]]


def _in_order(part: list[Operator]) -> list[Operator]:
    """Each operator behind those whose outputs it reads."""
    made = {operator.outputs[0] for operator in part}
    waiting, ordered = list(part), []
    while waiting:
        ready = [x for x in waiting if not made.intersection(x.inputs)]
        ordered += ready
        made -= {x.outputs[0] for x in ready}
        waiting = [x for x in waiting if x not in ready]
    return ordered


def _named(values: Array) -> tuple[str, Mapping[str, Attribute]] | None:
    """The kind with these values on the grid."""
    close = np.isclose(values, _VALUES, rtol=_TOLERANCE, atol=_TOLERANCE).all(axis=1)
    return _NAMED[int(close.argmax())] if close.any() else _named_by_slope(values)


def _named_by_slope(values: Array) -> tuple[str, Mapping[str, Attribute]] | None:
    """Leaky ReLU, whose slope is found at -1."""
    slope = -float(np.interp(-1, _GRID[:721], values[:721]))
    if not 0 < slope < 1:
        return None
    attributes: dict[str, Attribute] = {"alpha": round(slope, 7)}
    fits = np.allclose(values, _evaluated("leaky_relu", attributes), rtol=1e-5, atol=1e-6)
    return ("leaky_relu", attributes) if fits else None
