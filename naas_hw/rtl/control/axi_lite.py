"""An AXI4-Lite subordinate as two parts: one takes writes, the other answers reads."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.control.counters import CounterSignature
from naas_hw.rtl.control.register_map import (
    ADDRESS_BITS,
    COUNTERS_OFFSET,
    REGISTERS,
    Register,
    register_map,
)
from naas_hw.rtl.primitives.axi import AxiLiteSignature, Response
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
    """Takes writes: `fire` is high in the cycle in which the later of address and data is taken.

    Address and data may come in either order or together. One write is under way at a time: no
    address and no data is taken while a response waits. Ready depends on registers only.
    Golden model: the list of writes in their order.

    Parameters
    ----------
    registers : those that exist; any other address is answered with SLVERR.

    Members
    -------
    aw, w : In, channels of `AxiLiteSignature`.
    b : Out, channel of `AxiLiteSignature`.
    fire : Out, 1 bit, strobe; the write happens in this cycle, with
    word : Out, ADDRESS_BITS - 2; number of the 32-bit word.
    data : Out, 32 bits.
    strobe : Out, 4 bits, one for each byte of `data`.

    Latency
    -------
    `fire` is combinational; the response follows it by one cycle and stays until it is taken. A
    write takes two cycles where the response is taken at once. After a reset nothing is under way.

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
                "word": Out(ADDRESS_BITS - 2),
                "data": Out(DATA_BITS),
                "strobe": Out(DATA_BITS // 8),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.registers,)

    def build(self, platform: Any) -> Module:
        m = Module()
        has_address = self._address(m)
        has_data = self._data(m)
        taken_address = self.aw.valid & self.aw.ready
        taken_data = self.w.valid & self.w.ready
        m.d.comb += self.fire.eq((taken_address | has_address) & (taken_data | has_data))
        with m.If(self.b.ready):
            m.d.sync += self.b.valid.eq(0)
        with m.If(self.fire):
            m.d.sync += [
                self.b.valid.eq(1),
                self.b.resp.eq(response_of(self.word, self.registers)),
            ]
        return m

    def _address(self, m: Module) -> Signal:
        """Keeps an address that came before its data. Gives whether there is one."""
        has_address = Signal()
        address = Signal(ADDRESS_BITS - 2)
        m.d.comb += [
            self.aw.ready.eq(~has_address & ~self.b.valid),
            self.word.eq(Mux(has_address, address, self.aw.addr[2:])),
        ]
        with m.If(self.aw.valid & self.aw.ready):
            m.d.sync += [has_address.eq(1), address.eq(self.aw.addr[2:])]
        with m.If(self.fire):
            m.d.sync += has_address.eq(0)
        return has_address

    def _data(self, m: Module) -> Signal:
        """Keeps data that came before their address. Gives whether there are any."""
        has_data = Signal()
        data = Signal(DATA_BITS)
        strobe = Signal(DATA_BITS // 8)
        m.d.comb += [
            self.w.ready.eq(~has_data & ~self.b.valid),
            self.data.eq(Mux(has_data, data, self.w.data)),
            self.strobe.eq(Mux(has_data, strobe, self.w.strb)),
        ]
        with m.If(self.w.valid & self.w.ready):
            m.d.sync += [has_data.eq(1), data.eq(self.w.data), strobe.eq(self.w.strb)]
        with m.If(self.fire):
            m.d.sync += has_data.eq(0)
        return has_data


class AxiLiteReads(SharedComponent):
    """Answers reads with the value that a word has in the cycle before its answer.

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
    The answer follows its address by two cycles, that of a counter by as many more as its turn
    takes, and stays until it is taken. A read takes three cycles where it waits for nothing. After
    a reset nothing is under way.

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
        is_count = Signal()
        answers = Signal()
        first = COUNTERS_OFFSET >> 2
        turn = self.counts.turn + (first >> 1)
        m.d.comb += [
            self.ar.ready.eq(~asked & ~self.r.valid),
            is_count.eq((word >= first) & (word < first + 2 * len(self.counters))),
            answers.eq(asked & (~is_count | (turn == word[1:]))),
        ]
        with m.If(self.r.ready):
            m.d.sync += self.r.valid.eq(0)
        with m.If(self.ar.valid & self.ar.ready):
            m.d.sync += [asked.eq(1), word.eq(self.ar.addr[2:])]
        with m.If(answers):
            m.d.sync += [asked.eq(0), self.r.valid.eq(1)]
        with m.If(asked):
            m.d.sync += [
                self.r.data.eq(self._value(m, word, is_count)),
                self.r.resp.eq(response_of(word, register_map(self.counters))),
            ]
        return m

    def _value(self, m: Module, word: Signal, is_count: Signal) -> Value:
        """What the word reads as, if it is not a count that waits for its turn."""
        value = Signal(DATA_BITS)
        with m.Switch(word):
            for register in REGISTERS:
                with m.Case(register.offset >> 2):
                    m.d.comb += value.eq(getattr(self.values, register.name))
        with m.If(is_count):
            m.d.comb += value.eq(
                Mux(word[0], self.counts.count[DATA_BITS:], self.counts.count[:DATA_BITS])
            )
        return value
