"""What may happen to output bytes behind the requantisers: a residual, a table."""

from collections.abc import Hashable, Set
from typing import Any, ClassVar, Final

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch.timing import EPILOGUE_LATENCY
from naas_hw.rtl.engines import residual_adder
from naas_hw.rtl.engines.residual_adder import ResidualAdder
from naas_hw.rtl.memory.table_memory import TableMemory, table_write_port
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.arithmetic.epilogue import TablePlace
from naas_hw.workload.option import Option

PARTS: Final = {Option.TABLE: ("table_place",), Option.RESIDUAL: residual_adder.FIELDS}
"""Part -> fields of the descriptor that it reads."""

assert TableMemory.LATENCY + ResidualAdder.LATENCY == EPILOGUE_LATENCY


def fields_of(options: Set[Option]) -> tuple[str, ...]:
    """Fields of the descriptor that the parts that are there read."""
    return tuple(name for part, names in PARTS.items() if part in options for name in names)


class Epilogue(SharedComponent):
    """Takes bytes of the requantisers, looks them up in a table and adds a residual, or either.

    The table stands before or after the addition, as the layer says. A layer without a table keeps
    its bytes there, one without a residual has an addition that changes nothing.
    Golden model: `naas_hw.workload.arithmetic.epilogue.apply_epilogue`.

    Parameters
    ----------
    options : the parts that are there: residual, table, or both.
    lanes : bytes that come in a cycle, at least 1.
    beat_bytes : bytes of a word of the table.

    Members
    -------
    fields : In, the fields of the descriptor in `PARTS`, of the parts that are there.
    table : In, `table_write_port`, where there is a table; from load.
    i : In, signed 8 bits for each lane.
    residual : In, signed 8 bits for each lane, with `i`, where there is a residual.
    o : Out, signed 8 bits for each lane.

    Latency
    -------
    EPILOGUE_LATENCY cycles from bytes to their results, whatever is there and used; bytes in every
    cycle. No register is reset: what comes out before means nothing.

    Raises
    ------
    ValueError : there is neither a residual nor a table, or a size is out of range.
    """

    LATENCY: ClassVar[int] = EPILOGUE_LATENCY

    def __init__(self, options: Set[Option], *, lanes: int, beat_bytes: int) -> None:
        self.options = frozenset(options).intersection(PARTS)
        if not self.options:
            raise ValueError(f"options must have residual or table, not {', '.join(options)}")
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes}")
        self.lanes = lanes
        self.beat_bytes = beat_bytes
        numbers = data.ArrayLayout(signed(8), lanes)
        members = {
            "fields": In(FieldSignature(fields_of(self.options))),
            "i": In(numbers),
            "o": Out(numbers),
        }
        if Option.TABLE in self.options:
            members["table"] = In(table_write_port(beat_bytes))
        if Option.RESIDUAL in self.options:
            members["residual"] = In(numbers)
        super().__init__(members)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.options, self.lanes, self.beat_bytes)

    def build(self, platform: Any) -> Module:
        """Without one of the parts, its bytes wait as long as it would take."""
        m = Module()
        i = self.i.as_value()
        if self.options == {Option.TABLE}:
            memory = self._add_table(m, i)
            o = _later(m, memory.o, ResidualAdder.LATENCY, "entries")
        elif self.options == {Option.RESIDUAL}:
            adder = self._add_adder(m, i, self.residual.as_value())
            o = _later(m, adder.o, TableMemory.LATENCY, "sums")
        else:
            o = self._combine(m, i)
        m.d.comb += self.o.as_value().eq(o)
        return m

    def _combine(self, m: Module, i: Value) -> Value:
        """Both parts, one behind the other, in the order that the layer asks for."""
        adder_first = Signal()
        entries = Signal.like(i, name="entries")
        late_residual = _later(m, self.residual, TableMemory.LATENCY, "residual")
        residual = Mux(adder_first, self.residual.as_value(), late_residual)
        sums = self._add_adder(m, Mux(adder_first, i, entries), residual).o.as_value()
        memory = self._add_table(m, Mux(adder_first, sums, i))
        m.d.comb += [
            adder_first.eq(self.fields.table_place == TablePlace.AFTER_RESIDUAL),
            entries.eq(memory.o.as_value()),
        ]
        return Mux(adder_first, entries, sums)

    def _add_adder(self, m: Module, i: Value, residual: Value) -> ResidualAdder:
        m.submodules.adder = adder = ResidualAdder(lanes=self.lanes)
        connect(m, self.fields.select(residual_adder.FIELDS), adder.fields)
        m.d.comb += [adder.i.as_value().eq(i), adder.residual.as_value().eq(residual)]
        return adder

    def _add_table(self, m: Module, i: Value) -> TableMemory:
        m.submodules.table_memory = memory = TableMemory(
            lanes=self.lanes, beat_bytes=self.beat_bytes
        )
        connect(m, flipped(self.table), memory.write)
        m.d.comb += [memory.used.eq(self.fields.table_place != 0), memory.i.as_value().eq(i)]
        return memory


def _later(m: Module, numbers: Any, cycles: int, name: str) -> Value:
    """Numbers of all lanes some cycles later."""
    late: Value = delayed(m, numbers.as_value(), cycles, name, reset=False)
    return late
