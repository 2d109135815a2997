# amaranth: UnusedElaboratable=no
"""An addition follows its multiplication by a fixed number of cycles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kit import STALLS, simulate

from naas_hw.rtl.array.accumulation import Accumulation


@dataclass(frozen=True)
class Multiplication:
    """What compute says of one, as far as the accumulators are concerned."""

    address: int
    half: int
    first: int


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize(
    ("words", "lanes", "latency"), [(1, 1, 2), (8, 1, 5), (6, 2, 4), (4, 8, 7)]
)
def test_it_equals_a_delayed_list(words: int, lanes: int, latency: int, stalls: str) -> None:
    """The same number is often used twice or more in a row."""
    rng = np.random.default_rng(words * lanes)
    dut = Accumulation(words=words, lanes=lanes, latency=latency)
    pauses = iter(STALLS[stalls]())
    given: list[Multiplication | None] = []
    for _ in range(200):
        change = rng.random() < 0.5 or not any(given)
        last = next((one for one in reversed(given) if one), Multiplication(0, 0, 0))
        address = int(rng.integers(words * lanes)) if change else last.address
        half = int(rng.integers(2)) if change else last.half
        one = Multiplication(address, half, int(rng.integers(2)))
        given.append(None if next(pauses) else one)

    async def bench(ctx: Any) -> None:
        port = dut.multiplication
        for cycle in range(len(given) + latency):
            one = given[cycle] if cycle < len(given) else None
            ctx.set(port.valid, int(one is not None))
            if one is not None:
                ctx.set(port.accumulator_address, one.address)
                ctx.set(port.half, one.half)
                ctx.set(port.first, one.first)
            if cycle >= latency - 1:
                check(ctx, cycle - (latency - 1))
            await ctx.tick()

    def check(ctx: Any, cycle: int) -> None:
        one = given[cycle] if cycle < len(given) else None
        before = given[cycle - 1] if cycle else None
        if one is None:
            assert ctx.get(dut.addition.access) == 0
            return
        assert ctx.get(dut.addition.access) == 1 << one.half * lanes + one.address % lanes
        assert ctx.get(dut.addition.address) == one.address // lanes
        assert ctx.get(dut.addition.begins) == one.first
        is_same = before is not None and (before.address, before.half) == (one.address, one.half)
        assert ctx.get(dut.addition.repeats) == is_same

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"words": 0, "lanes": 1, "latency": 2}, "words must be at least 1, not 0"),
        ({"words": 1, "lanes": 3, "latency": 2}, "lanes must be a power of two, not 3"),
        ({"words": 1, "lanes": 1, "latency": 1}, "latency must be at least 2, not 1"),
    ],
)
def test_init_wrong_value(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Accumulation(**parameters)
