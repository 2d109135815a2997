# amaranth: UnusedElaboratable=no
"""The queue is a `deque` whose head is there a cycle after it came."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from amaranth.lib import data
from kit import STALLS, receiver, sender, simulate

from naas_hw.rtl.primitives.queue import Queue

PAIR = data.StructLayout({"left": 3, "right": 5})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("width", "depth", "reserve"), [(1, 1, 1), (9, 2, 1), (40, 8, 3)])
def test_with_a_reserve_it_equals_a_deque(seed: int, width: int, depth: int, reserve: int) -> None:
    """Payloads come and go at random, with stalls on both sides."""
    dut = Queue(shape=width, depth=depth, reserve=reserve)
    rng = np.random.default_rng(seed)

    async def bench(ctx: Any) -> None:
        held: deque[int] = deque()
        gone = 0  # one that left in the cycle before takes its place for a cycle more
        eager = 0.5
        for cycle in range(600):
            if cycle % 50 == 0:
                eager = float(rng.choice([0.1, 0.5, 0.9]))
            assert ctx.get(dut.o.valid) == bool(held)
            assert ctx.get(dut.room) == (depth - len(held) - gone >= reserve)
            if held:
                assert ctx.get(dut.o.payload) == held[0]
            push = int(len(held) < depth and rng.random() < eager)
            ready = int(rng.random() < 1 - eager)
            payload = int(rng.integers(1 << width))
            for port, value in ((dut.i.valid, push), (dut.o.ready, ready)):
                ctx.set(port, value)
            ctx.set(dut.i.payload, payload)
            await ctx.tick()
            gone = int(ready and bool(held))
            if ready and held:
                held.popleft()
            if push:
                held.append(payload)

    simulate(dut, bench)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("stalls_before", STALLS)
@pytest.mark.parametrize("stalls_behind", STALLS)
def test_what_is_sent_is_received(depth: int, stalls_before: str, stalls_behind: str) -> None:
    """Without a reserve the input refuses what does not fit in."""
    dut = Queue(shape=8, depth=depth)
    received: list[int] = []
    simulate(
        dut,
        sender(dut.i, range(60), STALLS[stalls_before]()),
        receiver(dut.o, received, 60, STALLS[stalls_behind]()),
    )
    assert received == list(range(60))


@pytest.mark.parametrize("reserve", [0, 1, 3])
def test_a_payload_a_cycle(reserve: int) -> None:
    """Without stalls the first payload is there after a cycle, and one in each that follows."""
    dut = Queue(shape=8, depth=4, reserve=reserve)
    received = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.valid, 1)
        for cycle in range(20):
            ctx.set(dut.i.payload, cycle)
            _, _, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            received.append(payload if valid else None)

    simulate(dut, bench)
    assert received == [None, *range(19)]


def test_payloads_have_fields() -> None:
    dut = Queue(shape=PAIR, depth=2)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i.payload, {"left": 5, "right": 17})
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        assert ctx.get(dut.o.payload.left) == 5
        assert ctx.get(dut.o.payload.right) == 17

    simulate(dut, bench)


@pytest.mark.parametrize("depth", [0, 6])
def test_init_wrong_depth(depth: int) -> None:
    with pytest.raises(ValueError, match=f"^depth must be a power of two, not {depth}$"):
        Queue(shape=8, depth=depth)


@pytest.mark.parametrize("reserve", [-1, 5])
def test_init_wrong_reserve(reserve: int) -> None:
    with pytest.raises(ValueError, match=f"^reserve must be 0 to 4, not {reserve}$"):
        Queue(shape=8, depth=4, reserve=reserve)
