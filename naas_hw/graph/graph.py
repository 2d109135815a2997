"""A trained model as operators and tensors with their values: what every importer makes.

Kinds of operators and their attributes are those of `naas_hw.graph.operators`, whatever the file
called them. Images are [1, channels, rows, columns] (NCHW), also those of formats that keep
channels last. A quantised model is the float model with `quantize` and `dequantize` operators
between its others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attribute = int | float | bool | str | tuple[int, ...] | tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphTensor:
    """A tensor of a graph.

    Parameters
    ----------
    name : unique in its graph.
    shape : all sizes fixed; () is a scalar.
    dtype : of numpy.
    values : of a constant; None where the graph computes it.

    Raises
    ------
    ValueError : the values have another shape or type.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    values: Array | None = None

    def __post_init__(self) -> None:
        if self.values is None:
            return
        if self.values.shape != self.shape or self.values.dtype != self.dtype:
            raise ValueError(
                f"values of {self.name!r} must be {self.dtype} {list(self.shape)}, "
                f"not {self.values.dtype} {list(self.values.shape)}"
            )

    @property
    def is_constant(self) -> bool:
        """Whether its values are known."""
        return self.values is not None


@dataclass(frozen=True, kw_only=True)
class Operator:
    """An operator of a graph.

    Parameters
    ----------
    name : unique in its graph.
    kind : of `naas_hw.graph.operators`; another one runs on the host or is refused.
    inputs : names of tensors in the order of the kind; "" where an optional one is missing.
    outputs : names of tensors that it makes.
    attributes : by name.
    source : what the file called it, for messages: `Conv`, `CONV_2D`, `aten.conv2d`.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """Operators in order of execution.

    Parameters
    ----------
    name : of the model.
    operators : each after those whose outputs it reads.
    tensors : by name; all that operators read and make.
    inputs, outputs : names of the model's own.
    notes : what a reader of the file should know, a sentence each.
    folded : operators of the file that are constants now, or went into others.

    Raises
    ------
    ValueError : a tensor is missing, made twice, or read before it is made.
    """

    name: str
    operators: tuple[Operator, ...]
    tensors: Mapping[str, GraphTensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    folded: tuple[Operator, ...] = ()

    def __post_init__(self) -> None:
        known = {name for name, tensor in self.tensors.items() if tensor.is_constant}
        known |= set(self.inputs)
        for operator in self.operators:
            for name in operator.inputs:
                if name and name not in known:
                    raise ValueError(f"{operator.name} must read tensors made before, not {name!r}")
            for name in operator.outputs:
                if name in known:
                    raise ValueError(f"{name!r} must be made once, not again by {operator.name}")
                if name not in self.tensors:
                    raise ValueError(f"tensors must have {name!r} of {operator.name}")
            known |= set(operator.outputs)
        for name in self.outputs:
            if name not in known:
                raise ValueError(f"outputs must be made, not {name!r}")

    def constant(self, name: str) -> Array | None:
        """Values of a constant; None for a tensor that is computed, or for ""."""
        return self.tensors[name].values if name else None

    @cached_property
    def producers(self) -> dict[str, Operator]:
        """Tensor -> operator that makes it."""
        return {name: operator for operator in self.operators for name in operator.outputs}

    @cached_property
    def consumers(self) -> dict[str, list[Operator]]:
        """Tensor -> operators that read it, in order; a tensor that nothing reads is missing."""
        readers: dict[str, list[Operator]] = {}
        for operator in self.operators:
            for name in dict.fromkeys(operator.inputs):
                if name:
                    readers.setdefault(name, []).append(operator)
        return readers


def tensor_of(name: str, values: Array) -> GraphTensor:
    """A constant."""
    return GraphTensor(name=name, shape=values.shape, dtype=values.dtype, values=values)


def with_operators(
    graph: Graph, operators: Sequence[Operator], tensors: Mapping[str, GraphTensor]
) -> Graph:
    """The same model with other operators; tensors that nothing needs any more are left out."""
    needed = {name for operator in operators for name in (*operator.inputs, *operator.outputs)}
    needed |= {*graph.inputs, *graph.outputs}
    return Graph(
        name=graph.name,
        operators=tuple(operators),
        tensors={name: tensor for name, tensor in tensors.items() if name in needed},
        inputs=graph.inputs,
        outputs=graph.outputs,
        notes=graph.notes,
        folded=graph.folded,
    )
