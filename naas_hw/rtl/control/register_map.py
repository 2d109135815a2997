"""The registers that software sees: names, offsets, and what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naas_hw.arch import timing
from naas_hw.compiler.layout import SLOT_BYTES
from naas_hw.rtl.control.status import ERRORS, Error

ADDRESS_BITS: Final = 12
REGISTER_BITS: Final = 32
IDENTITY: Final = 0x4E41_4153
"""What the register `identity` reads as."""
REGISTER_MAP_VERSION: Final = 3
"""Version 1 had no `versions`, no range of writes and no watchdog, version 2 no base."""
RANGE_BYTES: Final = 4096
"""The range that may be written consists of whole blocks of this size, and the base is a multiple
of it; no burst crosses one."""
COUNTERS_OFFSET: Final = 0x40
MAX_COUNTERS: Final = ((1 << ADDRESS_BITS) - COUNTERS_OFFSET) // 8


class Access(StrEnum):
    """What software may do with a register."""

    READ_WRITE = "rw"
    READ_ONLY = "ro"
    WRITE_ONE_TO_CLEAR = "w1c"
    WRITE_ONLY = "wo"


@dataclass(frozen=True, kw_only=True)
class Field:
    """Bits of a register that have a meaning of their own.

    Parameters
    ----------
    first_bit, num_bits : which ones.
    """

    name: str
    first_bit: int
    num_bits: int = 1
    access: Access
    description: str

    @property
    def last_bit(self) -> int:
        """The highest of its bits."""
        return self.first_bit + self.num_bits - 1


@dataclass(frozen=True, kw_only=True)
class Register:
    """One 32-bit register: what header, documents, descriptions for tools and the RTL know of it.

    Parameters
    ----------
    fields : of bits with a meaning of their own; none of a register that is one number.
    """

    name: str
    offset: int
    access: Access
    description: str
    fields: tuple[Field, ...] = ()

    @property
    def all_fields(self) -> tuple[Field, ...]:
        """Its fields, or the one that it is."""
        whole = Field(
            name="value",
            first_bit=0,
            num_bits=REGISTER_BITS,
            access=self.access,
            description=self.description,
        )
        return self.fields or (whole,)


RO, RW, W1C = Access.READ_ONLY, Access.READ_WRITE, Access.WRITE_ONE_TO_CLEAR


def _register(
    offset: int, name: str, access: Access, description: str, fields: tuple[Field, ...] = ()
) -> Register:
    return Register(name=name, offset=offset, access=access, description=description, fields=fields)


def _bits(access: Access, **descriptions: str) -> tuple[Field, ...]:
    """Fields of one bit each, from bit 0 on."""
    return tuple(
        Field(name=name, first_bit=bit, access=access, description=description)
        for bit, (name, description) in enumerate(descriptions.items())
    )


CONTROL_FIELDS: Final = (
    *_bits(Access.WRITE_ONLY, start="starts the list of descriptors"),
    *_bits(
        RO,
        busy="a list is running",
        done="the last list has ended",
        idle="no list is running",
        ready="a start is accepted",
    ),
)
INTERRUPTS: Final = {"done": "the list has ended", "refused": "a start was refused"}
"""Name -> what has happened, from bit 0 on."""

ERROR_FIELDS: Final = tuple(
    Field(name=error.name.lower(), first_bit=int(error), access=RO, description=ERRORS[error])
    for error in Error
)
_HALF_BITS: Final = 16
VERSION_FIELDS: Final = tuple(
    Field(name=name, first_bit=first, num_bits=_HALF_BITS, access=RO, description=f"format of {of}")
    for name, first, of in (
        ("registers", 0, "these registers"),
        ("descriptors", _HALF_BITS, "descriptors"),
    )
)


REGISTERS: Final = (
    _register(
        0x00,
        "control",
        RW,
        "write bit 0: start; read bit 0: busy, 1: done, 2: idle, 3: ready",
        CONTROL_FIELDS,
    ),
    _register(
        0x04,
        "interrupt_global_enable",
        RW,
        "bit 0: the interrupt line may rise",
        _bits(RW, enable="the interrupt line may rise"),
    ),
    _register(
        0x08,
        "interrupt_enable",
        RW,
        "bit 0: on done, bit 1: on a refused start",
        _bits(RW, **INTERRUPTS),
    ),
    _register(
        0x0C,
        "interrupt_status",
        W1C,
        "bit 0: done, bit 1: a start was refused",
        _bits(W1C, **INTERRUPTS),
    ),
    _register(0x10, "identity", RO, "constant: which kind of core this is"),
    _register(0x14, "digest_low", RO, "build digest, low half"),
    _register(0x18, "digest_high", RO, "build digest, high half"),
    _register(0x1C, "status", RO, "errors since the last accepted start, a bit each", ERROR_FIELDS),
    _register(
        0x20,
        "descriptors_low",
        RW,
        f"address of the first descriptor, low half: a multiple of {SLOT_BYTES}",
    ),
    _register(0x24, "descriptors_high", RW, "address of the first descriptor, high half"),
    _register(0x28, "num_descriptors", RW, "how many descriptors a start runs"),
    _register(
        0x2C,
        "versions",
        RO,
        "low half: format of these registers, high half: of descriptors",
        VERSION_FIELDS,
    ),
    _register(
        0x30,
        "write_first",
        RW,
        f"first byte that may be written, low half of its address: a multiple of {RANGE_BYTES}; "
        "a reset forbids all writes",
    ),
    _register(
        0x34,
        "write_last",
        RW,
        f"last byte that may be written, low half: the end of a block of {RANGE_BYTES} bytes",
    ),
    _register(
        0x38,
        "watchdog",
        RW,
        f"units of {timing.WATCHDOG_UNIT} cycles after which a layer is stopped; 0: never",
    ),
    _register(
        0x3C,
        "base",
        RW,
        f"what is added to every address on the bus: a multiple of {RANGE_BYTES}; "
        "all other addresses count from it",
    ),
)
"""All but the counters."""


def register_map(counters: Sequence[str] = ()) -> tuple[Register, ...]:
    """Every register in the order of offsets; a counter takes two, low half first."""
    halves = [
        _register(COUNTERS_OFFSET + 8 * i + 4 * half, f"{name}_{end}", RO, f"{name}, {end} half")
        for i, name in enumerate(counters)
        for half, end in enumerate(("low", "high"))
    ]
    return (*REGISTERS, *halves)
