# amaranth: UnusedElaboratable=no
"""A box is gone through in the order of its levels; the next may start in its last step."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator

ADDRESS_BITS = 10


@pytest.mark.parametrize("seed", range(8))
def test_it_equals_nested_loops(seed: int) -> None:
    """Three boxes one after the other, the next started in the last step of the one before."""
    rng = np.random.default_rng(seed)
    levels = int(rng.integers(1, 5))
    names = [f"level_{i}" for i in range(levels)]
    dut = BoxAddressGenerator(levels=tuple((name, 4) for name in names), address_bits=ADDRESS_BITS)
    pitches = [int(v) for v in rng.integers(0, 1 << ADDRESS_BITS, levels)]
    boxes = [[int(v) for v in rng.choice([1, 2, 3, 5], levels)] for _ in range(3)]
    origins = [int(v) for v in rng.integers(0, 1 << ADDRESS_BITS, 3)]

    def put(ctx: Any, counts: list[int], origin: int) -> None:
        for name, count in zip(names, counts, strict=True):
            ctx.set(getattr(dut.counts, name), count)
        ctx.set(dut.origin, origin)

    async def bench(ctx: Any) -> None:
        for name, pitch in zip(names, pitches, strict=True):
            ctx.set(getattr(dut.pitches, name), pitch)
        put(ctx, boxes[0], origins[0])
        ctx.set(dut.start, 1)
        await ctx.tick()
        for box in range(3):
            box_steps = list(product(*map(range, boxes[box])))
            for index in box_steps:
                await step(ctx, box, index, ends=index == box_steps[-1])

    async def step(ctx: Any, box: int, index: tuple[int, ...], *, ends: bool) -> None:
        while True:
            offset = sum(i * pitch for i, pitch in zip(index, pitches, strict=True))
            assert ctx.get(dut.address) == (origins[box] + offset) % (1 << ADDRESS_BITS)
            last = [i == count - 1 for i, count in zip(index, boxes[box], strict=True)]
            assert ctx.get(dut.last) == all(last)
            assert [ctx.get(getattr(dut.index, name)) for name in names] == list(index)
            assert ctx.get(dut.is_last.as_value()) == sum(bit << i for i, bit in enumerate(last))
            assert ctx.get(dut.is_first.as_value()) == sum(
                (i == 0) << at for at, i in enumerate(index)
            )
            advance = rng.random() < 0.7
            starts = advance and ends and box < 2
            ctx.set(dut.advance, int(advance))
            ctx.set(dut.start, int(starts))
            if starts:
                put(ctx, boxes[box + 1], origins[box + 1])
            else:  # counts and origin matter with `start` alone
                put(ctx, [int(v) for v in rng.integers(0, 16, levels)], int(rng.integers(1024)))
            await ctx.tick()
            if advance:
                return

    simulate(dut, bench)


def test_init_wrong_levels() -> None:
    with pytest.raises(ValueError, match="^levels must have at least 1 entry, not 0$"):
        BoxAddressGenerator(levels=(), address_bits=4)
