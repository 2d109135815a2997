"""A `Graph` that grows from the operators of a TFLite file.

The file keeps channels last, a `Graph` keeps them second, so every activation of four axes is
transposed: constants when they are read, the model's inputs and outputs by a `transpose` of their
own. Fewer axes, and more, stay as they are. A quantised tensor T of the file has two names: T
holds its integers, `T/real` the numbers that they stand for.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Attribute, Graph, GraphTensor, Operator, tensor_of
from naas_hw.graph.importers.tflite_tables import TfliteModel, TfliteOperator, TfliteTensor
from naas_hw.graph.shapes import fitting_shape

Shape = tuple[int, ...]

IMAGE_RANK: Final = 4
CHANNELS_SECOND: Final = (0, 3, 1, 2)
CHANNELS_LAST: Final = (0, 2, 3, 1)


def graph_axes(rank: int) -> Shape:
    """For each axis of a graph's tensor, the axis of the file's."""
    return CHANNELS_SECOND if rank == IMAGE_RANK else tuple(range(rank))


def graph_axis(axis: int, rank: int) -> int:
    """The axis of a graph's tensor that is `axis` of the file's; it may count from the end."""
    if not -rank <= axis < rank:
        raise InputError(f"an axis must be {-rank} to {rank - 1}, not {axis}")
    return graph_axes(rank).index(axis % rank)


def graph_shape(shape: Shape) -> Shape:
    """A shape of the file as the graph has it."""
    return tuple(shape[axis] for axis in graph_axes(len(shape)))


class TfliteGraph:
    """Operators and tensors so far.

    Parameters
    ----------
    model : the file.
    file : its name, for messages.
    """

    def __init__(self, model: TfliteModel, file: str) -> None:
        self.file = file
        self._model = model
        self._tensors: dict[str, GraphTensor] = {}
        self._operators: list[Operator] = []
        self._constants: dict[int, Array] = {}
        self._real: dict[int, str] = {}
        self._made: set[int] = set()
        self._input_names = tuple(self._begin(number) for number in dict.fromkeys(model.inputs))

    def _begin(self, number: int) -> str:
        """An input of the model, and its transpose where it is an image."""
        tensor = self.tensor(number)
        self._add_tensor(tensor.name, tensor.shape, tensor.dtype)
        self._made.add(number)
        if len(tensor.shape) == IMAGE_RANK:
            self._transpose(tensor.name, self._stored_name(number), tensor, CHANNELS_SECOND)
        return tensor.name

    def finished(self, name: str) -> Graph:
        """All of it."""
        outputs = []
        for number in dict.fromkeys(self._model.outputs):
            tensor = self.tensor(number)
            stored = self.stored(number)
            if stored != tensor.name and tensor.name not in self._tensors:
                self._transpose(stored, tensor.name, tensor, CHANNELS_LAST)
            outputs.append(tensor.name)
        return Graph(
            name=name,
            operators=tuple(self._operators),
            tensors=self._tensors,
            inputs=self._input_names,
            outputs=tuple(outputs),
            notes=self._model.notes,
        )

    def tensor(self, number: int) -> TfliteTensor:
        """A tensor of the file."""
        return self._model.tensors[number]

    def shape(self, number: int) -> Shape:
        """Its shape in the graph."""
        return graph_shape(self.tensor(number).shape)

    def constant(self, number: int) -> Array | None:
        """Values of a tensor in the file's order of axes, if they are known."""
        if number < 0:
            return None
        values = self.tensor(number).values
        return self._constants.get(number) if values is None else values

    def known(self, operator: TfliteOperator, place: int) -> Array:
        """Values of an input that has to be a constant.

        Raises
        ------
        InputError : it is missing, or it is computed.
        """
        number = operator.inputs[place] if place < len(operator.inputs) else -1
        values = self.constant(number)
        if values is None:
            raise InputError(
                f"input {place} of {operator.name} of {self.file} must be a constant, not computed"
            )
        return values

    def set_constant(self, number: int, values: Array) -> None:
        """The values of a tensor that the file computes from constants alone."""
        tensor = self.tensor(number)
        self._constants[number] = values.astype(tensor.dtype).reshape(tensor.shape)

    def stored(self, number: int) -> str:
        """The name of a tensor as it is stored: integers where it is quantised."""
        name = self._stored_name(number)
        if number not in self._made:
            values = self.constant(number)
            if values is None:
                raise InputError(
                    f"tensor {self.tensor(number).name!r} of {self.file} must be made before it "
                    "is read"
                )
            if values.dtype == np.float16:
                values = values.astype(np.float32)
            self._add_constant(name, values.transpose(graph_axes(values.ndim)))
            self._made.add(number)
        return name

    def real(self, number: int) -> str:
        """The name of the real numbers of a tensor."""
        tensor = self.tensor(number)
        if not tensor.is_quantised:
            return self.stored(number)
        if number not in self._real:
            axis = graph_axis(tensor.axis, len(tensor.shape)) if len(tensor.scales) > 1 else None
            self._real[number] = self.dequantised(self.stored(number), tensor, axis)
        return self._real[number]

    def dequantised(self, stored: str, tensor: TfliteTensor, axis: int | None) -> str:
        """A new tensor: the real numbers of one whose integers are `stored`."""
        return self.emit(
            "dequantize",
            (stored,),
            self._tensors[stored].shape,
            f"{stored}/real",
            _quantisation(tensor, axis, self._tensors[stored].dtype),
        )

    def constant_real(self, number: int, values: Array, axis: int) -> str:
        """The real numbers of a constant whose values were brought into another form.

        Parameters
        ----------
        axis : of `values`, along which its scales lie.
        """
        tensor = self.tensor(number)
        name = self._free(tensor.name)
        self._add_constant(name, values)
        if not tensor.is_quantised:
            return name
        return self.dequantised(name, tensor, axis if len(tensor.scales) > 1 else None)

    def new_constant(self, name: str, values: Array) -> str:
        """A constant that the file does not have."""
        name = self._free(name)
        self._add_constant(name, values)
        return name

    def emit(
        self,
        kind: str,
        inputs: Sequence[str],
        shape: Shape,
        name: str,
        attributes: Mapping[str, Attribute] | None = None,
        source: str = "",
        dtype: np.dtype[Any] | None = None,
    ) -> str:
        """Append an operator; gives the name of its output.

        Raises
        ------
        ValueError : its inputs do not make that shape.
        """
        name = self._free(name)
        given = attributes or {}
        self._check_shape(kind, inputs, given, shape)
        if dtype is None:
            dtype = np.dtype(str(given["dtype"]) if kind == "quantize" else np.float32)
        self._add_tensor(name, shape, dtype)
        self._operators.append(
            Operator(
                name=f"{kind} {name}" if kind in ("quantize", "dequantize") else name,
                kind=kind,
                inputs=tuple(inputs),
                outputs=(name,),
                attributes=given,
                source=source or kind.upper(),
            )
        )
        return name

    def _check_shape(
        self, kind: str, inputs: Sequence[str], attributes: Mapping[str, Attribute], shape: Shape
    ) -> None:
        shapes = [self._tensors[one].shape if one else () for one in inputs]
        made = fitting_shape(kind, attributes, shapes, shape)
        if made != shape:
            raise ValueError(f"an output must be {list(made)}, not {list(shape)}")

    def finish(self, number: int, real: str, source: str = "QUANTIZE") -> None:
        """The tensor `number` is what `real` holds."""
        tensor = self.tensor(number)
        if number in self._made:
            raise InputError(f"tensor {tensor.name!r} of {self.file} must be made once")
        name = self._stored_name(number)
        self._made.add(number)
        if tensor.is_quantised:
            given = _quantisation(tensor, None, tensor.dtype)
            self.emit("quantize", (real,), self.shape(number), name, given, source)
        else:
            dtype = self._tensors[real].dtype
            self.emit("identity", (real,), self.shape(number), name, dtype=dtype)

    def in_file_order(self, real: str, shape: Shape) -> str:
        """A tensor of the graph whose axes are those of the file; `shape` is the file's."""
        if len(shape) != IMAGE_RANK:
            return real
        return self.emit(
            "transpose", (real,), shape, f"{real}/channels_last", {"axes": CHANNELS_LAST}
        )

    def in_graph_order(self, real: str, shape: Shape) -> str:
        """The reverse of `in_file_order`."""
        if len(shape) != IMAGE_RANK:
            return real
        given: dict[str, Attribute] = {"axes": CHANNELS_SECOND}
        return self.emit("transpose", (real,), graph_shape(shape), f"{real}/channels_second", given)

    def reshaped(self, real: str, before: Shape, after: Shape, source: str = "RESHAPE") -> str:
        """The same numbers in the file's order with another shape of the file."""
        if before == after:
            return real
        flat = self.in_file_order(real, before)
        flat = self.emit("reshape", (flat,), after, f"{real}/reshaped", source=source)
        return self.in_graph_order(flat, after)

    def _transpose(self, source: str, name: str, tensor: TfliteTensor, axes: Shape) -> None:
        shape = self._tensors[source].shape
        self.emit(
            "transpose",
            (source,),
            tuple(shape[axis] for axis in axes),
            name,
            {"axes": axes},
            dtype=tensor.dtype,
        )
        self._made |= {i for i, other in enumerate(self._model.tensors) if other is tensor}

    def _stored_name(self, number: int) -> str:
        """Images that the model's user sees keep their name for the file's order of axes."""
        tensor = self.tensor(number)
        seen = number in self._model.inputs or number in self._model.outputs
        image = len(tensor.shape) == IMAGE_RANK
        return f"{tensor.name}/channels_second" if seen and image else tensor.name

    def _free(self, name: str) -> str:
        """A name that nothing has yet."""
        free, count = name, 1
        while free in self._tensors:
            count += 1
            free = f"{name}:{count}"
        return free

    def _add_tensor(self, name: str, shape: Shape, dtype: np.dtype[Any]) -> None:
        self._tensors[name] = GraphTensor(name=name, shape=shape, dtype=dtype)

    def _add_constant(self, name: str, values: Array) -> None:
        self._tensors[name] = tensor_of(name, np.ascontiguousarray(values))


def _quantisation(
    tensor: TfliteTensor, axis: int | None, dtype: np.dtype[Any]
) -> dict[str, Attribute]:
    """Attributes of quantize and dequantize."""
    if axis is None:
        return {
            "scale": tensor.scales[0],
            "zero_point": tensor.zero_points[0],
            "axis": None,
            "dtype": dtype.name,
        }
    return {
        "scale": tensor.scales,
        "zero_point": tensor.zero_points,
        "axis": axis,
        "dtype": dtype.name,
    }
