# amaranth: UnusedElaboratable=no
"""What comes out of the delay memory is what went in, some cycles before."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.memory.delay_memory import DelayMemory


@pytest.mark.parametrize("cycles", [2, 3, 7, 8])
def test_it_equals_a_list(cycles: int) -> None:
    print(f"seed {cycles}")
    rng = np.random.default_rng(cycles)
    dut = DelayMemory(width=20, cycles=cycles)
    numbers = rng.integers(1 << 20, size=50).tolist()
    found: list[int] = []

    async def bench(ctx: Any) -> None:
        for number in numbers:
            ctx.set(dut.i, number)
            found.append(ctx.get(dut.o))
            await ctx.tick()

    simulate(dut, bench)
    assert found[cycles:] == numbers[:-cycles]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "width must be at least 1, not 0"),
        ({"cycles": 1}, "cycles must be at least 2, not 1"),
    ],
)
def test_init_wrong_value(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        DelayMemory(**({"width": 8, "cycles": 4} | changes))
