"""Two banks of int32 that wrap: read, add, write, with the word in flight forwarded."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naas_hw.rtl.accumulator import Accumulator

sys.path.insert(0, str(Path(__file__).parent))
from component_bench import simulate  # noqa: E402

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
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_arrays_of_int32(words: int, lanes: int, seed: int) -> None:
    """Four runs, ping and pong in turn; each is drained while the next accumulates."""
    dut = Accumulator(words=words, lanes=lanes, sum_bits=SUM_BITS)
    rng = np.random.default_rng(seed)
    held = np.zeros((2, words, lanes), np.int64)

    async def bench(ctx: Any) -> None:
        before: tuple[int, Operation] | None = None  # read in the cycle before this one
        written: tuple[int, int] | None = None  # half and address written in the cycle before
        for run in range(4):
            half = run % 2
            final = held[1 - half].copy()
            asked: int | None = None
            for operation in [*random_operations(rng, words, lanes, 80), None, None]:
                if asked is not None:
                    word = ctx.get(dut.drain_word)
                    found = [word >> 32 * lane & 0xFFFFFFFF for lane in range(lanes)]
                    assert found == [int(v) % (1 << 32) for v in final[asked]]
                written = step(ctx, before, written)
                before = present(ctx, half, operation)
                asked = int(rng.integers(words)) if run and rng.random() < 0.5 else None
                ctx.set(dut.drain_read, int(asked is not None))
                ctx.set(dut.drain_half, 1 - half)
                ctx.set(dut.drain_address, asked or 0)
                await ctx.tick()

    def present(ctx: Any, half: int, operation: Operation | None) -> tuple[int, Operation] | None:
        ctx.set(dut.read, int(operation is not None))
        ctx.set(dut.read_half, half)
        if operation is None:
            return None
        ctx.set(dut.read_address, operation[0])
        return half, operation

    def step(
        ctx: Any, before: tuple[int, Operation] | None, written: tuple[int, int] | None
    ) -> tuple[int, int] | None:
        ctx.set(dut.step.write, int(before is not None))
        if before is None:
            return None
        half, (address, lane, first, number) = before
        ctx.set(dut.step.half, half)
        ctx.set(dut.step.first, first)
        ctx.set(dut.step.forward, int(written == (half, address)))
        ctx.set(dut.write_address, address)
        ctx.set(dut.lane, lane)
        ctx.set(dut.sum, number)
        held[half, address, lane] = (0 if first else held[half, address, lane]) + number
        return half, address

    simulate(dut, bench)


def test_sums_wrap_as_int32_does() -> None:
    """int32 wraps, so no order of additions changes a bit."""
    dut = Accumulator(words=1, lanes=1, sum_bits=32)
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.step.write, 1)
        ctx.set(dut.sum, (1 << 31) - 1)
        for first in (1, 0, 0):
            ctx.set(dut.step.first, first)
            ctx.set(dut.step.forward, 1 - first)
            await ctx.tick()
        ctx.set(dut.step.write, 0)
        ctx.set(dut.drain_read, 1)
        await ctx.tick()
        results.append(ctx.get(dut.drain_word))

    simulate(dut, bench)
    assert results == [3 * ((1 << 31) - 1) % (1 << 32)]
