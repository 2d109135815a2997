"""One cell for all equal ones of a module, and one wire where another only passes a value on.

Amaranth writes an operator as often as the source mentions it. What is cheap may stand twice in a
text; an adder, a multiplier, a shifter or a multiplexer of vectors gets a wire that all read.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Final

from naas_hw.emit.netlist import (
    Assignment,
    Bits,
    Cell,
    NetlistModule,
    Statement,
    Switch,
    SwitchCase,
    Value,
    whole_wire,
)

_SHARED: Final = frozenset({"$add", "$sub", "$mul", "$shl", "$shr", "$sshr", "$shift", "$mux"})


def share_equal_cells(module: NetlistModule) -> None:
    """Remove cells that compute what another computes, in place."""
    while instead := _duplicates(module.cells):
        outputs = instead.keys()
        module.cells = [cell for cell in module.cells if _output(cell) not in outputs]
        _rename_wires(module, instead)


def connect_outputs(module: NetlistModule, kept: Container[str] = ()) -> None:
    """Let instances drive outputs directly where a wire would only pass a value on; in place.

    Parameters
    ----------
    kept : wires that are treated like outputs.
    """
    drivers = {
        value[0].wire
        for cell in module.cells
        for port, value in cell.ports.items()
        if port in cell.outputs and len(value) == 1
    }
    ports = {wire.name for wire in module.wires.values() if wire.direction is not None}
    instead: dict[str, str] = {}
    for output, value in module.connections:
        is_end = module.wires[output].direction == "output" or output in kept
        inner = whole_wire(module, value)
        if inner is None or not is_end:
            continue
        if inner in drivers - ports - instead.keys() and inner not in kept:
            instead[inner] = output
    _rename_wires(module, instead)
    module.connections = [
        (wire, value) for wire, value in module.connections if whole_wire(module, value) != wire
    ]
    module.connections += [
        (inner, (Bits(output, 0, module.wires[output].width),)) for inner, output in instead.items()
    ]


def _rename_wires(module: NetlistModule, instead: Mapping[str, str]) -> None:
    """Read and drive other wires in place of some."""
    for cell in module.cells:
        cell.ports = {port: _renamed(value, instead) for port, value in cell.ports.items()}
    module.processes = [_renamed_body(process, instead) for process in module.processes]
    module.connections = [(wire, _renamed(value, instead)) for wire, value in module.connections]


def _output(cell: Cell) -> str | None:
    """The anonymous wire that a cell drives, where it may be shared."""
    if cell.kind not in _SHARED or cell.parameters.get("WIDTH") == "1":
        return None
    wire = cell.ports["Y"][0].wire
    return wire if wire is not None and wire.startswith("$") else None


def _duplicates(cells: Iterable[Cell]) -> dict[str, str]:
    """Output of a cell -> output of an equal cell before it."""
    first: dict[object, str] = {}
    instead: dict[str, str] = {}
    for cell in cells:
        output = _output(cell)
        if output is not None:
            inputs = tuple((port, value) for port, value in cell.ports.items() if port != "Y")
            key = (cell.kind, tuple(cell.parameters.items()), inputs)
            if first.setdefault(key, output) != output:
                instead[output] = first[key]
    return instead


def _renamed(value: Value, instead: Mapping[str, str]) -> Value:
    return tuple(Bits(_new_name(part.wire, instead), part.low, part.width) for part in value)


def _new_name(wire: str | None, instead: Mapping[str, str]) -> str | None:
    return None if wire is None else instead.get(wire, wire)


def _renamed_body(body: tuple[Statement, ...], instead: Mapping[str, str]) -> tuple[Statement, ...]:
    return tuple(_renamed_statement(statement, instead) for statement in body)


def _renamed_statement(statement: Statement, instead: Mapping[str, str]) -> Statement:
    if isinstance(statement, Assignment):
        return Assignment(statement.target, _renamed(statement.value, instead))
    return Switch(
        _renamed(statement.selector, instead),
        tuple(
            SwitchCase(case.patterns, _renamed_body(case.body, instead)) for case in statement.cases
        ),
    )
