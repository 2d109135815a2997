# amaranth: UnusedElaboratable=no
"""The queue is a `deque` whose head is there a cycle after it was pushed."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.primitives.queue import Queue


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("width", "depth", "reserve"), [(1, 1, 1), (9, 2, 1), (40, 8, 3)])
def test_it_equals_a_deque(seed: int, width: int, depth: int, reserve: int) -> None:
    """Random pushes and pops, stalls on both sides, a clear now and then."""
    dut = Queue(width=width, depth=depth, reserve=reserve)
    rng = np.random.default_rng(seed)

    async def bench(ctx: Any) -> None:
        held: deque[int] = deque()
        eager = 0.5
        for cycle in range(600):
            if cycle % 50 == 0:
                eager = float(rng.choice([0.1, 0.5, 0.9]))
            assert ctx.get(dut.valid) == bool(held)
            assert ctx.get(dut.room) == (depth - len(held) >= reserve)
            if held:
                assert ctx.get(dut.head) == held[0]
            push = int(len(held) < depth and rng.random() < eager)
            pop = int(bool(held) and rng.random() < 1 - eager)
            clear = int(rng.random() < 0.01)
            entry = int(rng.integers(1 << width))
            for port, value in ((dut.push, push), (dut.pop, pop), (dut.clear, clear)):
                ctx.set(port, value)
            ctx.set(dut.entry, entry)
            await ctx.tick()
            if pop:
                held.popleft()
            if push:
                held.append(entry)
            if clear:
                held.clear()

    simulate(dut, bench)


def test_init_wrong_depth() -> None:
    with pytest.raises(ValueError, match="depth must be a power of two, not 6"):
        Queue(width=8, depth=6)
