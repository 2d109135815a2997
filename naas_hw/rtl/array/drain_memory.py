"""The copies of some accumulators that drain reads."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import MEMORY_LATENCY
from naas_hw.rtl.array.signatures import accumulator_address_bits, zero_address
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent


class DrainMemory(SharedComponent):
    """As many memories as an accumulator has lanes, shared by as many accumulators, its members.

    All members write at one address, and drain reads all lanes of one member: number A of member g
    lies in memory (A % lanes) ^ g at address A, so that both meet each memory once. Golden model:
    an array of int32 for each member.

    Parameters
    ----------
    words : words of one half of an accumulator, at least 1.
    lanes : numbers side by side in a word, and members; a power of two.

    Members
    -------
    writes : In, one bit for each member; its total is written.
    write_address : In, of the number, or of the word that is zero.
    totals : In, 32 bits for each member.
    select : In, 1 bit; a word is read, or else zero.
    member : In, the number of the member that is read, at least 1 bit.
    half : In, 1 bit; the half that is read.
    address : In, of the word in its half.
    words : Out, 32 bits of each memory: lane k of member g comes from memory k ^ g.

    Latency
    -------
    MEMORY_LATENCY cycles from an address to its words, a read and a write every cycle; a written
    number may be read from the next cycle on. The memories keep their contents after a reset.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, words: int, lanes: int) -> None:
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words}")
        if lanes < 1 or lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two, not {lanes}")
        self.num_words = words
        self.lanes = lanes
        self.lane_bits = lanes.bit_length() - 1
        self.zero = zero_address(words=words, lanes=lanes)
        super().__init__(
            {
                "writes": In(lanes),
                "write_address": In(self.zero.bit_length()),
                "totals": In(data.ArrayLayout(32, lanes)),
                "select": In(1),
                "member": In(max(1, self.lane_bits)),
                "half": In(1),
                "address": In(accumulator_address_bits(words)),
                "words": Out(data.ArrayLayout(32, lanes)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.num_words, self.lanes)

    def build(self, platform: Any) -> Module:
        m = Module()
        for i in range(self.lanes):
            memory = Ram(width=32, depth=self.zero + 1, latency=MEMORY_LATENCY)
            m.submodules[f"memory_{i}"] = memory
            self._write(m, i, memory)
            m.d.comb += [
                memory.read.enable.eq(1),
                memory.read.address.eq(Mux(self.select, self._place(i), self.zero)),
                self.words[i].eq(memory.read.data),
            ]
        return m

    def _write(self, m: Module, i: int, memory: Ram) -> None:
        """Write the total of the member that has this memory for the lane."""
        lane = self.write_address[: self.lane_bits]
        total = Signal(32, name=f"total_{i}")
        is_written = Signal(name=f"is_written_{i}")
        with m.Switch(lane):
            for at in range(self.lanes):
                with m.Case(at):
                    m.d.comb += [
                        total.eq(self.totals[at ^ i]),
                        is_written.eq(self.writes[at ^ i]),
                    ]
        m.d.comb += [
            memory.write.enable.eq(is_written),
            memory.write.address.eq(self.write_address),
            memory.write.data.eq(total),
        ]

    def _place(self, i: int) -> Value:
        """Address of the number of the member's lane that lies in this memory."""
        lane = self.member[: self.lane_bits] ^ Const(i, max(1, self.lane_bits))
        word_bits = (self.num_words - 1).bit_length()
        return Cat(lane[: self.lane_bits], self.address[:word_bits], self.half)
