# amaranth: UnusedElaboratable=no
"""What was given can be taken after the distance, and not before."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.primitives.credit import Credit, CreditSignature

MOST = 7


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("initial", "distance"), [(0, 1), (2, 1), (0, 3), (2, 4)])
def test_it_equals_a_count_with_a_delay(seed: int, initial: int, distance: int) -> None:
    """Random gifts and takings, in the same cycle too."""
    dut = Credit(initial=initial, distance=distance)
    rng = np.random.default_rng(seed)

    async def bench(ctx: Any) -> None:
        count, coming = initial, [0] * (distance - 1)
        for _ in range(400):
            assert ctx.get(dut.available) == (count > 0)
            give = int(count + sum(coming) < MOST and rng.random() < 0.4)
            take = int(count > 0 and rng.random() < 0.6)
            ctx.set(dut.i.give, give)
            ctx.set(dut.take, take)
            await ctx.tick()
            coming.append(give)
            count += coming.pop(0) - take

    simulate(dut, bench)


def test_init_wrong_distance() -> None:
    with pytest.raises(ValueError, match="^distance must be at least 1, not 0$"):
        Credit(initial=0, distance=0)


@pytest.mark.parametrize("initial", [-1, 4])
def test_init_wrong_initial(initial: int) -> None:
    message = f"^initial must be at least 0 and below 4, not {initial}$"
    with pytest.raises(ValueError, match=message):
        Credit(initial=initial, distance=1, width=2)


def test_all_interfaces_of_credits_are_equal() -> None:
    assert CreditSignature() == CreditSignature()
    assert CreditSignature() != CreditSignature().flip()
    assert repr(CreditSignature()) == "CreditSignature()"
