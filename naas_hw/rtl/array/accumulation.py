"""What all accumulator banks of an array do, in step with the sums of their trees."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import PRIVATE_BITS
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent


class Accumulation(SharedComponent):
    """Delays the steps of compute until the cycle before their sums are there.

    Parameters
    ----------
    lanes : numbers side by side in a word of a bank.
    latency : cycles from a step to its sum, at least 2.

    Members
    -------
    active, first, half, accumulator : In, from compute: a step, whether it is its number's first,
        and the number's place.
    access, address, begins, repeats : Out, latency - 1 cycles later, see `Accumulator`.
    """

    def __init__(self, *, lanes: int, latency: int) -> None:
        self.lanes = lanes
        self.latency = latency
        self.lane_bits = lanes.bit_length() - 1
        super().__init__(
            {
                "active": In(1),
                "first": In(1),
                "half": In(1),
                "accumulator": In(PRIVATE_BITS),
                "access": Out(2 * lanes),
                "address": Out(PRIVATE_BITS - self.lane_bits),
                "begins": Out(1),
                "repeats": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.lanes, self.latency)

    def build(self, platform: Any) -> Module:
        m = Module()
        given = Signal(PRIVATE_BITS + 1)
        m.d.comb += given.eq(Cat(self.accumulator, self.half))
        wait = self.latency - 2
        place = delayed(m, given, wait, "place")
        active = delayed(m, self.active, wait, "active")
        first = delayed(m, self.first, wait, "first")
        before = Signal.like(given, reset_less=True)
        was_active = Signal()
        memory = Cat(place[: self.lane_bits], place[-1])
        m.d.sync += [
            before.eq(place),
            was_active.eq(active),
            self.access.eq(Mux(active, 1 << memory, 0)),
            self.address.eq(place[self.lane_bits : PRIVATE_BITS]),
            self.begins.eq(first),
            self.repeats.eq(was_active & (place == before)),
        ]
        return m
