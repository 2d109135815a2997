"""The built-in networks as graphs without values, shipped as data.

They are what the importer makes of the modules in `workload.models`; a test keeps them equal. To
make them again: `python -m naas_hw.graph.importers.structure`.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np

from naas_hw.graph.graph import Array, Attribute, Graph, GraphTensor, Operator, tensor_of
from naas_hw.graph.importers.traced import graph_of_trace
from naas_hw.system.json_files import parse_json
from naas_hw.workload.frontends.source import load_graph
from naas_hw.workload.models import BUILTINS

FLOAT: Final = np.dtype(np.float32)

OTHER_RESOLUTIONS: Final = {"unet": (188,)}
"""Resolutions that are shipped besides the default one."""


def shipped_resolutions(name: str) -> tuple[int, ...]:
    """Resolutions at which a built-in network needs no torch; the first is the default."""
    return (BUILTINS[name].resolution, *OTHER_RESOLUTIONS.get(name, ()))


def read_structure(name: str, resolution: int) -> Graph:
    """A built-in network at a shipped resolution; all its constants are zeros."""
    text = (files("naas_hw.graph") / "data" / f"{name}-{resolution}.json").read_bytes()
    return structure_of_json(parse_json(text, name))


def trace_structure(name: str, resolution: int) -> Graph:
    """The same out of the network's module, at any resolution.

    Raises
    ------
    InputError : the network cannot have this resolution.
    ToolError : torch is not installed.
    """
    trace = load_graph(name, resolution=resolution).graph
    zeros = {source: _zeros(trace.shapes[tensor]) for tensor, source in trace.constants.items()}
    return graph_of_trace(trace, zeros, name=name)


def _zeros(shape: tuple[int, ...]) -> Array:
    """Zeros that take no memory."""
    return np.broadcast_to(np.zeros((), FLOAT), shape)


def structure_as_json(graph: Graph) -> str:
    """A graph without values, an operator a line."""
    constants = {name: x.shape for name, x in graph.tensors.items() if x.is_constant}
    rows = [
        [x.name, x.kind, x.inputs, x.outputs[0], graph.tensors[x.outputs[0]].shape, x.source]
        + ([x.attributes] if x.attributes else [])
        for x in graph.operators
    ]
    parts = {
        "name": graph.name,
        "inputs": {name: graph.tensors[name].shape for name in graph.inputs},
        "outputs": graph.outputs,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in parts.items()]
    for key, entries in (
        ("constants", [f"{json.dumps(name)}: {json.dumps(x)}" for name, x in constants.items()]),
        ("operators", [json.dumps(row) for row in rows]),
    ):
        opening, closing = ("{", "}") if key == "constants" else ("[", "]")
        lines.append(f" {json.dumps(key)}: {opening}\n  " + ",\n  ".join(entries) + f"\n {closing}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def structure_of_json(content: Any) -> Graph:
    """The graph that `structure_as_json` wrote."""
    tensors = {
        name: tensor_of(name, _zeros(tuple(shape))) for name, shape in content["constants"].items()
    }
    operators = []
    shapes = dict(content["inputs"])
    for name, kind, inputs, output, shape, source, *attributes in content["operators"]:
        shapes[output] = shape
        operators.append(
            Operator(
                name=name,
                kind=kind,
                inputs=tuple(inputs),
                outputs=(output,),
                attributes=_attributes(attributes[0] if attributes else {}),
                source=source,
            )
        )
    for name, shape in shapes.items():
        tensors[name] = GraphTensor(name=name, shape=tuple(shape), dtype=FLOAT)
    return Graph(
        name=content["name"],
        operators=tuple(operators),
        tensors=tensors,
        inputs=tuple(content["inputs"]),
        outputs=tuple(content["outputs"]),
    )


def _attributes(content: Mapping[str, Any]) -> dict[str, Attribute]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }


def write_structures(folder: Path) -> None:
    """Write every built-in network into a folder."""
    for name in BUILTINS:
        for resolution in shipped_resolutions(name):
            text = structure_as_json(trace_structure(name, resolution))
            (folder / f"{name}-{resolution}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_structures(Path(__file__).parents[1] / "data")
