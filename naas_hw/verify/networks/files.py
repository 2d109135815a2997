"""A case as files: accelerator.yaml, mapping.yaml, network.json, and each array as an .npy file."""

import io
import json
from collections.abc import Mapping as AbstractMapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.files import read_accelerator, write_accelerator
from naas_hw.core.errors import InputError
from naas_hw.graph import quantised
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.mapping.files import read_mappings, write_mappings
from naas_hw.system.files import Content, read_file, write_files
from naas_hw.system.json_files import read_json
from naas_hw.verify.networks.case import NetworkCase
from naas_hw.workload.arithmetic.epilogue import Addition

MAX_ARRAY_BYTES: Final = 1 << 24

_CLASSES: Final[dict[str, type]] = {
    each.__name__: each
    for each in (
        quantised.QuantisedGraph,
        quantised.QuantisedTensor,
        *quantised.QuantisedOperator.__subclasses__(),
        Addition,
    )
}


def write_network_case(case: NetworkCase, folder: Path) -> None:
    """Write a case; without mapping.yaml if it has no mappings.

    Raises
    ------
    InputError : the folder cannot be written.
    """
    writer = _Writer()
    content = {
        "version": 1,
        "is_whole": case.is_whole,
        "graph": writer.encode(case.graph, case.graph.name),
        "inputs": writer.encode(case.inputs, "input"),
    }
    write_files(folder, writer.files | {"network.json": json.dumps(content, indent=1) + "\n"})
    write_accelerator(case.accelerator, folder / "accelerator.yaml")
    if case.mappings:
        write_mappings(case.mappings, folder / "mapping.yaml", network=case.graph.name)


def read_network_case(folder: Path) -> NetworkCase:
    """The case that `write_network_case` wrote.

    Raises
    ------
    InputError : a file is missing, or is not what was written.
    """
    path = folder / "network.json"
    content = read_json(path)
    try:
        reader = _Reader(folder)
        graph = reader.decode(content["graph"])  # type: ignore[index]
        inputs = reader.decode(content["inputs"])  # type: ignore[index]
        is_whole = bool(content["is_whole"])  # type: ignore[index]
        if not isinstance(graph, QuantisedGraph) or not isinstance(inputs, dict):
            raise ValueError("graph and inputs are missing")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: must be a network that naas verify wrote: {error!r}") from error
    mapping = folder / "mapping.yaml"
    return NetworkCase(
        accelerator=read_accelerator(folder / "accelerator.yaml"),
        graph=graph,
        mappings=read_mappings(mapping) if mapping.exists() else {},
        inputs=inputs,
        is_whole=is_whole,
    )


class _Writer:
    """Values as JSON, with arrays beside it."""

    def __init__(self) -> None:
        self.files: dict[str, Content] = {}

    def encode(self, value: Any, place: str) -> Any:
        """What JSON says of a value; a tuple is a list, and all else an object of one key."""
        if isinstance(value, np.ndarray):
            return {"array": self._array(value, place)}
        if is_dataclass(value):
            name = getattr(value, "name", place)
            inside = {
                field.name: self.encode(getattr(value, field.name), f"{name}.{field.name}")
                for field in fields(value)
            }
            return {type(value).__name__: inside}
        if isinstance(value, AbstractMapping):
            entries = [[key, self.encode(each, f"{place}.{key}")] for key, each in value.items()]
            return {"mapping": entries}
        if isinstance(value, tuple | list):
            return [self.encode(each, f"{place}.{i}") for i, each in enumerate(value)]
        return value.item() if isinstance(value, np.generic) else value

    def _array(self, value: NDArray[Any], place: str) -> str:
        name = f"arrays/{len(self.files)}_{place.rsplit('.', 1)[-1]}.npy"
        data = io.BytesIO()
        np.save(data, value, allow_pickle=False)
        self.files[name] = data.getvalue()
        return name


class _Reader:
    """The way back; arrays are below the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def decode(self, value: Any) -> Any:
        """The value of what JSON says."""
        if isinstance(value, list):
            return tuple(self.decode(each) for each in value)
        if not isinstance(value, dict):
            return value
        ((kind, inside),) = value.items()
        if kind == "array":
            return self._array(inside)
        if kind == "mapping":
            return {key: self.decode(each) for key, each in inside}
        return _CLASSES[kind](**{name: self.decode(each) for name, each in inside.items()})

    def _array(self, name: str) -> NDArray[Any]:
        arrays = self._folder / "arrays"
        path = self._folder / name
        if path.resolve().parent != arrays.resolve():
            raise ValueError(f"arrays must be in {arrays}, not {name!r}")
        data = read_file(path, max_bytes=MAX_ARRAY_BYTES)
        loaded: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
        return loaded
