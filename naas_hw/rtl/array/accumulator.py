"""The accumulators behind one adder tree."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.array.signatures import (
    AccumulationSignature,
    BankReadSignature,
    accumulator_address_bits,
)
from naas_hw.rtl.memory.ram import Ram
from naas_hw.rtl.primitives.logic import any_of, masked
from naas_hw.rtl.primitives.shared import SharedComponent


class Accumulator(SharedComponent):
    """Two halves, ping and pong: one accumulates, the other is drained; a memory a lane in each.

    An addition presents half, lane and address in one cycle, and the number to add in the next; in
    that cycle the word read, or the one written last (`repeats`), or zero (`begins`) is added to
    and written back. A layer with a maximum keeps the larger of word and number instead, and the
    number alone where it begins. Drain reads lanes of the other half. Golden model: two arrays of
    int32 that wrap.

    All that a cycle needs is a register in here: the accumulators of an array work alike, and wires
    from one register to all of them would be its longest. Words that are not wanted are masked, not
    selected, so accumulators are joined by OR.

    Parameters
    ----------
    words : words of one lane of one half, at least 1.
    lanes : 32-bit numbers side by side, at least 1.
    sum_bits : bits of the number to add, 1 to 32.
    maximum : whether they can keep the maximum.

    Members
    -------
    used : In, 1 bit, steady during a layer; where it is low, nothing is added and drained.
    maximum : In, 1 bit, steady during a layer, where they can; the larger number is kept.
    addition : In, `AccumulationSignature`.
    sum : In, signed sum_bits, one cycle later than its addition; the number to add.
    drain : In, `BankReadSignature`, never of the half of the addition.
    reads : Out, 1 + lanes bits, accesses of this cycle: for an addition, then of each lane for
        drain.
    writes : Out, 1 bit; a number is written in this cycle.

    Latency
    -------
    A number is written back one cycle after its addition and may be drained from the next cycle on;
    one addition every cycle. A drained word is there one cycle after its address. After a reset
    nothing is written and the drained word is zero; the memories keep their contents.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, words: int, lanes: int, sum_bits: int, maximum: bool = False) -> None:
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words}")
        if lanes < 1:
            raise ValueError(f"lanes must be at least 1, not {lanes}")
        if not 1 <= sum_bits <= 32:
            raise ValueError(f"sum_bits must be 1 to 32, not {sum_bits}")
        self.words = words
        self.lanes = lanes
        self.sum_bits = sum_bits
        self.has_maximum = maximum
        sizes = {"lanes": lanes, "address_bits": accumulator_address_bits(words)}
        super().__init__(
            {
                "used": In(1),
                **({"maximum": In(1)} if maximum else {}),
                "addition": In(AccumulationSignature(**sizes)),
                "sum": In(signed(sum_bits)),
                "drain": In(BankReadSignature(**sizes)),
                "reads": Out(1 + lanes),
                "writes": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.words, self.lanes, self.sum_bits, self.has_maximum)

    def build(self, platform: Any) -> Module:
        m = Module()
        adds = Signal(2 * self.lanes)
        drains = Signal(2 * self.lanes)
        total = Signal(32)
        m.d.comb += [
            adds.eq(masked(self.addition.access, self.used)),
            drains.eq(masked(self.drain.access, self.used)),
        ]
        memories = [self._memory(m, i, adds[i], drains[i]) for i in range(2 * self.lanes)]
        words = [memory.read.data for memory in memories]
        self._add(m, adds, words, total)
        self._write(m, adds, memories, total)
        self._drain(m, drains, words)
        of_lanes = drains[: self.lanes] | drains[self.lanes :]
        m.d.comb += self.reads.eq(Cat(adds.any() & ~self.addition.begins, of_lanes))
        return m

    def _memory(self, m: Module, i: int, adds: Value, drains: Value) -> Ram:
        """The memory of a lane of a half, read for an addition or for drain."""
        half, lane = divmod(i, self.lanes)
        memory = Ram(width=32, depth=self.words)
        m.submodules[f"half_{half}_lane_{lane}"] = memory
        m.d.comb += [
            memory.read.enable.eq((adds & ~self.addition.begins) | drains),
            memory.read.address.eq(Mux(adds, self.addition.address, self.drain.address)),
        ]
        return memory

    def _add(self, m: Module, adds: Signal, words: list[Value], total: Signal) -> None:
        """Add to the value that the number has: read, written last, or zero."""
        begins, repeats = self.addition.begins, self.addition.repeats
        take = Signal(2 * self.lanes, reset_less=True)
        again = Signal(reset_less=True)
        latest = Signal(32, reset_less=True)
        m.d.sync += [
            take.eq(Mux(begins | repeats, 0, adds)),
            again.eq(repeats & ~begins),
            latest.eq(total),
        ]
        values = [*map(masked, words, take), masked(latest, again)]
        value = any_of(values)
        m.d.comb += total.eq(value + self.sum)
        if self.has_maximum:
            self._keep_larger(m, value, total)

    def _keep_larger(self, m: Module, value: Value, total: Signal) -> None:
        """Replace the total by the larger of value and sum, unless the number has no value yet."""
        compares = Signal(reset_less=True)
        m.d.sync += compares.eq(self.maximum & ~self.addition.begins)
        with m.If(compares):
            m.d.comb += total.eq(Mux(value.as_signed() > self.sum, value, self.sum))

    def _write(self, m: Module, adds: Signal, memories: list[Ram], total: Signal) -> None:
        """Write the number back, a cycle after its addition was presented."""
        write = Signal(2 * self.lanes)
        write_address = Signal.like(self.addition.address, name="write_address", reset_less=True)
        m.d.sync += [write.eq(adds), write_address.eq(self.addition.address)]
        m.d.comb += self.writes.eq(write.any())
        for i, memory in enumerate(memories):
            m.d.comb += [
                memory.write.enable.eq(write[i]),
                memory.write.address.eq(write_address),
                memory.write.data.eq(total),
            ]

    def _drain(self, m: Module, drains: Signal, words: list[Value]) -> None:
        """The lanes that drain asked for in the cycle before."""
        drained = Signal(2 * self.lanes)
        m.d.sync += drained.eq(drains)
        for lane in range(self.lanes):
            halves = (lane, self.lanes + lane)
            m.d.comb += self.drain.word.word_select(lane, 32).eq(
                any_of([masked(words[i], drained[i]) for i in halves])
            )
