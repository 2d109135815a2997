"""The accumulator behind one adder tree."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, ResetSignal, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import MEMORY_LATENCY
from naas_hw.rtl.array.signatures import AccumulationSignature, zero_address
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.joined_sum import JoinedSum
from naas_hw.rtl.primitives.logic import any_of, masked
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent


class Accumulator(SharedComponent):
    """Adds sums to numbers in a memory. Drain reads them from a copy (`DrainMemory`).

    The value of a number is what the memory has read, or the total of one of the three additions
    before, which is not written yet, or zero (`begins`). A layer with a maximum keeps the larger of
    value and sum instead, and the sum alone where the number begins. Golden model: an array of
    int32 that wraps.

    The word that is zero is read where the value is elsewhere, so no word needs to be masked. After
    a reset zero is written to it.

    Parameters
    ----------
    words : words of one lane of one half, at least 1.
    lanes : 32-bit numbers side by side, a power of two.
    sum_bits : bits of the number to add, 1 to 32.
    maximum : whether it can keep the maximum.

    Members
    -------
    used : In, 1 bit, steady during a layer; where it is low, nothing is written.
    maximum : In, 1 bit, steady during a layer, where it can; the larger number is kept.
    addition : In, `AccumulationSignature`.
    sum : In, signed sum_bits; the number to add.
    writes : Out, 1 bit, a cycle after the sum; the total is written at the write address.
    total : Out, 32 bits, with `writes`.

    Latency
    -------
    A total is written a cycle after its sum; one addition every cycle. After a reset the word that
    is zero is written; all others keep their contents.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, words: int, lanes: int, sum_bits: int, maximum: bool = False) -> None:
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words}")
        if lanes < 1 or lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two, not {lanes}")
        if not 1 <= sum_bits <= 32:
            raise ValueError(f"sum_bits must be 1 to 32, not {sum_bits}")
        self.words = words
        self.lanes = lanes
        self.sum_bits = sum_bits
        self.has_maximum = maximum
        self.zero = zero_address(words=words, lanes=lanes)
        super().__init__(
            {
                "used": In(1),
                **({"maximum": In(1)} if maximum else {}),
                "addition": In(AccumulationSignature(address_bits=self.zero.bit_length())),
                "sum": In(signed(sum_bits)),
                "writes": Out(1),
                "total": Out(32),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.words, self.lanes, self.sum_bits, self.has_maximum)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Ram(width=32, depth=self.zero + 1, latency=MEMORY_LATENCY)
        is_written = Signal(init=1)  # the word that is zero, after a reset
        m.d.sync += is_written.eq(self.addition.writes & self.used)
        m.d.comb += [
            self.writes.eq(is_written),
            memory.read.enable.eq(1),
            memory.read.address.eq(self.addition.read_address),
            memory.write.enable.eq(is_written),
            memory.write.address.eq(self.addition.write_address),
            memory.write.data.eq(self.total),
        ]
        self._add(m, memory.read.data)
        return m

    def _forwarded(self, m: Module) -> Value:
        """The total of one of the three additions before, if it is not in the memory yet, or zero.

        Two of them are masked by the resets of registers, which cost no logic on an FPGA.
        """
        previous = Signal(32, reset_less=True)
        m.d.sync += previous.eq(self.total)
        repeats = delayed(m, self.addition.from_first, MEMORY_LATENCY, "repeats", reset=False)
        second = self._masked(m, self.total, self.addition.from_second, "second")
        third = self._masked(m, previous, self.addition.from_third, "third")
        return any_of([masked(self.total, repeats), second, third])

    def _masked(self, m: Module, number: Value, early: Value, name: str) -> Signal:
        """A register of a number, zero where a bit that comes a cycle before is low."""
        enable = Signal(name=f"from_{name}", reset_less=True)
        register = Signal(32, name=f"{name}_before", reset_less=True)
        m.d.sync += [enable.eq(early), register.eq(Mux(enable, number, 0))]
        return register

    def _add(self, m: Module, word: Value) -> None:
        """Add to the word or to what is forwarded: one of them at least is zero."""
        forwarded = self._forwarded(m)
        if self.has_maximum:
            self._add_or_keep(m, word | forwarded)
            return
        m.submodules.adder = adder = JoinedSum(width=32)
        m.d.comb += [
            adder.clear.eq(ResetSignal()),
            adder.a.eq(self.sum),
            adder.b.eq(forwarded),
            adder.c.eq(word),
            self.total.eq(adder.o),
        ]

    def _add_or_keep(self, m: Module, value: Value) -> None:
        """The sum, or the larger of value and number in a layer with a maximum.

        That is the number alone where there is no value yet.
        """
        compares = Signal(reset_less=True)
        m.d.sync += [
            compares.eq(self.maximum & ~self.addition.begins),
            self.total.eq(value + self.sum),
        ]
        with m.If(compares):
            m.d.sync += self.total.eq(Mux(value.as_signed() > self.sum, value, self.sum))
