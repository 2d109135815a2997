"""Options that are one of a few words, checked without importing their enum for `--help`."""

from enum import StrEnum
from typing import TypeVar

from naas_hw.errors import InputError

Choice = TypeVar("Choice", bound=StrEnum)


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
