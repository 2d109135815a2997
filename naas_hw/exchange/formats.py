"""The peers whose formats are known."""

from enum import StrEnum


class Format(StrEnum):
    """A peer's format."""

    TIMELOOP = "timeloop"
    MAESTRO = "maestro"
