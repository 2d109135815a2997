"""What both ends of a serial line agree on: its frames, and the commands of a host."""

from enum import IntEnum
from typing import Final

FRAME_BITS: Final = 10
"""A start bit, eight bits, a stop bit."""
MIN_DIVISOR: Final = 4
"""Cycles of a bit: fewer leave no middle."""
MAX_DIVISOR: Final = 1 << 16
MAX_WORDS: Final = 256
"""32-bit words of one command."""
REGISTERS: Final = 1 << 31
"""What is added to the offset of a register; addresses below it are in memory."""


class SerialCommand(IntEnum):
    """The first byte of what a host sends; number of words less one, and address follow."""

    READ = ord("R")
    WRITE = ord("W")


class Answer(IntEnum):
    """The last byte of what a host gets."""

    DONE = ord("K")
    ERROR = ord("E")
    UNKNOWN = ord("?")


def check_divisor(divisor: int) -> int:
    """The same, where a serial line can have it.

    Raises
    ------
    ValueError : it cannot.
    """
    if not MIN_DIVISOR <= divisor <= MAX_DIVISOR:
        raise ValueError(f"divisor must be {MIN_DIVISOR} to {MAX_DIVISOR}, not {divisor}")
    return divisor
