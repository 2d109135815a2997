"""A program file as bytes: little endian, a head, and sections at multiples of 8 bytes.

Head: magic, format version, CRC-32 of all that follows it, size of the file, digest, versions,
bytes of a beat, bytes of memory, first byte that may be written and the byte behind the last, bytes
of tensors that the host keeps, bytes of memory that the driver in C needs for itself; then offset
and size of each section. Records have fixed sizes; a name is an offset into `TEXT`, a shape one
into `WORDS`, numbers of an attribute or a constant one into `DATA`.
"""

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator
from enum import IntEnum
from math import prod
from typing import Any, Final

import numpy as np

from naas_hw.compiler.layout import SLOT_BYTES, EntryPlace
from naas_hw.core.errors import InputError
from naas_hw.driver.operators import Operand, OperatorRecord, Value, operator_of, record_of
from naas_hw.driver.program_file import (
    FileTensor,
    HostStep,
    MemoryPlace,
    ProgramFile,
    StartStep,
    Step,
)
from naas_hw.graph.graph import Array
from naas_hw.graph.quantised import QuantisedTensor

MAGIC: Final = b"NAASPROG"
FORMAT_VERSION: Final = 1
ALIGNMENT: Final = 8
MAX_RANK: Final = 8
NO_TENSOR: Final = 0xFFFF_FFFF
DTYPES: Final = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float32", "float64", "bool", "float16"),
)
"""The number of a type is its place."""


class FileSection(IntEnum):
    """Parts of the file, in their order."""

    CONSTANTS = 0
    STEPS = 1
    TENSORS = 2
    OPERANDS = 3
    ATTRIBUTES = 4
    WORDS = 5
    DATA = 6
    TEXT = 7
    FIELDS = 8
    INPUTS = 9
    OUTPUTS = 10


class StepKind(IntEnum):
    """What a step does."""

    START = 0
    HOST = 1


class PlaceKind(IntEnum):
    """Where a tensor lies."""

    MEMORY = 0
    HOST = 1
    CONSTANT = 2


class AttributeKind(IntEnum):
    """What an attribute is."""

    NONE = 0
    INTEGER = 1
    REAL = 2
    TRUTH = 3
    TEXT = 4
    INTEGERS = 5
    REALS = 6
    ARRAY = 7


_HEAD: Final = struct.Struct("<8sIIQQIIQQQQQ")
_CRC_BEGIN: Final = 16
_SECTION: Final = struct.Struct("<QQ")
_HEAD_BYTES: Final = _HEAD.size + len(FileSection) * _SECTION.size
_WORD: Final = struct.Struct("<I")
_STEP: Final = struct.Struct("<12I")
_TENSOR: Final = struct.Struct("<10IiIdQQQ4I")
_OPERAND: Final = struct.Struct("<4I")
_ATTRIBUTE: Final = struct.Struct("<4I")
_FIELD: Final = struct.Struct("<4I")


def encode(program: ProgramFile) -> bytes:
    """The bytes of a program file; the same program gives the same bytes."""
    return _ProgramEncoder(program).file()


def decode(content: bytes, *, digest: int | None = None) -> ProgramFile:
    """The program that a file holds.

    Parameters
    ----------
    digest : of the accelerator that is to run it; any if None.

    Raises
    ------
    InputError : the file is cut off, damaged, of another format or for another accelerator.
    """
    reader = _ProgramDecoder(content)
    if digest is not None and reader.digest != digest:
        raise InputError(
            f"a program file must be of the accelerator {digest:016x}, not of {reader.digest:016x}"
        )
    try:
        return reader.program()
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise InputError(f"a program file must have records that fit each other: {error}") from None


# ---------------------------------------------------------------- writing


class _ProgramEncoder:
    """Grows the sections of one file."""

    def __init__(self, program: ProgramFile) -> None:
        self._program = program
        self._parts = {section: bytearray() for section in FileSection}
        self._texts: dict[str, int] = {}
        self._numbers = {name: index for index, name in enumerate(program.tensors)}
        self._num_tensors = len(program.tensors)
        self._host_bytes = 0
        self._scratch_bytes = 0
        self._parts[FileSection.CONSTANTS] += program.constants.tobytes()
        for tensor in program.tensors.values():
            self._add_tensor(tensor)
        for step in program.steps:
            self._add_step(step)
        for section, names in (
            (FileSection.INPUTS, program.inputs),
            (FileSection.OUTPUTS, program.outputs),
        ):
            for name in names:
                self._parts[section] += _WORD.pack(self._numbers[name])
        for place in program.fields:
            record = (self._text(place.name), place.index, place.bit, place.width)
            self._parts[FileSection.FIELDS] += _FIELD.pack(*record)

    def file(self) -> bytes:
        program = self._program
        offset, table, body = _HEAD_BYTES, b"", b""
        for part in self._parts.values():
            table += _SECTION.pack(offset + len(body), len(part))
            body += bytes(part) + bytes(-len(part) % ALIGNMENT)
        sizes = (*program.writable, self._host_bytes, self._host_bytes + self._scratch_bytes)
        head = _HEAD.pack(
            MAGIC,
            FORMAT_VERSION,
            0,
            offset + len(body),
            program.digest,
            program.versions,
            program.beat_bytes,
            program.memory_bytes,
            *sizes,
        )
        content = head[_CRC_BEGIN:] + table + body
        return head[: _CRC_BEGIN - 4] + _WORD.pack(zlib.crc32(content)) + content

    def _add_step(self, step: Step) -> None:
        if isinstance(step, StartStep):
            start = (step.descriptor_address, step.num_descriptors, step.watchdog)
            values: tuple[int, ...] = (StepKind.START, *(0,) * 7, *start, 0)
        else:
            values = self._host_step(step)
        self._parts[FileSection.STEPS] += _STEP.pack(*values)

    def _host_step(self, step: HostStep) -> tuple[int, ...]:
        shapes = {name: one.tensor.shape for name, one in self._program.tensors.items()}
        record = record_of(step.operator, shapes)
        operands = [self._operand(one) for one in (*record.operands, record.output)]
        first_operand = self._add_records(FileSection.OPERANDS, operands)
        attributes = [self._attribute(*one) for one in record.attributes.items()]
        first_attribute = self._add_records(FileSection.ATTRIBUTES, attributes)
        self._need_scratch(record)
        names = (self._text(step.name), self._text(record.kind), self._text(record.name))
        counts = (first_operand, len(record.operands), record.is_integer)
        return (
            *(StepKind.HOST, *names[:2], *counts),
            *(first_attribute, len(attributes), 0, 0, 0, names[2]),
        )

    def _need_scratch(self, record: OperatorRecord) -> None:
        """Room for the operands of a step side by side, real or as bytes."""
        size = 1 if record.is_integer else 4
        sizes = [
            size * prod(self._program.tensors[one.value].tensor.shape)
            for one in (*record.operands, record.output)
            if isinstance(one.value, str)
        ]
        self._scratch_bytes = max(self._scratch_bytes, sum(map(_aligned, sizes)))

    def _add_records(self, section: FileSection, records: list[bytes]) -> int:
        """Number of the first one."""
        part = self._parts[section]
        size = _OPERAND.size
        first = len(part) // size
        part += b"".join(records)
        return first

    def _operand(self, operand: Operand) -> bytes:
        if operand.value is None:
            number = NO_TENSOR
        elif isinstance(operand.value, str):
            number = self._numbers[operand.value]
        else:
            number = self._add_constant(operand.value)
        return _OPERAND.pack(number, len(operand.shape), self._words(operand.shape), 0)

    def _attribute(self, name: str, value: Value) -> bytes:
        kind, count, place = self._attribute_value(value)
        return _ATTRIBUTE.pack(self._text(name), kind, count, place)

    def _attribute_value(self, value: Value) -> tuple[AttributeKind, int, int]:
        if value is None:
            return AttributeKind.NONE, 0, 0
        if isinstance(value, str):
            return AttributeKind.TEXT, 1, self._text(value)
        if isinstance(value, np.ndarray):
            return AttributeKind.ARRAY, 1, self._add_constant(value)
        entries = value if isinstance(value, tuple) else (value,)
        real = any(isinstance(entry, (float, np.floating)) for entry in entries)
        data = np.array(entries, np.float64 if real else np.int64)
        place = self._data(data)
        if isinstance(value, tuple):
            return (AttributeKind.REALS if real else AttributeKind.INTEGERS), len(data), place
        if isinstance(value, (bool, np.bool_)):
            return AttributeKind.TRUTH, 1, place
        return (AttributeKind.REAL if real else AttributeKind.INTEGER), 1, place

    def _add_tensor(self, one: FileTensor) -> None:
        tensor, place = one.tensor, one.place
        if place is None:
            kind, address = PlaceKind.HOST, self._host_bytes
            size = prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
            self._host_bytes += _aligned(size)
            where: tuple[int, ...] = (address, 0, 0, 0, 0, 0, 1)
            rows = 1
        else:
            kind, rows = PlaceKind.MEMORY, place.fold[0]
            channels = self._words(place.channel_offsets.reshape(-1).tolist())
            where = (
                *(place.address, place.first, place.end),
                *(place.row_pitch, place.pixel_pitch, channels, place.fold[1]),
            )
        self._append_tensor(kind, tensor, rows, where)

    def _add_constant(self, values: Array) -> int:
        """The number of a tensor that is a constant."""
        number = self._num_tensors
        self._num_tensors += 1
        tensor = QuantisedTensor(
            name="",
            shape=(values.size, 1, 1),
            scale=1.0,
            zero_point=0,
            graph_shape=values.shape,
            dtype=values.dtype.name,
            graph_dtype=values.dtype.name,
        )
        where = (self._data(np.ascontiguousarray(values)), 0, 0, 0, 0, 0, 1)
        self._append_tensor(PlaceKind.CONSTANT, tensor, 1, where)
        return number

    def _append_tensor(
        self, kind: PlaceKind, tensor: QuantisedTensor, rows: int, where: tuple[int, ...]
    ) -> None:
        self._parts[FileSection.TENSORS] += _TENSOR.pack(
            self._text(tensor.name),
            kind,
            _dtype_number(tensor, tensor.dtype),
            _dtype_number(tensor, tensor.graph_dtype),
            *tensor.shape,
            tensor.channels_last,
            len(tensor.graph_shape),
            self._words(tensor.graph_shape),
            tensor.zero_point,
            rows,
            tensor.scale,
            *where,
        )

    def _words(self, values: Any) -> int:
        """Number of the first of some words."""
        part = self._parts[FileSection.WORDS]
        first = len(part) // _WORD.size
        part += np.array(values, "<u4").tobytes()
        return first

    def _data(self, values: Array) -> int:
        """Offset of some numbers."""
        part = self._parts[FileSection.DATA]
        first = len(part)
        content = values.astype(values.dtype.newbyteorder("<")).tobytes()
        part += content + bytes(-len(content) % ALIGNMENT)
        return first

    def _text(self, text: str) -> int:
        """Offset of a text, which ends with a zero."""
        part = self._parts[FileSection.TEXT]
        if text not in self._texts:
            self._texts[text] = len(part)
            part += text.encode() + b"\0"
        return self._texts[text]


def _aligned(num_bytes: int) -> int:
    return num_bytes + -num_bytes % ALIGNMENT


def _dtype_number(tensor: QuantisedTensor, dtype: str) -> int:
    if dtype not in DTYPES:
        raise InputError(f"{tensor.name!r} must be of {', '.join(DTYPES)}, not {dtype}")
    if len(tensor.graph_shape) > MAX_RANK:
        raise InputError(
            f"{tensor.name!r} must have at most {MAX_RANK} axes, not {len(tensor.graph_shape)}"
        )
    return DTYPES.index(dtype)


# ---------------------------------------------------------------- reading

_IMAGE_RANK: Final = 4


class _ProgramDecoder:
    """Takes one file apart. Everything that is wrong with it is an InputError, or a ValueError."""

    def __init__(self, content: bytes) -> None:
        if len(content) < _HEAD_BYTES:
            raise InputError(
                f"a program file must have at least {_HEAD_BYTES} bytes, not {len(content)}"
            )
        (magic, version, checksum, size, self.digest, *rest) = _HEAD.unpack_from(content)
        self._versions, self._beat_bytes, self._memory_bytes, *sizes = rest
        self._writable = (sizes[0], sizes[1])
        if magic != MAGIC:
            raise InputError(f"a program file must begin with {MAGIC!r}, not {magic!r}")
        if version != FORMAT_VERSION:
            raise InputError(f"a program file must have format {FORMAT_VERSION}, not {version}")
        if size != len(content):
            raise InputError(f"a program file must have its {size} bytes, not {len(content)}")
        if zlib.crc32(content[_CRC_BEGIN:]) != checksum:
            raise InputError("a program file must have the content of its checksum, not another")
        self._parts = {section: self._part(content, section) for section in FileSection}
        self._texts = bytes(self._parts[FileSection.TEXT])

    def _part(self, content: bytes, section: FileSection) -> memoryview:
        first, size = _SECTION.unpack_from(content, _HEAD.size + section * _SECTION.size)
        if first % ALIGNMENT or not _HEAD_BYTES <= first <= first + size <= len(content):
            raise InputError(f"section {section.name} of a program file must lie in the file")
        return memoryview(content)[first : first + size]

    def program(self) -> ProgramFile:
        records = list(_TENSOR.iter_unpack(self._parts[FileSection.TENSORS]))
        tensors = [self._tensor(record) for record in records]
        seen = {
            tensor.tensor.name: tensor
            for tensor, record in zip(tensors, records, strict=True)
            if record[1] != PlaceKind.CONSTANT
        }
        steps = list(_STEP.iter_unpack(self._parts[FileSection.STEPS]))
        first, end = self._writable
        constants = np.frombuffer(self._parts[FileSection.CONSTANTS], np.uint8)
        if not constants.size <= first <= end <= self._memory_bytes <= 1 << 32:
            raise ValueError("the ranges of memory")
        program = ProgramFile(
            digest=self.digest,
            versions=self._versions,
            beat_bytes=self._beat_bytes,
            memory_bytes=self._memory_bytes,
            writable=self._writable,
            constants=constants,
            steps=tuple(self._step(step, tensors) for step in steps),
            tensors=seen,
            inputs=tuple(self._names(FileSection.INPUTS, tensors)),
            outputs=tuple(self._names(FileSection.OUTPUTS, tensors)),
            fields=tuple(
                EntryPlace(name=self._text(name), index=index, bit=bit, width=width)
                for name, index, bit, width in _FIELD.iter_unpack(self._parts[FileSection.FIELDS])
            ),
        )
        _check_order(program)
        return program

    def _names(self, section: FileSection, tensors: list[FileTensor]) -> Iterator[str]:
        for (number,) in _WORD.iter_unpack(self._parts[section]):
            yield tensors[number].tensor.name

    def _step(self, record: tuple[int, ...], tensors: list[FileTensor]) -> Step:
        kind, name, operator = record[0], record[1], record[2]
        if kind == StepKind.START:
            address, count, watchdog = record[8:11]
            if not 0 < address + count * SLOT_BYTES <= self._writable[0]:
                raise ValueError("a list of descriptors")
            return StartStep(descriptor_address=address, num_descriptors=count, watchdog=watchdog)
        first_operand, num_inputs, _, first_attribute, num_attributes = record[3:8]
        operands = self._records(FileSection.OPERANDS, first_operand, num_inputs + 1)
        found = [self._operand(one, tensors) for one in operands]
        attributes = self._records(FileSection.ATTRIBUTES, first_attribute, num_attributes)
        operator_record = OperatorRecord(
            name=self._text(record[11]),
            kind=self._text(operator),
            operands=tuple(found[:-1]),
            output=found[-1],
            attributes={
                self._text(one[0]): self._attribute(one[1:], tensors) for one in attributes
            },
        )
        if StepKind(kind) is not StepKind.HOST:
            raise ValueError("a kind of step")
        return HostStep(name=self._text(name), operator=operator_of(operator_record))

    def _records(self, section: FileSection, first: int, count: int) -> list[tuple[int, ...]]:
        size = _OPERAND.size
        part = self._parts[section][first * size : (first + count) * size]
        if len(part) != count * size:
            raise ValueError(f"records of {section.name}")
        return list(_OPERAND.iter_unpack(part))

    def _operand(self, record: tuple[int, ...], tensors: list[FileTensor]) -> Operand:
        number, rank, shape, _ = record
        if number == NO_TENSOR:
            return Operand(value=None, shape=())
        tensor = tensors[number].tensor
        value = tensor.name or self._constant(number, tensor)
        sizes = tuple(self._words(shape, rank).tolist())
        if tensor.name and prod(sizes) != prod(tensor.shape):
            raise ValueError(f"the shape of operand {tensor.name!r}")
        return Operand(value=value, shape=sizes)

    def _attribute(self, record: tuple[int, ...], tensors: list[FileTensor]) -> Value:
        kind, count, place = AttributeKind(record[0]), record[1], record[2]
        if kind is AttributeKind.NONE:
            return None
        if kind is AttributeKind.TEXT:
            return self._text(place)
        if kind is AttributeKind.ARRAY:
            return self._constant(place, tensors[place].tensor)
        is_real = kind in (AttributeKind.REAL, AttributeKind.REALS)
        values = self._data("float64" if is_real else "int64", place, count).tolist()
        if kind in (AttributeKind.INTEGERS, AttributeKind.REALS):
            return tuple(values)
        return bool(values[0]) if kind is AttributeKind.TRUTH else values[0]

    def _constant(self, number: int, tensor: QuantisedTensor) -> Array:
        place = _TENSOR.unpack_from(self._parts[FileSection.TENSORS], number * _TENSOR.size)[13]
        values = self._data(tensor.dtype, place, prod(tensor.graph_shape))
        return values.reshape(tensor.graph_shape)

    def _tensor(self, record: tuple[Any, ...]) -> FileTensor:
        name, kind, dtype, graph_dtype, *shape, channels_last, rank, sizes = record[:10]
        zero_point, fold_rows, scale, *where = record[10:]
        tensor = QuantisedTensor(
            name=self._text(name),
            shape=(shape[0], shape[1], shape[2]),
            scale=scale,
            zero_point=zero_point,
            graph_shape=tuple(self._words(sizes, rank).tolist()),
            dtype=DTYPES[dtype],
            graph_dtype=DTYPES[graph_dtype],
            channels_last=bool(channels_last),
        )
        if PlaceKind(kind) is not PlaceKind.CONSTANT:
            _check_shape(tensor)
        if PlaceKind(kind) is not PlaceKind.MEMORY:
            return FileTensor(tensor=tensor, place=None)
        address, first, end, row_pitch, pixel_pitch, channels, fold_columns = where
        fold = (fold_rows, fold_columns)
        if 0 in fold:
            raise ValueError(f"the fold of tensor {tensor.name!r}")
        count = fold_rows * fold_columns * shape[0]
        place = MemoryPlace(
            address=address,
            row_pitch=row_pitch,
            pixel_pitch=pixel_pitch,
            fold=fold,
            channel_offsets=self._words(channels, count).reshape(*fold, shape[0]),
            first=first,
            end=end,
        )
        self._check_place(tensor, place)
        return FileTensor(tensor=tensor, place=place)

    def _check_place(self, tensor: QuantisedTensor, place: MemoryPlace) -> None:
        """Its numbers must stand within its beats, and these where the accelerator may write."""
        rows, columns = ((tensor.shape[1 + i] - 1) // place.fold[i] for i in (0, 1))
        least, most = (place.address + int(f(place.channel_offsets)) for f in (np.min, np.max))
        last = most + rows * place.row_pitch + columns * place.pixel_pitch
        begin, end = self._writable
        if not begin <= place.first <= least <= last < place.end <= end:
            raise ValueError(f"the place of tensor {tensor.name!r}")

    def _words(self, first: int, count: int) -> Any:
        part = self._parts[FileSection.WORDS][first * _WORD.size : (first + count) * _WORD.size]
        if len(part) != count * _WORD.size:
            raise ValueError("words")
        return np.frombuffer(part, "<u4").astype(np.uint32)

    def _data(self, dtype: str, first: int, count: int) -> Array:
        size = np.dtype(dtype).itemsize * count
        part = self._parts[FileSection.DATA][first : first + size]
        if len(part) != size:
            raise ValueError("numbers")
        return np.frombuffer(part, np.dtype(dtype).newbyteorder("<")).astype(dtype)

    def _text(self, offset: int) -> str:
        return self._texts[offset : self._texts.index(b"\0", offset)].decode()


def _check_shape(tensor: QuantisedTensor) -> None:
    """An image and what the model's user has must have as many numbers."""
    rank = len(tensor.graph_shape)
    if prod(tensor.shape) != prod(tensor.graph_shape) or 0 in tensor.shape:
        raise ValueError(f"the shape of tensor {tensor.name!r}")
    if tensor.channels_last and rank != _IMAGE_RANK:
        raise ValueError(f"channels last of {rank} axes, in tensor {tensor.name!r}")


def _check_order(program: ProgramFile) -> None:
    """What the host keeps must be an input, or be made before a step of the host reads it."""
    made = {name for name, tensor in program.tensors.items() if tensor.place is not None}
    for name in program.inputs:
        made.add(program.tensors[name].tensor.name)
    for step in program.steps:
        if isinstance(step, HostStep):
            _check_made(step.operator.inputs, made)
            made.add(program.tensors[step.operator.output].tensor.name)
    _check_made(program.outputs, made)


def _check_made(names: Iterable[str], made: Collection[str]) -> None:
    for name in names:
        if name not in made:
            raise ValueError(f"tensor {name!r} is read before it is made")
