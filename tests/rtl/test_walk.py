# amaranth: UnusedElaboratable=no
"""A walk goes through a box in the order of its levels, also when it starts in its last step."""

import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naas_hw.rtl.walk import Walk

sys.path.insert(0, str(Path(__file__).parent))
from component_bench import simulate  # noqa: E402

ADDRESS_BITS = 10


@pytest.mark.parametrize("seed", range(8))
def test_it_equals_nested_loops(seed: int) -> None:
    """Three boxes one after the other, the next started in the last step of the one before."""
    rng = np.random.default_rng(seed)
    levels = int(rng.integers(1, 5))
    dut = Walk(count_bits=(4,) * levels, address_bits=ADDRESS_BITS)
    pitches = [int(v) for v in rng.integers(0, 1 << ADDRESS_BITS, levels)]
    counts = [int(v) for v in rng.choice([1, 2, 3, 5], levels)]
    origins = [int(v) for v in rng.integers(0, 1 << ADDRESS_BITS, 3)]

    async def bench(ctx: Any) -> None:
        for i in range(levels):
            ctx.set(getattr(dut, f"count_{i}"), counts[i])
            ctx.set(getattr(dut, f"pitch_{i}"), pitches[i])
        ctx.set(dut.start, 1)
        ctx.set(dut.origin, origins[0])
        await ctx.tick()
        ctx.set(dut.start, 0)
        for following in [*origins[1:], None]:
            box = list(product(*map(range, counts)))
            for index in box:
                await step(ctx, index, following if index == box[-1] else None)
            if following is not None:
                current[0] = following

    current = [origins[0]]

    async def step(ctx: Any, index: tuple[int, ...], following: int | None) -> None:
        while True:
            offset = sum(i * pitch for i, pitch in zip(index, pitches, strict=True))
            assert ctx.get(dut.address) == (current[0] + offset) % (1 << ADDRESS_BITS)
            last = [i == count - 1 for i, count in zip(index, counts, strict=True)]
            assert ctx.get(dut.last) == all(last)
            assert ctx.get(dut.at_last) == sum(bit << i for i, bit in enumerate(last))
            assert ctx.get(dut.at_first) == sum((i == 0) << at for at, i in enumerate(index))
            advance = rng.random() < 0.7
            ctx.set(dut.advance, int(advance))
            ctx.set(dut.start, int(advance and following is not None))
            ctx.set(dut.origin, 0 if following is None else following)
            await ctx.tick()
            ctx.set(dut.start, 0)
            if advance:
                return

    simulate(dut, bench)
