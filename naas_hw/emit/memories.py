"""Text of memories: their declaration, their initial words, their write ports."""

from collections.abc import Callable, Iterator

from naas_hw.emit import expressions as ex
from naas_hw.emit.expression_text import ExpressionWriter
from naas_hw.emit.layout import STEP, bit_range, wrapped
from naas_hw.emit.logic import ModuleLogic
from naas_hw.emit.netlist import Bits, Cell, Value
from naas_hw.emit.operator_text import constant


class MemoryWriter:
    """Writes the memories of one module.

    Parameters
    ----------
    logic : of the module.
    writer : of its expressions.
    """

    def __init__(self, logic: ModuleLogic, writer: ExpressionWriter) -> None:
        self.logic = logic
        self.writer = writer

    def declarations(self, unused: Callable[[str], str]) -> Iterator[str]:
        """Lines that declare memories and fill them; `unused` gives the name of an index."""
        for memory in self.logic.module.memories.values():
            name = self.writer.identifiers[memory.name].name
            yield f"{STEP}reg {bit_range(memory.width)}{name} [0:{memory.depth - 1}];"
        for cell in self.logic.module.cells:
            if cell.kind == "$meminit_v2":
                yield from self._initial_words(cell, unused)

    def _initial_words(self, cell: Cell, unused: Callable[[str], str]) -> Iterator[str]:
        memory = self.logic.module.memories[_memory_of(cell)]
        name = self.writer.identifiers[memory.name].name
        data = self.logic.resolve(cell.ports["DATA"])
        assert isinstance(data, ex.Const)
        words = [
            data.value >> position * memory.width & ((1 << memory.width) - 1)
            for position in range(memory.depth)
        ]
        zero = constant(ex.Const(memory.width, 0), memory.width, False)
        index = unused("i")
        yield f"{STEP}integer {index};"
        yield f"{STEP}initial begin"
        yield f"{2 * STEP}for ({index} = 0; {index} < {memory.depth}; {index} = {index} + 1)"
        yield f"{3 * STEP}{name}[{index}] = {zero};"
        for position, word in enumerate(words):
            if word:
                text = constant(ex.Const(memory.width, word), memory.width, False)
                yield f"{2 * STEP}{name}[{position}] = {text};"
        yield f"{STEP}end"

    def writes(self) -> list[list[str]]:
        """An `always` block for each write port."""
        return [
            self._memory_write(cell) for cell in self.logic.module.cells if cell.kind == "$memwr_v2"
        ]

    def _memory_write(self, cell: Cell) -> list[str]:
        name = self.writer.identifiers[_memory_of(cell)].name
        clock = self.writer.alone(self.logic.resolve(cell.ports["CLK"]))
        word = f"{name}[{self.writer.alone_unsigned(self.logic.address_of(cell))}]"
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
