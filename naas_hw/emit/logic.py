"""What drives each wire of a module, as expressions over the wires that keep a name.

A wire that has a name in the Amaranth source keeps it. A wire without one is replaced by its
expression where it is read once, or where that is a single cheap operator.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from naas_hw.emit import expressions as ex
from naas_hw.emit.expressions import Expression
from naas_hw.emit.netlist import (
    Assignment,
    Bits,
    Cell,
    NetlistModule,
    Statement,
    Switch,
    Value,
    width_of,
)

MAX_INLINE_SIZE: Final = 64
"""Operators of an expression that is written without names for its parts."""
MAX_REPEATED_SIZE: Final = 9
"""Operators of all copies of a condition that has no name and several readers."""
MAX_CHOICES: Final = 3
"""Nested `?:` in one expression."""

_BINARY: Final = {"$add": "+", "$sub": "-", "$mul": "*", "$and": "&", "$or": "|", "$xor": "^"}
_COMPARISON: Final = {
    "$eq": "==",
    "$ne": "!=",
    "$lt": "<",
    "$le": "<=",
    "$gt": ">",
    "$ge": ">=",
}
_SHIFT: Final = {"$shl": "<<", "$shr": ">>", "$sshr": ">>>"}
_REDUCTION: Final = {"$reduce_and": "&", "$reduce_or": "|", "$reduce_xor": "^", "$reduce_bool": "|"}
_OUTPUTS: Final = {"$dff": "Q", "$memrd_v2": "DATA"}
_NO_OUTPUT: Final = frozenset({"$memwr_v2", "$meminit_v2"})
_DEAR: Final = frozenset({"+", "-", "*", "<<", ">>", ">>>"})
"""Operators that are not written twice."""


def is_instance(cell: Cell) -> bool:
    """Whether a cell is an instance of a module."""
    return cell.kind.startswith("\\")


def assigned_wire(process: tuple[Statement, ...]) -> str:
    """The one wire that a process drives."""
    first = process[0]
    assert isinstance(first, Assignment) and first.target.wire is not None
    return first.target.wire


def values_in(body: Iterable[Statement]) -> Iterator[Value]:
    """All values that statements read."""
    for statement in body:
        if isinstance(statement, Assignment):
            yield statement.value
        else:
            yield statement.selector
            for case in statement.cases:
                yield from values_in(case.body)


class ModuleLogic:
    """The logic of one module.

    Parameters
    ----------
    module : its netlist.
    kept : wires that stay although nothing reads them.
    inlined : wires with a name that may be replaced by their expression all the same.

    Members
    -------
    live : wires that an output, an instance, a memory or a kept wire depends on.
    registers : wire of each live register -> its flip-flop.
    """

    def __init__(
        self,
        module: NetlistModule,
        *,
        kept: frozenset[str] = frozenset(),
        inlined: frozenset[str] = frozenset(),
    ) -> None:
        self.module = module
        self._inlined = inlined
        self._cells = dict(self._cells_by_output())
        self.processes = {assigned_wire(process): process for process in module.processes}
        self.aliases = dict(module.connections)
        ends = {w.name for w in module.wires.values() if w.direction == "output"} | kept
        self.live = self._find_live(ends)
        self.registers = {
            wire: cell
            for wire, cell in self._cells.items()
            if cell.kind == "$dff" and wire in self.live
        }
        self._readers = self._count_readers()
        self._values: dict[str, Expression] = {}

    def _cells_by_output(self) -> Iterator[tuple[str, Cell]]:
        for cell in self.module.cells:
            if not is_instance(cell) and cell.kind not in _NO_OUTPUT:
                _refuse_other_clocks(cell)
                (output,) = cell.ports[_OUTPUTS.get(cell.kind, "Y")]
                assert output.wire is not None and output.low == 0
                yield output.wire, cell

    # ------------------------------------------------------------ what is needed

    def _ends(self) -> Iterator[Value]:
        """Values that instances and writes to memories read."""
        at_instances = Counter(
            b.wire for c in self.module.cells if is_instance(c) for v in c.ports.values() for b in v
        )
        for cell in self.module.cells:
            if is_instance(cell):
                for value in cell.ports.values():
                    if not self.is_free(value) or at_instances[value[0].wire] > 1:
                        yield value
            elif cell.kind == "$memwr_v2":
                yield from cell.ports.values()

    def is_free(self, value: Value) -> bool:
        """Whether a value at an instance is a whole wire that nothing else drives: an output."""
        if len(value) != 1 or value[0].wire is None:
            return False
        wire = value[0].wire
        return value[0].width == self.module.wires[wire].width and not (
            wire in self._cells
            or wire in self.processes
            or wire in self.aliases
            or self.module.wires[wire].direction == "input"
        )

    def inputs_of(self, wire: str) -> list[Value]:
        """The values that what drives a wire reads."""
        if wire in self._cells:
            cell = self._cells[wire]
            output = _OUTPUTS.get(cell.kind, "Y")
            return [value for port, value in cell.ports.items() if port != output]
        if wire in self.processes:
            return list(values_in(self.processes[wire]))
        return [self.aliases[wire]] if wire in self.aliases else []

    def _find_live(self, ends: Iterable[str]) -> set[str]:
        waiting = [*ends, *(b.wire for value in self._ends() for b in value if b.wire)]
        live: set[str] = set()
        while waiting:
            wire = waiting.pop()
            if wire not in live:
                live.add(wire)
                waiting += [b.wire for v in self.inputs_of(wire) for b in v if b.wire]
        return live

    def _count_readers(self) -> Counter[str]:
        values = [value for wire in self.live for value in self.inputs_of(wire)]
        values += self._ends()
        return Counter(wire for value in values for wire in {b.wire for b in value} if wire)

    def next_value_of(self, register: Cell) -> str | None:
        """The wire of a process that gives the next value of one register and nothing else."""
        value = register.ports["D"]
        wire = value[0].wire
        whole = len(value) == 1 and wire in self.processes
        if not whole or wire is None or value[0].width != self.module.wires[wire].width:
            return None
        return wire if self._readers[wire] == 1 and wire.startswith("$") else None

    # ------------------------------------------------------------ expressions

    def is_kept(self, wire: str) -> bool:
        """Whether a live wire is declared under a name of its own."""
        value = self.value_of_wire(wire)
        return isinstance(value, ex.Name) and value.name == wire

    def resolve(self, value: Value) -> Expression:
        """The expression of a value."""
        return ex.concat([self._resolve_bits(part) for part in value])

    def _resolve_bits(self, part: Bits) -> Expression:
        if part.wire is None:
            return ex.Const(part.width, part.low)
        return ex.slice_of(self.value_of_wire(part.wire), part.low, part.width)

    def value_of_wire(self, wire: str) -> Expression:
        """What readers of a wire see: its name, or its expression in place of it."""
        if wire not in self._values:
            self._values[wire] = self._choose_value(wire)
        return self._values[wire]

    def _choose_value(self, wire: str) -> Expression:
        name = ex.Name(self.module.wires[wire].width, wire)
        anonymous = wire.startswith("$") or wire in self._inlined
        if not anonymous or not (wire in self._cells or wire in self.processes):
            return name
        if wire in self.registers:
            return name
        value = self.driver_of(wire)
        size = ex.size_of(value)
        if size > MAX_INLINE_SIZE or ex.depth_of_choices(value) > MAX_CHOICES:
            return name
        readers = self._readers[wire]
        cheap = size <= 1 or (value.width == 1 and size * readers <= MAX_REPEATED_SIZE)
        return value if readers == 1 or (cheap and not _is_dear(value)) else name

    def driver_of(self, wire: str) -> Expression:
        """The expression that drives a wire; of a register the value that it takes."""
        if wire in self.processes:
            return self._value_of_process(wire)
        if wire in self.aliases:
            return self.resolve(self.aliases[wire])
        return self._value_of_cell(self._cells[wire])

    def address_of(self, port: Cell) -> Expression:
        """The address at a port of a memory, of one bit at least."""
        address = self.resolve(port.ports["ADDR"])
        return ex.extend(address, max(1, address.width), False)

    def is_driven_here(self, wire: str) -> bool:
        """Whether logic of this module drives a wire: no input, register or instance."""
        cell = self._cells.get(wire)
        if cell is not None:
            return cell.kind != "$dff"
        return wire in self.processes or wire in self.aliases

    def _value_of_cell(self, cell: Cell) -> Expression:
        if cell.kind == "$dff":
            return self.resolve(cell.ports["D"])
        if cell.kind == "$memrd_v2":
            return ex.Word(
                width_of(cell.ports["DATA"]),
                cell.parameters["MEMID"].strip('"').replace("\\\\", "\\"),
                self.address_of(cell),
            )
        if cell.kind == "$mux":
            return ex.choose(*(self.resolve(cell.ports[port]) for port in "SBA"))
        width = cell.number("Y_WIDTH")
        left = self.resolve(cell.ports["A"])
        signed = bool(cell.number("A_SIGNED"))
        if cell.kind in _REDUCTION:
            return ex.extend(ex.reduce(_REDUCTION[cell.kind], left), width, False)
        if cell.kind == "$not":
            return ex.invert(ex.extend(left, width, signed))
        if cell.kind == "$neg":
            return ex.Unary(width, "-", ex.extend(left, width, signed))
        return self._value_of_two(cell, width, left, signed)

    def _value_of_two(self, cell: Cell, width: int, left: Expression, signed: bool) -> Expression:
        right = self.resolve(cell.ports["B"])
        if cell.kind in _COMPARISON:
            return ex.compare(_COMPARISON[cell.kind], left, right, signed)
        if cell.kind in _BINARY:
            right_signed = bool(cell.number("B_SIGNED"))
            return ex.binary(
                width,
                _BINARY[cell.kind],
                ex.extend(left, width, signed),
                ex.extend(right, width, right_signed),
            )
        if cell.kind == "$shl":
            return ex.shift(width, "<<", ex.extend(left, width, signed), right)
        if cell.kind in _SHIFT:
            return ex.shift(width, _SHIFT[cell.kind], left, right)
        if cell.kind == "$shift":
            return self._pick(width, left, right, signed)
        raise ValueError(f"a cell must be one that Verilog is printed of, not {cell.kind}")

    def _pick(self, width: int, left: Expression, right: Expression, signed: bool) -> Expression:
        """Bits from a variable position on: zeros beyond the end, unless there is no beyond."""
        index, stride = _index_and_stride(right)
        last = ((1 << index.width) - 1) * stride + width
        if signed and last > left.width:
            raise ValueError("bits that a variable selects of a signed value must lie inside it")
        if isinstance(index, ex.Const):
            return ex.slice_of(ex.extend(left, last, False), index.value * stride, width)
        if last <= left.width:
            if isinstance(left, ex.Name):
                return ex.Pick(width, left, 0, index, stride)
            if isinstance(left, ex.Slice):
                return ex.Pick(width, left.of, left.low, index, stride)
        return ex.slice_of(ex.shift(max(width, left.width), ">>", left, right), 0, width)

    # ------------------------------------------------------------ processes as expressions

    def _value_of_process(self, wire: str) -> Expression:
        process = self.processes[wire]
        bounds = sorted({bound for target in _targets(process) for bound in target})
        return ex.concat(
            [
                self._after(process, ex.Const(end - low, 0), low)
                for low, end in itertools.pairwise(bounds)
            ]
        )

    def _after(self, body: Iterable[Statement], before: Expression, low: int) -> Expression:
        """The value of some bits of the assigned wire, from `low` on, after some statements."""
        value = before
        for statement in body:
            if isinstance(statement, Switch):
                value = self._after_switch(statement, value, low)
            elif 0 <= low - statement.target.low < statement.target.width:
                start = low - statement.target.low
                value = ex.slice_of(self.resolve(statement.value), start, before.width)
        return value

    def _after_switch(self, switch: Switch, before: Expression, low: int) -> Expression:
        value = before
        for case in reversed(switch.cases):
            after = self._after(case.body, before, low)
            condition = self.condition_of(switch.selector, case.patterns)
            value = after if condition is None else ex.choose(condition, after, value)
        return value

    def condition_of(self, selector: Value, patterns: tuple[str, ...]) -> Expression | None:
        """Whether a value matches one of some patterns; None: always."""
        if not patterns or not selector:
            return None
        whole = self.resolve(selector)
        conditions = [self._match(whole, pattern) for pattern in patterns]
        result = conditions[0]
        for condition in conditions[1:]:
            result = ex.either(result, condition)
        return result

    def _match(self, value: Expression, pattern: str) -> Expression:
        """Whether a value has the bits of a pattern."""
        bits = pattern[::-1]
        result: Expression = ex.Const(1, 1)
        low = 0
        while low < len(bits):
            high = low
            while high < len(bits) and (bits[high] == "-") == (bits[low] == "-"):
                high += 1
            if bits[low] != "-":
                wanted = ex.Const(high - low, int(bits[low:high][::-1], 2))
                piece = ex.slice_of(value, low, high - low)
                result = ex.both(result, ex.compare("==", piece, wanted))
            low = high
        return result


def _refuse_other_clocks(cell: Cell) -> None:
    """Registers follow the rising edge and reads of memories none: there is no other text."""
    if cell.kind == "$dff" and not cell.number("CLK_POLARITY"):
        raise ValueError("a register must take its value at the rising edge of its clock")
    if cell.kind == "$memrd_v2" and cell.number("CLK_ENABLE"):
        raise ValueError("a read port of a memory must be in the domain 'comb'")
    if _OUTPUTS.get(cell.kind, "Y") not in cell.ports:
        raise ValueError(f"a cell must be one that Verilog is printed of, not {cell.kind}")


def _index_and_stride(position: Expression) -> tuple[Expression, int]:
    """A position as an index times a constant, where that product drops no bits."""
    index, stride = position, 1
    if isinstance(position, ex.Binary) and position.operator == "*":
        if isinstance(position.right, ex.Const):
            index, stride = position.left, position.right.value
    if isinstance(index, ex.Extend) and not index.signed:
        index = index.of
    exact = ((1 << index.width) - 1) * stride < 1 << position.width
    return (index, stride) if exact else (position, 1)


def _targets(body: Iterable[Statement]) -> Iterator[tuple[int, int]]:
    """First bit and end of each piece that is assigned."""
    for statement in body:
        if isinstance(statement, Assignment):
            target = statement.target
            yield target.low, target.low + target.width
        else:
            for case in statement.cases:
                yield from _targets(case.body)


def _is_dear(value: Expression) -> bool:
    return any(isinstance(e, ex.Binary) and e.operator in _DEAR for e in ex.walk(value)) or any(
        isinstance(e, ex.Pick | ex.Word | ex.Mux) for e in ex.walk(value)
    )
