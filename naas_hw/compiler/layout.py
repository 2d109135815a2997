"""The layer descriptor as bytes: where each field stands.

A descriptor goes into the accelerator beat by beat. First come all fields that do not belong to a
loop nest, each at a fixed bit; then, position by position, a record of whole beats with that
position's entries: first those of the nests with `NEST` positions, then those with `OUTER`. So a
record is complete in the last beats that came, and goes from there into small memories. Last come
`CHECKSUM_BEATS` with the checksum: CRC-32 (ISO-HDLC, as in zlib and IEEE 802.3) of all bytes before
it, in the last four bytes, lowest byte first.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.fields import LAYOUT, NEST, OUTER, FieldSpec, Quantity, quantity_bits
from naas_hw.core.errors import InputError
from naas_hw.workload.option import Option

CHECKSUM_BYTES: Final = 4
SLOT_BYTES: Final = 2048
"""Descriptors of a list stand this far apart: none crosses a 4 KiB boundary."""


@dataclass(frozen=True, kw_only=True)
class DescriptorLayout:
    """Where the fields of a descriptor stand.

    Parameters
    ----------
    beat_bytes : bytes of a beat, a power of two.
    options : optional hardware whose fields are there.
    bits : of what depends on the accelerator; what is not there has the largest width.
    """

    beat_bytes: int
    options: frozenset[Option] = frozenset()
    bits: Mapping[Quantity, int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.beat_bytes < 1 or self.beat_bytes & (self.beat_bytes - 1):
            raise ValueError(f"beat_bytes must be a power of two, not {self.beat_bytes}")

    @cached_property
    def fields(self) -> tuple[FieldSpec, ...]:
        """All fields that are there."""
        return tuple(
            spec.fitted(self.bits)
            for spec in LAYOUT
            if spec.option is None or spec.option in self.options
        )

    @cached_property
    def static_fields(self) -> tuple[FieldSpec, ...]:
        """Fields that stand in registers."""
        return tuple(spec for spec in self.fields if spec.is_static)

    @cached_property
    def loop_records(self) -> dict[int, tuple[FieldSpec, ...]]:
        """Number of positions -> fields of the loops, in the order in which their records come."""
        return {
            count: tuple(s for s in self.fields if not s.is_static and s.count == count)
            for count in (NEST, OUTER)
        }

    @property
    def static_beats(self) -> int:
        """Beats of the fields that stand in registers."""
        return self._beats(sum(spec.width * spec.count for spec in self.static_fields))

    def record_beats(self, count: int) -> int:
        """Beats of one record of the nests with so many positions."""
        return self._beats(sum(spec.width for spec in self.loop_records[count]))

    @property
    def num_beats(self) -> int:
        """Beats of one descriptor, those of its checksum included."""
        records = sum(count * self.record_beats(count) for count in self.loop_records)
        return self.static_beats + records + timing.CHECKSUM_BEATS

    def _beats(self, bits: int) -> int:
        return -(-bits // (8 * self.beat_bytes))

    def pack(self, values: Mapping[str, int | tuple[int, ...]]) -> bytes:
        """Return a descriptor as bytes.

        Padding stands in front of the first field, of each record and of the checksum.

        Raises InputError where a value does not fit its field, KeyError where one is missing.
        """
        entries = {spec.name: _entries(spec, values[spec.name]) for spec in self.fields}
        static = [(spec, entry) for spec in self.static_fields for entry in entries[spec.name]]
        packed = _join(static, self.static_beats * self.beat_bytes)
        for count, specs in self.loop_records.items():
            for position in range(count):
                record = [(spec, entries[spec.name][position]) for spec in specs]
                packed += _join(record, self.record_beats(count) * self.beat_bytes)
        return with_checksum(packed + bytes(timing.CHECKSUM_BEATS * self.beat_bytes))

    def entry_places(self) -> tuple["EntryPlace", ...]:
        """Every entry of every field, in the order in which `pack` writes them."""
        static = [(spec, index) for spec in self.static_fields for index in range(spec.count)]
        first = self.static_beats * self.beat_bytes
        places = _places(static, 0, first)
        for count, specs in self.loop_records.items():
            size = self.record_beats(count) * self.beat_bytes
            for position in range(count):
                places += _places([(spec, position) for spec in specs], first, size)
                first += size
        return tuple(places)


def layout_of(accelerator: Accelerator) -> DescriptorLayout:
    """The layout of the descriptors of an accelerator."""
    return DescriptorLayout(
        beat_bytes=accelerator.beat_bytes,
        options=accelerator.options,
        bits=quantity_bits(accelerator),
    )


def descriptor_beats(accelerator: Accelerator) -> int:
    """Beats of one descriptor, those of its checksum included."""
    return layout_of(accelerator).num_beats


def with_checksum(descriptor: bytes) -> bytes:
    """The descriptor with its last `CHECKSUM_BYTES` made right."""
    content = descriptor[:-CHECKSUM_BYTES]
    return content + zlib.crc32(content).to_bytes(CHECKSUM_BYTES, "little")


def _entries(spec: FieldSpec, value: int | tuple[int, ...]) -> tuple[int, ...]:
    entries = value if isinstance(value, tuple) else (value,)
    if len(entries) != spec.count:
        raise ValueError(f"{spec.name} must have {spec.count} entries, not {len(entries)}")
    for entry in entries:
        _check_range(spec, entry)
    return entries


def _join(fields: list[tuple[FieldSpec, int]], num_bytes: int) -> bytes:
    """Entries side by side, the first lowest, moved up to the end of so many bytes."""
    word, position = 0, 0
    for spec, entry in fields:
        word |= (entry & ((1 << spec.width) - 1)) << position
        position += spec.width
    return (word << (8 * num_bytes - position)).to_bytes(num_bytes, "little")


def _check_range(spec: FieldSpec, value: int) -> None:
    """Raise an InputError if a value does not fit its field.

    Increments of an address, and one before the first of a tensor, may wrap, as the address does.
    """
    wraps = spec.name.endswith("_delta") or spec.name == "load_input_start"
    bits = spec.width - 1 if spec.signed and not wraps else spec.width
    low, high = -(1 << bits) if spec.signed else 0, (1 << bits) - 1
    if not low <= value <= high:
        raise InputError(f"field {spec.name} must be {low} to {high}, not {value}")


@dataclass(frozen=True, kw_only=True)
class EntryPlace:
    """Where one entry of a field stands in a descriptor: `width` bits from `bit` on.

    Bit 0 is the lowest bit of the first byte.
    """

    name: str
    index: int
    bit: int
    width: int


def _places(
    entries: list[tuple[FieldSpec, int]], first_byte: int, num_bytes: int
) -> list[EntryPlace]:
    """Entries side by side, moved up to the end of so many bytes."""
    bit = 8 * (first_byte + num_bytes) - sum(spec.width for spec, _ in entries)
    places = []
    for spec, index in entries:
        places.append(EntryPlace(name=spec.name, index=index, bit=bit, width=spec.width))
        bit += spec.width
    return places
