"""Which positions of the array keep the input row (or column) that passes by."""

from collections.abc import Hashable
from itertools import product
from typing import Any

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import WINDOW_BITS
from naas_hw.rtl.primitives.shared import SharedComponent


class Window(SharedComponent):
    """Says which pairs of an output and a kernel position keep a coordinate, and where.

    Position (o, k) keeps the coordinates from o * output_step + k * kernel_step on, as many as
    `last` says: their addresses are 0, pitch, 2 pitch ... last. `start` begins with coordinate 0,
    `advance` goes to the next; start wins. Golden model: the formula above.

    Parameters
    ----------
    outputs, kernels : positions of the two axes, at least 1; 1 where there is none.
    address_bits : bits of an address, at least 1.

    Members
    -------
    start, advance : In, 1 bit.
    output_step, kernel_step : In, WINDOW_BITS, steady during a layer.
    pitch, last : In, address_bits, steady during a layer.
    active : Out, 1 bit for each output and kernel position: it keeps the present coordinate.
    address : Out, address_bits for each output and kernel position: where it keeps it.

    Latency
    -------
    `start` and `advance` take effect at the end of their cycle, one coordinate a cycle. Inputs that
    are steady must be so from two cycles before the first `start` on. After a reset no position is
    active.

    Raises
    ------
    ValueError : a parameter is less than 1.
    """

    def __init__(self, *, outputs: int, kernels: int, address_bits: int) -> None:
        for name, value in (
            ("outputs", outputs),
            ("kernels", kernels),
            ("address_bits", address_bits),
        ):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.outputs = outputs
        self.kernels = kernels
        self.address_bits = address_bits
        super().__init__(
            {
                "start": In(1),
                "advance": In(1),
                "output_step": In(WINDOW_BITS),
                "kernel_step": In(WINDOW_BITS),
                "pitch": In(address_bits),
                "last": In(address_bits),
                "active": Out(1).array(outputs, kernels),
                "address": Out(address_bits).array(outputs, kernels),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.outputs, self.kernels, self.address_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        coming = Signal(WINDOW_BITS)  # coordinate after the next advance
        with m.If(self.start):
            m.d.sync += coming.eq(1)
        with m.Elif(self.advance):
            m.d.sync += coming.eq(coming + 1)
        outputs = self._multiples(m, self.output_step, self.outputs, "output")
        kernels = self._multiples(m, self.kernel_step, self.kernels, "kernel")
        for o, k in product(range(self.outputs), range(self.kernels)):
            self._position(m, o, k, outputs[o] + kernels[k], coming)
        return m

    def _multiples(self, m: Module, step: Value, num: int, name: str) -> list[Value]:
        """So many multiples of a step, a cycle later, with an adder for each and no multiplier."""
        sums: list[Value] = [Const(0, WINDOW_BITS)]
        for n in range(1, num):
            lowest = n & -n
            total = Signal(WINDOW_BITS, name=f"{name}_sum_{n}")
            m.d.comb += total.eq(sums[n - lowest] + (step << (lowest.bit_length() - 1)))
            sums.append(total)
        multiples: list[Value] = sums[:1]
        for n in range(1, num):
            multiple = Signal(WINDOW_BITS, name=f"{name}_multiple_{n}")
            m.d.sync += multiple.eq(sums[n])
            multiples.append(multiple)
        return multiples

    def _position(self, m: Module, o: int, k: int, first: Value, coming: Signal) -> None:
        active, address = self.active[o][k], self.address[o][k]
        at_zero: Value
        at_coming: Value
        if (o, k) == (0, 0):
            at_zero, at_coming = Const(1), Const(0)
        else:
            origin = Signal(WINDOW_BITS, name=f"origin_{o}_{k}")
            m.d.sync += origin.eq(first)
            at_zero, at_coming = origin == 0, origin == coming
        with m.If(self.start):
            m.d.sync += [active.eq(at_zero), address.eq(0)]
        with m.Elif(self.advance & at_coming):
            m.d.sync += [active.eq(1), address.eq(0)]
        with m.Elif(self.advance & active):
            m.d.sync += [active.eq(address != self.last), address.eq(address + self.pitch)]
