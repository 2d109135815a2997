"""A file of a run that does not fit the others."""

from dataclasses import dataclass
from typing import Final

GENERATED: Final = ("rtl/", "program/", "driver/")
"""Folders that `naas generate` writes."""

_WRITERS: Final = {
    **dict.fromkeys(GENERATED, "naas generate RUN"),
    "report.html": "naas report RUN",
    "fpga/": "naas build RUN",
    "soc/": "naas build RUN --soc litex",
    "sim/network.json": "naas simulate RUN --network",
    "sim/": "naas simulate RUN",
}
"""What a path begins with -> the command that writes it; the first that fits."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A file, or a folder with `/` at its end, and a sentence that says what would be right."""

    file: str
    sentence: str


def remedy(file: str) -> str:
    """How a file gets right again, as the end of a sentence."""
    for start, command in _WRITERS.items():
        if file.startswith(start):
            return f"`{command}` writes it anew"
    return "only a new search writes it anew"
