# amaranth: UnusedElaboratable=no
"""AND and OR over any number of values equal those of Python."""

from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from kit import simulate

from naas_hw.rtl.primitives.logic import all_of, any_of, masked

WIDTH = 5


class Gates(Elaboratable):
    """The functions as a component."""

    def __init__(self, count: int) -> None:
        self.words = [Signal(WIDTH, name=f"word_{i}") for i in range(count)]
        self.enable = Signal()
        self.all_of = Signal()
        self.any_of = Signal(WIDTH)
        self.masked = Signal(WIDTH)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += [
            self.all_of.eq(all_of(word[0] for word in self.words)),
            self.any_of.eq(any_of(self.words)),
            self.masked.eq(masked(any_of(self.words), self.enable)),
        ]
        return m


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("count", [0, 1, 2, 3, 8])
def test_they_equal_python(seed: int, count: int) -> None:
    """AND of none is true and OR of none is zero."""
    rng = np.random.default_rng(seed)
    dut = Gates(count)

    async def bench(ctx: Any) -> None:
        for _ in range(50):
            words = [int(v) for v in rng.integers(1 << WIDTH, size=count)]
            enable = int(rng.integers(2))
            for signal, word in zip(dut.words, words, strict=True):
                ctx.set(signal, word)
            ctx.set(dut.enable, enable)
            await ctx.tick()
            total = reduce(or_, words, 0)
            assert ctx.get(dut.all_of) == all(word & 1 for word in words)
            assert ctx.get(dut.any_of) == total
            assert ctx.get(dut.masked) == (total if enable else 0)

    simulate(dut, bench)
