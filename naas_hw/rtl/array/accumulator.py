"""The accumulators behind one adder tree."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.memory.ram import Ram
from naas_hw.rtl.primitives.logic import any_of, masked
from naas_hw.rtl.primitives.shared import SharedComponent


class Accumulator(SharedComponent):
    """Two halves, ping and pong: one accumulates, the other is drained; a memory a lane in each.

    A step presents half, lane and address in one cycle, and the number to add in the next; in
    that cycle the word read, or the one written last (`repeats`), or zero (`begins`) is added to
    and written back. Drain reads lanes of the other half: address in cycle t, words in t + 1.

    All that a cycle needs is a register in here: the banks of an array work alike, and wires from
    one register to all of them would be its longest. Words that are not wanted are masked, not
    selected, so banks are joined by OR.

    Parameters
    ----------
    words : of one lane of one half.
    lanes : 32-bit numbers side by side.
    sum_bits : bits of the tree's sum.

    Members
    -------
    access : In, a bit a memory: lanes of half 0, then of half 1; the one of this step.
    address : In, with it.
    begins : In, the number has no value yet; repeats : In, the step before had the same place.
    sum : In, one cycle later, the number to add.
    drain : In, a bit a memory, as `access`, never of its half; drain_address : In.
    drain_word : Out, one cycle later, the lanes; zero where none was asked for.
    reads (a bit for a step, then a bit a lane for drain), writes : Out, accesses of this cycle.
    """

    def __init__(self, *, words: int, lanes: int, sum_bits: int) -> None:
        self.words = words
        self.lanes = lanes
        self.sum_bits = sum_bits
        address = max(1, (words - 1).bit_length())
        super().__init__(
            {
                "access": In(2 * lanes),
                "address": In(address),
                "begins": In(1),
                "repeats": In(1),
                "sum": In(signed(sum_bits)),
                "drain": In(2 * lanes),
                "drain_address": In(address),
                "drain_word": Out(32 * lanes),
                "reads": Out(1 + lanes),
                "writes": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.words, self.lanes, self.sum_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        write = Signal(2 * self.lanes)
        drained = Signal(2 * self.lanes)
        write_address = Signal.like(self.address, reset_less=True)
        total = Signal(32)
        m.d.sync += [
            write.eq(self.access),
            drained.eq(self.drain),
            write_address.eq(self.address),
        ]
        words: list[Value] = []
        for i in range(2 * self.lanes):
            memory = self._memory(m, i)
            m.d.comb += [
                memory.write.enable.eq(write[i]),
                memory.write.address.eq(write_address),
                memory.write.data.eq(total),
            ]
            words.append(memory.read.data)
        drains = self.drain[: self.lanes] | self.drain[self.lanes :]
        m.d.comb += [
            total.eq(self._old(m, words, total) + self.sum),
            self.reads.eq(Cat(self.access.any() & ~self.begins, drains)),
            self.writes.eq(write.any()),
        ]
        for lane in range(self.lanes):
            halves = (lane, self.lanes + lane)
            m.d.comb += self.drain_word.word_select(lane, 32).eq(
                any_of([masked(words[i], drained[i]) for i in halves])
            )
        return m

    def _memory(self, m: Module, i: int) -> Ram:
        half, lane = divmod(i, self.lanes)
        memory = Ram(width=32, depth=self.words)
        m.submodules[f"half_{half}_lane_{lane}"] = memory
        m.d.comb += [
            memory.read.enable.eq((self.access[i] & ~self.begins) | self.drain[i]),
            memory.read.address.eq(Mux(self.access[i], self.address, self.drain_address)),
        ]
        return memory

    def _old(self, m: Module, words: list[Value], total: Signal) -> Value:
        """What is added to."""
        take = Signal(2 * self.lanes, reset_less=True)
        again = Signal(reset_less=True)
        latest = Signal(32, reset_less=True)
        m.d.sync += [
            take.eq(Mux(self.begins | self.repeats, 0, self.access)),
            again.eq(self.repeats & ~self.begins),
            latest.eq(total),
        ]
        found = [masked(word, take[i]) for i, word in enumerate(words)]
        return any_of([*found, masked(latest, again)])
