"""An AXI4-Lite subordinate as two parts: one takes writes, the other answers reads."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.control.counters import CounterSignature
from naas_hw.rtl.control.register_map import (
    ADDRESS_BITS,
    COUNTERS_OFFSET,
    REGISTERS,
    Access,
    Register,
    register_map,
)
from naas_hw.rtl.primitives.axi import AxiLiteSignature, Response
from naas_hw.rtl.primitives.logic import any_of, masked
from naas_hw.rtl.primitives.shared import SharedComponent

DATA_BITS: Final = 32


def channel(name: str) -> wiring.Member:
    """One channel of AXI4-Lite, as a subordinate has it."""
    return AxiLiteSignature(address_bits=ADDRESS_BITS).flip().members[name]


def response_of(word: Value, registers: Sequence[Register]) -> Value:
    """SLVERR where there is no register at the word."""
    is_mapped = word.matches(*(register.offset >> 2 for register in registers))
    return Mux(is_mapped, Response.OKAY, Response.SLVERR)


class AxiLiteWrites(SharedComponent):
    """Takes writes: `fire` is high in the cycle after the later of address and data is taken.

    Address and data may come in either order or together. One write is under way at a time: no
    address and no data is taken while a response waits. All that follows from a write begins at
    registers.
    Golden model: the list of writes in their order.

    Parameters
    ----------
    registers : those that exist; any other address is answered with SLVERR.

    Members
    -------
    aw, w : In, channels of `AxiLiteSignature`.
    b : Out, channel of `AxiLiteSignature`.
    fire : Out, 1 bit, strobe; the write happens in this cycle, with
    chosen : Out, a bit for each register that can be written, under its name: it is the one.
    data : Out, 32 bits.
    strobe : Out, 4 bits, one for each byte of `data`.

    Latency
    -------
    `fire` follows the later of the two handshakes by one cycle, and the response `fire` by one; it
    stays until it is taken. A write takes three cycles where the response is taken at once. After a
    reset nothing is under way.

    Raises
    ------
    Nothing.
    """

    def __init__(self, *, registers: Sequence[Register]) -> None:
        self.registers = tuple(registers)
        super().__init__(
            {
                "aw": channel("aw"),
                "w": channel("w"),
                "b": channel("b"),
                "fire": Out(1),
                "chosen": Out(data.StructLayout({one.name: 1 for one in self._writable})),
                "data": Out(DATA_BITS),
                "strobe": Out(DATA_BITS // 8),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.registers,)

    @property
    def _writable(self) -> list[Register]:
        return [one for one in self.registers if one.access != Access.READ_ONLY]

    def build(self, platform: Any) -> Module:
        m = Module()
        has_address = Signal()
        has_data = Signal()
        m.d.comb += [
            self.aw.ready.eq(~has_address & ~self.b.valid),
            self.w.ready.eq(~has_data & ~self.b.valid),
            self.fire.eq(has_address & has_data),
        ]
        with m.If(self.b.ready):
            m.d.sync += self.b.valid.eq(0)
        with m.If(self.fire):
            m.d.sync += [
                has_address.eq(0),
                has_data.eq(0),
                self.b.valid.eq(1),
            ]
        with m.If(self.aw.valid & self.aw.ready):
            word = self.aw.addr[2:]
            m.d.sync += [has_address.eq(1), self.b.resp.eq(response_of(word, self.registers))]
            for one in self._writable:
                m.d.sync += self.chosen[one.name].eq(word == one.offset >> 2)
        with m.If(self.w.valid & self.w.ready):
            m.d.sync += [has_data.eq(1), self.data.eq(self.w.data), self.strobe.eq(self.w.strb)]
        return m


class AxiLiteReads(SharedComponent):
    """Answers reads with the value that a word has two cycles before its answer.

    One read is under way at a time. Ready depends on registers only. The registers of counters are
    behind `COUNTERS_OFFSET`; such a read waits for the counter's turn.
    Golden model: a dict from offsets to values.

    Parameters
    ----------
    counters : names of the counters.

    Members
    -------
    ar : In, channel of `AxiLiteSignature`.
    r : Out, channel of `AxiLiteSignature`; an address without a register is answered with zero and
        SLVERR.
    values : In, a port of 32 bits for each of `REGISTERS`, under its name: what it reads as.
    counts : In, `CounterSignature`.

    Latency
    -------
    The answer follows its address by four cycles, that of a counter by as many more as its turn
    takes, and stays until it is taken. A read takes five cycles where it waits for nothing. After a
    reset nothing is under way.

    Raises
    ------
    Nothing.
    """

    def __init__(self, *, counters: Sequence[str]) -> None:
        self.counters = tuple(counters)
        values = wiring.Signature({register.name: Out(DATA_BITS) for register in REGISTERS})
        super().__init__(
            {
                "ar": channel("ar"),
                "r": channel("r"),
                "values": In(values),
                "counts": In(CounterSignature(self.counters)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.counters,)

    def build(self, platform: Any) -> Module:
        m = Module()
        word = Signal(ADDRESS_BITS - 2)
        asked = Signal()
        decoded = Signal()
        found = Signal()
        is_count = Signal()
        setting = Signal(DATA_BITS)
        count = Signal(DATA_BITS)
        counts = self.counts.count
        m.d.comb += self.ar.ready.eq(~asked & ~found & ~self.r.valid)
        with m.If(self.r.ready):
            m.d.sync += self.r.valid.eq(0)
        with m.If(self.ar.valid & self.ar.ready):
            m.d.sync += [asked.eq(1), word.eq(self.ar.addr[2:])]
        with m.If(asked):
            m.d.sync += decoded.eq(1)
        with m.If(decoded & (~is_count | self._is_turn(word))):
            m.d.sync += [asked.eq(0), decoded.eq(0), found.eq(1)]
        m.d.sync += [
            is_count.eq(self._is_count(word)),
            setting.eq(self._setting(m, word)),
            count.eq(Mux(word[0], counts[DATA_BITS:], counts[:DATA_BITS])),
        ]
        with m.If(found):
            m.d.sync += [
                found.eq(0),
                self.r.valid.eq(1),
                self.r.data.eq(Mux(is_count, count, setting)),
                self.r.resp.eq(response_of(word, register_map(self.counters))),
            ]
        return m

    def _is_count(self, word: Signal) -> Value:
        first = COUNTERS_OFFSET >> 2
        return (word >= first) & (word < first + 2 * len(self.counters))

    def _is_turn(self, word: Signal) -> Value:
        """Whether the counter of the word is shown in this cycle."""
        return self.counts.turn == (word - (COUNTERS_OFFSET >> 2))[1 : 1 + len(self.counts.turn)]

    def _setting(self, m: Module, word: Signal) -> Value:
        """What the word read as a cycle ago, if it is no count; zero where there is no register."""
        chosen: list[Value] = []
        for register in REGISTERS:
            is_chosen = Signal(name=f"reads_{register.name}")
            m.d.sync += is_chosen.eq(word == register.offset >> 2)
            chosen.append(masked(getattr(self.values, register.name), is_chosen))
        return any_of(chosen)
