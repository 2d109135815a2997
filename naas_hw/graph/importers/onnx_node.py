"""A node of an ONNX file, decoded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Attribute
from naas_hw.graph.importers.builder import GraphBuilder, Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """A node of an ONNX file, and the graph that it goes into.

    Parameters
    ----------
    name : unique in the file.
    operator : `op_type`.
    domain : "" for that of ONNX.
    opset : version of the domain.
    inputs, outputs : names; "" where one is missing.
    attributes : numbers, strings, lists and arrays.
    rounds_once : what its metadata say (`naas_hw.graph.importers.onnx_metadata`).
    builder : the graph.
    inferred : shape and type of an output, as ONNX infers them.
    """

    name: str
    operator: str
    domain: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    builder: GraphBuilder
    inferred: Callable[[str], tuple[Shape, np.dtype[Any]]]
    rounds_once: bool = False

    def input(self, index: int) -> str:
        """Name of an input; "" if it is missing."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def required(self, index: int) -> str:
        """Name of an input.

        Raises
        ------
        InputError : it is missing.
        """
        name = self.input(index)
        if not name:
            raise self.error(f"inputs must be at least {index + 1}, not {len(self.inputs)}")
        return name

    def shape(self, index: int = 0) -> Shape:
        """Shape of an input."""
        return self.builder.shape(self.required(index))

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)

    def values(self, index: int) -> Array | None:
        """Values of an optional input, which must be a constant.

        Raises
        ------
        InputError : the input is computed from the model's inputs.
        """
        name = self.input(index)
        if not name:
            return None
        values = self.builder.values(name)
        if values is None:
            raise self.error(f"input {name!r} must be a constant, not computed at run time")
        return values

    def required_values(self, index: int) -> Array:
        """Values of an input, which must be a constant.

        Raises
        ------
        InputError : it is missing, or computed.
        """
        self.required(index)
        values = self.values(index)
        assert values is not None
        return values

    def integers(self, name: str, index: int) -> tuple[int, ...] | None:
        """Integers of an attribute or, in newer opsets, of an input; None without them."""
        values = self.get(name)
        if values is None and index:
            values = self.values(index)
        if values is None:
            return None
        return tuple(int(value) for value in np.asarray(values).reshape(-1))

    def number(self, name: str, index: int) -> float | None:
        """A number of an attribute or of an input; None without it."""
        values = self.get(name)
        if values is None and index:
            values = self.values(index)
        return None if values is None else float(np.asarray(values).reshape(-1)[0])

    def axis(self, name: str, default: int, rank: int) -> int:
        """An attribute that is an axis, counted from 0."""
        return self.checked_axis(self.get(name, default), rank)

    def checked_axis(self, axis: int, rank: int) -> int:
        """An axis, counted from 0.

        Raises
        ------
        InputError : there are not so many axes.
        """
        if not -rank <= axis < rank:
            raise self.error(f"an axis must be {-rank} to {rank - 1}, not {axis}")
        return axis % rank

    def add(
        self,
        kind: str,
        inputs: tuple[str, ...],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        last: bool = False,
        main: bool | None = None,
        shape: Shape | None = None,
        dtype: np.dtype[Any] | None = None,
    ) -> str:
        """An operator of this node.

        Parameters
        ----------
        last : its output is the node's.
        main : it has the name of the node; by default the last one has it.
        """
        return self.builder.add(
            kind,
            inputs,
            attributes,
            name=self.name if (last if main is None else main) else f"{self.name}/{kind}",
            source=self.operator,
            output=self.outputs[0] if last else None,
            shape=shape,
            dtype=dtype,
        )

    def constant(self, what: str, values: Array) -> str:
        """A constant that the file does not have by itself."""
        return self.builder.add_constant(f"{self.name}/{what}", values)

    def reshape(self, name: str, shape: Shape, *, last: bool = False) -> str:
        """A tensor in another shape."""
        return self.add("reshape", (name,), last=last, shape=shape)

    def transpose(self, name: str, axes: tuple[int, ...], *, last: bool = False) -> str:
        """A tensor with its axes in another order."""
        return self.add("transpose", (name,), {"axes": axes}, last=last)

    def making(self, output: str) -> Self:
        """The same node with one output."""
        return replace(self, outputs=(output,))

    def nested(
        self, handler: Callable[[Self], None], inputs: Sequence[str], opset: int | None = None
    ) -> str:
        """What `handler` makes of other inputs: a tensor in the middle of this node."""
        output = f"{self.outputs[0]}/real"
        handler(replace(self, inputs=tuple(inputs), outputs=(output,), opset=opset or self.opset))
        return output

    def error(self, text: str) -> InputError:
        """What is wrong with this node."""
        return InputError(f"{text}, in {self.operator} {self.name!r}")
