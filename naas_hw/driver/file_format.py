"""The format of a program file: little endian, a head, and sections at multiples of 8 bytes.

Head: magic, format version, CRC-32 of all that follows it, size of the file, digest, versions,
bytes of a beat, bytes of memory, first byte that may be written and the byte behind the last, bytes
of tensors that the host keeps, bytes of memory that the driver in C needs for itself; then offset
and size of each section. Records have fixed sizes; a name is an offset into `TEXT`, a shape one
into `WORDS`, numbers of an attribute or a constant one into `DATA`.
"""

import struct
from enum import IntEnum
from typing import Final

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


HEAD: Final = struct.Struct("<8sIIQQIIQQQQQ")
CRC_BEGIN: Final = 16
SECTION_PLACE: Final = struct.Struct("<QQ")
HEAD_BYTES: Final = HEAD.size + len(FileSection) * SECTION_PLACE.size
WORD: Final = struct.Struct("<I")
STEP: Final = struct.Struct("<12I")
TENSOR: Final = struct.Struct("<10IiIdQQQ4I")
OPERAND: Final = struct.Struct("<4I")
ATTRIBUTE: Final = struct.Struct("<4I")
FIELD: Final = struct.Struct("<4I")
