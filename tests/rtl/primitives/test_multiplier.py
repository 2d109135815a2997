# amaranth: UnusedElaboratable=no
"""A multiplier gives each product some cycles after its factors, or zero."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from kit import simulate

from naas_hw.arch.timing import MULTIPLIER_LATENCY
from naas_hw.rtl.primitives.multiplier import Multiplier, unsigned_product


@pytest.mark.parametrize(("a_bits", "b_bits"), [(8, 8), (2, 18), (18, 18), (5, 11)])
def test_it_equals_a_product(a_bits: int, b_bits: int) -> None:
    """The largest and the smallest factors often."""
    rng = np.random.default_rng(a_bits)
    dut = Multiplier(a_bits=a_bits, b_bits=b_bits)
    products: list[int] = []

    def factor(bits: int) -> int:
        limit = 1 << (bits - 1)
        drawn = (-limit, limit - 1, int(rng.integers(-limit, limit)))
        return drawn[int(rng.integers(3))]

    async def bench(ctx: Any) -> None:
        for cycle in range(300):
            a, b, clear = factor(a_bits), factor(b_bits), int(rng.random() < 0.2)
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            ctx.set(dut.clear, clear)
            products.append(0 if clear else a * b)
            if cycle >= MULTIPLIER_LATENCY:
                assert ctx.get(dut.o) == products[cycle - MULTIPLIER_LATENCY]
            await ctx.tick()

    simulate(dut, bench)


class Product(Elaboratable):
    """`unsigned_product` as a component."""

    def __init__(self, a_bits: int, b_bits: int) -> None:
        self.a = Signal(a_bits)
        self.b = Signal(b_bits)
        self.o = Signal(a_bits + b_bits)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.o.eq(unsigned_product(m, self.a, self.b, "part"))
        return m


@pytest.mark.parametrize(("a_bits", "b_bits"), [(8, 1), (8, 17), (8, 18), (17, 24), (3, 40)])
def test_an_unsigned_product_may_have_a_wide_factor(a_bits: int, b_bits: int) -> None:
    rng = np.random.default_rng(b_bits)
    dut = Product(a_bits, b_bits)
    products: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(200):
            a, b = (int(rng.integers(1 << bits)) for bits in (a_bits, b_bits))
            a |= ((1 << a_bits) - 1) * (cycle % 5 == 0)
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            products.append(a * b)
            if cycle >= MULTIPLIER_LATENCY:
                assert ctx.get(dut.o) == products[cycle - MULTIPLIER_LATENCY]
            await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"a_bits": 1, "b_bits": 8}, "a_bits must be 2 to 18, not 1"),
        ({"a_bits": 8, "b_bits": 19}, "b_bits must be 2 to 18, not 19"),
    ],
)
def test_init_wrong_value(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Multiplier(**parameters)
