"""Which positions of the array keep the input row (or column) that passes by."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import WINDOW_BITS
from naas_hw.rtl.primitives.shared import SharedComponent


class Window(SharedComponent):
    """Find, for each pair of positions of an output and a kernel axis, the place of a coordinate.

    Position (o, k) keeps the coordinates from o * output_step + k * kernel_step on, as many as
    `last` says: its place is 0, pitch, 2 pitch ... last. `start` begins with coordinate 0,
    `advance` goes to the next; both take effect at the end of their cycle, start wins.

    Parameters
    ----------
    outputs, kernels : positions of the two axes; 1 where there is none.
    place_bits : bits of a place.

    Members
    -------
    start, advance : In.
    output_step, kernel_step, pitch, last : In, steady during a layer, from at least two cycles
        before the first `start` on.
    active_O_K : Out, 1 bit; place_O_K : Out.
    """

    def __init__(self, *, outputs: int, kernels: int, place_bits: int) -> None:
        self.outputs = outputs
        self.kernels = kernels
        self.place_bits = place_bits
        ports = {
            "start": In(1),
            "advance": In(1),
            "output_step": In(WINDOW_BITS),
            "kernel_step": In(WINDOW_BITS),
            "pitch": In(place_bits),
            "last": In(place_bits),
        }
        for o in range(outputs):
            for k in range(kernels):
                ports[f"active_{o}_{k}"] = Out(1)
                ports[f"place_{o}_{k}"] = Out(place_bits)
        super().__init__(ports)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.outputs, self.kernels, self.place_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        coming = Signal(WINDOW_BITS, name="coming")  # coordinate after the next advance
        with m.If(self.start):
            m.d.sync += coming.eq(1)
        with m.Elif(self.advance):
            m.d.sync += coming.eq(coming + 1)
        for o in range(self.outputs):
            for k in range(self.kernels):
                self._position(m, o, k, coming)
        return m

    def _position(self, m: Module, o: int, k: int, coming: Signal) -> None:
        active, place = getattr(self, f"active_{o}_{k}"), getattr(self, f"place_{o}_{k}")
        at_zero: Value
        at_coming: Value
        if (o, k) == (0, 0):
            at_zero, at_coming = Const(1), Const(0)
        else:
            origin = Signal(WINDOW_BITS, name=f"origin_{o}_{k}")
            m.d.sync += origin.eq(o * self.output_step + k * self.kernel_step)
            at_zero, at_coming = origin == 0, origin == coming
        with m.If(self.start):
            m.d.sync += [active.eq(at_zero), place.eq(0)]
        with m.Elif(self.advance & at_coming):
            m.d.sync += [active.eq(1), place.eq(0)]
        with m.Elif(self.advance & active):
            m.d.sync += [active.eq(place != self.last), place.eq(place + self.pitch)]
