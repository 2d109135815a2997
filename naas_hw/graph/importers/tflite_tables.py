"""The tables of a TFLite file as plain values, all sizes checked.

A TFLite file is a flatbuffer: offsets to tables and vectors. The reader of the package `tflite`
follows any offset, so a truncated or malformed file fails anywhere in it, and each such failure is
told as one sentence.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from types import FunctionType
from typing import Any, Final

import numpy as np
import tflite
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.graph.float_kernels.quantisation import has_real_numbers

Values = NDArray[Any]

_IDENTIFIER: Final = b"TFL3"
_IDENTIFIER_PLACE: Final = slice(4, 8)
_MAX_RANK: Final = 8
_MAX_NUMBERS: Final = 1 << 31
_PLACEHOLDER: Final = 127

_MALFORMED: Final = (
    AttributeError,
    IndexError,
    OverflowError,
    TypeError,
    UnicodeDecodeError,
    ValueError,
    struct.error,
)
"""What the package `tflite` raises where an offset leads nowhere."""

_OF_A_NUMBER: Final = ("self", "o")
"""Variables of a function of `tflite` that reads one number."""

_DTYPES: Final[dict[int, np.dtype[Any]]] = {
    tflite.TensorType.FLOAT32: np.dtype(np.float32),
    tflite.TensorType.FLOAT16: np.dtype(np.float16),
    tflite.TensorType.INT32: np.dtype(np.int32),
    tflite.TensorType.INT64: np.dtype(np.int64),
    tflite.TensorType.UINT8: np.dtype(np.uint8),
    tflite.TensorType.INT8: np.dtype(np.int8),
    tflite.TensorType.BOOL: np.dtype(np.bool_),
    tflite.TensorType.RESOURCE: np.dtype(np.void),  # a variable, which holds no numbers itself
}


def _names(constants: type) -> dict[int, str]:
    """Number -> name of an enumeration of the package `tflite`."""
    return {value: name for name, value in vars(constants).items() if isinstance(value, int)}


_OPERATOR_NAMES: Final = _names(tflite.BuiltinOperator)
_OPTION_NAMES: Final = _names(tflite.BuiltinOptions)
_TYPE_NAMES: Final = _names(tflite.TensorType)


@dataclass(frozen=True, kw_only=True, eq=False)
class TfliteTensor:
    """A tensor of the file.

    Parameters
    ----------
    shape : in the order of the file, channels last.
    values : of a constant.
    scales, zero_points : one, or one for each index of `axis`; none where it is not quantised.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    values: Values | None = None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0

    @property
    def is_quantised(self) -> bool:
        """Whether its integers stand for real numbers."""
        return bool(self.scales) and self.dtype.kind in "iu"


@dataclass(frozen=True, kw_only=True, eq=False)
class TfliteOperator:
    """An operator of the file.

    Parameters
    ----------
    kind : the file's name, `CONV_2D`.
    inputs : numbers of tensors; -1 where an optional one is missing.
    options : of the kind, by the names of the package `tflite`; none where the file has none.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class TfliteModel:
    """The first subgraph of a file.

    Parameters
    ----------
    notes : what a reader of the file should know, a sentence each.
    """

    tensors: tuple[TfliteTensor, ...]
    operators: tuple[TfliteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_tables(content: bytes, file: str) -> TfliteModel:
    """The tables of a file.

    Parameters
    ----------
    content : all of it.
    file : its name, for messages.

    Raises
    ------
    InputError : it is no TFLite file, it is truncated or malformed, or it holds what cannot be run.
    """
    if content[_IDENTIFIER_PLACE] != _IDENTIFIER:
        raise InputError(f"{file} is not a TFLite file: its file identifier is not TFL3")
    try:
        return _TfliteReader(content, file).read()
    except InputError:
        raise
    except _MALFORMED as error:
        raise InputError(
            f"{file} is not a whole TFLite file: one of its tables points outside the file"
        ) from error


class _TfliteReader:
    """One file that is read."""

    def __init__(self, content: bytes, file: str) -> None:
        self._file = file
        self._size = len(content)
        self._model = tflite.Model.GetRootAs(content, 0)

    def read(self) -> TfliteModel:
        """All of it."""
        if self._model.SubgraphsLength() < 1:
            raise InputError(f"{self._file} must have a subgraph")
        graph = self._model.Subgraphs(0)
        tensors = tuple(
            self._tensor(graph.Tensors(i), i) for i in range(self._length(graph.TensorsLength()))
        )
        operators = tuple(
            self._operator(graph.Operators(i), i)
            for i in range(self._length(graph.OperatorsLength()))
        )
        model = TfliteModel(
            tensors=_with_own_names(tensors),
            operators=operators,
            inputs=self._numbers(graph.InputsAsNumpy(), graph.InputsLength()),
            outputs=self._numbers(graph.OutputsAsNumpy(), graph.OutputsLength()),
        )
        self._check(model)
        return model

    def _check(self, model: TfliteModel) -> None:
        """Every number of a tensor must be one of the file's."""
        if not model.inputs or not model.outputs:
            raise InputError(f"{self._file} must have inputs and outputs")
        places = [(0, "its inputs", model.inputs), (0, "its outputs", model.outputs)]
        places += [(-1, operator.name, operator.inputs) for operator in model.operators]
        places += [(0, operator.name, operator.outputs) for operator in model.operators]
        for lowest, place, numbers in places:
            for number in numbers:
                if not lowest <= number < len(model.tensors):
                    raise InputError(
                        f"{place} of {self._file} must name tensors 0 to "
                        f"{len(model.tensors) - 1}, not {number}"
                    )

    def _length(self, length: int) -> int:
        """A vector's length, which cannot be larger than the file."""
        if length > self._size:
            raise InputError(
                f"{self._file} is not a whole TFLite file: one of its vectors is larger than "
                "the file"
            )
        return length

    def _numbers(self, vector: Any, length: int) -> tuple[int, ...]:
        """A vector of integers; one that the file leaves out is empty."""
        return tuple(int(number) for number in vector) if self._length(length) else ()

    def _tensor(self, tensor: Any, number: int) -> TfliteTensor:
        name = (tensor.Name() or b"").decode() or f"tensor{number}"
        if tensor.Type() not in _DTYPES:
            kind = _TYPE_NAMES.get(tensor.Type(), str(tensor.Type())).lower()
            raise InputError(
                f"tensor {name!r} of {self._file} must be int8, uint8, int32 or float, not {kind}"
            )
        dtype = _DTYPES[tensor.Type()]
        shape = self._numbers(tensor.ShapeAsNumpy(), tensor.ShapeLength())
        if len(shape) > _MAX_RANK or any(size < 1 for size in shape) or prod(shape) > _MAX_NUMBERS:
            raise InputError(
                f"tensor {name!r} of {self._file} must have sizes of at least 1 and at most "
                f"{_MAX_NUMBERS} numbers, not shape {list(shape)}"
            )
        scales, zero_points, axis = self._quantisation(tensor.Quantization(), name, shape, dtype)
        return TfliteTensor(
            name=name,
            shape=shape,
            dtype=dtype,
            values=self._values(tensor, name, shape, dtype),
            scales=scales,
            zero_points=zero_points,
            axis=axis,
        )

    def _values(
        self, tensor: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Values | None:
        if not 0 <= tensor.Buffer() < self._model.BuffersLength():
            raise InputError(
                f"tensor {name!r} of {self._file} must name a buffer below "
                f"{self._model.BuffersLength()}, not {tensor.Buffer()}"
            )
        buffer = self._model.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            return None
        if tensor.Sparsity() is not None:
            raise InputError(f"tensor {name!r} of {self._file} must be dense, not sparse")
        data = buffer.DataAsNumpy().tobytes()
        if len(data) != prod(shape) * dtype.itemsize:
            raise InputError(
                f"tensor {name!r} of {self._file} must have {prod(shape) * dtype.itemsize} bytes, "
                f"not {len(data)}"
            )
        values = np.frombuffer(data, dtype).reshape(shape)
        if dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise InputError(f"tensor {name!r} of {self._file} must have finite values")
        return values

    def _quantisation(
        self, parameters: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> tuple[tuple[float, ...], tuple[int, ...], int]:
        """Scales, zero points and their axis."""
        if parameters is None or not self._length(parameters.ScaleLength()):
            return (), (), 0
        scales = tuple(float(scale) for scale in parameters.ScaleAsNumpy())
        zero_points = self._numbers(parameters.ZeroPointAsNumpy(), parameters.ZeroPointLength())
        axis = parameters.QuantizedDimension()
        place = f"tensor {name!r} of {self._file}"
        for scale in scales if dtype.kind in "iu" else ():
            if not has_real_numbers(scale, dtype.name):
                raise InputError(
                    f"{place} must have scales above 0, with which all numbers are float32, "
                    f"not {scale}"
                )
        if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
            raise InputError(f"{place} must have 1 scale or one for each index, not {len(scales)}")
        zero_points = zero_points or (0,) * len(scales)
        if len(zero_points) != len(scales):
            raise InputError(
                f"{place} must have {len(scales)} zero points, as many as scales, "
                f"not {len(zero_points)}"
            )
        if dtype.itemsize == 1 and dtype.kind in "iu":
            limits = np.iinfo(dtype)
            for zero_point in zero_points:
                if not limits.min <= zero_point <= limits.max:
                    raise InputError(
                        f"{place} must have zero points {limits.min} to {limits.max}, "
                        f"not {zero_point}"
                    )
        return scales, zero_points, axis

    def _operator(self, operator: Any, number: int) -> TfliteOperator:
        if not 0 <= operator.OpcodeIndex() < self._model.OperatorCodesLength():
            raise InputError(
                f"operator {number} of {self._file} must have a code below "
                f"{self._model.OperatorCodesLength()}, not {operator.OpcodeIndex()}"
            )
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        builtin = code.BuiltinCode()
        if builtin < _PLACEHOLDER:
            builtin = max(builtin, code.DeprecatedBuiltinCode())
        kind = _OPERATOR_NAMES.get(builtin, f"operator {builtin}")
        if kind == "CUSTOM":
            kind = (code.CustomCode() or b"custom").decode()
        return TfliteOperator(
            name=f"{kind}_{number}",
            kind=kind,
            inputs=self._numbers(operator.InputsAsNumpy(), operator.InputsLength()),
            outputs=self._numbers(operator.OutputsAsNumpy(), operator.OutputsLength()),
            options=_options(operator),
        )


def _options(operator: Any) -> dict[str, Any]:
    """The numbers of the operator's table of options; vectors in it are left out."""
    name = _OPTION_NAMES.get(operator.BuiltinOptionsType(), "NONE")
    table = operator.BuiltinOptions()
    if name == "NONE" or table is None:
        return {}
    options = getattr(tflite, name)()
    options.Init(table.Bytes, table.Pos)
    return {
        field: function(options)
        for field, function in vars(type(options)).items()
        if isinstance(function, FunctionType) and function.__code__.co_varnames == _OF_A_NUMBER
    }


def _with_own_names(tensors: Sequence[TfliteTensor]) -> tuple[TfliteTensor, ...]:
    """Names that the file gives twice get the tensor's number."""
    seen: set[str] = set()
    named = []
    for number, tensor in enumerate(tensors):
        name = tensor.name if tensor.name not in seen else f"{tensor.name}:{number}"
        seen.add(name)
        named.append(replace(tensor, name=name))
    return tuple(named)
