# amaranth: UnusedElaboratable=no
"""Runs become bursts that cover them exactly, stay within 4 KiB, and follow without a gap."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.primitives.bursts import PAGE_BYTES, BurstSplitter

LONGEST = 256
Run = tuple[int, int, int]  # address, beats, tag
Burst = tuple[int, int, int, int]  # cycle, address, beats, final


def random_runs(rng: np.random.Generator, number: int) -> list[Run]:
    """Short and long ones, some that begin just below a border."""
    runs = []
    for _ in range(number):
        address = int(rng.integers(1 << 16))
        if rng.random() < 0.4:
            address = (address | 0x1FF) - int(rng.integers(4))
        beats = int(rng.choice([1, 2, 7, 128, 129, 256, 257, 1000]))
        runs.append((address, beats, int(rng.random() < 0.3)))
    return runs


def payload(address: int, beats: int, tag: int, beat_bytes: int) -> dict[str, int]:
    """A run as the splitter takes it."""
    return {
        "address": address,
        "end": address % min(LONGEST, PAGE_BYTES // beat_bytes) + beats,
        "is_last": tag,
    }


def split(
    runs: list[Run], beat_bytes: int, rng: np.random.Generator, offer: float, ready: float
) -> tuple[list[int], list[Burst]]:
    """Cycles in which runs are taken, and the bursts that come out."""
    dut = BurstSplitter(beat_bytes=beat_bytes)
    taken: list[int] = []
    bursts: list[Burst] = []

    async def bench(ctx: Any) -> None:
        waiting: tuple[int, int, int] | None = None
        for cycle in range(100_000):
            if len(taken) == len(runs) and not ctx.get(dut.o.valid):
                return
            offers = len(taken) < len(runs) and rng.random() < offer
            if offers:
                address, beats, tag = runs[len(taken)]
                ctx.set(dut.i.payload, payload(address, beats, tag, beat_bytes))
            ctx.set(dut.i.valid, int(offers))
            ctx.set(dut.o.ready, int(rng.random() < ready))
            burst = ctx.get(dut.o.payload)
            shown = burst.address, burst.length, burst.is_last
            if waiting is not None:
                assert ctx.get(dut.o.valid) and shown == waiting
            waiting = shown if ctx.get(dut.o.valid) and not ctx.get(dut.o.ready) else None
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                bursts.append((cycle, shown[0], shown[1] + 1, shown[2]))
            if offers and ctx.get(dut.i.ready):
                taken.append(cycle)
            await ctx.tick()
        raise AssertionError("the splitter must end, not go on")

    simulate(dut, bench)
    return taken, bursts


@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
@pytest.mark.parametrize(("seed", "offer", "ready"), [(0, 1.0, 1.0), (1, 0.3, 1.0), (2, 0.8, 0.4)])
def test_bursts_cover_each_run_and_no_more(
    beat_bytes: int, seed: int, offer: float, ready: float
) -> None:
    rng = np.random.default_rng(seed)
    runs = random_runs(rng, 40)
    _, bursts = split(runs, beat_bytes, rng, offer, ready)
    left = list(bursts)
    for address, beats, tag in runs:
        while beats:
            _, at, length, final = left.pop(0)
            assert at == address and 1 <= length <= min(beats, LONGEST)
            page = PAGE_BYTES // beat_bytes
            assert at // page == (at + length - 1) // page
            address, beats = address + length, beats - length
            assert final == (tag and not beats)
    assert not left


@pytest.mark.parametrize("seed", range(3))
def test_without_stalls_a_burst_leaves_in_every_cycle(seed: int) -> None:
    """Over the borders of runs too; the first address is there in the cycle after its run."""
    rng = np.random.default_rng(seed)
    taken, bursts = split(random_runs(rng, 30), 8, rng, 1.0, 1.0)
    cycles = [cycle for cycle, *_ in bursts]
    assert cycles[0] == taken[0] + 1
    assert cycles == list(range(cycles[0], cycles[0] + len(cycles)))


def test_of_a_cancelled_run_nothing_more_is_offered() -> None:
    """Runs that come while it is cancelled are forgotten, too; afterwards all goes on."""
    dut = BurstSplitter(beat_bytes=8)
    bursts = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i.payload, payload(0, 5000, 1, 8))
        ctx.set(dut.i.valid, 1)
        for cycle in range(20):
            ctx.set(dut.cancel, cycle >= 4)
            ctx.set(dut.o.ready, cycle == 2 or cycle > 10)
            if cycle > 4:
                assert not ctx.get(dut.o.valid)
            if ctx.get(dut.o.valid & dut.o.ready):
                bursts.append(ctx.get(dut.o.payload.address))
            await ctx.tick()
        ctx.set(dut.cancel, 0)
        assert ctx.get(dut.i.ready)

    simulate(dut, bench)
    assert bursts == [0]


@pytest.mark.parametrize("beat_bytes", [0, 12, 8192])
def test_init_wrong_beat_bytes(beat_bytes: int) -> None:
    message = f"^beat_bytes must be a power of two up to 4096, not {beat_bytes}$"
    with pytest.raises(ValueError, match=message):
        BurstSplitter(beat_bytes=beat_bytes)
