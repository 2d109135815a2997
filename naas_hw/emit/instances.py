"""Text of instances: an interface a line."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from naas_hw.emit.layout import MAX_COLUMNS, STEP, wrapped

_CLOCK_PORTS: Final = frozenset({"clk", "rst"})


def instance_lines(
    module: str, name: str, parameters: Mapping[str, str], ports: Mapping[str, str]
) -> list[str]:
    """The lines of an instance.

    Parameters
    ----------
    module, name : of the instance.
    parameters, ports : name -> text of the value.
    """
    setting = ", ".join(f".{parameter}({value})" for parameter, value in parameters.items())
    start = f"{module} #({setting}) {name} (" if setting else f"{module} {name} ("
    if not ports:
        return wrapped(f"{start});", STEP)
    lines = [line for group in _interfaces(list(ports)) for line in _connections(group, ports)]
    lines[-1] = lines[-1].removesuffix(",")
    return [*wrapped(start, STEP), *lines, f"{STEP});"]


def _interfaces(ports: Sequence[str]) -> Iterator[list[str]]:
    """Neighbouring ports with the same first word: `write_enable` and `write_data`."""
    for _, group in itertools.groupby(ports, _first_word):
        yield list(group)


def _first_word(port: str) -> str:
    return "" if port in _CLOCK_PORTS else port.partition("_")[0]


def _connections(group: Sequence[str], ports: Mapping[str, str]) -> list[str]:
    """Ports of an interface in one line where there is room, else a port a line."""
    texts = [f".{port}({ports[port]})," for port in group]
    line = 2 * STEP + " ".join(texts)
    if len(line) <= MAX_COLUMNS:
        return [line]
    return [piece for text in texts for piece in wrapped(text, 2 * STEP)]
