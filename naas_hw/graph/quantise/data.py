"""Calibration data: folders of `.npy` files and of images, labels beside them.

A file holds one value of the model's input or several, with or without its leading 1, channels
first or last. Files are read in the order of their names, and a file of numbers is looked up as
its values are needed. `labels.npy` has the class of each value, in the same order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError, ToolError
from naas_hw.graph.graph import Array, Graph
from naas_hw.system.files import check_regular
from naas_hw.system.text import one_line, printable

Shape = tuple[int, ...]

LABELS: Final = "labels.npy"
SEEDED_IMAGES: Final = 4

_PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_IMAGE_AXES: Final = 4


@dataclass(frozen=True, kw_only=True)
class PictureSettings:
    """How pictures become numbers: (x / 255 - mean) / deviation.

    Parameters
    ----------
    mean, deviation : one number, or one for each channel.
    """

    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationData:
    """Values of a model's inputs.

    Parameters
    ----------
    images : each by name of input.
    labels : the class of each; None where there are none.
    """

    images: Sequence[dict[str, Array]]
    labels: NDArray[np.int64] | None = None


def seeded_data(graph: Graph, count: int = SEEDED_IMAGES, seed: int = 0) -> CalibrationData:
    """Normal numbers, where there is no data."""
    random = np.random.default_rng(seed)
    images: list[dict[str, Array]] = [
        {
            name: random.standard_normal(graph.tensors[name].shape, np.float32)
            for name in graph.inputs
        }
        for _ in range(count)
    ]
    return CalibrationData(images=images)


def read_data(
    folder: str | Path, graph: Graph, pictures: PictureSettings | None = None
) -> CalibrationData:
    """The data in a folder, for a model of one input; or a folder below it for each input.

    Raises
    ------
    InputError : the folder has no data, or a file does not fit the model; says which.
    ToolError : it has pictures, and Pillow is not installed.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"{printable(str(folder))} must be a folder with calibration data")
    pictures = pictures or PictureSettings()
    if len(graph.inputs) == 1:
        folders = {graph.inputs[0]: place}
    else:
        folders = {name: place / name for name in graph.inputs}
    columns = {
        name: _values_in(below, graph.tensors[name].shape, pictures)
        for name, below in folders.items()
    }
    counts = {name: len(column) for name, column in columns.items()}
    if len(set(counts.values())) != 1:
        raise InputError(f"{place}: inputs must have the same number of values, not {counts}")
    images = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return CalibrationData(images=images, labels=_labels_in(place, len(images)))


def _values_in(folder: Path, shape: Shape, pictures: PictureSettings) -> list[Array]:
    """All values of one input in a folder."""
    if not folder.is_dir():
        raise InputError(f"{folder} must be a folder with values of the input {folder.name!r}")
    values: list[Array] = []
    for path in sorted(folder.iterdir()):
        if path.name == LABELS:
            continue
        if path.suffix.lower() == ".npy":
            values += _values_of(path, shape)
        elif path.suffix.lower() in _PICTURES:
            values.append(_picture(path, shape, pictures))
    if not values:
        raise InputError(f"{folder} must have .npy files or pictures as calibration data, not none")
    return values


def load_array(path: Path) -> Array:
    """A `.npy` file, mapped into memory; objects are refused.

    Raises
    ------
    InputError : it is damaged, or does not hold numbers.
    """
    check_regular(path)
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy raises what the header makes it raise
        raise InputError(
            f"{path}: must be a .npy file of numbers: {one_line(str(error))}"
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise InputError(f"{path}: must be a .npy file of real numbers")
    return array


def _values_of(path: Path, shape: Shape) -> list[Array]:
    array = load_array(path)
    inner = shape[1:] if shape[:1] == (1,) else shape
    for sizes, axes in _layouts(inner):
        rank = len(sizes)
        if array.shape == sizes:
            return [array.transpose(axes).reshape(shape)]
        if array.ndim == rank + 1 and array.shape[1:] == sizes:
            return [value.transpose(axes).reshape(shape) for value in array]
    raise InputError(
        f"{path}: values must have the shape {list(inner)}, or [N, ...] for several, "
        f"not {list(array.shape)}"
    )


def _layouts(inner: Shape) -> list[tuple[Shape, Shape]]:
    """Shapes that a value may have, and its axes in the order of the model."""
    layouts = [(inner, tuple(range(len(inner))))]
    if len(inner) == _IMAGE_AXES - 1:
        channels, rows, columns = inner
        layouts.append(((rows, columns, channels), (2, 0, 1)))
        if channels == 1:
            layouts.append(((rows, columns), (0, 1)))
    return layouts


def _picture(path: Path, shape: Shape, settings: PictureSettings) -> Array:
    """A picture in the model's size."""
    check_regular(path)
    if find_spec("PIL") is None:
        raise ToolError(
            f"pillow must be installed to read {path.name}: pip install 'naas_hw[pictures]'"
        )
    if len(shape) != _IMAGE_AXES or shape[1] not in (1, 3):
        raise InputError(
            f"{path}: the model must take an image of 1 or 3 channels, not {list(shape)}"
        )
    _, channels, rows, columns = shape
    module: Any = import_module("PIL.Image")
    try:
        with module.open(path) as opened:
            picture = opened.convert("L" if channels == 1 else "RGB").resize((columns, rows))
            pixels = np.asarray(picture, np.float32) / 255
    except Exception as error:  # a damaged picture fails in as many ways as there are formats
        raise InputError(f"{path}: must be a picture: {one_line(str(error))}") from error
    mean, deviation = (np.asarray(x, np.float32) for x in (settings.mean, settings.deviation))
    normal = (pixels.reshape(rows, columns, channels) - mean) / deviation
    return normal.transpose(2, 0, 1).reshape(shape).astype(np.float32)


def _labels_in(folder: Path, count: int) -> NDArray[np.int64] | None:
    path = folder / LABELS
    if not path.exists():
        return None
    labels = load_array(path)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{path}: labels must be {count} integers, one for each value, "
            f"not {labels.dtype} {list(labels.shape)}"
        )
    return labels.astype(np.int64)
