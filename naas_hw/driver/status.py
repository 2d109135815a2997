"""How a call of the driver ends: the same numbers in Python and in C."""

from enum import IntEnum
from typing import Final

from naas_hw.core.errors import NaasError
from naas_hw.rtl.control.status import ERRORS, Error


class Status(IntEnum):
    """The result of a call."""

    OK = 0
    BAD_ARGUMENT = 1
    NOT_A_PROGRAM = 2
    OTHER_FORMAT = 3
    TRUNCATED = 4
    DAMAGED = 5
    NO_ACCELERATOR = 6
    OTHER_REGISTERS = 7
    OTHER_DESIGN = 8
    SMALL_MEMORY = 9
    BAD_ADDRESS = 10
    SMALL_WORKSPACE = 11
    NOT_LOADED = 12
    BUSY = 13
    REFUSED = 14
    TIMEOUT = 15
    HARDWARE_ERROR = 16
    BAD_TENSOR = 17
    UNKNOWN_OPERATOR = 18
    OPERATOR_FAILED = 19


TEXTS: Final[dict[Status, str]] = {
    Status.OK: "all went well",
    Status.BAD_ARGUMENT: "a pointer is missing or not aligned, or a number is not allowed",
    Status.NOT_A_PROGRAM: "what was given is no program file",
    Status.OTHER_FORMAT: "the program file has a format that this driver does not know",
    Status.TRUNCATED: "the program file has another size than its head says",
    Status.DAMAGED: "the checksum or a record of the program file is wrong",
    Status.NO_ACCELERATOR: "the registers are not those of an accelerator",
    Status.OTHER_REGISTERS: "the accelerator has registers or descriptors of another version",
    Status.OTHER_DESIGN: "the program file was compiled for another accelerator",
    Status.SMALL_MEMORY: "the program needs more memory than was handed in",
    Status.BAD_ADDRESS: "memory must begin at a multiple of 4096 and end below 4 GiB on the bus",
    Status.SMALL_WORKSPACE: "the driver needs a larger workspace than was handed in",
    Status.NOT_LOADED: "the program must be loaded before it runs",
    Status.BUSY: "the accelerator is still busy",
    Status.REFUSED: "the accelerator refused a start",
    Status.TIMEOUT: "the accelerator did not end within the limit",
    Status.HARDWARE_ERROR: "the accelerator stopped with an error; its status register says which",
    Status.BAD_TENSOR: "an input or output has a type or layout that its tensor does not allow",
    Status.UNKNOWN_OPERATOR: "nobody knows an operator that the host has to compute",
    Status.OPERATOR_FAILED: "an operator that the host computes has failed",
}
"""What each status means."""


class DeviceError(NaasError):
    """The accelerator did not do what it was asked for.

    Parameters
    ----------
    status : what happened.
    errors : bits of the status register.
    """

    def __init__(self, status: Status, errors: int = 0) -> None:
        self.status = status
        self.errors = errors
        super().__init__(": ".join([TEXTS[status], *error_texts(errors)]))


def error_texts(errors: int) -> tuple[str, ...]:
    """What the bits of the status register mean."""
    return tuple(ERRORS[bit] for bit in Error if errors >> bit & 1)
