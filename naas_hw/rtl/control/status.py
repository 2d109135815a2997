"""What may go wrong in a run: the bits of the status register."""

from enum import IntEnum
from typing import Final

NUM_ERRORS: Final = 16


class Error(IntEnum):
    """Bits of the status register."""

    START_WHILE_BUSY = 0
    DESCRIPTOR_READ = 1
    NOT_A_DESCRIPTOR = 2
    OTHER_ACCELERATOR = 3
    ZERO_BOUND = 4
    DEPTH_EXCEEDED = 5
    USED_EXCEEDED = 6
    DATA_READ = 7
    DATA_WRITE = 8
    CHECKSUM = 9
    OTHER_FORMAT = 10
    WRITE_OUTSIDE = 11
    WATCHDOG = 12


FINDINGS: Final = (
    Error.NOT_A_DESCRIPTOR,
    Error.OTHER_ACCELERATOR,
    Error.ZERO_BOUND,
    Error.DEPTH_EXCEEDED,
    Error.USED_EXCEEDED,
    Error.CHECKSUM,
    Error.OTHER_FORMAT,
)
"""What may be wrong with a descriptor that has come; each ends the list before its layer begins."""
