"""Verilog text of a module, from its netlist."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.emit import expressions as ex
from naas_hw.emit.blocks import BlockWriter
from naas_hw.emit.descriptions import describe
from naas_hw.emit.expression_text import ExpressionWriter, Identifier
from naas_hw.emit.expressions import Expression
from naas_hw.emit.instances import instance_lines
from naas_hw.emit.layout import STEP, bit_range, wrapped
from naas_hw.emit.logic import MAX_CHOICES, ModuleLogic, is_instance
from naas_hw.emit.memories import MemoryWriter
from naas_hw.emit.names import WireNames, plain_name
from naas_hw.emit.netlist import Cell, NetlistModule, Value, Wire
from naas_hw.emit.operator_text import constant
from naas_hw.emit.records import (
    FieldWire,
    assign_fields,
    bounds_of_parts,
    bounds_of_targets,
    choose_fields,
)
from naas_hw.emit.sharing import connect_outputs, share_equal_cells
from naas_hw.emit.statements import Body, grouped, statements_of

PROBE: Final = "probe_"
"""Wires whose name starts so are kept: simulation looks at them."""


@dataclass(frozen=True)
class PrintedModule:
    """A module as text.

    Parameters
    ----------
    name : of the module.
    text : from `module` to `endmodule`.
    instances : (module, instance) of each instance, in the order of the text.
    names : port, register, memory or instance in the netlist -> its name in the text.
    fields : register in the netlist -> (name in the text, first bit, width) of each of its fields,
        where these are registers of their own.
    """

    name: str
    text: str
    instances: tuple[tuple[str, str], ...]
    names: Mapping[str, str]
    fields: Mapping[str, Sequence[tuple[str, int, int]]]


def print_module(module: NetlistModule, *, port_order: Sequence[str] = ()) -> PrintedModule:
    """The Verilog of a module.

    Parameters
    ----------
    port_order : names of ports that come first, in this order.
    """
    return _Printer(module).print(port_order)


class _Printer:
    def __init__(self, module: NetlistModule) -> None:
        kept = frozenset(w for w in module.wires if w.startswith("\\" + PROBE))
        connect_outputs(module, kept)
        share_equal_cells(module)
        self.module = module
        self.names = WireNames(module)
        self.identifiers = self.names.identifiers
        self.logic = ModuleLogic(module, kept=kept, inlined=frozenset(self.names.of_instances))
        self.writer = ExpressionWriter(
            self.identifiers, self._add_wire, self._find_field, self._find_member
        )
        self.memories = MemoryWriter(self.logic, self.writer)
        self.members: dict[tuple[str, int, str], tuple[str, str]] = {}
        self.fields: dict[tuple[str, int, int], str] = {}
        self.records: dict[str, list[FieldWire]] = {}
        self.added: dict[Expression, ex.Name] = {}
        self.written: set[str] = set()
        self.assigns: list[str] = []
        self.declarations: list[str] = []

    def print(self, port_order: Sequence[str]) -> PrintedModule:
        self._name_the_rest()
        bodies = {w: statements_of(self.logic, w, cell) for w, cell in self.logic.registers.items()}
        self._find_records(bodies)
        blocks = self._blocks(bodies)
        for wire in self.module.wires:
            if wire in self.logic.live and self._is_assigned(wire):
                self._assign(wire)
        writes = self.memories.writes()
        instances = [self._instance(cell) for cell in self.module.cells if is_instance(cell)]
        body = [
            *self._section(self.assigns),
            *(line for lines in instances for line in self._section(lines)),
            *(line for lines in (*writes, *blocks) for line in self._section(lines)),
        ]
        lines = [*self._head(port_order), *self._declarations(body), *body, "endmodule"]
        name = plain_name(self.module.name)
        return PrintedModule(
            name=name,
            text="".join(f"{line}\n" for line in lines),
            instances=tuple(
                (plain_name(cell.kind), self.names.instances[cell.name])
                for cell in self.module.cells
                if is_instance(cell)
            ),
            names=self._kept_names(),
            fields={
                record: [(self.identifiers[f.name].name, f.low, f.width) for f in fields]
                for record, fields in self.records.items()
                if record in self.logic.registers
            },
        )

    def _kept_names(self) -> dict[str, str]:
        """What stands in the netlist and in the text alike: by its name there, its name here."""
        ports = [wire.name for wire in self.module.wires.values() if wire.direction is not None]
        registers = self.logic.registers.keys() - self.records.keys()
        names = [*ports, *sorted(registers), *self.module.memories]
        instances = {f"\\{name}": text for name, text in self.names.instances.items()}
        return {name: self.identifiers[name].name for name in names} | instances

    @staticmethod
    def _section(lines: Sequence[str]) -> list[str]:
        return ["", *lines] if lines else []

    # ------------------------------------------------------------ wires

    def _is_assigned(self, wire: str) -> bool:
        """Whether a wire is declared and has an `assign`."""
        if not self.logic.is_driven_here(wire) or wire in self.process_only:
            return False
        return self.logic.is_kept(wire)

    def _name_the_rest(self) -> None:
        """Names for kept wires that have none in the source, after their expression."""
        self.process_only = {
            self.logic.next_value_of(cell) for cell in self.logic.registers.values()
        } - {None}
        for wire in self.module.wires:
            if wire in self.identifiers or wire not in self.logic.live:
                continue
            if wire in self.process_only or not self.logic.is_kept(wire):
                continue
            name = "value"
            if self.logic.is_driven_here(wire):
                name = describe(self.logic.driver_of(wire), self.identifiers)
            self.identifiers[wire] = Identifier(self.names.unused(name))

    def _add_wire(self, node: Expression) -> ex.Name:
        """A wire for a part of an expression, with a name that describes it."""
        if node not in self.added:
            name = self.names.unused(describe(node, self.identifiers))
            self.added[node] = ex.Name(node.width, f"+{name}")
            self.identifiers[f"+{name}"] = Identifier(name)
            text = self.writer.assigned(node)
            self.assigns += wrapped(f"assign {name} = {text};", STEP)
            self.declarations.append(f"wire {bit_range(node.width)}{name};")
        return self.added[node]

    # ------------------------------------------------------------ records

    def _find_records(self, bodies: Mapping[str, Body]) -> None:
        """Choose the registers and wires that are driven field by field."""
        fields: dict[str, list[tuple[int, int]]] = {}
        for wire, low, width in self.names.fields:
            fields.setdefault(wire, []).append((low, width))
        for wire, bits in fields.items():
            if wire in bodies:
                bounds = bounds_of_targets(bodies[wire], wire)
            elif wire in self.logic.live and self._is_assigned(wire):
                bounds = bounds_of_parts(self.logic.driver_of(wire))
            else:
                continue
            if bounds:
                width = self.module.wires[wire].width
                self._name_fields(wire, choose_fields(width, bits, bounds))

    def _name_fields(self, record: str, chosen: Sequence[tuple[int, int]]) -> None:
        for low, width in chosen:
            key = (record, low, width)
            path = self.names.fields[key]
            name = self.names.unused(plain_name(f"{self.identifiers[record].name}_{path}"))
            field = FieldWire(f"+{name}", low, width)
            self.records.setdefault(record, []).append(field)
            self.identifiers[field.name] = Identifier(name)
            if key in self.names.enumerations:
                self.names.enumerations[field.name, 0, width] = self.names.enumerations[key]

    def _find_field(self, bits: ex.Slice) -> str | None:
        """A field of a record, or bits of one; its first reader has it declared."""
        key = (bits.of.name, bits.low, bits.width)
        for field in self.records.get(bits.of.name, ()):
            if field.low <= bits.low and bits.low + bits.width <= field.low + field.width:
                wire = ex.Name(field.width, field.name)
                return self.writer.target(ex.slice_of(wire, bits.low - field.low, bits.width))
        if key in self.names.fields and key not in self.fields:
            record = self.identifiers[bits.of.name].name
            self.fields[key] = self.names.unused(plain_name(f"{record}_{self.names.fields[key]}"))
            value = self.writer.target(bits)
            self.declarations.append(f"wire {bit_range(bits.width)}{self.fields[key]} = {value};")
        return self.fields.get(key)

    def _find_member(self, node: Expression, value: int) -> str | None:
        """The name of a value of an enum; its first use has it declared."""
        if isinstance(node, ex.Name):
            key = (node.name, 0, node.width)
        elif isinstance(node, ex.Slice):
            key = (node.of.name, node.low, node.width)
        else:
            return None
        enumeration = self.names.enumerations.get(key)
        member = dict(enumeration.members).get(value) if enumeration is not None else None
        if enumeration is None or member is None:
            return None
        found = (enumeration.name, value, member)
        if found not in self.members:
            name = self.names.unused(plain_name(f"{enumeration.name}_{member}".upper()))
            text = constant(ex.Const(node.width, value), node.width, False)
            line = f"localparam {bit_range(node.width)}{name} = {text};"
            self.members[found] = name, line
        return self.members[found][0]

    def _assign(self, wire: str) -> None:
        value = self.logic.driver_of(wire)
        for field in self.records.get(wire, ()):
            self._assign_value(field.name, ex.slice_of(value, field.low, field.width))
        if wire not in self.records:
            self._assign_value(wire, value)

    def _assign_value(self, wire: str, value: Expression) -> None:
        text = self.writer.assigned(self._with_few_choices(value, MAX_CHOICES))
        self.assigns += wrapped(f"assign {self.identifiers[wire].name} = {text};", STEP)

    def _with_few_choices(self, node: Expression, room: int) -> Expression:
        """The same with a wire of its own for what would nest too many `?:`."""
        if ex.depth_of_choices(node) <= room:
            return node
        if isinstance(node, ex.Mux):
            room -= 1
            if room == 0:
                inside = self._with_few_choices(node.false, MAX_CHOICES)
                name = self._add_wire(inside)
                return ex.Mux(node.width, node.condition, node.true, name)
        return ex.map_children(node, lambda child: self._with_few_choices(child, room))

    # ------------------------------------------------------------ declarations

    def _head(self, port_order: Sequence[str]) -> Iterator[str]:
        first = ["clk", "rst", *port_order]
        ports = {
            self.identifiers[wire.name].name: wire
            for wire in self.module.wires.values()
            if wire.direction is not None
        }
        order = sorted(ports, key=lambda name: first.index(name) if name in first else len(first))
        name = plain_name(self.module.name)
        if not ports:
            yield f"module {name};"
            return
        yield f"module {name} ("
        for number, port in enumerate(order, 1):
            yield f"{STEP}{self._port(port, ports[port])}" + "," * (number < len(order))
        yield ");"

    def _port(self, name: str, wire: Wire) -> str:
        if wire.name in self.logic.registers and wire.name not in self.records:
            return f"{wire.direction} {self._register(wire.name)}"
        signed = "signed " if wire.signed else ""
        return f"{wire.direction} wire {signed}{bit_range(wire.width)}{name}"

    def _register(self, wire: str) -> str:
        """The declaration of a register with its initial value."""
        declared = self.module.wires[wire]
        signed = "signed " if declared.signed else ""
        node = ex.Name(declared.width, wire)
        init = constant(ex.Const(declared.width, declared.init or 0), declared.width, False)
        if declared.direction is None:
            init = self.writer.label(node, declared.init or 0)
        name = self.identifiers[wire].name
        return f"reg {signed}{bit_range(declared.width)}{name} = {init}"

    def _field_register(self, field: FieldWire, init: int) -> str:
        """The declaration of a field of a register, which has its share of the initial value."""
        value = init >> field.low & ((1 << field.width) - 1)
        text = self.writer.label(ex.Name(field.width, field.name), value)
        return f"reg {bit_range(field.width)}{self.identifiers[field.name].name} = {text}"

    def _declarations(self, body: Sequence[str]) -> Iterator[str]:
        registers = list(self._registers())
        constants = [line for _, (_, line) in sorted(self.members.items())]
        lines = [*constants, *registers, *self._wires(), *self._records(body), *self.declarations]
        yield from (piece for line in lines for piece in wrapped(line, STEP))
        yield from self.memories.declarations(self.names.unused)

    def _registers(self) -> Iterator[str]:
        for wire in self.module.wires.values():
            if wire.name in self.logic.registers and wire.name in self.records:
                for field in self.records[wire.name]:
                    yield f"{self._field_register(field, wire.init or 0)};"
            elif wire.name in self.logic.registers and wire.direction is None:
                yield f"{self._register(wire.name)};"

    def _wires(self) -> Iterator[str]:
        for wire in self.module.wires.values():
            if wire.name in self.records and wire.name not in self.logic.registers:
                for field in self.records[wire.name]:
                    yield f"wire {bit_range(field.width)}{self.identifiers[field.name].name};"
                continue
            if wire.direction is not None or wire.name in self.logic.registers:
                continue
            if wire.name in self.logic.live and self._is_declared(wire.name):
                signed = "signed " if wire.signed else ""
                yield f"wire {signed}{bit_range(wire.width)}{self.identifiers[wire.name].name};"

    def _records(self, body: Sequence[str]) -> Iterator[str]:
        """Records as their fields side by side, where they are outputs or the body has them."""
        words = {word for line in (*body, *self.declarations) for word in re.findall(r"\w+", line)}
        for record, fields in self.records.items():
            wire = self.module.wires[record]
            names = [self.identifiers[field.name].name for field in reversed(fields)]
            start = f"wire {bit_range(wire.width)}" if wire.direction is None else "assign "
            name = self.identifiers[record].name
            if wire.direction is not None or name in words or name.startswith(PROBE):
                yield f"{start}{name} = {{{', '.join(names)}}};"

    def _is_declared(self, wire: str) -> bool:
        if wire in self.process_only or wire not in self.identifiers:
            return False
        return self.logic.is_kept(wire)

    # ------------------------------------------------------------ instances

    def _instance(self, cell: Cell) -> list[str]:
        ports = {plain_name(port): self._at_port(value) for port, value in cell.ports.items()}
        name = self.names.instances[cell.name]
        return instance_lines(plain_name(cell.kind), name, cell.parameters, ports)

    def _at_port(self, value: Value) -> str:
        if self.logic.is_free(value):
            wire = value[0].wire
            assert wire is not None
            return self.identifiers[wire].name if wire in self.logic.live else ""
        return self.writer.alone(self.logic.resolve(value))

    # ------------------------------------------------------------ clocked blocks

    def _blocks(self, bodies: Mapping[str, Body]) -> list[list[str]]:
        """An `always` block for each group of registers under the same conditions."""
        by_clock: dict[str, list[Body]] = {}
        for wire in self.module.wires:
            if wire in bodies:
                cell = self.logic.registers[wire]
                clock = self.writer.alone(self.logic.resolve(cell.ports["CLK"]))
                by_clock.setdefault(clock, []).append(bodies[wire])
        return [
            BlockWriter(self.writer).block(clock, assign_fields(body, self.records))
            for clock, bodies in by_clock.items()
            for body in grouped(bodies)
        ]
