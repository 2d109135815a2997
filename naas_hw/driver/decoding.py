"""The program that the bytes of a program file hold."""

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator
from math import prod
from typing import Any, Final

import numpy as np

from naas_hw.compiler.layout import SLOT_BYTES, EntryPlace
from naas_hw.core.errors import InputError
from naas_hw.driver.file_format import (
    ALIGNMENT,
    CRC_BEGIN,
    DTYPES,
    FIELD,
    FORMAT_VERSION,
    HEAD,
    HEAD_BYTES,
    MAGIC,
    NO_TENSOR,
    OPERAND,
    SECTION_PLACE,
    STEP,
    TENSOR,
    WORD,
    AttributeKind,
    FileSection,
    PlaceKind,
    StepKind,
)
from naas_hw.driver.operators import Operand, OperatorRecord, Value, operator_of
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

_IMAGE_RANK: Final = 4


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
        raise InputError(f"a program file must have consistent records: {error}") from None


class _ProgramDecoder:
    """Takes one file apart. Everything that is wrong with it is an InputError, or a ValueError."""

    def __init__(self, content: bytes) -> None:
        if len(content) < HEAD_BYTES:
            raise InputError(
                f"a program file must have at least {HEAD_BYTES} bytes, not {len(content)}"
            )
        (magic, version, checksum, size, self.digest, *rest) = HEAD.unpack_from(content)
        self._versions, self._beat_bytes, self._memory_bytes, *sizes = rest
        self._writable = (sizes[0], sizes[1])
        if magic != MAGIC:
            raise InputError(f"a program file must begin with {MAGIC!r}, not {magic!r}")
        if version != FORMAT_VERSION:
            raise InputError(f"a program file must have format {FORMAT_VERSION}, not {version}")
        if size != len(content):
            raise InputError(
                f"a program file must have {size} bytes, as its header says, not {len(content)}"
            )
        if zlib.crc32(content[CRC_BEGIN:]) != checksum:
            raise InputError("the checksum of a program file is wrong: its content was changed")
        self._parts = {section: self._part(content, section) for section in FileSection}
        self._texts = bytes(self._parts[FileSection.TEXT])

    def _part(self, content: bytes, section: FileSection) -> memoryview:
        first, size = SECTION_PLACE.unpack_from(content, HEAD.size + section * SECTION_PLACE.size)
        if first % ALIGNMENT or not HEAD_BYTES <= first <= first + size <= len(content):
            raise InputError(f"section {section.name} of a program file must lie within the file")
        return memoryview(content)[first : first + size]

    def program(self) -> ProgramFile:
        records = list(TENSOR.iter_unpack(self._parts[FileSection.TENSORS]))
        tensors = [self._tensor(record) for record in records]
        seen = {
            tensor.tensor.name: tensor
            for tensor, record in zip(tensors, records, strict=True)
            if record[1] != PlaceKind.CONSTANT
        }
        steps = list(STEP.iter_unpack(self._parts[FileSection.STEPS]))
        first, end = self._writable
        constants = np.frombuffer(self._parts[FileSection.CONSTANTS], np.uint8)
        if not constants.size <= first <= end <= self._memory_bytes <= 1 << 32:
            raise ValueError("the ranges of memory are wrong")
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
                for name, index, bit, width in FIELD.iter_unpack(self._parts[FileSection.FIELDS])
            ),
        )
        _check_order(program)
        return program

    def _names(self, section: FileSection, tensors: list[FileTensor]) -> Iterator[str]:
        for (number,) in WORD.iter_unpack(self._parts[section]):
            yield tensors[number].tensor.name

    def _step(self, record: tuple[int, ...], tensors: list[FileTensor]) -> Step:
        kind, name, operator = record[0], record[1], record[2]
        if kind == StepKind.START:
            address, count, watchdog = record[8:11]
            if not 0 < address + count * SLOT_BYTES <= self._writable[0]:
                raise ValueError("a list of descriptors lies outside its range")
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
            raise ValueError("the kind of a step is unknown")
        return HostStep(name=self._text(name), operator=operator_of(operator_record))

    def _records(self, section: FileSection, first: int, count: int) -> list[tuple[int, ...]]:
        size = OPERAND.size
        part = self._parts[section][first * size : (first + count) * size]
        if len(part) != count * size:
            raise ValueError(f"records of {section.name} lie outside the section")
        return list(OPERAND.iter_unpack(part))

    def _operand(self, record: tuple[int, ...], tensors: list[FileTensor]) -> Operand:
        number, rank, shape, _ = record
        if number == NO_TENSOR:
            return Operand(value=None, shape=())
        tensor = tensors[number].tensor
        value = tensor.name or self._constant(number, tensor)
        sizes = tuple(self._words(shape, rank).tolist())
        if tensor.name and prod(sizes) != prod(tensor.shape):
            raise ValueError(f"the shape of operand {tensor.name!r} is wrong")
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
        place = TENSOR.unpack_from(self._parts[FileSection.TENSORS], number * TENSOR.size)[13]
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
            raise ValueError(f"the fold of tensor {tensor.name!r} is wrong")
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
            raise ValueError(f"the place of tensor {tensor.name!r} is wrong")

    def _words(self, first: int, count: int) -> Any:
        part = self._parts[FileSection.WORDS][first * WORD.size : (first + count) * WORD.size]
        if len(part) != count * WORD.size:
            raise ValueError("a list of words lies outside its section")
        return np.frombuffer(part, "<u4").astype(np.uint32)

    def _data(self, dtype: str, first: int, count: int) -> Array:
        size = np.dtype(dtype).itemsize * count
        part = self._parts[FileSection.DATA][first : first + size]
        if len(part) != size:
            raise ValueError("numbers lie outside their section")
        return np.frombuffer(part, np.dtype(dtype).newbyteorder("<")).astype(dtype)

    def _text(self, offset: int) -> str:
        return self._texts[offset : self._texts.index(b"\0", offset)].decode()


def _check_shape(tensor: QuantisedTensor) -> None:
    """An image and what the model's user has must have as many numbers."""
    rank = len(tensor.graph_shape)
    if prod(tensor.shape) != prod(tensor.graph_shape) or 0 in tensor.shape:
        raise ValueError(f"the shape of tensor {tensor.name!r} is wrong")
    if tensor.channels_last and rank != _IMAGE_RANK:
        raise ValueError(f"tensor {tensor.name!r} has channels last and {rank} axes")


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
