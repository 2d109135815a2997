"""A number plus one of two others, as the carry chain of an FPGA takes it."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.shared import SharedComponent


class JoinedSum(SharedComponent):
    """Adds a number to the OR of two others, in a register. Golden model: `a + (b | c)`.

    In front of each bit of a carry chain an FPGA has a LUT with inputs that synthesis leaves unused
    in a plain sum. In emitted Verilog this is the module `naas_joined_sum`, of which each FPGA
    family may have a form of its own that uses them.

    Parameters
    ----------
    width : bits of each number, at least 1; arithmetic wraps.

    Members
    -------
    clear : In, 1 bit; the sum of this cycle's numbers is zero.
    a, b, c : In, width bits.
    o : Out, width bits; the sum.

    Latency
    -------
    One cycle; one sum a cycle. The register is not reset but by `clear`.

    Raises
    ------
    ValueError : the width is less than 1.
    """

    template = "naas_joined_sum"

    def __init__(self, *, width: int) -> None:
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        self.width = width
        super().__init__(
            {"clear": In(1), "a": In(width), "b": In(width), "c": In(width), "o": Out(width)}
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.width,)

    @property
    def template_parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width}

    def build(self, platform: Any) -> Module:
        m = Module()
        total = Signal(self.width, reset_less=True)
        m.d.sync += total.eq(self.a + (self.b | self.c))
        with m.If(self.clear):
            m.d.sync += total.eq(0)
        m.d.comb += self.o.eq(total)
        return m
