"""Accumulators behind one adder tree, and what drives them all."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.ram import Ram
from naas_hw.rtl.shared import SharedComponent

STEP = data.StructLayout(
    {
        "half": 1,
        "write": 1,
        "first": 1,  # write without reading
        "forward": 1,  # the word was written in the cycle before
    }
)


class Accumulator(SharedComponent):
    """Two memories, ping and pong: one accumulates, the other is drained.

    Compute presents the address of a word one cycle before the number to add; the word read, or
    the one that was written last (`forward`), or zero (`first`) is added to and written back in
    the next cycle. Drain reads the other half: address in cycle t, word in t + 1.

    Parameters
    ----------
    words : of one half; lanes : numbers of 32 bits in a word; sum_bits : bits of the tree's sum.

    Members
    -------
    read, read_half, read_address : In, compute's word, one cycle before `step`.
    step : In, `STEP`; write_address, lane : In; sum : In, the number to add.
    drain_read, drain_half, drain_address : In; drain_word : Out.
    """

    def __init__(self, *, words: int, lanes: int, sum_bits: int) -> None:
        self.words = words
        self.lanes = lanes
        self.sum_bits = sum_bits
        address = max(1, (words - 1).bit_length())
        super().__init__(
            {
                "read": In(1),
                "read_half": In(1),
                "read_address": In(address),
                "step": In(STEP),
                "write_address": In(address),
                "lane": In(max(1, (lanes - 1).bit_length())),
                "sum": In(signed(sum_bits)),
                "drain_read": In(1),
                "drain_half": In(1),
                "drain_address": In(address),
                "drain_word": Out(32 * lanes),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.words, self.lanes, self.sum_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        halves = [self._half(m, half) for half in range(2)]
        read = Mux(self.step.half, halves[1].read_data, halves[0].read_data)
        word, merged = Signal(32 * self.lanes), Signal(32 * self.lanes)
        latest = Signal(32 * self.lanes, reset_less=True)
        total = Signal(32)
        old = word if self.lanes == 1 else word.word_select(self.lane, 32)
        drained = Signal()
        m.d.comb += [
            word.eq(Mux(self.step.forward, latest, read)),
            total.eq(Mux(self.step.first, 0, old.as_signed()) + self.sum),
            merged.eq(self._merge(word, total)),
            self.drain_word.eq(Mux(drained, halves[1].read_data, halves[0].read_data)),
        ]
        m.d.sync += drained.eq(self.drain_half)
        with m.If(self.step.write):
            m.d.sync += latest.eq(merged)
        for half, memory in enumerate(halves):
            m.d.comb += memory.write_data.eq(merged)
            with m.If(self.step.write & (self.step.half == half)):
                m.d.comb += memory.write_enable.eq(1)
        return m

    def _half(self, m: Module, half: int) -> Ram:
        memory = Ram(width=32 * self.lanes, depth=self.words)
        m.submodules[f"half_{half}"] = memory
        computes = Signal(name=f"computes_{half}")
        drains = Signal(name=f"drains_{half}")
        m.d.comb += [
            computes.eq(self.read & (self.read_half == half)),
            drains.eq(self.drain_read & (self.drain_half == half)),
            memory.read_enable.eq(computes | drains),
            memory.read_address.eq(Mux(computes, self.read_address, self.drain_address)),
            memory.write_address.eq(self.write_address),
        ]
        return memory

    def _merge(self, word: Signal, total: Signal) -> Value:
        """The word with one lane replaced."""
        if self.lanes == 1:
            return total
        return Cat(Mux(self.lane == k, total, word.word_select(k, 32)) for k in range(self.lanes))
