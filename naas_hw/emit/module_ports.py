"""Ports of a Verilog module, read from its header."""

import re
from dataclasses import dataclass
from typing import Final

_PORT: Final = re.compile(
    r"^\s*(?P<flow>input|output)\s+(?:wire|reg)?\s*(?:signed\s+)?"
    r"(?:\[(?P<high>\d+):0\]\s*)?(?P<name>\w+)\s*[,)]?",
    re.M,
)


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of a module: its name, width, and whether it is an input."""

    name: str
    width: int
    is_input: bool


def ports_of(verilog: str, module: str) -> tuple[Port, ...]:
    """Ports in the header of a module, in their order.

    Raises
    ------
    ValueError : there is no such module with ports.
    """
    header = re.search(rf"^module {re.escape(module)} \((.*?)\);", verilog, re.M | re.S)
    if header is None:
        raise ValueError(f"text must hold a module {module} with ports")
    return tuple(
        Port(
            name=port["name"],
            width=int(port["high"] or 0) + 1,
            is_input=port["flow"] == "input",
        )
        for port in _PORT.finditer(header[1])
    )
