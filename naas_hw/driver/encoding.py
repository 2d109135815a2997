"""A program file as bytes, in the format of `naas_hw.driver.file_format`."""

import zlib
from math import prod
from typing import Any

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.driver.file_format import (
    ALIGNMENT,
    ATTRIBUTE,
    CRC_BEGIN,
    DTYPES,
    FIELD,
    FORMAT_VERSION,
    HEAD,
    HEAD_BYTES,
    MAGIC,
    MAX_RANK,
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
from naas_hw.driver.operators import Operand, OperatorRecord, Value, record_of
from naas_hw.driver.program_file import FileTensor, HostStep, ProgramFile, StartStep, Step
from naas_hw.graph.graph import Array
from naas_hw.graph.quantised import QuantisedTensor


def encode(program: ProgramFile) -> bytes:
    """The bytes of a program file; the same program gives the same bytes."""
    return _ProgramEncoder(program).file()


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
                self._parts[section] += WORD.pack(self._numbers[name])
        for place in program.fields:
            record = (self._text(place.name), place.index, place.bit, place.width)
            self._parts[FileSection.FIELDS] += FIELD.pack(*record)

    def file(self) -> bytes:
        program = self._program
        offset, table, body = HEAD_BYTES, b"", b""
        for part in self._parts.values():
            table += SECTION_PLACE.pack(offset + len(body), len(part))
            body += bytes(part) + bytes(-len(part) % ALIGNMENT)
        sizes = (*program.writable, self._host_bytes, self._host_bytes + self._scratch_bytes)
        head = HEAD.pack(
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
        content = head[CRC_BEGIN:] + table + body
        return head[: CRC_BEGIN - 4] + WORD.pack(zlib.crc32(content)) + content

    def _add_step(self, step: Step) -> None:
        if isinstance(step, StartStep):
            start = (step.descriptor_address, step.num_descriptors, step.watchdog)
            values: tuple[int, ...] = (StepKind.START, *(0,) * 7, *start, 0)
        else:
            values = self._host_step(step)
        self._parts[FileSection.STEPS] += STEP.pack(*values)

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
        size = OPERAND.size
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
        return OPERAND.pack(number, len(operand.shape), self._words(operand.shape), 0)

    def _attribute(self, name: str, value: Value) -> bytes:
        kind, count, place = self._attribute_value(value)
        return ATTRIBUTE.pack(self._text(name), kind, count, place)

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
        self._parts[FileSection.TENSORS] += TENSOR.pack(
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
        first = len(part) // WORD.size
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
