"""One operator of a traced program, with its arguments in the forms that translations need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Attribute
from naas_hw.graph.importers.builder import GraphBuilder, Shape
from naas_hw.graph.shapes import fitting_shape
from naas_hw.workload.frontends.graph import Reference, TracedOperator

FLOAT: Final = np.dtype(np.float32)

Pair = tuple[int, int]
Attributes = dict[str, Attribute]


class UnsupportedError(Exception):
    """No operator of a `Graph` computes this; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """An operator and the graph that its translation goes into.

    Parameters
    ----------
    names : tensor of the traced program -> tensor of the graph.
    name : of the operators that are made.
    shape, dtype : of the result, or of the first one.
    """

    builder: GraphBuilder
    operator: TracedOperator
    names: dict[str, str]
    name: str
    shape: Shape
    dtype: np.dtype[Any] = field(default=FLOAT)

    def argument(self, name: str, default: Any = None) -> Any:
        """An argument as it is; the default where it is missing or None."""
        value = self.operator.arguments.get(name)
        return default if value is None else value

    def has(self, name: str) -> bool:
        """Whether an argument is given and is not None."""
        return self.operator.arguments.get(name) is not None

    def is_tensor(self, name: str) -> bool:
        """Whether an argument is a tensor."""
        return isinstance(self.operator.arguments.get(name), Reference)

    def tensor(self, *names: str) -> str:
        """The tensor of the graph that the first of these arguments which is there means."""
        value = next((self.operator.arguments[name] for name in names if self.has(name)), None)
        if not isinstance(value, Reference):
            raise UnsupportedError(f"{names[0]} must be a tensor")
        return self._known(value.name)

    def tensor_or_none(self, name: str) -> str:
        """As `tensor`; "" where the argument is missing."""
        return self.tensor(name) if self.has(name) else ""

    def tensors(self, name: str) -> list[str]:
        """A list of tensors."""
        values = self.argument(name, [])
        return [self._known(value.name) for value in values if isinstance(value, Reference)]

    def _known(self, name: str) -> str:
        if name not in self.names:
            raise UnsupportedError(f"{name} must be a tensor that an operator before it makes")
        return self.names[name]

    def operand(self, name: str) -> str:
        """A tensor or a number as a tensor of the result's type."""
        if not self.is_tensor(name):
            return self.constant(np.asarray(self.number(name), self.dtype))
        tensor = self.tensor(name)
        return tensor if self.builder.dtype(tensor) == self.dtype else self.cast(tensor, self.dtype)

    def values(self, name: str) -> Array:
        """The values of a tensor argument that depends on no input of the model."""
        values = self.builder.values(self.tensor(name))
        if values is None:
            raise UnsupportedError(f"{name} must be a constant of the model")
        return values

    def number(self, name: str, default: float | None = None) -> Any:
        """A number."""
        value = self.argument(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnsupportedError(f"{name} must be a number, not {value}")
        return value

    def integers(self, name: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """One integer or several."""
        value = self.argument(name, list(default))
        values = value if isinstance(value, list | tuple) else [value]
        if any(type(item) is not int for item in values):
            raise UnsupportedError(f"{name} must be fixed integers, not {value}")
        return tuple(values)

    def pair(self, name: str, default: int, *, rank: int = 2) -> Pair:
        """Rows and columns; a one-dimensional operator gets the default for rows.

        Parameters
        ----------
        rank : number of axes of the operator's images, 1 or 2.
        """
        values = self.integers(name)
        if not values:
            return (default, default)
        if rank == 1:
            return (default, values[-1])
        return (values[0], values[-1])

    def axis(self, name: str, default: int, rank: int) -> int:
        """An axis, counted from the front."""
        value = self.number(name, default)
        return int(value) % max(rank, 1)

    def constant(self, values: Any) -> str:
        """A constant of the translation's own."""
        return self.builder.add_constant(f"{self.name}.constant", np.asarray(values))

    def emit(
        self,
        kind: str,
        inputs: Sequence[str],
        shape: Sequence[int] | None = None,
        *,
        dtype: np.dtype[Any] | None = None,
        also: Attributes | None = None,
        **attributes: Attribute,
    ) -> str:
        """Add an operator; shape and type are those of the result unless given.

        Parameters
        ----------
        also : attributes that several operators have in common.
        """
        given = {**(also or {}), **attributes}
        wanted = self.shape if shape is None else tuple(shape)
        self._check_shape(kind, given, inputs, wanted)
        return self.builder.add(
            kind,
            inputs,
            given,
            name=self.name,
            source=self.operator.kind,
            shape=wanted,
            dtype=self.dtype if dtype is None else dtype,
        )

    def _check_shape(
        self, kind: str, attributes: Attributes, inputs: Sequence[str], wanted: Shape
    ) -> None:
        """Refuse a shape that does not follow from what the operator reads."""
        shapes = [self.builder.shape(name) if name else () for name in inputs]
        try:
            found = fitting_shape(kind, attributes, shapes, wanted)
        except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
            raise InputError(f"{self.operator.name} must fit its inputs: {error}") from error
        if found != wanted:
            raise InputError(
                f"{self.operator.name} must make {list(found)}, as its inputs have it, "
                f"not {list(wanted)}"
            )

    def cast(self, tensor: str, dtype: np.dtype[Any]) -> str:
        """A tensor in another number format."""
        return self.builder.add(
            "cast",
            [tensor],
            {"dtype": dtype.name},
            name=self.name,
            source=self.operator.kind,
            shape=self.builder.shape(tensor),
            dtype=dtype,
        )

    def reshaped(self, tensor: str, shape: Sequence[int]) -> str:
        """A tensor in another shape; itself if it has that shape."""
        if self.builder.shape(tensor) == tuple(shape):
            return tensor
        return self.emit("reshape", [tensor], shape, dtype=self.builder.dtype(tensor))

    def transposed(self, tensor: str, axes: Sequence[int]) -> str:
        """A tensor with its axes in another order."""
        before = self.builder.shape(tensor)
        if tuple(axes) == tuple(range(len(before))):
            return tensor
        return self.emit(
            "transpose",
            [tensor],
            [before[axis] for axis in axes],
            dtype=self.builder.dtype(tensor),
            axes=tuple(axes),
        )


Translation = Callable[[Call], str | list[str]]
"""Adds operators to a graph and gives the result, or a list of results."""
