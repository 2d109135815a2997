# amaranth: UnusedElaboratable=no
"""A table of int32: read, add or keep the larger, write; what is in flight is forwarded."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from additions import Addition, present, random_places
from kit import simulate

from naas_hw.rtl.array.accumulator import Accumulator
from naas_hw.rtl.array.signatures import zero_address

SUM_BITS = 20
LIMIT = 1 << (SUM_BITS - 1)


def totals_of(additions: list[Addition | None], maximum: bool | None) -> list[int | None]:
    """The number after each addition, as 32 bits."""
    numbers: dict[int, int] = {}
    totals: list[int | None] = []
    for one in additions:
        if one is None:
            totals.append(None)
            continue
        old = numbers.get(one.place, 0)
        kept = max(old, one.sum) if maximum else (old + one.sum + 2**31) % 2**32 - 2**31
        numbers[one.place] = one.sum if one.begins else kept
        totals.append(numbers[one.place] % 2**32)
    return totals


def run(dut: Accumulator, additions: list[Addition | None], **settings: int) -> list[int | None]:
    """The total that is written after each addition; None where none is."""
    written: list[int | None] = []

    async def bench(ctx: Any) -> None:
        for name, value in settings.items():
            ctx.set(getattr(dut, name), value)
        for now in range(-3, len(additions) + 1):
            present(ctx, dut.addition, additions, now, dut.zero)
            one = additions[now] if 0 <= now < len(additions) else None
            ctx.set(dut.sum, 0 if one is None else one.sum)
            if now >= 1:
                written.append(ctx.get(dut.total) if ctx.get(dut.writes) else None)
            await ctx.tick()

    simulate(dut, bench)
    return written


@pytest.mark.parametrize(("words", "lanes"), [(1, 1), (8, 1), (3, 4)])
@pytest.mark.parametrize("maximum", [None, False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_a_table_of_int32(
    words: int, lanes: int, seed: int, maximum: bool | None
) -> None:
    """`maximum` : whether the layer keeps the larger number; None: the hardware cannot."""
    dut = Accumulator(words=words, lanes=lanes, sum_bits=SUM_BITS, maximum=maximum is not None)
    rng = np.random.default_rng(seed)
    half = dut.zero - words * lanes
    places = [*range(words * lanes), *range(half, half + words * lanes)]
    additions = [
        one and replace(one, sum=int(rng.integers(-LIMIT, LIMIT)))
        for one in random_places(rng, places, 300)
    ]
    settings = {} if maximum is None else {"maximum": int(maximum)}
    assert run(dut, additions, used=1, **settings) == totals_of(additions, maximum)


def test_sums_wrap_as_int32_does() -> None:
    """int32 wraps, so no order of additions changes a bit."""
    largest = (1 << 31) - 1
    additions: list[Addition | None] = [
        Addition(place=0, begins=int(n == 0), sum=largest) for n in range(3)
    ]
    found = run(Accumulator(words=1, lanes=1, sum_bits=32), additions, used=1)
    assert found == [largest, 2 * largest, 3 * largest % (1 << 32)]


def test_what_is_not_used_writes_nothing() -> None:
    additions: list[Addition | None] = [Addition(place=0, begins=1, sum=5)] * 4
    assert run(Accumulator(words=2, lanes=1, sum_bits=32), additions, used=0) == [None] * 4


def test_zero_is_written_after_a_reset() -> None:
    """In the first cycle; in no other one without an addition."""
    dut = Accumulator(words=2, lanes=1, sum_bits=32)
    seen: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        for _ in range(4):
            seen.append((ctx.get(dut.writes), ctx.get(dut.total)))
            await ctx.tick()

    simulate(dut, bench)
    assert seen[0] == (1, 0) and [writes for writes, _ in seen[1:]] == [0, 0, 0]


@pytest.mark.parametrize(
    ("words", "lanes", "address"), [(1, 1, 2), (8, 1, 16), (3, 1, 7), (3, 4, 28)]
)
def test_the_word_that_is_zero_is_behind_both_halves(words: int, lanes: int, address: int) -> None:
    assert zero_address(words=words, lanes=lanes) == address


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": 0}, "words must be at least 1, not 0"),
        ({"lanes": 3}, "lanes must be a power of two, not 3"),
        ({"sum_bits": 0}, "sum_bits must be 1 to 32, not 0"),
        ({"sum_bits": 33}, "sum_bits must be 1 to 32, not 33"),
    ],
)
def test_init_wrong_value(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Accumulator(**({"words": 4, "lanes": 1, "sum_bits": 20} | changes))
