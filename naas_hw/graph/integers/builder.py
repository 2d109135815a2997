"""The quantised graph while it grows: tensors, operators, and what the host has to do."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Graph, Operator
from naas_hw.graph.integers.products import macs_of
from naas_hw.graph.integers.values import (
    ALL_BYTES,
    Bytes,
    ConstantValue,
    GraphShape,
    HostOnly,
    Moved,
    Numbers,
    Outside,
    Quantisation,
    Result,
    Value,
    Waiting,
    image_shape,
)
from naas_hw.graph.quantised import (
    HostFunction,
    Lookup,
    QuantisedOperator,
    QuantisedTensor,
    Rearranged,
    Shape,
)

CHANNELS_LAST = (0, 2, 3, 1)
CHANNELS_SECOND = (0, 3, 1, 2)


class IntegerBuilder:
    """Tensors and operators so far.

    Parameters
    ----------
    graph : the model.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.operators: list[QuantisedOperator] = []
        self.tensors: dict[str, QuantisedTensor] = {}
        self.stored_names: dict[str, str] = {}
        self._numbers: dict[Waiting, Numbers] = {}
        self._inputs: dict[str, Bytes] = {}

    def bytes(
        self,
        kind: type[QuantisedOperator],
        inputs: tuple[Bytes, ...],
        name: str,
        shape: GraphShape,
        quantisation: Quantisation,
        *,
        sources: tuple[str, ...] = (),
        image: Shape | None = None,
        **fields: Any,
    ) -> Bytes:
        """Append an operator that makes bytes.

        Parameters
        ----------
        name : of the tensor, if it is free.
        shape : of the model.
        image : [C, H, W]; without it, that of the shape.
        fields : of the kind.
        """
        name = self._add_tensor(
            QuantisedTensor(
                name=name,
                shape=image_shape(shape) if image is None else image,
                scale=quantisation.scale,
                zero_point=quantisation.zero_point,
                graph_shape=shape,
            )
        )
        self.operators.append(
            kind(
                name=sources[0] if sources else name,
                inputs=tuple(value.tensor for value in inputs),
                output=name,
                sources=sources,
                **fields,
            )
        )
        return Bytes(tensor=name, shape=shape, quantisation=quantisation)

    def store_as(self, value: Bytes, name: str) -> None:
        """Bytes have the name of the first tensor of the model that stores them."""
        if value.tensor not in self._inputs and name not in self.stored_names.values():
            self.stored_names.setdefault(value.tensor, name)

    def add_source(self, value: Bytes, source: str) -> None:
        """The operator that makes a tensor has one more source in the file."""
        self.operators = [
            replace(operator, sources=(*operator.sources, source))
            if operator.output == value.tensor
            else operator
            for operator in self.operators
        ]

    def image(self, value: Bytes, shape: Shape) -> Bytes:
        """The same numbers in the same order as an image of another shape."""
        value = self.upright(value)
        before = self.tensors[value.tensor].shape
        if before == shape:
            return value
        return self.bytes(
            Rearranged,
            (value,),
            f"{value.tensor}/image",
            value.shape,
            value.quantisation,
            image=shape,
            before=before,
            axes=(0, 1, 2),
            after=shape,
        )

    def upright(self, value: Bytes) -> Bytes:
        """A tensor whose channels are where its shape says."""
        if not value.turned:
            return value
        return self.bytes(
            Rearranged,
            (value,),
            f"{value.tensor}/channels_last",
            value.shape,
            value.quantisation,
            before=tuple(value.shape[axis] for axis in CHANNELS_SECOND),
            axes=CHANNELS_LAST,
            after=image_shape(value.shape),
        )

    def looked_up(
        self,
        root: Bytes,
        entries: NDArray[np.int8],
        name: str,
        shape: GraphShape,
        quantisation: Quantisation,
        sources: tuple[str, ...],
    ) -> Bytes:
        """Bytes by a table; none where the table changes nothing.

        What is turned stays so: a table does not care where a byte is.
        """
        if np.array_equal(entries, ALL_BYTES) and quantisation == root.quantisation:
            return replace(root, shape=shape)
        result = self.bytes(
            Lookup,
            (root,),
            name,
            shape,
            quantisation,
            sources=sources,
            image=self.tensors[root.tensor].shape,
            entries=entries,
        )
        above, before = root.root or (root, ALL_BYTES)
        return replace(result, root=(above, entries[before.view(np.uint8)]), turned=root.turned)

    def read_outside(self, value: Outside, quantisation: Quantisation) -> Bytes:
        """An input of the model as bytes."""
        known = self._inputs.get(value.tensor)
        if known is None:
            tensor = self.graph.tensors[value.tensor]
            self.tensors[value.tensor] = QuantisedTensor(
                name=value.tensor,
                shape=image_shape(value.shape),
                scale=quantisation.scale,
                zero_point=quantisation.zero_point,
                graph_shape=tensor.shape,
                graph_dtype=tensor.dtype.name,
                channels_last=value.channels_last,
            )
            known = Bytes(tensor=value.tensor, shape=value.shape, quantisation=quantisation)
            self._inputs[value.tensor] = known
        elif known.quantisation != quantisation:
            raise InputError(
                f"input {value.tensor!r} must have one scale and zero point, "
                f"not {known.quantisation.scale} and {quantisation.scale}"
            )
        return replace(known, shape=value.shape)

    def numbers(self, value: Value) -> Numbers | Bytes:
        """A value as a tensor that the host can read."""
        if isinstance(value, Bytes):
            return self.upright(value)
        if isinstance(value, Numbers):
            return value
        if isinstance(value, Outside):
            return self._outside_numbers(value)
        if isinstance(value, ConstantValue):
            raise InputError("a constant must not be a tensor of the quantised graph")
        known = self._numbers.get(value)
        if known is None:
            known = self._computed_numbers(value)
            self._numbers[value] = known
        return known

    def _outside_numbers(self, value: Outside) -> Numbers | Bytes:
        known = self._inputs.get(value.tensor)
        if known is not None:
            return replace(known, shape=value.shape)
        tensor = self.graph.tensors[value.tensor]
        self.tensors.setdefault(
            value.tensor,
            QuantisedTensor(
                name=value.tensor,
                shape=image_shape(value.shape),
                scale=1.0,
                zero_point=0,
                graph_shape=tensor.shape,
                dtype=tensor.dtype.name,
                graph_dtype=tensor.dtype.name,
                channels_last=value.channels_last,
            ),
        )
        return Numbers(tensor=value.tensor, shape=value.shape)

    def _computed_numbers(self, value: Waiting) -> Numbers:
        """The host computes an operator, and the bounds behind it, in real numbers."""
        if isinstance(value, Moved):
            return self._hosted(value.operator, (value.value,), "its result is not quantised")
        reason = "its result is not quantised"
        result = self._hosted(value.operator, value.inputs, reason)
        for clamp in value.clamps if isinstance(value, Result) else ():
            result = self._hosted(clamp, (result,), reason, value.shape)
        return result

    def host(self, result: Result, name: str, quantisation: Quantisation, reason: str) -> Bytes:
        """Bytes that the host computes: an operator and the bounds behind it."""
        *before, last = (result.operator, *result.clamps)
        inputs = result.inputs
        for operator in before:
            inputs = (self._hosted(operator, inputs, reason, result.shape),)
        return self.host_bytes(last, inputs, name, quantisation, reason, result.shape)

    def host_bytes(
        self,
        operator: Operator,
        inputs: tuple[Value | None, ...],
        name: str,
        quantisation: Quantisation,
        reason: str,
        shape: GraphShape | None = None,
    ) -> Bytes:
        """Bytes that the host computes by one operator.

        Parameters
        ----------
        shape : of the model; that of the operator's output by default.
        """
        if shape is None:
            shape = self.graph.tensors[operator.outputs[0]].shape
        tensor = QuantisedTensor(
            name=name,
            shape=image_shape(shape),
            scale=quantisation.scale,
            zero_point=quantisation.zero_point,
            graph_shape=shape,
        )
        name = self._add_host(operator, inputs, tensor, reason)
        return Bytes(tensor=name, shape=shape, quantisation=quantisation)

    def _hosted(
        self,
        operator: Operator,
        inputs: tuple[Value | None, ...],
        reason: str,
        shape: GraphShape | None = None,
    ) -> Numbers:
        """Real numbers that the host computes; `shape` as in `host_bytes`."""
        output = self.graph.tensors[operator.outputs[0]]
        shape = output.shape if shape is None else shape
        tensor = QuantisedTensor(
            name=output.name,
            shape=image_shape(shape),
            scale=1.0,
            zero_point=0,
            graph_shape=shape,
            dtype=output.dtype.name,
            graph_dtype=output.dtype.name,
        )
        name = self._add_host(operator, inputs, tensor, reason)
        return Numbers(tensor=name, shape=shape)

    def _add_host(
        self,
        operator: Operator,
        inputs: tuple[Value | None, ...],
        tensor: QuantisedTensor,
        reason: str,
    ) -> str:
        constants: dict[int, Array | None] = {}
        read: list[Numbers | Bytes] = []
        for place, value in enumerate(inputs):
            if value is None:
                constants[place] = None
            elif isinstance(value, ConstantValue):
                constants[place] = value.real
            else:
                read.append(self.numbers(value))
        name = self._add_tensor(tensor)
        self.operators.append(
            HostFunction(
                name=operator.name,
                inputs=tuple(value.tensor for value in read),
                output=name,
                sources=(operator.name,),
                kind=operator.kind,
                input_shapes=tuple(value.shape for value in read),
                output_shape=tensor.graph_shape,
                attributes=operator.attributes,
                constants=constants,
                macs=macs_of(self.graph, operator),
                reason=reason,
            )
        )
        return name

    def fixed(self, value: Value | None) -> ConstantValue | None:
        """A constant, or None where the operator has none.

        Raises
        ------
        HostOnly : it is computed.
        """
        if value is None or isinstance(value, ConstantValue):
            return value
        raise HostOnly("weights and biases are computed")

    def byte_inputs(self, result: Result, count: int) -> tuple[Bytes, ...]:
        """The first inputs of an operator.

        Raises
        ------
        HostOnly : one of them is not quantised.
        """
        values = []
        for value in result.inputs[:count]:
            if not isinstance(value, Bytes):
                raise HostOnly("an input is not quantised")
            values.append(self.upright(value))
        return tuple(values)

    def _add_tensor(self, tensor: QuantisedTensor) -> str:
        """Keep a tensor, under a name that nothing has yet."""
        name, count = tensor.name, 1
        while name in self.tensors or name in self.graph.inputs:
            count += 1
            name = f"{tensor.name}:{count}"
        self.tensors[name] = replace(tensor, name=name)
        return name
