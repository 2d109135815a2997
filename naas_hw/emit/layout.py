"""Lines of Verilog that are not too long."""

from typing import Final

MAX_COLUMNS: Final = 120
STEP: Final = "  "


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
    """The space to break at: of those that fill half of the room, the last of the outermost."""
    depth, best, spaces = 0, None, []
    for position, letter in enumerate(line):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == " ":
            spaces.append((position, depth))
    fitting = [(d, -p) for p, d in spaces if room // 2 <= p <= room]
    if not fitting:
        fitting = [(d, -p) for p, d in spaces if p <= room]
    best = min(fitting, default=None)
    return None if best is None else -best[1]


def filled(start: str, words: list[str], end: str, indent: str) -> list[str]:
    """`start` and `end` around words with commas, as many on a line as there is room for."""
    return wrapped(start + ", ".join(words) + end, indent)
