"""Tensors of ONNX files as arrays: types, sizes, and data beside the file."""

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.importers.builder import check_size

_WIDE_FLOATS: Final[frozenset[int]] = frozenset(
    {TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.FLOAT, TensorProto.DOUBLE}
)
_OTHERS: Final[dict[int, type[Any]]] = {
    TensorProto.INT8: np.int8,
    TensorProto.UINT8: np.uint8,
    TensorProto.INT16: np.int16,
    TensorProto.UINT16: np.uint16,
    TensorProto.INT32: np.int32,
    TensorProto.UINT32: np.uint32,
    TensorProto.INT64: np.int64,
    TensorProto.UINT64: np.uint64,
    TensorProto.BOOL: np.bool_,
}


def dtype_of_code(code: int, name: str) -> np.dtype[Any]:
    """The type of numpy for one of ONNX; all floating-point numbers are float32.

    Raises
    ------
    InputError : numbers of another type, such as int4 or float8.
    """
    if code in _WIDE_FLOATS:
        return np.dtype(np.float32)
    if code in _OTHERS:
        return np.dtype(_OTHERS[code])
    known = TensorProto.DataType.Name(code) if code in TensorProto.DataType.values() else code
    raise InputError(f"{name!r} must be of float, int8, uint8, int32 or int64, not {known}")


def plain_floats(values: Array) -> Array:
    """Floating-point numbers of any width as float32, all else as it is."""
    if values.dtype.name not in ("float16", "float64", "bfloat16"):
        return values
    with np.errstate(over="ignore"):  # a check of the values follows
        return values.astype(np.float32)


def array_of(tensor: TensorProto, folder: Path | None) -> Array:
    """The values of a tensor.

    Parameters
    ----------
    folder : of the model, where data beside the file must lie; None refuses such data.

    Raises
    ------
    InputError : the type is none that can be used, or the data are too short or out of reach.
    """
    shape = tuple(tensor.dims)
    dtype_of_code(tensor.data_type, tensor.name)
    if min(shape, default=0) < 0:
        raise InputError(f"sizes of {tensor.name!r} must be 0 or more, not {list(shape)}")
    check_size(shape, tensor.name)
    if tensor.data_location == TensorProto.EXTERNAL:
        values = _external(tensor, shape, folder)
    else:
        values = _internal(tensor, shape)
    values = plain_floats(values)
    check_finite(values, tensor.name)
    return values


def check_finite(values: Array, name: str) -> None:
    """Raise InputError for NaN, and for infinite numbers unless there is one, such as a bound."""
    if values.dtype.kind != "f":
        return
    wrong = np.isnan(values) if values.size == 1 else ~np.isfinite(values)
    if wrong.any():
        raise InputError(f"values of {name!r} must be finite, not NaN or infinite")


def _internal(tensor: TensorProto, shape: tuple[int, ...]) -> Array:
    try:
        return np.asarray(numpy_helper.to_array(tensor)).reshape(shape)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"values of {tensor.name!r} must fit its shape {list(shape)}: {error}"
        ) from None


def _external(tensor: TensorProto, shape: tuple[int, ...], folder: Path | None) -> Array:
    """Values that lie in another file of the model's folder."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    path = external_path(entries.get("location", ""), folder, tensor.name)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    needed = math.prod(shape) * dtype.itemsize
    offset = _whole(entries.get("offset", "0"), tensor.name)
    length = _whole(entries.get("length", str(needed)), tensor.name)
    if length != needed or offset + needed > path.stat().st_size:
        raise InputError(
            f"values of {tensor.name!r} must be {needed} bytes from byte {offset} of "
            f"{path.name} on, but the file has {path.stat().st_size} bytes"
        )
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(needed)
    return np.frombuffer(data, dtype=dtype.newbyteorder("<")).astype(dtype).reshape(shape)


def _whole(text: str, name: str) -> int:
    if not text.isdecimal():
        raise InputError(f"offset and length of {name!r} must be numbers, not {text!r}")
    return int(text)


def external_path(location: str, folder: Path | None, name: str) -> Path:
    """The file of a tensor's data.

    Raises
    ------
    InputError : it is missing, or lies outside the model's folder.
    """
    if folder is None:
        raise InputError(f"{name!r} must have its values in the model, not in {location!r}")
    inside = folder.resolve()
    path = (inside / location).resolve()
    if not location or not path.is_relative_to(inside):
        raise InputError(
            f"the values of {name!r} must be in the folder of the model, not at {location!r}"
        )
    if not path.is_file():
        raise InputError(
            f"the values of {name!r} are missing: {location!r} must be in the folder of the model"
        )
    return path
