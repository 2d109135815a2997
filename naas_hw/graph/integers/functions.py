"""Functions of one byte: evaluated on all 256, they become tables."""

from dataclasses import replace
from typing import Any

import numpy as np

from naas_hw.graph.float_execution import run_kind
from naas_hw.graph.graph import Array, Operator
from naas_hw.graph.integers.builder import IntegerBuilder
from naas_hw.graph.integers.values import (
    ALL_BYTES,
    Bytes,
    ConstantValue,
    Function,
    GraphShape,
    Moved,
    Quantisation,
    Result,
    Value,
    Waiting,
)
from naas_hw.graph.operators import ELEMENTWISE_KINDS, TABLE_KINDS

_FUNCTION_KINDS = TABLE_KINDS | ELEMENTWISE_KINDS


def function_of_a_byte(
    operator: Operator, inputs: tuple[Value | None, ...], shape: GraphShape
) -> Function | None:
    """An operator all of whose inputs follow from one and the same byte; else None."""
    if operator.kind not in _FUNCTION_KINDS:
        return None
    root = _common_root(inputs, shape)
    if root is None:
        return None
    columns = [_column(value, root) for value in inputs if value is not None]
    values = run_kind(operator.kind, operator.attributes, columns, ALL_BYTES.shape)
    sources = [name for value in inputs if isinstance(value, Function) for name in value.sources]
    return Function(
        root=root,
        shape=shape,
        values=values.astype(np.float32),
        operator=operator,
        inputs=tuple(value for value in inputs if value is not None),
        sources=(*dict.fromkeys(sources), operator.name),
    )


def _roots(value: Value) -> list[Bytes]:
    """The tensors whose bytes decide a value, the nearest one first."""
    if isinstance(value, Function):
        return _roots(value.root)
    if not isinstance(value, Bytes):
        return []
    return [value] if value.root is None else [value, *_roots(value.root[0])]


def _common_root(inputs: tuple[Value | None, ...], shape: GraphShape) -> Bytes | None:
    """The nearest tensor that decides all inputs but constants of one number."""
    candidates: list[Bytes] | None = None
    for value in inputs:
        if value is None or (isinstance(value, ConstantValue) and value.values.size == 1):
            continue
        if value.shape != shape:
            return None
        roots = _roots(value)
        if candidates is None:
            candidates = roots
        else:
            names = {(root.tensor, root.turned) for root in roots}
            candidates = [root for root in candidates if (root.tensor, root.turned) in names]
    return candidates[0] if candidates else None


def _column(value: Value, root: Bytes) -> Array:
    """The real numbers [256] of a value, for all bytes of its root."""
    if isinstance(value, ConstantValue):
        return value.real.reshape(-1)
    if isinstance(value, Function):
        return value.values[_entries(value.root, root).view(np.uint8)]
    assert isinstance(value, Bytes)
    return value.quantisation.real(_entries(value, root))


def _entries(value: Bytes, root: Bytes) -> Array:
    """The bytes [256] of a value, for all bytes of its root."""
    if value.tensor == root.tensor:
        return ALL_BYTES
    assert value.root is not None
    above, entries = value.root
    return entries[_entries(above, root).view(np.uint8)]


def clamped(operator: Operator, inputs: tuple[Value | None, ...]) -> Result | Moved | None:
    """A bound behind an operator's result, moved or not; else None."""
    low, high = _bounds(operator, inputs)
    value = next((value for value in inputs if isinstance(value, Result | Moved)), None)
    if value is None or (low is None and high is None):
        return None
    return _bounded(operator, value, low, high)


def _bounded(
    operator: Operator, result: Waiting, low: float | None, high: float | None
) -> Result | Moved | None:
    if isinstance(result, Moved):
        if result.operator.kind == "pad":  # what it puts around is bounded, too
            return None
        inner = _bounded(operator, result.value, low, high)
        return None if inner is None else replace(result, value=inner)
    if isinstance(result, Function):
        return None
    bound = Operator(
        name=operator.name,
        kind="clamp",
        inputs=operator.inputs[:1],
        outputs=operator.outputs,
        attributes={"minimum": low, "maximum": high},
        source=operator.source,
    )
    lowest = low if result.low is None else result.low
    highest = high if result.high is None else result.high
    if low is not None:
        lowest = low if lowest is None else max(low, lowest)
        highest = highest if highest is None else max(low, highest)
    if high is not None:
        highest = high if highest is None else min(high, highest)
        lowest = lowest if lowest is None else min(high, lowest)
    return Result(
        operator=result.operator,
        inputs=result.inputs,
        shape=result.shape,
        clamps=(*result.clamps, bound),
        low=lowest,
        high=highest,
    )


def _bounds(
    operator: Operator, inputs: tuple[Value | None, ...]
) -> tuple[float | None, float | None]:
    """The bounds that an operator is, if it is one."""
    if operator.kind == "clamp":
        given: dict[str, Any] = dict(operator.attributes)
        return given.get("minimum"), given.get("maximum")
    constants = [value for value in inputs if isinstance(value, ConstantValue)]
    if operator.kind not in ("minimum", "maximum") or len(constants) != 1:
        return None, None
    if constants[0].values.size != 1:
        return None, None
    bound = float(constants[0].real.reshape(-1)[0])
    return (None, bound) if operator.kind == "minimum" else (bound, None)


def quantised_function(
    builder: IntegerBuilder,
    function: Function,
    name: str,
    quantisation: Quantisation,
    sources: tuple[str, ...] = (),
) -> Bytes:
    """A function as a table."""
    return builder.looked_up(
        function.root,
        quantisation.bytes_of(function.values),
        name,
        function.shape,
        quantisation,
        (*function.sources, *sources),
    )


def identity_of(value: Bytes) -> Function:
    """The function that changes no number, to be quantised with another scale."""
    operator = Operator(name=value.tensor, kind="identity", inputs=(), outputs=())
    return Function(
        root=value,
        shape=value.shape,
        values=value.quantisation.real(ALL_BYTES),
        operator=operator,
        inputs=(value,),
        sources=(),
    )
