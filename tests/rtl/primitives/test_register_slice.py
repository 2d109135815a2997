# amaranth: UnusedElaboratable=no
"""A register slice is a queue of two, whose outputs are registers."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from amaranth.lib import data
from kit import STALLS, receiver, sender, simulate

from naas_hw.rtl.primitives.register_slice import RegisterSlice

PAIR = data.StructLayout({"left": 3, "right": 5})


@pytest.mark.parametrize("seed", range(3))
def test_it_equals_a_queue_of_two(seed: int) -> None:
    """In every cycle, with inputs that may be withdrawn."""
    dut = RegisterSlice(shape=8)
    rng = np.random.default_rng(seed)

    async def bench(ctx: Any) -> None:
        held: deque[int] = deque()
        for _ in range(600):
            assert ctx.get(dut.o.valid) == bool(held)
            assert ctx.get(dut.i.ready) == (len(held) < 2)
            if held:
                assert ctx.get(dut.o.payload) == held[0]
            valid, ready, payload = (int(rng.integers(most)) for most in (2, 2, 256))
            ctx.set(dut.i.valid, valid)
            ctx.set(dut.i.payload, payload)
            ctx.set(dut.o.ready, ready)
            await ctx.tick()
            is_taken = valid and len(held) < 2
            if ready and held:
                held.popleft()
            if is_taken:
                held.append(payload)

    simulate(dut, bench)


@pytest.mark.parametrize("stalls_before", STALLS)
@pytest.mark.parametrize("stalls_behind", STALLS)
def test_what_is_sent_is_received(stalls_before: str, stalls_behind: str) -> None:
    dut = RegisterSlice(shape=8)
    received: list[int] = []
    simulate(
        dut,
        sender(dut.i, range(100), STALLS[stalls_before]()),
        receiver(dut.o, received, 100, STALLS[stalls_behind]()),
    )
    assert received == list(range(100))


def test_it_takes_any_shape() -> None:
    assert RegisterSlice(shape=PAIR).parameters == RegisterSlice(shape=PAIR).parameters
    assert RegisterSlice(shape=PAIR).parameters != RegisterSlice(shape=8).parameters
