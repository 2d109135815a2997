"""What all accumulators of an array do, in step with the sums of their trees."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import PRIVATE_BITS
from naas_hw.rtl.array.signatures import (
    AccumulationSignature,
    MultiplicationSignature,
    accumulator_address_bits,
)
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent


class Accumulation(SharedComponent):
    """Turns multiplications into additions, in the cycle before their sums are there.

    The number at address A of half H stands in lane A % lanes of half H, at address A // lanes.
    Golden model: a delayed list.

    Parameters
    ----------
    words : words of one half of an accumulator, at least 1.
    lanes : numbers side by side in a word, a power of two.
    latency : cycles from a multiplication to its sum, at least 2.

    Members
    -------
    multiplication : In, `MultiplicationSignature`.
    addition : Out, `AccumulationSignature`.

    Latency
    -------
    `latency` - 1 cycles from a multiplication to its addition, one in every cycle. After a reset
    nothing is accessed until then.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, words: int, lanes: int, latency: int) -> None:
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words}")
        if lanes < 1 or lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two, not {lanes}")
        if latency < 2:
            raise ValueError(f"latency must be at least 2, not {latency}")
        self.words = words
        self.lanes = lanes
        self.latency = latency
        self.lane_bits = lanes.bit_length() - 1
        super().__init__(
            {
                "multiplication": In(MultiplicationSignature()),
                "addition": Out(
                    AccumulationSignature(lanes=lanes, address_bits=accumulator_address_bits(words))
                ),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.words, self.lanes, self.latency)

    def build(self, platform: Any) -> Module:
        m = Module()
        number = Signal(PRIVATE_BITS + 1)  # its address, and its half as the highest bit
        m.d.comb += number.eq(
            Cat(self.multiplication.accumulator_address, self.multiplication.half)
        )
        wait = self.latency - 2
        number = delayed(m, number, wait, "number")
        valid = delayed(m, self.multiplication.valid, wait, "valid")
        first = delayed(m, self.multiplication.first, wait, "first")
        previous = Signal.like(number, name="previous", reset_less=True)
        was_valid = Signal()
        memory = Cat(number[: self.lane_bits], number[-1])
        m.d.sync += [
            previous.eq(number),
            was_valid.eq(valid),
            self.addition.access.eq(Mux(valid, 1 << memory, 0)),
            self.addition.address.eq(number[self.lane_bits : PRIVATE_BITS]),
            self.addition.begins.eq(first),
            self.addition.repeats.eq(was_valid & (number == previous)),
        ]
        return m
