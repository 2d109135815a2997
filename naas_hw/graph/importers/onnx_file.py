"""From an ONNX file to a `Graph`: float, QDQ and QOperator, opset 1 to the newest known."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import onnx
import onnx.inliner
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import ModelProto, NodeProto, ValueInfoProto

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Graph
from naas_hw.graph.importers.builder import ONLY_INPUT, GraphBuilder, Shape, check_size
from naas_hw.graph.importers.onnx_inference import InferredShapes, evaluate
from naas_hw.graph.importers.onnx_metadata import rounds_once
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.constants import make_constant
from naas_hw.graph.importers.onnx_operators.table import HANDLERS
from naas_hw.graph.importers.onnx_operators.unknown import keep_unknown
from naas_hw.graph.importers.onnx_values import array_of, dtype_of_code, plain_floats
from naas_hw.system.files import read_file

_MAX_BYTES: Final = 1 << 31
"""What a message of protobuf may have; larger models keep their values beside the file."""

_MAX_NODES: Final = 1 << 17

_LOOPS: Final = ("Loop", "Scan")

_DOMAINS: Final = ("", "ai.onnx", "com.microsoft")


def read_onnx(
    path: Path,
    *,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    name: str | None = None,
) -> Graph:
    """The graph of an ONNX file.

    Parameters
    ----------
    input_shapes : of inputs whose sizes the file leaves open, or that shall have other sizes; ""
        is the name of the only input.
    name : of the graph; that of the file by default.

    Raises
    ------
    InputError : the file is no whole ONNX file, or says something that nothing here understands.
    """
    return graph_of_model(
        read_model(path),
        folder=path.parent,
        input_shapes=input_shapes,
        name=name or path.stem,
    )


def read_model(path: Path) -> ModelProto:
    """The model of a file, as it stands there.

    Raises
    ------
    InputError : the file is no whole ONNX file.
    """
    return parsed_model(read_file(path, max_bytes=_MAX_BYTES), str(path))


def parsed_model(data: bytes, place: str) -> ModelProto:
    """A model from its bytes.

    Raises
    ------
    InputError : they are no ONNX model.
    """
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise InputError(f"{place} is not a whole ONNX file: its bytes cannot be decoded") from None
    if not model.graph.node:
        raise InputError(f"{place} has no operators; it must be an ONNX file that has some")
    if not _has_readable_texts(model):
        raise InputError(f"names in {place} must be UTF-8, not other bytes")
    return model


def _has_readable_texts(message: Message) -> bool:
    """Whether all texts of a message are UTF-8; protobuf gives the others as bytes."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_STRING:
            if any(isinstance(text, bytes) for text in values):
                return False
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            if not all(map(_has_readable_texts, values)):
                return False
    return True


def graph_of_model(
    model: ModelProto,
    *,
    name: str,
    folder: Path | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Graph:
    """The graph of an ONNX model.

    Parameters
    ----------
    folder : of data beside the file.

    Raises
    ------
    InputError : see `read_onnx`.
    """
    model = _without_functions(model)
    opsets = _opsets(model)
    builder = GraphBuilder(_names(model))
    for tensor in model.graph.initializer:
        builder.add_file_constant(tensor.name, array_of(tensor, folder))
    if model.graph.sparse_initializer:
        raise InputError(f"weights of {name!r} must be dense, not sparse")
    inputs = _add_inputs(model, builder, input_shapes or {})
    inferred = InferredShapes(model, inputs)
    for node in _nodes(model, builder, opsets, inferred, folder):
        _add_node(*node, opsets)
    outputs = [value.name for value in model.graph.output]
    return builder.finished(name, list(inputs), outputs)


def inlined_model(path: Path) -> ModelProto:
    """The model of a file, the functions that it defines being put where they are called.

    Raises
    ------
    InputError : the file is no whole ONNX file.
    """
    return _without_functions(read_model(path))


def _without_functions(model: ModelProto) -> ModelProto:
    if not model.functions:
        return model
    _check_functions(model)
    return onnx.inliner.inline_local_functions(model)


def _check_functions(model: ModelProto) -> None:
    """Raise InputError for functions that call themselves, or that become too many nodes."""
    waiting = {(one.domain, one.name, one.overload): one.node for one in model.functions}
    sizes: dict[tuple[str, str, str], int] = {}
    while waiting:
        ready = [key for key, nodes in waiting.items() if not _called(nodes) & waiting.keys()]
        if not ready:
            raise InputError(f"functions must not call themselves, but {min(waiting)[1]!r} does")
        for key in ready:
            sizes[key] = _num_nodes(waiting.pop(key), sizes)
    num_nodes = _num_nodes(model.graph.node, sizes)
    if num_nodes > _MAX_NODES:
        raise InputError(
            f"the model must have at most {_MAX_NODES} nodes where its functions are called, "
            f"not {num_nodes}"
        )


def _called(nodes: Iterable[NodeProto]) -> set[tuple[str, str, str]]:
    """What nodes, and those of graphs in them, call: domain, name, overload."""
    return {(node.domain, node.op_type, node.overload) for node in _with_inner(nodes)}


def _num_nodes(nodes: Iterable[NodeProto], sizes: Mapping[tuple[str, str, str], int]) -> int:
    """How many nodes there are where functions of these sizes are called."""
    return sum(
        sizes.get((node.domain, node.op_type, node.overload), 1) for node in _with_inner(nodes)
    )


def _with_inner(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes, and those of graphs that are their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _with_inner(attribute.g.node)


def unique_names(model: ModelProto) -> list[str]:
    """A name for each node: its own, unless it has none or another one has it."""
    names: dict[str, None] = {}
    for index, node in enumerate(model.graph.node):
        name = node.name or f"{node.op_type}_{index}"
        while name in names:
            name = f"{name}_{index}"
        names[name] = None
    return list(names)


def _opsets(model: ModelProto) -> dict[str, int]:
    """Version of each domain."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opsets.setdefault("", opsets.get("ai.onnx", 1))
    newest = onnx.defs.onnx_opset_version()
    if not 1 <= opsets[""] <= newest:
        raise InputError(f"the opset must be 1 to {newest}, not {opsets['']}")
    return opsets


def _names(model: ModelProto) -> set[str]:
    """Names of all tensors of the file."""
    graph = model.graph
    names = {name for node in graph.node for name in (*node.input, *node.output)}
    return names | {value.name for value in (*graph.input, *graph.initializer)}


def _add_inputs(
    model: ModelProto, builder: GraphBuilder, wanted: Mapping[str, tuple[int, ...]]
) -> dict[str, Shape]:
    """Inputs of the model that are no initializers, with their shapes."""
    values = [value for value in model.graph.input if value.name not in builder.tensors]
    if len(values) == 1 and ONLY_INPUT in wanted:
        wanted = {values[0].name: wanted[ONLY_INPUT]}
    unknown = sorted(set(wanted) - {value.name for value in values})
    if unknown:
        names = ", ".join(repr(value.name) for value in values)
        raise InputError(f"--input-shape must name an input, {names}, not {unknown[0]!r}")
    shapes = {}
    for value in values:
        shapes[value.name] = shape = _input_shape(value, wanted.get(value.name), builder)
        check_size(shape, value.name)
        dtype = dtype_of_code(value.type.tensor_type.elem_type, value.name)
        builder.add_input(value.name, shape, dtype)
    return shapes


def _input_shape(
    value: ValueInfoProto, wanted: tuple[int, ...] | None, builder: GraphBuilder
) -> Shape:
    """The fixed shape of an input; a batch of open size is 1.

    A shape that is asked for may replace fixed sizes, too: files often hold those of an example.
    """
    if not value.type.HasField("tensor_type"):
        raise InputError(f"input {value.name!r} must be a tensor")
    sizes = [
        size.dim_value if size.dim_value > 0 else None for size in value.type.tensor_type.shape.dim
    ]
    if wanted is not None:
        if sizes and len(sizes) != len(wanted):
            raise InputError(
                f"--input-shape of {value.name!r} must have {len(sizes)} sizes, as {_text(sizes)} "
                f"of the file has, not {len(wanted)}"
            )
        if min(wanted, default=1) < 1:
            raise InputError(f"sizes of --input-shape must be 1 or more, not {list(wanted)}")
        return tuple(wanted)
    if sizes and sizes[0] is None:
        sizes[0] = 1
        builder.notes.append(f"The batch of {value.name!r} is open in the file; here it is 1.")
    if None in sizes or not value.type.tensor_type.HasField("shape"):
        raise InputError(
            f"the shape of input {value.name!r} must be fixed, not {_text(sizes)}: "
            "give it with --input-shape"
        )
    return tuple(size for size in sizes if size is not None)


def _text(sizes: list[int | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in sizes) + "]"


def _nodes(
    model: ModelProto,
    builder: GraphBuilder,
    opsets: Mapping[str, int],
    inferred: InferredShapes,
    folder: Path | None,
) -> list[tuple[NodeProto, Node]]:
    """All nodes of the file, decoded, with names that are unique."""
    nodes = []
    for name, proto in zip(unique_names(model), model.graph.node, strict=True):
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        node = Node(
            name=name,
            operator=proto.op_type,
            domain=domain,
            opset=opsets.get(domain, 1),
            inputs=tuple(proto.input),
            outputs=tuple(proto.output),
            attributes={entry.name: _attribute(entry, folder) for entry in proto.attribute},
            builder=builder,
            inferred=inferred,
            rounds_once=rounds_once(proto),
        )
        nodes.append((proto, node))
    return nodes


def _attribute(attribute: onnx.AttributeProto, folder: Path | None) -> Any:
    """A number, a text, a list or an array."""
    if attribute.type == onnx.AttributeProto.TENSOR:
        return array_of(attribute.t, folder)
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return tuple(value) if isinstance(value, list) else value


def _add_node(proto: NodeProto, node: Node, opsets: Mapping[str, int]) -> None:
    """What a node becomes, added to the graph."""
    handler = HANDLERS.get(node.operator)
    try:
        if handler is not None and node.domain in _DOMAINS:
            handler(node)
        elif _is_constant(node) and not _has_loop(proto):
            _compute(proto, node, opsets)
        else:
            keep_unknown(node)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise node.error(f"inputs and attributes must be as ONNX defines them: {error}") from None


def _is_constant(node: Node) -> bool:
    """Whether a node has inputs, and all of them are constants."""
    return bool(node.inputs) and all(
        not name or node.builder.is_constant(name) for name in node.inputs
    )


def _has_loop(proto: NodeProto) -> bool:
    """Whether a node, or a node of a graph in it, may run any number of times."""
    return any(node.op_type in _LOOPS for node in _with_inner([proto]))


def _check_inferred_size(node: Node, output: str) -> None:
    """Raise InputError for a result that no memory can hold, before it is computed."""
    try:
        shape, _ = node.inferred(output)
    except InputError:
        return  # it is known when it is computed
    check_size(shape, output)


def _compute(proto: NodeProto, node: Node, opsets: Mapping[str, int]) -> None:
    """A node whose inputs are all constants, as constants."""
    inputs: dict[str, Array] = {}
    for name in node.inputs:
        values = node.builder.values(name)
        if values is not None:
            inputs[name] = values
    outputs = [name for name in node.outputs if name]
    for output in outputs:
        _check_inferred_size(node, output)
    for output, values in zip(outputs, evaluate(proto, inputs, opsets), strict=True):
        make_constant(node.making(output), plain_floats(values))
