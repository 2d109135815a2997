"""Read the inputs of a network from `.npy` files, and write its outputs to such files."""

import os
import re
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.driver.tensors import ImageLayout, input_image
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import model_values
from naas_hw.graph.quantise.data import load_array
from naas_hw.graph.quantised import QuantisedGraph, QuantisedTensor
from naas_hw.system.files import write_files
from naas_hw.system.text import printable

ONLY_INPUT: Final = ""
"""Stands for the name of the input where there is one only."""

Given = str | Path | Array
"""A `.npy` file, or the numbers themselves."""

_IMAGE_AXES: Final = 4
_TO_OTHER_LAYOUT: Final = {ImageLayout.NHWC: (0, 3, 1, 2), ImageLayout.NCHW: (0, 2, 3, 1)}
"""Layout of numbers -> the order of its axes in the other layout."""

_LONGEST_NAME: Final = 100


def read_inputs(graph: QuantisedGraph, given: Mapping[str, Given]) -> dict[str, Array]:
    """The inputs of a network, each in the model's shape.

    An image may come with channels first or last. Where both could be meant, it has the layout of
    the model.

    Parameters
    ----------
    given : by name of input; "" is the name of the only one. Real numbers, int8, or uint8 where
        the model takes that; with or without the leading 1.

    Raises
    ------
    InputError : an input is missing or unknown, a file cannot be read, or its numbers do not fit.
    """
    if set(given) == {ONLY_INPUT} and len(graph.inputs) == 1:
        given = {graph.inputs[0]: given[ONLY_INPUT]}
    needed = ", ".join(repr(printable(name)) for name in graph.inputs)
    if ONLY_INPUT in given:
        raise InputError(f"inputs must be given as NAME=FILE for each of {needed}")
    if set(given) != set(graph.inputs):
        found = ", ".join(repr(printable(name)) for name in given)
        raise InputError(f"inputs must be given for each of {needed}, not for {found}")
    return {name: _read_input(graph.tensors[name], given[name]) for name in graph.inputs}


def _read_input(tensor: QuantisedTensor, given: Given) -> Array:
    """The numbers of one input."""
    if isinstance(given, np.ndarray):
        return _fitted(tensor, given, f"input {printable(tensor.name)!r}")
    path = Path(given)
    if not path.is_file():
        raise InputError(f"input {printable(str(path))} does not exist; it must be a .npy file")
    return _fitted(tensor, np.asarray(load_array(path)), printable(str(path)))


def _fitted(tensor: QuantisedTensor, values: Array, place: str) -> Array:
    """Numbers in the shape of the model, or an error that names their place."""
    shape = tensor.graph_shape
    if shape[:1] == (1,) and values.ndim == len(shape) - 1:
        values = values[np.newaxis]
    if values.shape != shape and len(shape) == values.ndim == _IMAGE_AXES:
        layout = ImageLayout.NCHW if tensor.channels_last else ImageLayout.NHWC
        turned = values.transpose(_TO_OTHER_LAYOUT[layout])
        values = turned if turned.shape == shape else values
    if values.shape != shape:
        raise InputError(
            f"{place}: numbers must have the shape {list(shape)}"
            f"{', channels first or last' if len(shape) == _IMAGE_AXES else ''}, "
            f"not {list(values.shape)}"
        )
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise InputError(f"{place}: numbers must be finite in float32, not NaN or infinite")
    elif tensor.dtype != "int8" and not np.can_cast(values.dtype, tensor.dtype):
        raise InputError(f"{place}: numbers must be {tensor.dtype}, not {values.dtype}")
    try:
        input_image(tensor, values)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    return np.ascontiguousarray(values)


def output_files(names: Iterable[str]) -> dict[str, str]:
    """Name of an output -> name of its file; two outputs never share one.

    Examples
    --------
    >>> output_files(["scores", "a/b", "a:b"])
    {'scores': 'scores.npy', 'a/b': 'a_b.npy', 'a:b': 'a_b_1.npy'}
    """
    files: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".-")[:_LONGEST_NAME] or "output"
        file, number = f"{plain}.npy", 0
        while file in files.values():
            number += 1
            file = f"{plain}_{number}.npy"
        files[name] = file
    return files


def check_new(folder: str | Path, files: Iterable[str]) -> None:
    """Refuse a folder that holds one of these files, which would be replaced, before hours of work.

    Raises
    ------
    InputError : says which file; or that there is no folder to write to, nor a place for one.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{printable(str(folder))} must be a folder or not exist")
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{printable(str(folder))} must be in a folder that can be written")
    for file in files:
        place = folder / file
        if place.exists() or place.is_symlink():
            raise InputError(
                f"{printable(str(place))} exists already and would be replaced; name another "
                "folder or remove it"
            )


def write_outputs(
    folder: str | Path, graph: QuantisedGraph, images: Mapping[str, Array]
) -> dict[str, str]:
    """Write the outputs as the model's user knows them; name of an output -> name of its file.

    Parameters
    ----------
    folder : is made where it does not exist; gets all files, or none.
    images : by name, [C, H, W], as a run leaves them.

    Raises
    ------
    InputError : one of the files is there already, or the folder cannot be written.
    """
    files = output_files(graph.outputs)
    check_new(folder, files.values())
    contents: dict[str, str | bytes] = {
        file: npy_bytes(model_values(graph.tensors[name], images[name]))
        for name, file in files.items()
    }
    write_files(Path(folder), contents)
    return files


def npy_bytes(array: Array) -> bytes:
    """An array as a `.npy` file."""
    stream = BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()
