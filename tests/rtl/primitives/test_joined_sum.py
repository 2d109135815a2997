# amaranth: UnusedElaboratable=no
"""The sum of a number and of the OR of two others, in a register."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.primitives.joined_sum import JoinedSum


@pytest.mark.parametrize("width", [1, 2, 7, 32])
def test_it_equals_the_sum(width: int) -> None:
    dut = JoinedSum(width=width)
    rng = np.random.default_rng(width)
    seen: list[int] = []
    wanted: list[int] = []

    async def bench(ctx: Any) -> None:
        for _ in range(400):
            a, b, c = (int(number) for number in rng.integers(1 << width, size=3))
            clear = int(rng.random() < 0.1)
            for port, value in ((dut.a, a), (dut.b, b), (dut.c, c), (dut.clear, clear)):
                ctx.set(port, value)
            await ctx.tick()
            seen.append(ctx.get(dut.o))
            wanted.append(0 if clear else (a + (b | c)) % (1 << width))

    simulate(dut, bench)
    assert seen == wanted


def test_init_wrong_value() -> None:
    with pytest.raises(ValueError, match="^width must be at least 1, not 0$"):
        JoinedSum(width=0)
