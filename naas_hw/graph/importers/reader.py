"""From a file of a trained model to a `Graph`: the one entry of all importers.

Each importer is loaded when it is needed, because it needs a package of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Graph
from naas_hw.system.text import shown
from naas_hw.workload.models import BUILTINS

InputShapes = Mapping[str, tuple[int, ...]]


def read_graph(
    source: str | Path,
    *,
    input_shapes: InputShapes | None = None,
    name: str | None = None,
) -> Graph:
    """The graph of a trained model.

    Parameters
    ----------
    source : a file `.onnx`, `.tflite` or `.pt2`; or `module:callable` of a torch module; or the
        name of a built-in network.
    input_shapes : by name of input, where the source leaves sizes open or shall have others; ""
        is the name of the only input.
    name : of the graph; that of the file by default.

    Raises
    ------
    InputError : there is no such model, or it cannot be read.
    """
    path = Path(source)
    reader = _READERS.get(path.suffix.lower())
    if reader is None and str(source) in BUILTINS:
        return _read_builtin(str(source), input_shapes, name)
    if reader is None and ":" in str(source):
        return _read_module(str(source), input_shapes, name)
    if reader is None:
        raise InputError(
            f"model must be a file .onnx, .tflite or .pt2, one of {', '.join(BUILTINS)}, or "
            f"module:callable, not {shown(str(source))}"
        )
    if not path.is_file():
        raise InputError(f"the model {str(source)!r} does not exist; it must be a file")
    return reader(path, input_shapes, name)


def _read_onnx(path: Path, input_shapes: InputShapes | None, name: str | None) -> Graph:
    return _graph_from("onnx_file", "read_onnx", path, input_shapes=input_shapes, name=name)


def _read_tflite(path: Path, input_shapes: InputShapes | None, name: str | None) -> Graph:
    if input_shapes:
        raise InputError(
            "--input-shape must not be given with a TFLite file, whose sizes are fixed"
        )
    return _graph_from("tflite_file", "read_tflite", path, name=name)


def _read_program(path: Path, input_shapes: InputShapes | None, name: str | None) -> Graph:
    if input_shapes:
        raise InputError("--input-shape must not be given with a .pt2 file, whose sizes are fixed")
    return _graph_from("torch_program", "read_torch_program", path, name=name)


def _read_builtin(source: str, input_shapes: InputShapes | None, name: str | None) -> Graph:
    graph = _graph_from("builtin", "read_builtin", source, input_shapes=input_shapes)
    return replace(graph, name=name or graph.name)


def _read_module(source: str, input_shapes: InputShapes | None, name: str | None) -> Graph:
    return _graph_from(
        "torch_program", "read_torch_module", source, input_shapes=input_shapes, name=name
    )


def _graph_from(module: str, function: str, *arguments: Any, **options: Any) -> Graph:
    importer = getattr(import_module(f"naas_hw.graph.importers.{module}"), function)
    graph = importer(*arguments, **options)
    assert isinstance(graph, Graph)
    return graph


_READERS: Final[dict[str, Callable[[Path, InputShapes | None, str | None], Graph]]] = {
    ".onnx": _read_onnx,
    ".tflite": _read_tflite,
    ".pt2": _read_program,
}
