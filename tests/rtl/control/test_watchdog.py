# amaranth: UnusedElaboratable=no
"""The watchdog expires after its limit, and only while something runs."""

from typing import Any

import pytest
from kit import simulate

from naas_hw.arch import timing
from naas_hw.rtl.control.watchdog import Watchdog

UNIT = timing.WATCHDOG_UNIT


async def restart(ctx: Any, dut: Watchdog, limit: int) -> None:
    ctx.set(dut.limit, limit)
    ctx.set(dut.busy, 1)
    ctx.set(dut.restart, 1)
    await ctx.tick()
    ctx.set(dut.restart, 0)
    ctx.set(dut.limit, 0)  # taken at the restart


async def cycles_to_expiry(ctx: Any, dut: Watchdog, most: int) -> int | None:
    """From the restart on; None if it does not expire."""
    for cycle in range(1, most):
        if ctx.get(dut.expired):
            return cycle
        await ctx.tick()
    return None


@pytest.mark.parametrize("limit", [1, 2])
def test_it_expires_after_its_limit_and_stays(limit: int) -> None:
    dut = Watchdog()

    async def bench(ctx: Any) -> None:
        await restart(ctx, dut, limit)
        assert await cycles_to_expiry(ctx, dut, 3 * UNIT) == limit * UNIT + 3
        await ctx.tick().repeat(10)
        assert ctx.get(dut.expired)
        ctx.set(dut.busy, 0)
        await ctx.tick()
        assert not ctx.get(dut.expired)
        await ctx.tick().repeat(5)
        ctx.set(dut.busy, 1)  # without a restart nothing is counted
        assert await cycles_to_expiry(ctx, dut, 2 * UNIT) is None

    simulate(dut, bench)


def test_a_restart_begins_anew() -> None:
    """In the midst of a count, and when it has expired."""
    dut = Watchdog()

    async def bench(ctx: Any) -> None:
        await restart(ctx, dut, 1)
        await ctx.tick().repeat(UNIT - 2)
        for _ in range(2):
            await restart(ctx, dut, 1)
            assert await cycles_to_expiry(ctx, dut, 3 * UNIT) == UNIT + 3

    simulate(dut, bench)


def test_a_limit_of_zero_never_expires() -> None:
    dut = Watchdog()

    async def bench(ctx: Any) -> None:
        await restart(ctx, dut, 0)
        assert await cycles_to_expiry(ctx, dut, 3 * UNIT) is None

    simulate(dut, bench)


def test_the_largest_limit_fits_its_counter() -> None:
    """12 hours at 100 MHz."""
    dut = Watchdog()

    async def bench(ctx: Any) -> None:
        await restart(ctx, dut, (1 << 32) - 1)
        assert await cycles_to_expiry(ctx, dut, UNIT) is None

    simulate(dut, bench)
