"""Text of operators and constants: brackets where precedence, or a reader, needs them."""

from dataclasses import dataclass
from typing import Final

from naas_hw.emit import expressions as ex

MAX_DECIMAL_WIDTH: Final = 16
"""Constants that are wider, and large, are written in hexadecimal."""
MAX_DECIMAL: Final = 999

_PRECEDENCE: Final = {
    "*": 11,
    "+": 10,
    "-": 10,
    "<<": 9,
    ">>": 9,
    ">>>": 9,
    "<": 8,
    "<=": 8,
    ">": 8,
    ">=": 8,
    "==": 7,
    "!=": 7,
    "&": 6,
    "^": 5,
    "|": 4,
    "&&": 3,
    "||": 2,
}
UNARY: Final = 12
CHOICE: Final = 1
ATOM: Final = 13
_ASSOCIATIVE: Final = frozenset({"+", "*", "&", "|", "^", "&&", "||"})


@dataclass(frozen=True)
class Text:
    """Text of an expression, and how tightly its outermost operator binds."""

    text: str
    precedence: int = ATOM


def constant(node: ex.Const, width: int, signed: bool) -> str:
    """A sized constant: decimal where it is small, else hexadecimal."""
    value = node.value
    if signed and node.width and value >> (node.width - 1):
        magnitude = (1 << node.width) - value
        if magnitude < 1 << (width - 1):
            return f"-{width}'sd{magnitude}"
        return f"{width}'sh{value:x}"
    mark = "s" if signed else ""
    if width == 1:
        return f"1'{mark}b{value}"
    if not signed and value == (1 << width) - 1 and width > MAX_DECIMAL_WIDTH:
        return f"{{{width}{{1'b1}}}}"
    if value <= MAX_DECIMAL:
        return f"{width}'{mark}d{value}"
    return f"{width}'{mark}h{value:x}"


def wrap(text: Text, least: int) -> str:
    """A text in brackets where its operator binds less tightly than `least`."""
    return text.text if text.precedence >= least else f"({text.text})"


def joined(operator: str, left: Text, right: Text) -> Text:
    """Two operands with brackets where precedence, or a reader, needs them."""
    own = _PRECEDENCE[operator]
    return Text(
        f"{_operand(operator, left, own)} {operator} "
        f"{_operand(operator, right, own + (operator not in _ASSOCIATIVE))}",
        own,
    )


_UNBRACKETED: Final = {
    "+": {11},
    "-": {11},
    "<": {9, 10, 11},
    "<=": {10, 11},
    ">": {10, 11},
    ">=": {10, 11},
    "==": {10, 11},
    "!=": {10, 11},
    "&&": {7, 8},
    "||": {7, 8},
}
"""Precedences of operands that are well known to bind tighter."""


def _operand(operator: str, text: Text, least: int) -> str:
    own = _PRECEDENCE[operator]
    plain = (
        text.precedence >= UNARY
        or text.precedence in _UNBRACKETED.get(operator, ())
        or (text.precedence == own and least == own)
    )
    return text.text if plain else f"({text.text})"
