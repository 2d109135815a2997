"""Clipping is the intersection of two ranges."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal, signed
from kit import simulate

from naas_hw.compiler.fields import BOUND_BITS, COORDINATE_BITS
from naas_hw.rtl.primitives.clip import clip_extent, clip_range, count_clipped


class Clipper(Elaboratable):
    """The functions as a component."""

    def __init__(self) -> None:
        self.start = Signal(signed(COORDINATE_BITS))
        self.extent = Signal(BOUND_BITS)
        self.limit = Signal(BOUND_BITS)
        self.count = Signal(BOUND_BITS)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self.range = clip_range(m, self.start, self.extent, self.limit, "range", bits=BOUND_BITS)
        self.length, self.is_empty = count_clipped(
            m, self.range.skipped, self.range.end, self.range.is_behind, "range"
        )
        m.d.comb += self.count.eq(
            clip_extent(
                m,
                self.extent,
                self.limit,
                self.start.as_unsigned(),
                "extent",
                bits=BOUND_BITS,
            )
        )
        return m


@pytest.mark.parametrize("seed", range(3))
def test_a_range_is_the_intersection_of_ranges(seed: int) -> None:
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
            assert ctx.get(dut.is_empty) == (not inside)
            seen[not inside] += 1
            if inside:
                assert ctx.get(dut.length) == len(inside)
                assert ctx.get(dut.range.skipped) == inside[0] - start

    simulate(dut, bench)
    assert min(seen.values()) > 50


@pytest.mark.parametrize("seed", range(3))
def test_an_extent_ends_with_its_tensor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = Clipper()

    async def bench(ctx: Any) -> None:
        for _ in range(200):
            extent, total = (int(v) for v in rng.integers(1, 40, 2))
            start = int(rng.integers(total))
            ctx.set(dut.start, start)
            ctx.set(dut.extent, extent)
            ctx.set(dut.limit, total)
            await ctx.tick()
            inside = [x for x in range(start, start + extent) if x < total]
            assert ctx.get(dut.count) == len(inside)

    simulate(dut, bench)
