"""Operators of the host as a name, attributes and constants, and back.

A function of the float model has the name of its kind; the driver in C knows some of them. An
operator in integers has the name of its class behind `integer.`, and its numbers are attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.quantised import (
    AveragePool,
    Concatenation,
    Convolution,
    Crop,
    HostFunction,
    Lookup,
    MaximumPool,
    Padded,
    QuantisedOperator,
    Rearranged,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.workload.arithmetic.epilogue import Addition

INTEGER_PREFIX: Final = "integer."
_INTEGER_CLASSES: Final[dict[str, type[QuantisedOperator]]] = {
    INTEGER_PREFIX + kind.__name__: kind
    for kind in (
        *(AveragePool, Concatenation, Convolution, Crop, Lookup, MaximumPool, Padded, Rearranged),
        *(Sum, TransposedConvolution, Upsampling),
    )
}
_COMMON: Final = frozenset(one.name for one in fields(QuantisedOperator))

Value = int | float | bool | str | tuple[int, ...] | tuple[float, ...] | Array | None
"""An attribute; an array is of an operator in integers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Operand:
    """One argument of an operator, or its result.

    Parameters
    ----------
    value : the name of a tensor, a constant, or None of one that is missing.
    shape : of the model; empty of one that is missing.
    """

    value: str | Array | None
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class OperatorRecord:
    """An operator as a program file holds it.

    Parameters
    ----------
    operands : arguments in order.
    """

    name: str
    kind: str
    operands: tuple[Operand, ...]
    output: Operand
    attributes: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_integer(self) -> bool:
        """Whether it computes with bytes, not with real numbers."""
        return self.kind.startswith(INTEGER_PREFIX)


def record_of(operator: QuantisedOperator, shapes: Mapping[str, tuple[int, ...]]) -> OperatorRecord:
    """An operator as a record.

    Parameters
    ----------
    shapes : [C, H, W] of tensors, by name.
    """
    if isinstance(operator, HostFunction):
        return _record_of_function(operator)
    return OperatorRecord(
        name=operator.name,
        kind=INTEGER_PREFIX + type(operator).__name__,
        operands=tuple(Operand(value=name, shape=shapes[name]) for name in operator.inputs),
        output=Operand(value=operator.output, shape=shapes[operator.output]),
        attributes=_own_fields(operator),
    )


def operator_of(record: OperatorRecord) -> QuantisedOperator:
    """The operator that a record holds.

    Raises
    ------
    InputError : an operator in integers of an unknown class.
    """
    names = tuple(one.value for one in record.operands if isinstance(one.value, str))
    common: dict[str, Any] = {"name": record.name, "inputs": names, "output": record.output.value}
    if not record.is_integer:
        return _function_of(record, common)
    kind = _INTEGER_CLASSES.get(record.kind)
    if kind is None:
        raise InputError(f"{record.name} must be of a known kind, not {record.kind!r}")
    given: dict[str, Any] = dict(record.attributes)
    if kind is Sum:
        given = {"addition": Addition(**given)}
    return kind(**common, **given)


def _record_of_function(operator: HostFunction) -> OperatorRecord:
    named = iter(zip(operator.inputs, operator.input_shapes, strict=True))
    operands = []
    for place in range(len(operator.inputs) + len(operator.constants)):
        if place in operator.constants:
            value = operator.constants[place]
            operands.append(Operand(value=value, shape=() if value is None else value.shape))
        else:
            name, shape = next(named)
            operands.append(Operand(value=name, shape=shape))
    return OperatorRecord(
        name=operator.name,
        kind=operator.kind,
        operands=tuple(operands),
        output=Operand(value=operator.output, shape=operator.output_shape),
        attributes=operator.attributes,
    )


def _function_of(record: OperatorRecord, common: dict[str, Any]) -> HostFunction:
    constants = {
        place: one.value
        for place, one in enumerate(record.operands)
        if not isinstance(one.value, str)
    }
    return HostFunction(
        **common,
        kind=record.kind,
        input_shapes=tuple(one.shape for one in record.operands if isinstance(one.value, str)),
        output_shape=record.output.shape,
        attributes=_numbers(record.attributes),
        constants=constants,
    )


def _own_fields(operator: QuantisedOperator) -> dict[str, Value]:
    """What an operator has beside the fields of all operators."""
    if isinstance(operator, Sum):
        return dict(vars(operator.addition))
    names = [one.name for one in fields(operator) if one.name not in _COMMON]
    return {name: getattr(operator, name) for name in names}


def _numbers(attributes: Mapping[str, Value]) -> dict[str, Any]:
    """Attributes without arrays."""
    return {name: value for name, value in attributes.items() if not isinstance(value, np.ndarray)}
