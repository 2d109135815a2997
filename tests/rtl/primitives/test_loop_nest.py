# amaranth: UnusedElaboratable=no
"""The sequencer goes through `itertools.product`, and its values are linear in the indices."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.compiler.descriptor import deltas
from naas_hw.rtl.primitives.loop_nest import LoopNest

WIDTH = 12


@pytest.mark.parametrize("pace", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_it_equals_product_whenever_it_advances(seed: int, pace: int) -> None:
    """With stalls between steps, at least as its pace wants them.

    Last, first, final and indices at each step; values may wrap.
    """
    rng = np.random.default_rng(seed)
    positions = int(rng.integers(1, 7))
    indexed = tuple(i for i in range(positions) if rng.integers(2))
    dut = LoopNest(positions=positions, values=(("a", WIDTH), ("b", 5)), indexed=indexed, pace=pace)
    bounds = tuple(int(v) for v in rng.choice([1, 1, 2, 3, 4], positions))
    strides = {name: tuple(int(v) for v in rng.integers(-20, 20, positions)) for name in ("a", "b")}
    starts = {"a": int(rng.integers(1 << WIDTH)), "b": int(rng.integers(32))}
    widths = {"a": WIDTH, "b": 5}

    async def bench(ctx: Any) -> None:
        for name in strides:
            ctx.set(getattr(dut.origin, name), starts[name])
        ctx.set(dut.record.write, 1)
        for i in range(positions):
            ctx.set(dut.record.position, i)
            ctx.set(dut.record.bound, bounds[i])
            for name, steps in strides.items():
                ctx.set(getattr(dut.record.deltas, name), deltas(bounds, steps)[i])
            await ctx.tick()
        ctx.set(dut.record.write, 0)
        for advance_too in (0, 1):  # start wins
            ctx.set(dut.start, 1)
            ctx.set(dut.advance, advance_too)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for index in product(*map(range, bounds)):
                rested = 1
                while True:
                    check(ctx, index)
                    ready = ctx.get(dut.ready)
                    assert ready == (rested >= pace)
                    advance = ready and int(rng.random() < 0.6)
                    ctx.set(dut.advance, advance)
                    await ctx.tick()
                    rested += 1
                    if advance:
                        break

    def check(ctx: Any, index: tuple[int, ...]) -> None:
        last = [i == bound - 1 for i, bound in zip(index, bounds, strict=True)]
        assert ctx.get(dut.last) == sum(bit << i for i, bit in enumerate(last))
        assert ctx.get(dut.first) == sum((i == 0) << at for at, i in enumerate(index))
        assert ctx.get(dut.final) == all(last)
        assert [ctx.get(trip) for trip in dut.index] == [index[i] for i in indexed]
        for name, steps in strides.items():
            linear = starts[name] + sum(i * s for i, s in zip(index, steps, strict=True))
            assert ctx.get(getattr(dut.value, name)) == linear % (1 << widths[name])

    simulate(dut, bench)


def test_init_wrong_positions() -> None:
    with pytest.raises(ValueError, match=r"^positions must be at least 1, not 0$"):
        LoopNest(positions=0, values=())


@pytest.mark.parametrize("pace", [0, 4])
def test_init_wrong_pace(pace: int) -> None:
    with pytest.raises(ValueError, match=rf"^pace must be 1, 2 or 3, not {pace}$"):
        LoopNest(positions=2, values=(), pace=pace)


@pytest.mark.parametrize("indexed", [(2,), (0, -1)])
def test_init_wrong_indexed(indexed: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^indexed must be positions below 2, not \(.*\)$"):
        LoopNest(positions=2, values=(), indexed=indexed)
