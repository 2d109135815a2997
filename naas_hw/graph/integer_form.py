"""From a model with quantize and dequantize operators to one in integers.

A walk over the operators knows of each tensor what it is: bytes of the quantised graph, a function
of one byte, the result of an operator, a constant, numbers of the host. A `quantize` operator gives
a result its integer form, or leaves it to the host. Operators that only move numbers keep the
scale of what they read.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_operator
from naas_hw.graph.float_kernels.quantisation import has_real_numbers
from naas_hw.graph.graph import Graph, Operator
from naas_hw.graph.integers.builder import IntegerBuilder
from naas_hw.graph.integers.elementwise import channel_wise, two_images
from naas_hw.graph.integers.functions import (
    clamped,
    function_of_a_byte,
    identity_of,
    quantised_function,
)
from naas_hw.graph.integers.layout import (
    MOVES,
    concatenated,
    concatenation_axis,
    door_of,
    joined,
    moved_constant,
)
from naas_hw.graph.integers.outputs import finished
from naas_hw.graph.integers.pooling import average_of_image, average_pool
from naas_hw.graph.integers.values import (
    Bytes,
    ConstantValue,
    Function,
    HostOnly,
    Moved,
    Numbers,
    Outside,
    Quantisation,
    Result,
    Value,
    Waiting,
)
from naas_hw.graph.integers.weighted import (
    convolution,
    linear,
    matrix_product,
    transposed_convolution,
)
from naas_hw.graph.quantised import QuantisedGraph

Resolver = Callable[[IntegerBuilder, Result, str, Quantisation], Bytes]

_UINT8_MOVE: Final = 128


def quantised_graph(graph: Graph) -> QuantisedGraph:
    """The integer form of a quantised model.

    Raises
    ------
    InputError : a tensor has a scale or a type that has no integer form, or no part of the model
        is quantised.
    """
    walk = _IntegerWalk(graph)
    for operator in graph.operators:
        walk.visit(operator)
    return finished(walk.builder, {name: walk.value(name) for name in graph.outputs})


class _IntegerWalk:
    """What is known of each tensor so far."""

    def __init__(self, graph: Graph) -> None:
        self.builder = IntegerBuilder(graph)
        self._graph = graph
        self._doors: set[str] = set()
        self._values: dict[str, Value] = {name: self._outside(name) for name in graph.inputs}
        self._readers = {name: len(users) for name, users in graph.consumers.items()}

    def _outside(self, name: str) -> Outside:
        """An input of the model, as what first moves its numbers leaves it."""
        door = door_of(self._graph, name)
        shape = self._graph.tensors[name].shape
        if door is None:
            return Outside(tensor=name, shape=shape)
        self._doors.add(door.name)
        shape = self._graph.tensors[door.outputs[0]].shape
        return Outside(tensor=name, shape=shape, channels_last=door.kind == "transpose")

    def value(self, name: str) -> Value:
        """What a tensor is."""
        constant = self._graph.constant(name)
        return self._values[name] if constant is None else ConstantValue(values=constant)

    def visit(self, operator: Operator) -> None:
        """Find out what the output of an operator is."""
        inputs = tuple(self.value(name) if name else None for name in operator.inputs)
        output = operator.outputs[0]
        if operator.name in self._doors:
            assert inputs[0] is not None
            self._values[output] = inputs[0]
        elif operator.kind == "quantize":
            value = self._quantised(operator, inputs[0])
            if isinstance(value, Bytes):
                self.builder.store_as(value, output)
            self._values[output] = value
        elif operator.kind == "dequantize":
            self._values[output] = self._dequantised(operator, inputs[0])
        else:
            self._values[output] = self._computed(operator, inputs)
        for other in operator.outputs[1:]:
            alone = replace(operator, outputs=(other,))
            shape = self._graph.tensors[other].shape
            self._values[other] = Result(operator=alone, inputs=inputs, shape=shape)

    def _dequantised(self, operator: Operator, value: Value | None) -> Value:
        if isinstance(value, Bytes):
            return value
        if isinstance(value, ConstantValue):
            return _dequantised_constant(operator, value)
        if isinstance(value, Outside):
            return self.builder.read_outside(value, _quantisation(operator))
        raise InputError(
            f"{operator.name} must dequantise an int8 or uint8 tensor whose scale is known"
        )

    def _quantised(self, operator: Operator, value: Value | None) -> Value:
        if isinstance(value, ConstantValue):
            return _quantised_constant(operator, value)
        quantisation = _quantisation(operator)
        name = operator.outputs[0]
        if isinstance(value, Outside):
            return self.builder.read_outside(value, quantisation)
        if isinstance(value, Bytes):
            if value.quantisation == quantisation:
                return value
            value = identity_of(self.builder.upright(value))
        if isinstance(value, Function | Result | Moved):
            single = self._readers[operator.inputs[0]] == 1
            made = self._resolved(value, name, quantisation, single=single)
            self.builder.add_source(made, operator.name)
            return made
        assert isinstance(value, Numbers)
        return self._rounded(value, name, quantisation)

    def _rounded(self, value: Value, name: str, quantisation: Quantisation) -> Bytes:
        """Numbers of the host as bytes."""
        copy = Operator(name=f"{name}/rounded", kind="identity", inputs=(), outputs=(name,))
        reason = "several operators read its result before it is quantised"
        return self.builder.host_bytes(copy, (value,), name, quantisation, reason)

    def _resolved(
        self, value: Waiting, name: str, quantisation: Quantisation, *, single: bool
    ) -> Bytes:
        """The bytes of what waits; `single`: nothing else reads it."""
        if isinstance(value, Function):
            return quantised_function(self.builder, value, name, quantisation)
        if isinstance(value, Moved):
            return self._resolved_move(value, name, quantisation, single=single)
        try:
            resolver = RESOLVERS.get(value.operator.kind, _host_only)
            return resolver(self.builder, value, name, quantisation)
        except HostOnly as reason:
            if single:
                return self.builder.host(value, name, quantisation, str(reason))
            return self._rounded(self.builder.numbers(value), name, quantisation)

    def _resolved_move(
        self, value: Moved, name: str, quantisation: Quantisation, *, single: bool
    ) -> Bytes:
        """Quantised first, moved then; the host does both where bytes cannot be moved so."""
        inner_name = value.operator.inputs[0]
        inner = self._resolved(value.value, inner_name, quantisation, single=single)
        moved = MOVES[value.operator.kind](self.builder, value.operator, inner)
        if moved is not None:
            return moved
        return self._rounded(self.builder.numbers(value), name, quantisation)

    def _computed(self, operator: Operator, inputs: tuple[Value | None, ...]) -> Value:
        """What an operator on real numbers makes."""
        shape = self._graph.tensors[operator.outputs[0]].shape
        first = inputs[0] if inputs else None
        if isinstance(first, Outside) and operator.kind == "cast":
            raw = self._raw_bytes(operator, first)
            if raw is not None:
                return raw
        if isinstance(first, ConstantValue):
            constant = moved_constant(operator, first, shape)
            if constant is not None:
                return constant
        if isinstance(first, Bytes):
            moved = self._moved(operator, first, inputs)
            if moved is not None:
                return moved
        function = function_of_a_byte(operator, inputs, shape)
        if function is not None:
            return function
        if isinstance(first, Function | Result | Moved) and operator.kind in MOVES:
            return Moved(operator=operator, value=first, shape=shape)
        bounded = clamped(operator, inputs)
        if bounded is not None:
            return bounded
        return Result(operator=operator, inputs=inputs, shape=shape)

    def _raw_bytes(self, operator: Operator, value: Outside) -> Bytes | None:
        """An input of bytes that the model casts to real numbers: its scale is 1."""
        zero_points = {"int8": 0, "uint8": -_UINT8_MOVE}
        given = self._graph.tensors[value.tensor].dtype.name
        if given not in zero_points or self._graph.tensors[operator.outputs[0]].dtype.kind != "f":
            return None
        quantisation = Quantisation(scale=1.0, zero_point=zero_points[given])
        return self.builder.read_outside(value, quantisation)

    def _moved(
        self, operator: Operator, first: Bytes, inputs: tuple[Value | None, ...]
    ) -> Bytes | None:
        if operator.kind == "concat":
            return joined(self.builder, operator, inputs)
        move = MOVES.get(operator.kind)
        return None if move is None else move(self.builder, operator, first)


def _host_only(
    _builder: IntegerBuilder, result: Result, _name: str, _quantisation: Quantisation
) -> Bytes:
    raise HostOnly(f"{result.operator.kind} has no integer form")


def _concatenation(
    builder: IntegerBuilder, result: Result, name: str, quantisation: Quantisation
) -> Bytes:
    """Images one after the other, each brought to the output's scale and bounds by a table."""
    axis = concatenation_axis(result.operator, result.shape)
    if axis is None or len(result.inputs) < 2:
        raise HostOnly("it joins other axes than channels, rows and columns")
    parts = []
    for value in builder.byte_inputs(result, len(result.inputs)):
        function = identity_of(value)
        low, high = result.low, result.high
        if low is not None or high is not None:
            function = replace(function, values=np.clip(function.values, low, high))
        parts.append(
            quantised_function(builder, function, f"{value.tensor}/rescaled", quantisation)
        )
    return concatenated(builder, tuple(parts), name, result.shape, result.sources, axis)


RESOLVERS: Final[dict[str, Resolver]] = {
    "conv": convolution,
    "conv_transposed": transposed_convolution,
    "linear": linear,
    "matmul": matrix_product,
    "add": two_images,
    "subtract": two_images,
    "multiply": channel_wise,
    "divide": channel_wise,
    "batch_norm": channel_wise,
    "average_pool": average_pool,
    "reduce_mean": average_of_image,
    "reduce_sum": average_of_image,
    "concat": _concatenation,
}
"""Kinds whose integer form depends on the scale of their output."""


def _scales(operator: Operator) -> tuple[Any, Any, str]:
    """Scale, zero point and type of a quantize or dequantize operator, checked."""
    given: dict[str, Any] = dict(operator.attributes)
    if not has_real_numbers(given["scale"], str(given["dtype"])):
        raise InputError(
            f"{operator.name} must have scales above 0, with which all numbers are float32, "
            f"not {given['scale']}"
        )
    return given["scale"], given["zero_point"], str(given["dtype"])


def _quantisation(operator: Operator) -> Quantisation:
    """What an activation's bytes mean; uint8 becomes int8.

    Raises
    ------
    InputError : it has several scales, or it is no activation of 8 bits.
    """
    scale, zero_point, dtype = _scales(operator)
    if np.size(scale) != 1 or np.size(zero_point) != 1:
        raise InputError(f"{operator.name} must have one scale, as all activations have")
    if dtype not in ("int8", "uint8"):
        raise InputError(f"{operator.name} must make int8 or uint8 numbers, not {dtype}")
    limits = np.iinfo(dtype)
    zero = int(np.reshape(zero_point, -1)[0])
    if not limits.min <= zero <= limits.max:
        raise InputError(
            f"{operator.name} must have a zero point {limits.min} to {limits.max}, not {zero}"
        )
    moved = zero - _UINT8_MOVE if dtype == "uint8" else zero
    return Quantisation(scale=float(np.reshape(scale, -1)[0]), zero_point=moved)


def _dequantised_constant(operator: Operator, value: ConstantValue) -> ConstantValue:
    """A constant with its scales; uint8 becomes int8, which changes no real number."""
    scale, zero_point, dtype = _scales(operator)
    values = value.values
    axis: Any = operator.attributes.get("axis")
    zero_point = _along(np.asarray(zero_point, np.int64), axis, values.ndim)
    if dtype == "uint8":
        values = (values.astype(np.int16) - _UINT8_MOVE).astype(np.int8)
        zero_point = zero_point - _UINT8_MOVE
    scale = _along(np.asarray(scale, np.float64), axis, values.ndim)
    return ConstantValue(values=values, scale=scale, zero_point=zero_point)


def _quantised_constant(operator: Operator, value: ConstantValue) -> ConstantValue:
    """A real constant in the integers that `operator` makes of it."""
    return ConstantValue(values=run_operator(operator, [value.real], value.shape))


def _along(values: Any, axis: int | None, rank: int) -> Any:
    """[n] with `rank` axes, n along one of them; a number has 1 everywhere."""
    if values.size == 1 or axis is None:
        return values.reshape(-1)[:1].reshape((1,) * rank)
    return values.reshape([-1 if i == axis % rank else 1 for i in range(rank)])
