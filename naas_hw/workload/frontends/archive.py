"""A `.pt2` file, as torch.export.save writes it, as a `TracedGraph`: read as data.

`torch.export.load` unpickles what it finds, so it can run code of whoever wrote the file. The
graph and its shapes are JSON; that is all that is read here, and torch is not needed for it.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final

from naas_hw.core.errors import InputError
from naas_hw.system.files import check_regular
from naas_hw.system.json_files import parse_json
from naas_hw.system.text import printable, shortened, shown
from naas_hw.workload.frontends.graph import (
    Reference,
    TracedGraph,
    TracedOperator,
    is_in_place,
    operator_kind,
)

MAX_GRAPH_BYTES: Final = 32 * 1024 * 1024
"""As values it takes twenty times as much memory."""

_MAX_SIZE: Final = 1 << 48

NUMBER_FORMATS: Final = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    12: "bool",
    13: "bfloat16",
}
"""Number formats, as torch names them, by the numbers that the archive gives them."""


def read_archive(path: str | Path) -> TracedGraph:
    """The graph in a `.pt2` file.

    Raises
    ------
    InputError : not such a file, or not one model in it.
    """
    place = printable(str(path))
    content = parse_json(_graph_text(Path(path)), f"{place}: the graph")
    try:
        return _graph(content["graph_module"])  # type: ignore[index]
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{place}: must hold a graph as torch.export.save writes it, not another: "
            f"{shown(error, 200)}"
        ) from error


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A `.pt2` file as the zip file that it is.

    Raises
    ------
    InputError : it is no regular file, or it is damaged.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except Exception as error:  # a damaged archive fails in as many ways as it has methods
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        text = shortened(printable(str(reason)), 200)
        raise InputError(f"cannot read the .pt2 file {printable(str(path))}: {text}") from error


def _graph_text(path: Path) -> bytes:
    with opened_archive(path) as archive:
        entries = [entry for entry in archive.infolist() if _is_graph(entry.filename)]
        if len(entries) != 1:
            raise InputError(f"{path}: must hold one models/*.json, not {len(entries)}")
        return read_text(archive, entries[0], "the graph", path)


def read_text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, what: str, path: Path) -> bytes:
    """The content of an entry that holds text.

    Raises
    ------
    InputError : it is larger than MAX_GRAPH_BYTES.
    """
    limit = f"{path}: {what} must have at most {MAX_GRAPH_BYTES} bytes"
    if entry.file_size > MAX_GRAPH_BYTES:
        raise InputError(f"{limit}, not {entry.file_size}")
    with archive.open(entry) as stream:
        content = stream.read(MAX_GRAPH_BYTES + 1)
    if len(content) > MAX_GRAPH_BYTES:
        raise InputError(limit)
    return content


def _is_graph(name: str) -> bool:
    return name.split("/")[-2:-1] == ["models"] and name.endswith(".json")


def _graph(module: dict[str, Any]) -> TracedGraph:
    graph, signature = module["graph"], module["signature"]
    shapes = {_name(name): _shape(meta) for name, meta in graph["tensor_values"].items()}
    constants, parameters = _constants(signature["input_specs"], _written(signature))
    return TracedGraph(
        operators=tuple(_operator(node, index) for index, node in enumerate(graph["nodes"])),
        shapes=shapes,
        constants=constants,
        results=tuple(name for output in graph["outputs"] for name in _tensor_names(output)),
        num_parameters=sum(prod(shapes[name]) for name in parameters),
        inputs=_user_inputs(signature["input_specs"]),
        dtypes={
            _name(name): NUMBER_FORMATS.get(meta.get("dtype"), "unknown")
            for name, meta in graph["tensor_values"].items()
        },
    )


def _written(signature: dict[str, Any]) -> set[str]:
    """Names of the buffers that the model writes to."""
    kinds = [spec.get("buffer_mutation") for spec in signature.get("output_specs", [])]
    return {kind["buffer_name"] for kind in kinds if kind is not None}


def _constants(specs: list[dict[str, Any]], written: set[str]) -> tuple[dict[str, str], list[str]]:
    """(tensor -> name in the model) of all constants, and which tensors are parameters."""
    names = {
        "parameter": "parameter_name",
        "buffer": "buffer_name",
        "tensor_constant": "tensor_constant_name",
    }
    constants, parameters = {}, []
    for spec in specs:
        ((kind, content),) = spec.items()
        if kind in names and content[names[kind]] not in written:
            tensor = _name(content["arg"]["name"])
            constants[tensor] = _name(content[names[kind]])
            if kind == "parameter":
                parameters.append(tensor)
    return constants, parameters


def _user_inputs(specs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Names of the tensors that the user of the model hands in."""
    arguments = [spec["user_input"].get("arg") for spec in specs if "user_input" in spec]
    return tuple(name for argument in arguments if argument for name in _tensor_names(argument))


def _operator(node: dict[str, Any], index: int) -> TracedOperator:
    outputs = tuple(name for output in node["outputs"] for name in _tensor_names(output))
    return TracedOperator(
        name=_name(node.get("name") or (outputs[0] if outputs else f"node_{index}")),
        kind=operator_kind(_name(node["target"])),
        arguments={
            _name(item["name"] or f"argument{position}"): _plain(item["arg"])
            for position, item in enumerate(node["inputs"])
        },
        outputs=outputs,
        in_place=is_in_place(node["target"]),
    )


def _tensor_names(argument: dict[str, Any]) -> tuple[str, ...]:
    """Names of the tensors in an output."""
    ((kind, value),) = argument.items()
    if kind == "as_tensor":
        return (_name(value["name"]),)
    return tuple(_name(item["name"]) for item in value) if kind == "as_tensors" else ()


def _plain(argument: dict[str, Any]) -> object:
    """An argument's tagged union as a plain value."""
    ((kind, value),) = argument.items()
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Reference(_name(value["name"]))
        case "as_tensors":
            return [Reference(_name(item["name"])) for item in value]
        case "as_optional_tensors":
            return [_plain(item) for item in value]
        case "as_int" | "as_ints" | "as_float" | "as_floats" | "as_bool" | "as_bools" | "as_string":
            plain: object = value
            return plain
        case "as_scalar_type":
            return f"torch.{NUMBER_FORMATS[value]}" if value in NUMBER_FORMATS else str(value)
        case _:
            return str(value)


def _shape(meta: dict[str, Any]) -> tuple[int, ...]:
    return tuple(_size(size.get("as_int", -1)) for size in meta["sizes"])


def _size(value: object) -> int:
    if type(value) is not int or not -1 <= value < _MAX_SIZE:
        raise ValueError(f"a size must be an integer below 2**48, not {shown(value)}")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a name must be text, not {shown(value)}")
    return printable(value)
