# amaranth: UnusedElaboratable=no
"""The copies that drain reads are an array of int32 for each of their accumulators."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import MEMORY_LATENCY
from naas_hw.rtl.array.drain_memory import DrainMemory


@pytest.mark.parametrize(("words", "lanes"), [(1, 1), (5, 1), (4, 2), (3, 4), (1, 8)])
@pytest.mark.parametrize("seed", range(2))
def test_it_equals_arrays_of_int32(words: int, lanes: int, seed: int) -> None:
    """One half is written by all members at a time, the other one is read, a lane from each."""
    rng = np.random.default_rng(seed)
    dut = DrainMemory(words=words, lanes=lanes)
    numbers = words * lanes
    half_place = dut.zero - numbers
    table = np.zeros((2, lanes, numbers), np.int64)
    asked: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        await write_zero(ctx)
        for run in range(4):
            half = run % 2
            final = table[1 - half].copy()
            for _ in range(40):
                write(ctx, half)
                read(ctx, 1 - half, final)
                if len(asked) > MEMORY_LATENCY:
                    check(ctx, asked[-1 - MEMORY_LATENCY])
                await ctx.tick()

    members: list[int] = [0] * MEMORY_LATENCY

    async def write_zero(ctx: Any) -> None:
        ctx.set(dut.writes, (1 << lanes) - 1)
        ctx.set(dut.write_address, dut.zero)
        for total in range(lanes):
            ctx.set(dut.totals[total], 0)
        await ctx.tick()

    def write(ctx: Any, half: int) -> None:
        place = int(rng.integers(numbers))
        writes = rng.random(lanes) < 0.7
        ctx.set(dut.write_address, half * half_place + place)
        ctx.set(dut.writes, sum(1 << g for g in np.flatnonzero(writes).tolist()))
        for member in range(lanes):
            total = int(rng.integers(1 << 32))
            ctx.set(dut.totals[member], total)
            if writes[member]:
                table[half, member, place] = total

    def read(ctx: Any, half: int, final: np.ndarray) -> None:
        member, word = int(rng.integers(lanes)), int(rng.integers(words))
        selected = int(rng.random() < 0.7)
        ctx.set(dut.select, selected)
        ctx.set(dut.member, member)
        ctx.set(dut.half, half)
        ctx.set(dut.address, word)
        wanted = final[member, word * lanes : (word + 1) * lanes].tolist()
        asked.append(wanted if selected else [0] * lanes)
        members.append(member)

    def check(ctx: Any, wanted: list[int]) -> None:
        member = members[-1 - MEMORY_LATENCY]
        assert [ctx.get(dut.words[lane ^ member]) for lane in range(lanes)] == wanted

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"words": 0, "lanes": 1}, "words must be at least 1, not 0"),
        ({"words": 1, "lanes": 3}, "lanes must be a power of two, not 3"),
    ],
)
def test_init_wrong_value(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        DrainMemory(**parameters)
