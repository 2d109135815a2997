# amaranth: UnusedElaboratable=no
"""The tree is a sum without overflow, one a cycle, after `tree_cycles`."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import tree_cycles
from naas_hw.rtl.array.adder_tree import AdderTree


@pytest.mark.parametrize(("num_inputs", "width"), [(1, 16), (2, 16), (3, 5), (8, 16), (17, 9)])
def test_it_equals_sum(num_inputs: int, width: int) -> None:
    """Random numbers, and all at either end of their range."""
    dut = AdderTree(num_inputs=num_inputs, width=width)
    rng = np.random.default_rng(num_inputs)
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    vectors = [[low] * num_inputs, [high] * num_inputs]
    vectors += [[int(v) for v in rng.integers(low, high + 1, num_inputs)] for _ in range(100)]
    latency = tree_cycles(num_inputs)
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(len(vectors) + latency):
            for k, value in enumerate(vectors[min(cycle, len(vectors) - 1)]):
                ctx.set(dut.i[k], value)
            if cycle >= latency:
                results.append(ctx.get(dut.o))
            await ctx.tick()

    simulate(dut, bench)
    assert results == [sum(vector) for vector in vectors]


def test_init_wrong_number() -> None:
    with pytest.raises(ValueError, match=r"^num_inputs must be at least 1, not 0$"):
        AdderTree(num_inputs=0, width=16)


def test_init_wrong_width() -> None:
    with pytest.raises(ValueError, match=r"^width must be at least 1, not 0$"):
        AdderTree(num_inputs=2, width=0)
