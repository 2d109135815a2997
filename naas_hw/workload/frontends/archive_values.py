"""The weights in a `.pt2` file, read as data: raw bytes beside a description of each tensor.

torch writes what is no plain tensor (a subclass, a tensor on another device) with pickle, which can
run code of whoever wrote the file; such a file is refused.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.system.json_files import parse_json
from naas_hw.system.text import printable, shown
from naas_hw.workload.frontends.archive import NUMBER_FORMATS, opened_archive, read_text

Array = NDArray[Any]

_FOLDERS: Final = {
    "model_weights_config.json": "weights",
    "model_constants_config.json": "constants",
}


def read_archive_values(path: str | Path) -> dict[str, Array]:
    """Parameters, buffers and constants of the model in a `.pt2` file, by their names in it.

    Raises
    ------
    InputError : a tensor is missing, is larger than its bytes, or is written with pickle.
    """
    place = Path(path)
    with opened_archive(place) as archive:
        _check_byte_order(archive, place)
        entries = {entry.filename: entry for entry in archive.infolist()}
        values: dict[str, Array] = {}
        for name, entry in entries.items():
            folder, _, file = name.rpartition("/")
            if file in _FOLDERS and folder.endswith(f"data/{_FOLDERS[file]}"):
                text = read_text(archive, entry, file, place)
                described = _described(text, place)
                stored = _Folder(archive=archive, entries=entries, name=folder, path=place)
                for tensor, payload in described.items():
                    values[printable(tensor)] = stored.read(tensor, payload)
        return values


def _check_byte_order(archive: zipfile.ZipFile, path: Path) -> None:
    for entry in archive.infolist():
        if entry.filename.count("/") == 1 and entry.filename.endswith("/byteorder"):
            order = read_text(archive, entry, "byteorder", path).decode("latin-1")
            if order != "little":
                raise InputError(f"{path}: the byte order must be little, not {shown(order)}")


def _described(text: bytes, path: Path) -> dict[str, Any]:
    content = parse_json(text, f"{path}: the list of weights")
    described = content.get("config") if isinstance(content, dict) else None
    if not isinstance(described, dict):
        raise InputError(f"{path}: the list of weights must have an object named config")
    return described


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """A folder of an archive that holds the bytes of tensors."""

    archive: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo]
    name: str
    path: Path

    def read(self, name: str, payload: Any) -> Array:
        """The tensor that a payload describes."""
        place = f"{self.path}: {printable(name)}"
        try:
            if payload["use_pickle"]:
                raise InputError(
                    f"{place}: must be a plain tensor, not one that torch can only write with "
                    "pickle, which may run code: save the model on the CPU without subclasses of "
                    "tensors"
                )
            meta = payload["tensor_meta"]
            stored = self._bytes(str(payload["path_name"]), place)
            return _strided(stored, meta, place)
        except (LookupError, TypeError, AttributeError) as error:
            raise InputError(f"{place}: must be described as torch.export.save does it") from error

    def _bytes(self, file: str, place: str) -> bytes:
        entry = self.entries.get(f"{self.name}/{file}")
        if entry is None:
            raise InputError(f"{place}: the file lacks its values {shown(file)}")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise InputError(f"{place}: values must be stored without compression")
        return self.archive.read(entry)


def _strided(stored: bytes, meta: dict[str, Any], place: str) -> Array:
    """A tensor out of the bytes of its storage."""
    number_format = NUMBER_FORMATS.get(meta["dtype"], "unknown")
    if number_format == "unknown":
        raise InputError(f"{place}: must have a known number format, not {shown(meta['dtype'])}")
    dtype = np.dtype("uint16" if number_format == "bfloat16" else number_format).newbyteorder("<")
    sizes = [_integer(size, place) for size in meta["sizes"]]
    strides = [_integer(stride, place) for stride in meta["strides"]]
    offset = _integer(meta["storage_offset"], place)
    if len(sizes) != len(strides):
        raise InputError(f"{place}: must have one stride for each of its {len(sizes)} sizes")
    if 0 in sizes:
        return np.empty(sizes, dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    if (last + 1) * dtype.itemsize > len(stored):
        raise InputError(
            f"{place}: must have at least {(last + 1) * dtype.itemsize} bytes for its shape "
            f"{sizes}, not {len(stored)}"
        )
    if np.prod(sizes, dtype=object) > len(stored):
        raise InputError(f"{place}: its shape {sizes} must have no more numbers than stored bytes")
    view: Array = np.ndarray(
        sizes,
        dtype,
        stored,
        offset * dtype.itemsize,
        [stride * dtype.itemsize for stride in strides],
    )
    if number_format == "bfloat16":
        return (view.astype(np.uint32) << 16).view(np.float32)
    return view.astype(dtype.newbyteorder("="))


def _integer(value: dict[str, Any], place: str) -> int:
    number = value["as_int"]
    if type(number) is not int or not 0 <= number < 1 << 48:
        raise InputError(f"{place}: sizes must be integers below 2**48, not {shown(number)}")
    return number
