"""Text from outside, as it may be printed: without control characters, and not too long."""

from typing import Final

MAX_SHOWN: Final = 60
"""Characters of a value that are shown."""


def printable(text: str) -> str:
    r"""The text with everything that a terminal might obey escaped.

    Control characters, line ends, marks that turn the direction of writing, and bytes of file
    names that are no UTF-8 become escapes.

    Examples
    --------
    >>> printable("layer \x1b[31mred\u202e")
    'layer \\x1b[31mred\\u202e'
    """
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    if "\udc80" <= sign <= "\udcff":  # a byte of a file name, as os.fsdecode hands it over
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode()


def shortened(text: str, limit: int = MAX_SHOWN) -> str:
    """The text, or its beginning and three dots."""
    return text if len(text) <= limit else f"{text[:limit]}..."


def one_line(text: str, limit: int = MAX_SHOWN) -> str:
    r"""The text as one printable line, shortened.

    Examples
    --------
    >>> one_line("a\n  b")
    'a b'
    """
    return shortened(printable(" ".join(text.split())), limit)


def shown(value: object, limit: int = MAX_SHOWN) -> str:
    """A value as an error message shows it: its repr, printable, shortened."""
    if isinstance(value, str | bytes):
        value = value[: limit + 1]
    elif isinstance(value, int) and value.bit_length() > 4 * limit:
        return f"an integer of {value.bit_length()} bits"
    return shortened(printable(repr(value)), limit)
