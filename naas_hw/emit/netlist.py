"""The netlists that Amaranth writes as RTLIL text, as plain values.

Amaranth uses a small part of RTLIL: wires, memories, cells, processes without edges, connections.
`parse_netlist` reads exactly that part and refuses everything else.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_SIGNAL: Final = re.compile(r"(\S+?) \[(\d+)(?::(\d+))?\]|(\d+)'([01x]*)|([\\$]\S+)|(\d+)")
_WIRE: Final = re.compile(r"wire width (\d+) (?:(input|output) \d+ )? ?(signed )?(\S+)")
_MEMORY: Final = re.compile(r"memory width (\d+) size (\d+) (\S+)")


@dataclass(frozen=True)
class Bits:
    """Bits of one wire, or a constant.

    Parameters
    ----------
    wire : name of the wire; None: a constant.
    low : the lowest bit of the wire; of a constant its value.
    width : how many bits.
    """

    wire: str | None
    low: int
    width: int


Value = tuple[Bits, ...]
"""Parts of a value, the least significant first."""


@dataclass(kw_only=True)
class Wire:
    """A wire.

    Parameters
    ----------
    direction : `input` or `output` of a port; None: a wire inside the module.
    signed : whether its value is a signed number.
    attributes : Amaranth's; `init` is the initial value of a register.
    """

    name: str
    width: int
    direction: str | None = None
    signed: bool = False
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def init(self) -> int | None:
        """The value before the first clock edge; None: the wire is no register."""
        text = self.attributes.get("init")
        return None if text is None else int(text.split("'")[1] or "0", 2)


@dataclass(kw_only=True)
class Memory:
    """An array of words that cells with its name as MEMID read and write."""

    name: str
    width: int
    depth: int


@dataclass(kw_only=True)
class Cell:
    r"""An operator, a flip-flop, a memory port or an instance of a module.

    Parameters
    ----------
    kind : `$add` and so on; `\name` of the module that it is an instance of.
    parameters : as they stand in the text, strings in quotes.
    ports : port -> value.
    outputs : ports of an instance that drive their value, where its module is among the netlists.
    """

    kind: str
    name: str
    parameters: dict[str, str] = field(default_factory=dict)
    ports: dict[str, Value] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()

    def number(self, parameter: str) -> int:
        """A parameter that is a number."""
        text = self.parameters[parameter]
        return int(text.split("'")[1] or "0", 2) if "'" in text else int(text)


@dataclass(frozen=True)
class Assignment:
    """One assignment in a process."""

    target: Bits
    value: Value


@dataclass(frozen=True)
class SwitchCase:
    """A branch of a switch.

    Parameters
    ----------
    patterns : of `0`, `1` and `-` for any; none: whatever no branch before has taken.
    """

    patterns: tuple[str, ...]
    body: "tuple[Assignment | Switch, ...]"


@dataclass(frozen=True)
class Switch:
    """A choice by a value: the first case that matches."""

    selector: Value
    cases: tuple[SwitchCase, ...]


Statement = Assignment | Switch


@dataclass(kw_only=True)
class NetlistModule:
    """One module.

    Parameters
    ----------
    name : without the leading backslash.
    wires, memories : by name, in the order of the text.
    connections : (wire, what drives it).
    """

    name: str
    wires: dict[str, Wire] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    processes: list[tuple[Statement, ...]] = field(default_factory=list)
    connections: list[tuple[str, Value]] = field(default_factory=list)


def parse_netlist(text: str) -> dict[str, NetlistModule]:
    """All modules of an RTLIL text, by name.

    Raises
    ------
    ValueError : a line that Amaranth does not write.
    """
    lines = iter(line.strip() for line in text.splitlines() if line.strip())
    modules: dict[str, NetlistModule] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "module":
            module = NetlistModule(name=rest.removeprefix("\\"))
            _read_module(module, lines)
            modules[module.name] = module
        elif word != "attribute":
            raise ValueError(f"RTLIL must begin with a module, not {line!r}")
    _find_outputs(modules)
    return modules


def _find_outputs(modules: Mapping[str, NetlistModule]) -> None:
    """Tell each instance which of its ports are outputs."""
    outputs = {
        f"\\{name}": frozenset(
            wire.name.removeprefix("\\")
            for wire in module.wires.values()
            if wire.direction == "output"
        )
        for name, module in modules.items()
    }
    for module in modules.values():
        for cell in module.cells:
            cell.outputs = outputs.get(cell.kind, frozenset())


def _read_module(module: NetlistModule, lines: Iterator[str]) -> None:
    attributes: dict[str, str] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "end":
            _remove_empty(module)
            return
        if word == "attribute":
            name, _, value = rest.partition(" ")
            attributes[name.removeprefix("\\")] = value
            continue
        if word == "wire":
            _read_wire(module, line, attributes)
        elif word == "memory":
            width, depth, name = _match(_MEMORY, line).groups()
            module.memories[name] = Memory(name=name, width=int(width), depth=int(depth))
        elif word == "cell":
            module.cells.append(_read_cell(module, rest, lines))
        elif word == "process":
            module.processes.append(_read_body(module, lines)[0])
        elif word == "connect":
            target, driver = _read_two_values(module, rest)
            if target:
                module.connections.append((str(target[0].wire), driver))
        else:
            raise ValueError(f"a line of RTLIL must be one that Amaranth writes, not {line!r}")
        attributes = {}


def _remove_empty(module: NetlistModule) -> None:
    """Remove what has no bits: wires, ports of instances, operators whose result has none."""
    module.wires = {name: wire for name, wire in module.wires.items() if wire.width}
    for cell in module.cells:
        if cell.kind.startswith("\\"):
            cell.ports = {port: value for port, value in cell.ports.items() if value}
    module.cells = [cell for cell in module.cells if cell.ports.get("Y", True)]


def _match(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    found = pattern.fullmatch(line)
    if found is None:
        raise ValueError(f"a line of RTLIL must be one that Amaranth writes, not {line!r}")
    return found


def _read_wire(module: NetlistModule, line: str, attributes: dict[str, str]) -> None:
    width, direction, signed, name = _match(_WIRE, line).groups()
    module.wires[name] = Wire(
        name=name,
        width=int(width),
        direction=direction,
        signed=signed is not None,
        attributes=attributes,
    )


def _read_cell(module: NetlistModule, rest: str, lines: Iterator[str]) -> Cell:
    kind, _, name = rest.partition(" ")
    cell = Cell(kind=kind, name=name.removeprefix("\\"))
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "end":
            break
        name, _, value = rest.removeprefix("signed ").partition(" ")
        if word == "parameter":
            cell.parameters[name.removeprefix("\\")] = value
        else:
            cell.ports[name.removeprefix("\\")] = read_value(module, value)
    return cell


def _read_body(module: NetlistModule, lines: Iterator[str]) -> tuple[tuple[Statement, ...], str]:
    """Statements up to the `end` or `case` that closes them, and that line."""
    body: list[Statement] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "assign":
            target, value = _read_two_values(module, rest)
            body.append(Assignment(target[0], value))
        elif word == "switch":
            body.append(_read_switch(module, rest, lines))
        else:
            return tuple(body), line
    raise ValueError("a process of RTLIL must have an end")


def _read_switch(module: NetlistModule, selector: str, lines: Iterator[str]) -> Switch:
    cases: list[SwitchCase] = []
    line = next(lines)
    while line != "end":
        patterns = tuple(re.findall(r"'([01-]*)", line))
        body, line = _read_body(module, lines)
        cases.append(SwitchCase(patterns, body))
    return Switch(read_value(module, selector), tuple(cases))


def _read_two_values(module: NetlistModule, text: str) -> tuple[Value, Value]:
    """The target and the value of `connect` and `assign`; a target is one piece of a wire."""
    found = re.fullmatch(r"(\S+(?: \[[\d:]+\])?) (.*)", text)
    if found is None:
        raise ValueError(f"a connection of RTLIL must have two values, not {text!r}")
    return read_value(module, found[1]), read_value(module, found[2])


def read_value(module: NetlistModule, text: str) -> Value:
    """A value, its parts joined where they are neighbours in one wire."""
    parts = [_read_bits(module, found) for found in _SIGNAL.finditer(text.strip("{} "))]
    return join_bits(parts[::-1])


def _read_bits(module: NetlistModule, found: re.Match[str]) -> Bits:
    wire, high, low, width, bits, whole, number = found.groups()
    if whole is not None:
        return Bits(whole, 0, module.wires[whole].width)
    if number is not None:
        return Bits(None, int(number), 32)
    if width is not None:
        return Bits(None, int(bits.replace("x", "0") or "0", 2), int(width))
    low = high if low is None else low
    return Bits(wire, int(low), int(high) - int(low) + 1)


def join_bits(parts: Sequence[Bits]) -> Value:
    """The same value in as few parts as there can be."""
    joined: list[Bits] = []
    for part in parts:
        if not part.width:
            continue
        last = joined[-1] if joined else None
        if last is not None and last.wire is None and part.wire is None:
            joined[-1] = Bits(None, last.low | part.low << last.width, last.width + part.width)
        elif last is not None and last.wire == part.wire and last.low + last.width == part.low:
            joined[-1] = Bits(last.wire, last.low, last.width + part.width)
        else:
            joined.append(part)
    return tuple(joined)


def width_of(value: Value) -> int:
    """Bits of a value."""
    return sum(part.width for part in value)


def whole_wire(module: NetlistModule, value: Value) -> str | None:
    """The wire of which a value is all bits."""
    if len(value) == 1 and value[0].wire is not None:
        wire = module.wires[value[0].wire]
        if value[0].width == wire.width:
            return wire.name
    return None
