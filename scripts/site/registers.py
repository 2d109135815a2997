"""The registers as tables, from the one description of them in `naas_hw.rtl.control`."""

from typing import Final

from naas_hw.compiler.layout import SLOT_BYTES
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import IDENTITY, Field, Register, register_map

CONSTANTS: Final = (
    f"`identity` reads as 0x{IDENTITY:08X}. A list of descriptors has one every {SLOT_BYTES} bytes "
    "and begins at a multiple of as many; lower bits of its address are ignored."
)
"""What no table says."""


def registers_markdown() -> str:
    """All registers, and the bits of those that have fields."""
    registers = register_map(COUNTERS)
    rows = "\n".join(_row(register) for register in registers)
    table = f"| offset | name | access | meaning |\n|---|---|---|---|\n{rows}"
    bits = "\n\n".join(_bits(register) for register in registers if register.fields)
    return f"{CONSTANTS}\n\n{table}\n\n## Fields\n\n{bits}"


def _row(register: Register) -> str:
    name = f"`{register.name}`"
    if register.fields:
        name = f"[{name}](#{register.name})"
    offset, access = f"0x{register.offset:03x}", register.access.value
    return f"| {offset} | {name} | {access} | {register.description} |"


def _bits(register: Register) -> str:
    rows = "\n".join(_bit(field) for field in register.fields)
    heading = f"### `{register.name}` {{ #{register.name} }}"
    return f"{heading}\n\n| bits | name | access | meaning |\n|---|---|---|---|\n{rows}"


def _bit(field: Field) -> str:
    bits = str(field.first_bit)
    if field.num_bits > 1:
        bits = f"{field.last_bit}:{field.first_bit}"
    return f"| {bits} | `{field.name}` | {field.access.value} | {field.description} |"
