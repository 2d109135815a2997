"""The memory of a table of bytes, a copy for each lane."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch.timing import MEMORY_LATENCY
from naas_hw.compiler.fields import L2_BITS
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.ports import WritePortSignature
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.option import TABLE_SIZE

BYTE_BITS: Final = 8


def table_write_port(beat_bytes: int) -> WritePortSignature:
    """A port that writes words of a table, at addresses as wide as those of L2.

    Word n has the entries from n * beat_bytes on.
    """
    return WritePortSignature(address_bits=L2_BITS, data_bits=BYTE_BITS * beat_bytes)


class TableMemory(SharedComponent):
    """Looks bytes up in a table of `TABLE_SIZE` bytes, one in each lane, all in the same table.

    A layer without a table gets its bytes back as they are. Golden model:
    `naas_hw.workload.arithmetic.epilogue.Table`.

    Parameters
    ----------
    lanes : bytes that are looked up in a cycle, at least 1.
    beat_bytes : bytes of a word, a power of two, at most TABLE_SIZE.

    Members
    -------
    write : In, `table_write_port`.
    used : In, 1 bit, steady during a layer; whether bytes are looked up.
    i : In, a byte for each lane.
    o : Out, a byte for each lane.

    Latency
    -------
    `LATENCY` cycles from bytes to their entries, bytes and a write in every cycle. A word must not
    be read in the cycle in which it is written. Reset leaves the contents and the bytes alone.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    LATENCY: Final = 2 + MEMORY_LATENCY

    def __init__(self, *, lanes: int, beat_bytes: int) -> None:
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes}")
        if not 1 <= beat_bytes <= TABLE_SIZE or beat_bytes & (beat_bytes - 1):
            raise ValueError(
                f"beat_bytes must be a power of two up to {TABLE_SIZE}, not {beat_bytes}"
            )
        self.lanes = lanes
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "write": In(table_write_port(beat_bytes)),
                "used": In(1),
                "i": In(data.ArrayLayout(BYTE_BITS, lanes)),
                "o": Out(data.ArrayLayout(BYTE_BITS, lanes)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.lanes, self.beat_bytes)

    def build(self, platform: Any) -> Module:
        m = Module()
        for k in range(self.lanes):
            m.d.comb += self.o[k].eq(self._look_up(m, k))
        return m

    def _look_up(self, m: Module, k: int) -> Value:
        """The entry of a lane's byte, or the byte itself."""
        entry_bits = self.beat_bytes.bit_length() - 1
        byte = Signal(BYTE_BITS, name=f"byte_{k}", reset_less=True)
        asked = delayed(m, byte, MEMORY_LATENCY, f"asked_{k}", reset=False)
        o = Signal(BYTE_BITS, name=f"entry_{k}", reset_less=True)
        word = self._copy(m, k, byte >> entry_bits)
        entry = word.word_select(asked[:entry_bits], BYTE_BITS)
        m.d.sync += [byte.eq(self.i[k]), o.eq(Mux(self.used, entry, asked))]
        return o

    def _copy(self, m: Module, k: int, address: Value) -> Value:
        """A lane's copy of the table; gives the word that it has read."""
        memory = Ram(
            width=BYTE_BITS * self.beat_bytes,
            depth=TABLE_SIZE // self.beat_bytes,
            latency=MEMORY_LATENCY,
        )
        m.submodules[f"copy_{k}"] = memory
        same = ("enable", "data")
        connect(m, part_of(flipped(self.write), *same), part_of(memory.write, *same))
        m.d.comb += [
            memory.write.address.eq(self.write.address),
            memory.read.enable.eq(1),
            memory.read.address.eq(address),
        ]
        return memory.read.data
