"""TFLite files: int8 and uint8 quantised models, and float ones.

Each operator on quantised tensors becomes dequantize, the operator on real numbers, its fused
activation as a clamp, and quantize.
"""

from pathlib import Path

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Graph
from naas_hw.graph.importers.tflite_constants import fold_constant
from naas_hw.graph.importers.tflite_graph import TfliteGraph
from naas_hw.graph.importers.tflite_operators.table import append_operator
from naas_hw.graph.importers.tflite_tables import read_tables
from naas_hw.graph.importers.tflite_variables import without_variables


def read_tflite(path: Path, name: str | None = None) -> Graph:
    """The model of a TFLite file.

    Parameters
    ----------
    name : of the graph; the file's own without one.

    Raises
    ------
    InputError : the file cannot be read, or it is no TFLite file, truncated or malformed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return tflite_graph(content, path.name, name or path.stem)


def tflite_graph(content: bytes, file: str, name: str) -> Graph:
    """`read_tflite` of the content of a file.

    Parameters
    ----------
    file : its name, for messages.
    """
    model = without_variables(read_tables(content, file), file)
    graph = TfliteGraph(model, file)
    for operator in model.operators:
        try:
            if not fold_constant(graph, operator):
                append_operator(graph, operator)
        except (ValueError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{operator.name} of {file} must have inputs and options that fit one another: "
                f"{error}"
            ) from error
    return graph.finished(name)
