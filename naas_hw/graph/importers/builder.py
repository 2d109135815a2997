"""Making a `Graph` operator by operator: shapes are inferred, and constants computed at once."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import KERNELS, run_operator
from naas_hw.graph.graph import Array, Attribute, Graph, GraphTensor, Operator, tensor_of
from naas_hw.graph.shapes import output_dtype, output_shape

Shape = tuple[int, ...]

ONLY_INPUT: Final = ""
"""Stands for the name of a model's input where it has one only."""

_MAX_ELEMENTS: Final = 1 << 28
_NOT_COMPUTED: Final = frozenset({"dequantize"})
"""Kinds that stay operators though their inputs are constants: they carry scales."""


class GraphBuilder:
    """A graph that grows.

    An operator whose inputs are all constants is computed when it is added, and is listed as
    folded. A constant that is dequantised stays an operator, as do those that read it.

    Parameters
    ----------
    reserved : names of tensors of the file, which others must not take.

    Members
    -------
    tensors, operators, folded : so far.
    notes : sentences about the file.
    """

    def __init__(self, reserved: Collection[str] = ()) -> None:
        self._reserved = frozenset(reserved)
        self._names: set[str] = set()
        self.tensors: dict[str, GraphTensor] = {}
        self.operators: list[Operator] = []
        self.folded: list[Operator] = []
        self.notes: list[str] = []
        self._producers: dict[str, Operator] = {}
        self._derived: set[str] = set()
        self._computed: dict[str, Array] = {}

    def shape(self, name: str) -> Shape:
        """Shape of a tensor."""
        return self._tensor(name).shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of a tensor."""
        return self._tensor(name).dtype

    def add_input(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> None:
        """An input of the model."""
        self._keep_computed(name, shape, dtype)

    def add_constant(self, name: str, values: Array) -> str:
        """A constant; a name that is taken gets a number behind it."""
        return self._keep_constant(self._free_name(name, self.tensors), values)

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        name: str,
        source: str,
        output: str | None = None,
        shape: Shape | None = None,
        dtype: np.dtype[Any] | None = None,
    ) -> str:
        """An operator of one output, whose name is returned.

        Parameters
        ----------
        name : of the operator; a name that is taken gets a number behind it.
        output : name of its output; the operator's own by default.
        shape, dtype : of the output, where the kind does not tell it.

        Raises
        ------
        InputError : the inputs do not fit together.
        """
        attributes = dict(attributes or {})
        if shape is None:
            shape = self._inferred_shape(kind, attributes, inputs, name)
        check_size(shape, name)
        if dtype is None:
            dtypes = [self.dtype(entry) for entry in inputs if entry]
            dtype = output_dtype(kind, attributes, dtypes)
        operator = Operator(
            name=self._new_operator_name(name),
            kind=kind,
            inputs=tuple(inputs),
            outputs=(output or self._free_name(name, self.tensors),),
            attributes=attributes,
            source=source,
        )
        self._append(operator, shape, dtype)
        return operator.outputs[0]

    def add_file_constant(self, name: str, values: Array) -> None:
        """A constant of the file, under its own name."""
        self._keep_constant(name, values)

    def add_folded(self, operator: Operator) -> None:
        """An operator of the file whose outputs are constants that are there."""
        self.folded.append(operator)

    def add_unknown(
        self, operator: Operator, shapes: Sequence[Shape], dtypes: Sequence[np.dtype[Any]]
    ) -> None:
        """An operator that nothing here can compute, with the shapes of its outputs.

        Raises
        ------
        InputError : it reads what nothing has made.
        """
        for name in filter(None, operator.inputs):
            self._tensor(name)
        self.operators.append(replace(operator, name=self._new_operator_name(operator.name)))
        for name, shape, dtype in zip(operator.outputs, shapes, dtypes, strict=True):
            self._keep_computed(name, shape, dtype)

    def is_constant(self, name: str) -> bool:
        """Whether a tensor depends on no input of the model."""
        return name in self._derived

    def values(self, name: str) -> Array | None:
        """Values of a tensor that depends on no input of the model; None for other tensors."""
        if not name or name not in self._derived:
            return None
        known = self.tensors[name].values
        if known is not None:
            return known
        if name not in self._computed:
            operator = self._producers[name]
            arguments = [self.values(entry) for entry in operator.inputs]
            self._computed[name] = run_operator(operator, arguments, self.shape(name))
        return self._computed[name]

    def producer(self, name: str) -> Operator | None:
        """The operator that makes a tensor; None of inputs and constants."""
        return next((item for item in reversed(self.operators) if name in item.outputs), None)

    def rename(self, old: str, new: str) -> str:
        """Give a tensor another name, which may be a reserved one, and return it.

        Operators that read it must have been added since it was made.
        """
        if old == new:
            return old
        self._keep(replace(self.tensors.pop(old), name=new))
        if old in self._derived:
            self._derived.add(new)
        for operators in (self.operators, self.folded):
            for index in range(len(operators) - 1, -1, -1):
                operator = operators[index]
                operators[index] = _renamed(operator, old, new)
                if old in operator.outputs:
                    self._producers[new] = operators[index]
                    break
        return new

    def finished(self, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
        """The graph.

        Raises
        ------
        InputError : an output is missing.
        """
        for output in outputs:
            self._tensor(output)
        needed = {entry for op in self.operators for entry in (*op.inputs, *op.outputs)}
        needed |= {*inputs, *outputs}
        return Graph(
            name=name,
            operators=tuple(self.operators),
            tensors={key: tensor for key, tensor in self.tensors.items() if key in needed},
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            notes=tuple(self.notes),
            folded=tuple(self.folded),
        )

    def _append(self, operator: Operator, shape: Shape, dtype: np.dtype[Any]) -> None:
        output = operator.outputs[0]
        arguments = [self.tensors[name].values for name in operator.inputs if name]
        known = all(values is not None for values in arguments)
        if known and operator.kind in KERNELS and operator.kind not in _NOT_COMPUTED:
            inputs = [self.tensors[name].values if name else None for name in operator.inputs]
            values = np.asarray(run_operator(operator, inputs, shape)).astype(dtype, copy=False)
            self.folded.append(operator)
            self._keep_constant(output, values)
            return
        if all(not name or name in self._derived for name in operator.inputs):
            self._derived.add(output)
        self.operators.append(operator)
        self._producers[output] = operator
        self._keep_computed(output, shape, dtype)

    def _keep_computed(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> None:
        """A tensor that is no constant, so that it must have numbers."""
        check_size(shape, name)
        if min(shape, default=1) < 1:
            raise InputError(f"sizes of {name!r} must be 1 or more, not {list(shape)}")
        self._keep(GraphTensor(name=name, shape=shape, dtype=dtype))

    def _keep_constant(self, name: str, values: Array) -> str:
        self._keep(tensor_of(name, values))
        self._derived.add(name)
        return name

    def _new_operator_name(self, name: str) -> str:
        free, number = name, 0
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free

    def _inferred_shape(
        self, kind: str, attributes: Mapping[str, Attribute], inputs: Sequence[str], name: str
    ) -> Shape:
        shapes = [self.shape(entry) if entry else () for entry in inputs]
        try:
            shape = output_shape(kind, attributes, shapes)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise InputError(f"{error}, in {name!r}") from None
        if shape is None:
            raise InputError(f"the shape of {name!r} must be known, not open")
        return shape

    def _tensor(self, name: str) -> GraphTensor:
        if name not in self.tensors:
            raise InputError(f"tensor {name!r} must be made before it is read")
        return self.tensors[name]

    def _keep(self, tensor: GraphTensor) -> None:
        if tensor.name in self.tensors:
            raise InputError(f"tensor {tensor.name!r} must be made once, not twice")
        self.tensors[tensor.name] = tensor

    def _free_name(self, name: str, taken: Collection[str]) -> str:
        """The name, or with a number behind it."""
        free, number = name, 0
        while free in taken or free in self._reserved:
            number += 1
            free = f"{name}_{number}"
        return free


def _renamed(operator: Operator, old: str, new: str) -> Operator:
    """An operator that calls a tensor by another name."""
    inputs, outputs = (
        tuple(new if name == old else name for name in names)
        for names in (operator.inputs, operator.outputs)
    )
    return replace(operator, inputs=inputs, outputs=outputs)


def check_size(shape: Shape, name: str) -> None:
    """Raise InputError for a tensor that no memory can hold."""
    if math.prod(shape) > _MAX_ELEMENTS:
        raise InputError(f"{name!r} must have at most {_MAX_ELEMENTS} elements, not {list(shape)}")
