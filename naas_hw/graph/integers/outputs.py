"""The finished quantised graph: its outputs under the model's names, no operator too many."""

from collections.abc import Mapping
from dataclasses import replace

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Graph
from naas_hw.graph.integers.builder import IntegerBuilder
from naas_hw.graph.integers.simplify import keeps_order, simplified
from naas_hw.graph.integers.values import Bytes, ConstantValue, Numbers, Outside, Value
from naas_hw.graph.quantised import HostFunction, QuantisedGraph, QuantisedTensor, Rearranged


def finished(builder: IntegerBuilder, outputs: Mapping[str, Value]) -> QuantisedGraph:
    """All that was built.

    Parameters
    ----------
    outputs : what each output of the model is.

    Raises
    ------
    InputError : an output does not depend on the inputs.
    """
    graph = builder.graph
    for name in graph.inputs:
        builder.numbers(Outside(tensor=name, shape=graph.tensors[name].shape))
    taken = set(graph.inputs)
    made = {}
    for name, value in outputs.items():
        made[name] = _own_tensor(builder, name, value, taken)
        taken.add(made[name][0])
    kept = {tensor for tensor, _ in made.values()}
    operators = simplified(builder.operators, builder.tensors, kept)
    needed = {name for one in operators for name in (*one.inputs, one.output)} | {*graph.inputs}
    tensors = {name: one for name, one in builder.tensors.items() if name in needed}
    for name, (tensor, turned) in made.items():
        tensors[tensor] = _as_output(graph, name, tensors[tensor], turned)
    stored = {old: new for old, new in builder.stored_names.items() if old in tensors}
    names = _names(tensors, stored | {tensor: name for name, (tensor, _) in made.items()})
    return QuantisedGraph(
        name=graph.name,
        operators=tuple(
            replace(one, inputs=tuple(names[name] for name in one.inputs), output=names[one.output])
            for one in operators
        ),
        tensors={names[name]: replace(one, name=names[name]) for name, one in tensors.items()},
        inputs=graph.inputs,
        outputs=tuple(made),
        num_weights=_num_weights(graph),
    )


def _own_tensor(
    builder: IntegerBuilder, name: str, value: Value, taken: set[str]
) -> tuple[str, bool]:
    """A tensor that is this output only, and whether its channels are to come last."""
    if isinstance(value, ConstantValue | Outside):
        raise InputError(f"output {name!r} must depend on the model's inputs")
    turned = isinstance(value, Bytes) and value.turned
    tensor = value if isinstance(value, Bytes) and turned else builder.numbers(value)
    for own in (_in_other_shape(builder, tensor.tensor), tensor.tensor):
        if own not in taken:
            return own, turned
    return _copy(builder, name, tensor), turned


def _in_other_shape(builder: IntegerBuilder, tensor: str) -> str:
    """The first tensor with the same numbers in the same order; an output has its shape apart."""
    makers = {one.output: one for one in builder.operators}
    while isinstance(maker := makers.get(tensor), Rearranged) and keeps_order(maker):
        (tensor,) = maker.inputs
    return tensor


def _copy(builder: IntegerBuilder, name: str, tensor: Bytes | Numbers) -> str:
    """The same numbers as another tensor."""
    image = builder.tensors[tensor.tensor].shape
    if isinstance(tensor, Bytes):
        return builder.bytes(
            Rearranged,
            (tensor,),
            name,
            tensor.shape,
            tensor.quantisation,
            image=image,
            before=image,
            axes=(0, 1, 2),
            after=image,
        ).tensor
    own = f"{name}/copy"
    builder.tensors[own] = replace(builder.tensors[tensor.tensor], name=own)
    builder.operators.append(
        HostFunction(
            name=own,
            inputs=(tensor.tensor,),
            output=own,
            kind="identity",
            input_shapes=(tensor.shape,),
            output_shape=tensor.shape,
            reason="a tensor is two outputs",
        )
    )
    return own


def _as_output(graph: Graph, name: str, tensor: QuantisedTensor, turned: bool) -> QuantisedTensor:
    """What the model's user sees of a tensor."""
    seen = graph.tensors[name]
    return replace(
        tensor, graph_shape=seen.shape, graph_dtype=seen.dtype.name, channels_last=turned
    )


def _names(tensors: Mapping[str, QuantisedTensor], wanted: Mapping[str, str]) -> dict[str, str]:
    """Old name -> new name: wanted ones first, a tensor in their way gets a number."""
    used = set(wanted.values())
    names = {}
    for old in tensors:
        new = wanted.get(old, old)
        count = 1
        while old not in wanted and new in used:
            count += 1
            new = f"{old}:{count}"
        used.add(new)
        names[old] = new
    return names


def _num_weights(graph: Graph) -> int:
    """Numbers in the weights of all layers."""
    total = 0
    for operator in graph.operators:
        if operator.kind in ("conv", "conv_transposed", "linear"):
            size = 1
            for length in graph.tensors[operator.inputs[1]].shape:
                size *= length
            total += size
    return total
