"""Clipping is the intersection of two ranges."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal, signed
from kit import simulate

from naas_hw.compiler.layout import COORDINATE_BITS
from naas_hw.rtl.primitives.clip import clip


class Clipper(Elaboratable):
    """The function as a component."""

    def __init__(self) -> None:
        self.start = Signal(signed(COORDINATE_BITS))
        self.extent = Signal(16)
        self.limit = Signal(16)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.found = clip(m, self.start, self.extent, self.limit, "range")
        return m


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_the_intersection_of_ranges(seed: int) -> None:
    """Wholly before, wholly behind, over either end, over both, one index."""
    rng = np.random.default_rng(seed)
    dut = Clipper()
    seen = {True: 0, False: 0}

    async def bench(ctx: Any) -> None:
        for _ in range(500):
            extent, limit = int(rng.integers(1, 40)), int(rng.integers(1, 40))
            start = int(rng.integers(-60, 60))
            ctx.set(dut.start, start)
            ctx.set(dut.extent, extent)
            ctx.set(dut.limit, limit)
            await ctx.tick()
            inside = [x for x in range(start, start + extent) if 0 <= x < limit]
            assert ctx.get(dut.found.empty) == (not inside)
            seen[not inside] += 1
            if inside:
                assert ctx.get(dut.found.count) == len(inside)
                assert ctx.get(dut.found.skipped) == inside[0] - start

    simulate(dut, bench)
    assert min(seen.values()) > 50
