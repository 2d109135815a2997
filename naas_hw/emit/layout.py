"""Lines of Verilog that are not too long."""

from typing import Final

MAX_COLUMNS: Final = 120
STEP: Final = "  "

_WEAK: Final = frozenset({"||", "&&", "?", ":", "<=", "="})
_OPERATORS: Final = frozenset(
    {"+", "-", "*", "&", "|", "^", "==", "!=", "<", ">", ">=", "<<", ">>"}
)
""" `<=` is an assignment far more often than a comparison."""


def wrapped(line: str, indent: str = "") -> list[str]:
    """A line in pieces of at most MAX_COLUMNS, broken at the spaces that are least nested.

    Parameters
    ----------
    line : without its indent.
    indent : of the first piece; further pieces have two steps more.
    """
    pieces, margin = [], indent
    while len(margin) + len(line) > MAX_COLUMNS:
        position = _break(line, MAX_COLUMNS - len(margin))
        if position is None:
            break
        pieces.append(margin + line[:position])
        line, margin = line[position + 1 :], indent + 2 * STEP
    return [*pieces, margin + line]


def _break(line: str, room: int) -> int | None:
    """The space to break at: the outermost one, rather at an operator that binds weakly."""
    depth, spaces = 0, []
    for position, letter in enumerate(line[: room + 1]):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == " ":
            spaces.append((depth, _strength(line, position), -position))
    late = [space for space in spaces if -space[2] >= room // 2]
    best = min(late or spaces, default=None)
    return None if best is None else -best[2]


def _strength(line: str, space: int) -> int:
    """How well a line breaks at a space; zero: best."""
    word = line[:space].rpartition(" ")[2].lstrip("([{")
    if word.endswith(",") or word in _WEAK:
        return 0
    following = line[space + 1 :].partition(" ")[0]
    return 1 if word in _OPERATORS else 3 if following in _OPERATORS | _WEAK else 2


def bit_range(width: int) -> str:
    """The range of a declaration with a space behind it; nothing for one bit."""
    return "" if width == 1 else f"[{width - 1}:0] "
