"""Options that are one of a few words, or a number within bounds, checked before any import.

The bounds of numbers are far above what anybody needs, and low enough that no number overflows.
"""

from enum import StrEnum
from typing import Final, TypeVar

from naas_hw.core.errors import InputError

Choice = TypeVar("Choice", bound=StrEnum)

MAX_COUNT: Final = 1_000_000_000
MAX_GENERATIONS: Final = 1_000_000
MAX_POPULATION: Final = 10_000
MAX_LEGAL: Final = 100_000
MAX_PROCESSES: Final = 1024
MAX_RESOLUTION: Final = 65535
MAX_SEED: Final = 2**63 - 1
TECHNICAL_LIMITS: Final = frozenset(
    {
        MAX_COUNT,
        MAX_GENERATIONS,
        MAX_POPULATION,
        MAX_LEGAL,
        MAX_PROCESSES,
        MAX_RESOLUTION,
        MAX_SEED,
    }
)


def choice_of(kind: type[Choice], text: str, what: str) -> Choice:
    """The member that `text` names.

    Raises
    ------
    InputError : it names none.
    """
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(member.value for member in kind)
        raise InputError(f"{what} must be one of {known}, not {text!r}") from None
