"""Verilog text of a module, from its netlist."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.emit import expressions as ex
from naas_hw.emit.blocks import BlockWriter
from naas_hw.emit.descriptions import describe
from naas_hw.emit.expression_text import ExpressionWriter, Identifier
from naas_hw.emit.expressions import Expression
from naas_hw.emit.layout import STEP, bit_range, wrapped
from naas_hw.emit.logic import MAX_CHOICES, ModuleLogic, is_instance
from naas_hw.emit.memories import MemoryWriter
from naas_hw.emit.names import WireNames, plain_name
from naas_hw.emit.netlist import Cell, NetlistModule, Value, Wire
from naas_hw.emit.operator_text import constant
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
    """

    name: str
    text: str
    instances: tuple[tuple[str, str], ...]
    names: Mapping[str, str]


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
        self.added: dict[Expression, ex.Name] = {}
        self.written: set[str] = set()
        self.assigns: list[str] = []
        self.declarations: list[str] = []

    def print(self, port_order: Sequence[str]) -> PrintedModule:
        self._name_the_rest()
        blocks = self._blocks()
        for wire in self.module.wires:
            if wire in self.logic.live and self._is_assigned(wire):
                self._assign(wire)
        writes = self.memories.writes()
        instances = [self._instance(cell) for cell in self.module.cells if is_instance(cell)]
        lines = [
            *self._head(port_order),
            *self._declarations(),
            *self._section(self.assigns),
            *(line for lines in instances for line in self._section(lines)),
            *(line for lines in (*writes, *blocks) for line in self._section(lines)),
            "endmodule",
        ]
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
        )

    def _kept_names(self) -> dict[str, str]:
        """What stands in the netlist and in the text alike: by its name there, its name here."""
        ports = [wire.name for wire in self.module.wires.values() if wire.direction is not None]
        names = [*ports, *self.logic.registers, *self.module.memories]
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

    def _find_field(self, bits: ex.Slice) -> str | None:
        """The name of a field of a record; its first reader has it declared."""
        key = (bits.of.name, bits.low, bits.width)
        if key in self.names.fields and key not in self.fields:
            record = self.identifiers[bits.of.name].name
            self.fields[key] = self.names.unused(plain_name(f"{record}_{self.names.fields[key]}"))
            value = self.writer.target(bits)
            self.declarations += wrapped(
                f"wire {bit_range(bits.width)}{self.fields[key]} = {value};"
            )
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
        value = self._with_few_choices(self.logic.driver_of(wire), MAX_CHOICES)
        text = self.writer.assigned(value)
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
        if wire.name in self.logic.registers:
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

    def _declarations(self) -> Iterator[str]:
        registers = list(self._registers())
        constants = [line for _, (_, line) in sorted(self.members.items())]
        lines = [*constants, *registers, *self._wires(), *self.declarations]
        yield from (f"{STEP}{line}" for line in lines)
        yield from self.memories.declarations(self.names.unused)

    def _registers(self) -> Iterator[str]:
        for wire in self.module.wires.values():
            if wire.name in self.logic.registers and wire.direction is None:
                yield f"{self._register(wire.name)};"

    def _wires(self) -> Iterator[str]:
        for wire in self.module.wires.values():
            if wire.direction is not None or wire.name in self.logic.registers:
                continue
            if wire.name in self.logic.live and self._is_declared(wire.name):
                signed = "signed " if wire.signed else ""
                yield f"wire {signed}{bit_range(wire.width)}{self.identifiers[wire.name].name};"

    def _is_declared(self, wire: str) -> bool:
        if wire in self.process_only or wire not in self.identifiers:
            return False
        return self.logic.is_kept(wire)

    # ------------------------------------------------------------ instances

    def _instance(self, cell: Cell) -> list[str]:
        parameters = [f".{name}({value})" for name, value in cell.parameters.items()]
        ports = [f".{plain_name(port)}({self._at_port(v)})" for port, v in cell.ports.items()]
        setting = f"#({', '.join(parameters)}) " if parameters else ""
        start = f"{plain_name(cell.kind)} {setting}{self.names.instances[cell.name]} ("
        one = f"{start}{', '.join(ports)});"
        return wrapped(one, STEP)

    def _at_port(self, value: Value) -> str:
        if self.logic.is_free(value):
            wire = value[0].wire
            assert wire is not None
            return self.identifiers[wire].name if wire in self.logic.live else ""
        return self.writer.alone(self.logic.resolve(value))

    # ------------------------------------------------------------ clocked blocks

    def _blocks(self) -> list[list[str]]:
        """An `always` block for each group of registers under the same conditions."""
        by_clock: dict[str, list[Body]] = {}
        for wire in self.module.wires:
            if wire in self.logic.registers:
                cell = self.logic.registers[wire]
                clock = self.writer.alone(self.logic.resolve(cell.ports["CLK"]))
                by_clock.setdefault(clock, []).append(statements_of(self.logic, wire, cell))
        return [
            BlockWriter(self.writer).block(clock, body)
            for clock, bodies in by_clock.items()
            for body in grouped(bodies)
        ]
