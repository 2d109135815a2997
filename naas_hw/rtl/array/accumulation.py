"""What all accumulators of an array do, in step with the sums of their trees."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import ACCUMULATE_LATENCY, MEMORY_LATENCY
from naas_hw.rtl.array.signatures import (
    AccumulationSignature,
    MultiplicationSignature,
    zero_address,
)
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.shared import SharedComponent

UNWRITTEN: Final = MEMORY_LATENCY + ACCUMULATE_LATENCY
"""Cycles from the address of a number to the write of its total: additions in between are not in
the memory yet."""


class Accumulation(SharedComponent):
    """Turns multiplications into additions, around the cycle in which their sums are there.

    Golden model: a delayed list.

    Parameters
    ----------
    words : words of one half of an accumulator, at least 1.
    lanes : numbers side by side in a word, a power of two.
    latency : cycles from a multiplication to its sum, at least MEMORY_LATENCY + 1.

    Members
    -------
    multiplication : In, `MultiplicationSignature`.
    addition : Out, `AccumulationSignature`.
    reads : Out, 1 bit; an addition to a number that has a value, a cycle before its sum.

    Latency
    -------
    `latency` cycles from a multiplication to its sum; `AccumulationSignature` says what is when.
    One multiplication in every cycle. After a reset nothing is added until then.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, words: int, lanes: int, latency: int) -> None:
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words}")
        if lanes < 1 or lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two, not {lanes}")
        if latency <= MEMORY_LATENCY:
            raise ValueError(f"latency must be at least {MEMORY_LATENCY + 1}, not {latency}")
        self.words = words
        self.lanes = lanes
        self.latency = latency
        self.zero = zero_address(words=words, lanes=lanes)
        self.address_bits = self.zero.bit_length()
        super().__init__(
            {
                "multiplication": In(MultiplicationSignature()),
                "addition": Out(AccumulationSignature(address_bits=self.address_bits)),
                "reads": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.words, self.lanes, self.latency)

    def build(self, platform: Any) -> Module:
        m = Module()
        wait = self.latency - MEMORY_LATENCY - 1
        number = delayed(m, self._number(m), wait, "number")
        valid = delayed(m, self.multiplication.valid, wait, "valid")
        first = delayed(m, self.multiplication.first, wait, "first")
        numbers, valids = self._history(m, number, valid)
        same: list[Value] = [
            was_valid & (before == number)
            for before, was_valid in zip(numbers, valids, strict=True)
        ]
        self._read(m, number, first, same)
        self._write(m, numbers[-1], valids[-1])
        begins = delayed(m, first, MEMORY_LATENCY - 1, "begins", reset=False)
        m.d.sync += [
            self.addition.begins.eq(begins),
            self.reads.eq(valids[MEMORY_LATENCY - 2] & ~begins),
        ]
        return m

    def _number(self, m: Module) -> Signal:
        """Address of the number to which a product is added, in both halves."""
        number = Signal(self.address_bits)
        half_bits = (self.words * self.lanes - 1).bit_length()
        address = self.multiplication.accumulator_address
        m.d.comb += number.eq(Cat(address[:half_bits], self.multiplication.half))
        return number

    def _history(self, m: Module, number: Value, valid: Value) -> tuple[list[Value], list[Value]]:
        """The numbers of the cycles before whose totals are not in the memory yet."""
        numbers, valids = [number], [valid]
        for n in range(1, UNWRITTEN + 1):
            numbers.append(delayed(m, numbers[-1], 1, f"number_before_{n}"))
            valids.append(delayed(m, valids[-1], 1, f"valid_before_{n}"))
        return numbers[1:], valids[1:]

    def _read(self, m: Module, number: Value, first: Value, same: list[Value]) -> None:
        """Read the number, or zero where its value is elsewhere; the latest addition counts."""
        addition = self.addition
        m.d.sync += [
            addition.read_address.eq(Mux(any_of([first, *same]), self.zero, number)),
            addition.from_first.eq(~first & same[0]),
            addition.from_second.eq(~first & ~same[0] & same[1]),
            addition.from_third.eq(~first & ~same[0] & ~same[1] & same[2]),
        ]

    def _write(self, m: Module, number: Value, valid: Value) -> None:
        """Where a total goes; after a reset zero is written to the word that is zero."""
        address = Signal(self.address_bits, name="address", init=self.zero)
        m.d.sync += address.eq(number)
        m.d.comb += [self.addition.writes.eq(valid), self.addition.write_address.eq(address)]
