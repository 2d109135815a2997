# amaranth: UnusedElaboratable=no
"""Two banks of int32: read, add or keep the larger, write; the word in flight is forwarded."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.array.accumulator import Accumulator

SUM_BITS = 20
Operation = tuple[int, int, int, int]  # address, lane, first, sum


def random_operations(
    rng: np.random.Generator, words: int, lanes: int, number: int
) -> list[Operation | None]:
    """The same address often twice or more in a row; None: a cycle without work."""
    operations: list[Operation | None] = []
    touched: set[tuple[int, int]] = set()
    place = (0, 0)
    for _ in range(number):
        if rng.random() < 0.15:
            operations.append(None)
            continue
        if rng.random() < 0.5:
            place = int(rng.integers(words)), int(rng.integers(lanes))
        first = int(place not in touched or rng.random() < 0.05)
        touched.add(place)
        limit = 1 << (SUM_BITS - 1)
        operations.append((*place, first, int(rng.integers(-limit, limit))))
    return operations


@pytest.mark.parametrize(("words", "lanes"), [(1, 1), (8, 1), (4, 4)])
@pytest.mark.parametrize("maximum", [None, False, True])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_arrays_of_int32(words: int, lanes: int, seed: int, maximum: bool | None) -> None:
    """Four runs, ping and pong in turn; each is drained while the next accumulates.

    `maximum` : whether the layer keeps the larger number; None: the hardware cannot.
    """
    dut = Accumulator(words=words, lanes=lanes, sum_bits=SUM_BITS, maximum=maximum is not None)
    rng = np.random.default_rng(seed)
    held = np.zeros((2, words, lanes), np.int64)
    counted, expected = np.zeros(2, np.int64), np.zeros(2, np.int64)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.used, 1)
        if maximum is not None:
            ctx.set(dut.maximum, maximum)
        place: tuple[int, ...] | None = None  # of the step whose sum is due in this cycle
        for run in range(4):
            half = run % 2
            final = held[1 - half].copy()
            asked: tuple[int, int] | None = None
            for operation in [*random_operations(rng, words, lanes, 80), None, None]:
                if asked is not None:
                    assert lanes_of(ctx.get(dut.drain.word)) == drained(final, *asked)
                place = step(ctx, half, operation, place)
                asked = None
                if run and rng.random() < 0.5:
                    asked = int(rng.integers(words)), int(rng.integers(1, 1 << lanes))
                address, mask = asked or (0, 0)
                ctx.set(dut.drain.access, mask << lanes * (1 - half))
                ctx.set(dut.drain.address, address)
                expected[0] += mask.bit_count()
                counted[:] += ctx.get(dut.reads).bit_count(), ctx.get(dut.writes)
                await ctx.tick()

    def lanes_of(word: int) -> list[int]:
        return [word >> 32 * lane & 0xFFFFFFFF for lane in range(lanes)]

    def drained(final: np.ndarray, address: int, mask: int) -> list[int]:
        values = [int(value) % (1 << 32) for value in final[address]]
        return [value if mask >> lane & 1 else 0 for lane, value in enumerate(values)]

    def step(
        ctx: Any, half: int, operation: Operation | None, before: tuple[int, ...] | None
    ) -> tuple[int, ...] | None:
        """Present a step; the sum that belongs to it is due in the next cycle."""
        ctx.set(dut.sum, 0 if before is None else before[-1])
        if operation is None:
            ctx.set(dut.addition.access, 0)
            return None
        address, lane, first, number = operation
        ctx.set(dut.addition.access, 1 << half * lanes + lane)
        ctx.set(dut.addition.address, address)
        ctx.set(dut.addition.begins, first)
        ctx.set(
            dut.addition.repeats, int(before is not None and before[:3] == (half, address, lane))
        )
        old = int(held[half, address, lane])
        kept = max(old, number) if maximum else old + number
        held[half, address, lane] = number if first else kept
        expected[:] += 1 - first, 1
        return half, address, lane, number

    simulate(dut, bench)
    np.testing.assert_array_equal(counted, expected)


def test_sums_wrap_as_int32_does() -> None:
    """int32 wraps, so no order of additions changes a bit."""
    dut = Accumulator(words=1, lanes=1, sum_bits=32)
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.used, 1)
        ctx.set(dut.sum, (1 << 31) - 1)
        ctx.set(dut.addition.access, 1)
        for first in (1, 0, 0):
            ctx.set(dut.addition.begins, first)
            ctx.set(dut.addition.repeats, 1 - first)
            await ctx.tick()
        ctx.set(dut.addition.access, 0)
        await ctx.tick()
        ctx.set(dut.drain.access, 1)
        await ctx.tick()
        results.append(ctx.get(dut.drain.word))

    simulate(dut, bench)
    assert results == [3 * ((1 << 31) - 1) % (1 << 32)]


def test_what_is_not_used_stays_silent() -> None:
    """No access, no write, and zero for drain."""
    dut = Accumulator(words=2, lanes=1, sum_bits=32)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.sum, 5)
        ctx.set(dut.addition.begins, 1)
        ctx.set(dut.addition.access, 1)
        ctx.set(dut.drain.access, 2)
        for _ in range(4):
            assert not ctx.get(dut.reads) and not ctx.get(dut.writes)
            await ctx.tick()
            assert ctx.get(dut.drain.word) == 0

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": 0}, "words must be at least 1, not 0"),
        ({"lanes": 0}, "lanes must be at least 1, not 0"),
        ({"sum_bits": 0}, "sum_bits must be 1 to 32, not 0"),
        ({"sum_bits": 33}, "sum_bits must be 1 to 32, not 33"),
    ],
)
def test_init_wrong_value(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Accumulator(**({"words": 4, "lanes": 1, "sum_bits": 20} | changes))
