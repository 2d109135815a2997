"""The product of two signed numbers, as the multiplier of an FPGA takes it."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import MULTIPLIER_LATENCY
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent

MAX_BITS: Final = 18
"""Bits of a factor at most: those of an FPGA's multiplier."""


class Multiplier(SharedComponent):
    """Multiplies two signed numbers, one pair a cycle. Golden model: `*`.

    In emitted Verilog this is the module `naas_multiplier`, of which each FPGA family may have a
    form of its own, with the registers that its multipliers hold.

    Parameters
    ----------
    a_bits, b_bits : bits of the factors, 2 to MAX_BITS.

    Members
    -------
    clear : In, 1 bit; the product of this cycle's factors is zero.
    a : In, signed a_bits.
    b : In, signed b_bits.
    o : Out, signed a_bits + b_bits; the product.

    Latency
    -------
    MULTIPLIER_LATENCY cycles from factors to their product. No register is reset.

    Raises
    ------
    ValueError : a number of bits that is out of its range.
    """

    template = "naas_multiplier"

    def __init__(self, *, a_bits: int, b_bits: int) -> None:
        self.a_bits = a_bits
        self.b_bits = b_bits
        for name, bits in (("a_bits", self.a_bits), ("b_bits", self.b_bits)):
            if not 2 <= bits <= MAX_BITS:
                raise ValueError(f"{name} must be 2 to {MAX_BITS}, not {bits}")
        super().__init__(
            {
                "clear": In(1),
                "a": In(signed(self.a_bits)),
                "b": In(signed(self.b_bits)),
                "o": Out(signed(self.a_bits + self.b_bits)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.a_bits, self.b_bits)

    @property
    def template_parameters(self) -> dict[str, int | str]:
        return {"A_WIDTH": self.a_bits, "B_WIDTH": self.b_bits}

    def build(self, platform: Any) -> Module:
        m = Module()
        a = Signal(signed(self.a_bits), reset_less=True)
        b = Signal(signed(self.b_bits), reset_less=True)
        product = Signal(signed(self.a_bits + self.b_bits))
        m.d.sync += [a.eq(Mux(self.clear, 0, self.a)), b.eq(Mux(self.clear, 0, self.b))]
        m.d.comb += [
            product.eq(a * b),
            self.o.eq(delayed(m, product, MULTIPLIER_LATENCY - 1, "product", reset=False)),
        ]
        return m


def unsigned_product(m: Module, a: Value, b: Value, name: str) -> Value:
    """The product of two numbers, MULTIPLIER_LATENCY cycles later.

    The first is narrower than MAX_BITS bits. The second may be wider: it is cut into parts, whose
    products are added behind their multipliers.
    """
    parts = []
    for first in range(0, len(b), MAX_BITS - 1):
        part = b[first : first + MAX_BITS - 1]
        factor = Multiplier(a_bits=len(a) + 1, b_bits=len(part) + 1)
        m.submodules[f"{name}_{first}" if first else name] = factor
        m.d.comb += [factor.a.eq(a), factor.b.eq(part)]
        parts.append(factor.o[: len(a) + len(part)] << first)
    total: Value = sum(parts[1:], parts[0])
    return total
