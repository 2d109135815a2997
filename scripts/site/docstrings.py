"""Sections of docstrings, which say `name : what it is` and no types: annotations say these."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Final

NAMED_SECTIONS: Final = ("Attributes", "Members", "Parameters")
SECTION: Final = re.compile(
    rf"^({'|'.join((*NAMED_SECTIONS, 'Raises'))})\n-+\n(.*?)(?=\n\n\S[^\n]*\n-+\n|\Z)", re.M | re.S
)
ITEM: Final = re.compile(r"^\S.*(?:\n[ ]+.*)*", re.M)
FURTHER: Final = re.compile(r"[;.] (?=[`*]*\w+`?(?:, [`*]*\w+`?)* : )")
"""Where a second item begins in the line of the first."""


@dataclass(frozen=True)
class Item:
    """An entry of a section.

    Parameters
    ----------
    names : of parameters that are described together, or of errors.
    text : what they are, in one line.
    """

    names: tuple[str, ...]
    text: str


def items_of(body: str) -> list[Item]:
    """The entries of the body of a section."""
    lines = (" ".join(item[0].split()) for item in ITEM.finditer(body))
    return [_item(part) for line in lines for part in FURTHER.split(line)]


def _item(line: str) -> Item:
    names, colon, text = line.partition(" : ")
    if not colon:  # `InputError where a file is missing`
        names, _, text = line.partition(" ")
    return Item(names=tuple(names.replace("`", "").split(", ")), text=text)


def parameters_of(docstring: str) -> dict[str, str]:
    """What a docstring says of each parameter, by name."""
    return {
        name: item.text
        for section in SECTION.finditer(docstring)
        if section[1] == "Parameters"
        for item in items_of(section[2])
        for name in item.names
    }


def with_numpy_items(docstring: str, titles: Mapping[str, str]) -> str:
    """The docstring with sections as numpydoc wants them: the text on lines of its own.

    Parameters
    ----------
    titles : section -> what it is called instead.
    """
    return SECTION.sub(lambda section: _numpy_section(section, titles), docstring)


def _numpy_section(section: re.Match[str], titles: Mapping[str, str]) -> str:
    lines = [
        f"{name}\n{indent(item.text or '-', '    ')}"
        for item in items_of(section[2])
        for name in item.names
    ]
    title = titles.get(section[1], section[1])
    return "\n".join([title, "-" * len(title), *lines])
