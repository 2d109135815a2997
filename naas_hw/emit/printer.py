"""Verilog text of a module, from its netlist."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.emit import expressions as ex
from naas_hw.emit.expression_text import ExpressionWriter, Identifier, constant
from naas_hw.emit.expressions import Expression
from naas_hw.emit.layout import STEP, wrapped
from naas_hw.emit.logic import ModuleLogic, is_instance
from naas_hw.emit.names import WireNames, plain_name
from naas_hw.emit.netlist import Bits, Cell, NetlistModule, Value, Wire
from naas_hw.emit.statements import Assign, Body, CaseOf, If, Statement, grouped, statements_of

PROBE: Final = "probe_"
"""Wires whose name starts so are kept: simulation looks at them."""

_OPERATOR_NAMES: Final = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "&": "and",
    "|": "or",
    "^": "xor",
    "&&": "and",
    "||": "or",
    "==": "is",
    "!=": "is_not",
    "<": "below",
    "<=": "up_to",
    ">": "above",
    ">=": "from",
    "<<": "shifted_by",
    ">>": "shifted_by",
    ">>>": "shifted_by",
}
_MAX_NAME: Final = 40


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


def _range(width: int) -> str:
    return "" if width == 1 else f"[{width - 1}:0] "


class _Printer:
    def __init__(self, module: NetlistModule) -> None:
        self.module = module
        self.names = WireNames(module)
        self.identifiers = self.names.identifiers
        kept = frozenset(w for w in module.wires if w.startswith("\\" + PROBE))
        self.logic = ModuleLogic(module, kept=kept, inlined=frozenset(self.names.of_instances))
        self.writer = ExpressionWriter(self.identifiers, self._add_wire)
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
        writes = self._memory_writes()
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
                (plain_name(cell.kind), plain_name(cell.name))
                for cell in self.module.cells
                if is_instance(cell)
            ),
            names=self._kept_names(),
        )

    def _kept_names(self) -> dict[str, str]:
        """What stands in the netlist and in the text alike: by its name there, its name here."""
        ports = [wire.name for wire in self.module.wires.values() if wire.direction is not None]
        names = [*ports, *self.logic.registers, *self.module.memories]
        instances = {"\\" + c.name: plain_name(c.name) for c in self.module.cells if is_instance(c)}
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
            bits.wire
            for cell in self.logic.registers.values()
            for bits in cell.ports["D"]
            if bits.wire in self.logic.processes and not self.logic.is_read_elsewhere(bits.wire)
        }
        for wire in self.module.wires:
            if wire in self.identifiers or wire not in self.logic.live:
                continue
            if wire in self.process_only or not self.logic.is_kept(wire):
                continue
            name = "value"
            if self.logic.is_driven_here(wire):
                name = self._describe(self.logic.driver_of(wire))
            self.identifiers[wire] = Identifier(self.names.unused(plain_name(name)))

    def _add_wire(self, node: Expression) -> ex.Name:
        """A wire for a part of an expression, with a name that describes it."""
        if node not in self.added:
            name = self.names.unused(plain_name(self._describe(node)))
            self.added[node] = ex.Name(node.width, f"+{name}")
            self.identifiers[f"+{name}"] = Identifier(name)
            text = self.writer.assigned(node)
            self.assigns += wrapped(f"assign {name} = {text};", STEP)
            self.declarations.append(f"wire {_range(node.width)}{name};")
        return self.added[node]

    def _assign(self, wire: str) -> None:
        text = self.writer.assigned(self.logic.driver_of(wire))
        self.assigns += wrapped(f"assign {self.identifiers[wire].name} = {text};", STEP)

    def _describe(self, node: Expression) -> str:
        """A name that says what an expression is; short."""
        name = self._words(node)
        while len(name) > _MAX_NAME:
            name = name.rpartition("_")[0]
        return name

    def _words(self, node: Expression) -> str:
        match node:
            case ex.Name():
                identifier = self.identifiers.get(node.name)
                return "value" if identifier is None else identifier.name
            case ex.Slice() | ex.Part() | ex.Extend():
                return self._words(node.of)
            case ex.Pick():
                return f"{self._words(node.of)}_at_{self._words(node.index)}"
            case ex.Word():
                return f"{self.identifiers[node.memory].name}_word"
            case ex.Const():
                return f"const_{node.value}"
            case ex.Unary():
                word = {"~": "not", "!": "not", "-": "minus", "&": "all", "|": "any", "^": "odd"}
                return f"{word[node.operator]}_{self._words(node.of)}"
            case ex.Binary():
                operator = _OPERATOR_NAMES[node.operator]
                return f"{self._words(node.left)}_{operator}_{self._words(node.right)}"
            case ex.Mux():
                return f"{self._words(node.true)}_or_{self._words(node.false)}"
            case ex.Concat():
                return f"{self._words(node.parts[-1])}_with_{self._words(node.parts[0])}"
        return "value"

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
        return f"{wire.direction} wire {signed}{_range(wire.width)}{name}"

    def _register(self, wire: str) -> str:
        """The declaration of a register with its initial value."""
        declared = self.module.wires[wire]
        signed = "signed " if declared.signed else ""
        init = constant(ex.Const(declared.width, declared.init or 0), declared.width, False)
        name = self.identifiers[wire].name
        return f"reg {signed}{_range(declared.width)}{name} = {init}"

    def _declarations(self) -> Iterator[str]:
        lines = [*self._registers(), *self._wires(), *self.declarations]
        yield from (f"{STEP}{line}" for line in lines)
        yield from self._memories()

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
                yield f"wire {signed}{_range(wire.width)}{self.identifiers[wire.name].name};"

    def _is_declared(self, wire: str) -> bool:
        if wire in self.process_only or wire not in self.identifiers:
            return False
        return self.logic.is_kept(wire)

    def _memories(self) -> Iterator[str]:
        for memory in self.module.memories.values():
            name = self.identifiers[memory.name].name
            yield f"{STEP}reg {_range(memory.width)}{name} [0:{memory.depth - 1}];"
        for cell in self.module.cells:
            if cell.kind == "$meminit_v2":
                yield from self._initial_words(cell)

    def _initial_words(self, cell: Cell) -> Iterator[str]:
        memory = self.module.memories[_memory_of(cell)]
        name = self.identifiers[memory.name].name
        data = self.logic.resolve(cell.ports["DATA"])
        assert isinstance(data, ex.Const)
        words = [
            data.value >> position * memory.width & ((1 << memory.width) - 1)
            for position in range(memory.depth)
        ]
        zero = constant(ex.Const(memory.width, 0), memory.width, False)
        index = self.names.unused("i")
        yield f"{STEP}integer {index};"
        yield f"{STEP}initial begin"
        yield f"{2 * STEP}for ({index} = 0; {index} < {memory.depth}; {index} = {index} + 1)"
        yield f"{3 * STEP}{name}[{index}] = {zero};"
        for position, word in enumerate(words):
            if word:
                text = constant(ex.Const(memory.width, word), memory.width, False)
                yield f"{2 * STEP}{name}[{position}] = {text};"
        yield f"{STEP}end"

    # ------------------------------------------------------------ instances

    def _instance(self, cell: Cell) -> list[str]:
        parameters = [f".{name}({value})" for name, value in cell.parameters.items()]
        ports = [f".{plain_name(port)}({self._at_port(v)})" for port, v in cell.ports.items()]
        setting = f"#({', '.join(parameters)}) " if parameters else ""
        start = f"{plain_name(cell.kind)} {setting}{plain_name(cell.name)} ("
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
            self._block(clock, body)
            for clock, bodies in by_clock.items()
            for body in grouped(bodies)
        ]

    def _block(self, clock: str, body: Body) -> list[str]:
        start = f"{STEP}always @(posedge {clock})"
        return self._nested(start, body, STEP)

    def _nested(self, start: str, body: Body, indent: str) -> list[str]:
        """A body under `if`, `case` or `always`; `begin` where it is more than one assignment."""
        inside = [line for s in body for line in self._statement(s, indent + STEP)]
        if len(body) == 1 and (isinstance(body[0], Assign) or "always" in start):
            return [start, *inside]
        return [f"{start} begin", *inside, f"{indent}end"]

    def _statement(self, statement: Statement, indent: str) -> list[str]:
        match statement:
            case Assign():
                target = self.writer.alone(statement.target)
                return wrapped(f"{target} <= {self.writer.assigned(statement.value)};", indent)
            case If():
                return self._if(statement, indent)
            case CaseOf():
                return self._case(statement, indent)

    def _if(self, statement: If, indent: str) -> list[str]:
        lines: list[str] = []
        word = "if"
        for condition, body in statement.branches:
            start = wrapped(f"{word} ({self.writer.alone(condition)})", indent)
            lines += self._continued(lines, start, body, indent)
            word = "else if"
        if statement.otherwise:
            lines += self._continued(lines, [f"{indent}else"], statement.otherwise, indent)
        return lines

    def _continued(self, before: list[str], start: list[str], body: Body, indent: str) -> list[str]:
        """One branch; its `else` stands behind the `end` of the branch before."""
        if before and before[-1] == f"{indent}end":
            before.pop()
            start = [f"{indent}end {start[0].strip()}", *start[1:]]
        return [*start[:-1], *self._nested(start[-1], body, indent)]

    def _case(self, statement: CaseOf, indent: str) -> list[str]:
        lines = [f"{indent}case ({self.writer.alone(statement.selector)})"]
        width = statement.selector.width
        for values, body in statement.arms:
            labels = ", ".join(constant(ex.Const(width, v), width, False) for v in values)
            lines += self._nested(f"{indent}{STEP}{labels}:", body, indent + STEP)
        if statement.otherwise:
            lines += self._nested(f"{indent}{STEP}default:", statement.otherwise, indent + STEP)
        elif sum(len(values) for values, _ in statement.arms) < 1 << width:
            lines.append(f"{indent}{STEP}default: ;")
        return [*lines, f"{indent}endcase"]

    # ------------------------------------------------------------ memories

    def _memory_writes(self) -> list[list[str]]:
        return [self._memory_write(cell) for cell in self.module.cells if cell.kind == "$memwr_v2"]

    def _memory_write(self, cell: Cell) -> list[str]:
        name = self.identifiers[_memory_of(cell)].name
        clock = self.writer.alone(self.logic.resolve(cell.ports["CLK"]))
        word = f"{name}[{self.writer.alone(self.logic.resolve(cell.ports['ADDR']))}]"
        data = self.logic.resolve(cell.ports["DATA"])
        lines = []
        pieces = list(_runs(cell.ports["EN"]))
        for low, width, enable in pieces:
            part = "" if len(pieces) == 1 else f"[{low + width - 1}:{low}]"
            condition = self.writer.alone(self.logic.resolve((enable,)))
            text = self.writer.assigned(ex.slice_of(data, low, width))
            lines += wrapped(f"if ({condition})", 2 * STEP)
            lines += wrapped(f"{word}{part} <= {text};", 3 * STEP)
        start = f"{STEP}always @(posedge {clock})"
        return [start, *lines] if len(pieces) == 1 else [f"{start} begin", *lines, f"{STEP}end"]


def _memory_of(cell: Cell) -> str:
    return cell.parameters["MEMID"].strip('"').replace("\\\\", "\\")


def _runs(enables: Value) -> Iterator[tuple[int, int, Bits]]:
    """(first bit, number of bits, enable) of neighbours with one enable."""
    bits = [
        Bits(part.wire, part.low + i if part.wire else part.low >> i & 1, 1)
        for part in enables
        for i in range(part.width)
    ]
    start = 0
    for position in range(1, len(bits) + 1):
        if position == len(bits) or bits[position] != bits[start]:
            yield start, position - start, bits[start]
            start = position
