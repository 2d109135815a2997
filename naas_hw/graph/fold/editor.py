"""A graph that is being rewritten."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from naas_hw.graph.graph import Array, Attribute, Graph, GraphTensor, Operator, tensor_of
from naas_hw.graph.shapes import Shape, output_dtype, output_shape


class GraphEditor:
    """Operators and tensors of a graph, which rules replace one by one.

    Parameters
    ----------
    graph : to begin with.

    Members
    -------
    num_changes : so far.
    outputs : names of the model's outputs.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._tensors = dict(graph.tensors)
        self._operators: dict[str, Operator] = {}
        self._producers: dict[str, str] = {}
        self._readers: dict[str, dict[str, None]] = {}
        self._folded = list(graph.folded)
        self.outputs = graph.outputs
        self.num_changes = 0
        for operator in graph.operators:
            self._put(operator)

    @property
    def operators(self) -> list[Operator]:
        """All operators; those that were added come last."""
        return list(self._operators.values())

    def is_current(self, operator: Operator) -> bool:
        """Whether an operator is still part of the graph as it was."""
        return self._operators.get(operator.name) is operator

    def producer(self, name: str) -> Operator | None:
        """The operator that makes a tensor; None of inputs and constants."""
        maker = self._producers.get(name)
        return None if maker is None else self._operators[maker]

    def made_by(self, name: str, *kinds: str) -> Operator | None:
        """The operator that makes a tensor, if it is of one of these kinds."""
        operator = self.producer(name)
        return operator if operator is not None and operator.kind in kinds else None

    def readers(self, name: str) -> list[Operator]:
        """The operators that read a tensor."""
        return [self._operators[reader] for reader in self._readers.get(name, ())]

    def only_reader(self, name: str) -> Operator | None:
        """The one operator that reads a tensor; None if the model's user reads it, too."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def shape(self, name: str) -> Shape:
        """Shape of a tensor."""
        return self._tensors[name].shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of a tensor."""
        return self._tensors[name].dtype

    def values(self, name: str) -> Array | None:
        """Values of a constant; None of what is computed, and of ""."""
        return self._tensors[name].values if name else None

    def number(self, name: str) -> float | None:
        """The value of a constant of one number, or of equal numbers."""
        values = self.values(name)
        if values is None or values.size == 0 or values.dtype.kind not in "fiu":
            return None
        first = values.reshape(-1)[0]
        return float(first) if values.size == 1 or (values == first).all() else None

    def add_constant(self, name: str, values: Array) -> str:
        """A new constant, whose name is returned."""
        name = self._free_name(name, self._tensors)
        self._tensors[name] = tensor_of(name, values)
        return name

    def add(
        self,
        like: Operator,
        kind: str,
        inputs: Sequence[str],
        attributes: Mapping[str, Attribute] | None = None,
        *,
        name: str | None = None,
        output: str | None = None,
        shape: Shape | None = None,
        dtype: np.dtype[Any] | None = None,
    ) -> str:
        """A new operator, which has its source and the beginning of its name from another one.

        Parameters
        ----------
        name : that of an operator that was removed; a new one by default.
        output : a tensor that nothing makes any more; a new one by default.
        shape, dtype : of a new output, where the kind does not tell it.
        """
        attributes = dict(attributes or {})
        name = name or self._free_name(f"{like.name}/{kind}", self._operators)
        if output is None:
            output = self._free_name(name, self._tensors)
            if shape is None:
                shape = output_shape(kind, attributes, [self.shape(x) if x else () for x in inputs])
                assert shape is not None
            if dtype is None:
                dtype = output_dtype(kind, attributes, [self.dtype(x) for x in inputs if x])
            self._tensors[output] = GraphTensor(name=output, shape=shape, dtype=dtype)
        self._put(
            Operator(
                name=name,
                kind=kind,
                inputs=tuple(inputs),
                outputs=(output,),
                attributes=attributes,
                source=like.source,
            )
        )
        self.num_changes += 1
        return output

    def change(
        self,
        operator: Operator,
        *,
        kind: str | None = None,
        inputs: Sequence[str] | None = None,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> Operator:
        """An operator that makes the same tensors in another way."""
        changed = replace(
            operator,
            kind=kind or operator.kind,
            inputs=operator.inputs if inputs is None else tuple(inputs),
            attributes=operator.attributes if attributes is None else dict(attributes),
        )
        self._forget_readings(operator)
        self._put(changed)
        self.num_changes += 1
        return changed

    def remove(self, operator: Operator) -> None:
        """An operator that others replace, or that nothing needs: it is listed as folded."""
        self._forget_readings(operator)
        del self._operators[operator.name]
        for name in operator.outputs:
            if self._producers.get(name) == operator.name:
                del self._producers[name]
        self._folded.append(operator)
        self.num_changes += 1

    def make_constant(self, operator: Operator, values: Array) -> None:
        """An operator's output becomes a constant."""
        self.remove(operator)
        self._tensors[operator.outputs[0]] = tensor_of(operator.outputs[0], values)

    def bypass(self, operator: Operator, name: str) -> bool:
        """Remove an operator; its readers read `name` instead. False if that cannot be.

        An output of the model keeps its own name: the maker of `name` then makes that tensor.
        """
        output = operator.outputs[0]
        maker = self.producer(name)
        if output in self.outputs:
            if maker is None or name in self.outputs:
                return False
            self.remove(operator)
            self._rename_output(maker, name, output)
            return True
        self.remove(operator)
        self.redirect(output, name)
        return True

    def redirect(self, old: str, new: str) -> None:
        """All readers of one tensor read another one."""
        for reader in self.readers(old):
            inputs = [new if name == old else name for name in reader.inputs]
            self.change(reader, inputs=inputs)

    def finished(self) -> Graph:
        """The graph, its operators in an order of execution, without those nobody needs."""
        self.remove_dead()
        ordered = self._ordered()
        needed = {name for op in ordered for name in (*op.inputs, *op.outputs)}
        needed |= {*self._graph.inputs, *self.outputs}
        return replace(
            self._graph,
            operators=tuple(ordered),
            tensors={key: tensor for key, tensor in self._tensors.items() if key in needed},
            folded=tuple(x for x in self._folded if x.name not in self._operators),
        )

    def remove_dead(self) -> None:
        """Remove operators whose outputs nobody reads."""
        for operator in reversed(self._ordered()):
            if not any(self._readers.get(x) or x in self.outputs for x in operator.outputs):
                self.remove(operator)

    def _put(self, operator: Operator) -> None:
        self._operators[operator.name] = operator
        for name in operator.outputs:
            self._producers[name] = operator.name
        for name in operator.inputs:
            if name:
                self._readers.setdefault(name, {})[operator.name] = None

    def _forget_readings(self, operator: Operator) -> None:
        for name in operator.inputs:
            self._readers.get(name, {}).pop(operator.name, None)

    def _rename_output(self, maker: Operator, old: str, new: str) -> None:
        tensor = self._tensors[old]
        self._tensors[new] = replace(self._tensors[new], dtype=tensor.dtype, shape=tensor.shape)
        del self._producers[old]
        outputs = tuple(new if name == old else name for name in maker.outputs)
        self._put(replace(maker, outputs=outputs))
        self.redirect(old, new)

    def _ordered(self) -> list[Operator]:
        """Each operator behind those whose outputs it reads, else in the order of the list."""
        done: dict[str, Operator] = {}
        for first in self._operators.values():
            stack = [first]
            while stack:
                operator = stack[-1]
                makers = (self.producer(name) for name in operator.inputs if name)
                missing = [maker for maker in makers if maker and maker.name not in done]
                if missing:
                    stack.extend(missing)
                else:
                    done.setdefault(operator.name, operator)
                    stack.pop()
        return list(done.values())

    @staticmethod
    def _free_name(name: str, taken: Mapping[str, object]) -> str:
        free, number = name, 0
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        return free
