"""What may go wrong in a run: the bits of the status register."""

from collections.abc import Mapping
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


ERRORS: Final[Mapping[int, str]] = {
    Error.START_WHILE_BUSY: "a start was written while busy; it changed nothing",
    Error.DESCRIPTOR_READ: "the bus answered an error to the read of a descriptor",
    Error.NOT_A_DESCRIPTOR: "what was read is no descriptor",
    Error.OTHER_ACCELERATOR: "the descriptor was compiled for another digest",
    Error.ZERO_BOUND: "a loop bound or another count of the descriptor is zero",
    Error.DEPTH_EXCEEDED: "the descriptor needs more of a memory than there is",
    Error.USED_EXCEEDED: "the descriptor uses more positions of an axis than there are",
    Error.DATA_READ: "the bus answered an error to a read of data",
    Error.DATA_WRITE: "the bus answered an error to a write of data",
    Error.CHECKSUM: "the checksum of the descriptor is wrong",
    Error.OTHER_FORMAT: "the descriptor has a format that this hardware does not know",
    Error.WRITE_OUTSIDE: "a write outside the range in the registers was not made",
    Error.WATCHDOG: "a layer took longer than the watchdog's limit and was stopped",
}
"""What each error means."""

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
