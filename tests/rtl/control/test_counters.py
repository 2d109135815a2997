# amaranth: UnusedElaboratable=no
"""The counters count what a plain model counts, and stop half way."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.control import counters
from naas_hw.rtl.control.counters import (
    COUNTER_BITS,
    COUNTERS,
    L2_PORTS,
    RESIDUAL_PORT,
    Counters,
    CounterSignature,
)

FLAGS = (
    "computing",
    "waits",
    "waits_for_drain",
    "has_step",
    "fill_waits",
    "fill_finished",
    "drain_waits_for_store",
    "drain_waits_for_load",
    "drain_busy",
    "dram_read",
    "dram_write",
)
ALL_PORTS = (*L2_PORTS, RESIDUAL_PORT)
READS = ("weights", "inputs", "sums", "store", RESIDUAL_PORT)


def cause_of(now: dict[str, int]) -> str | None:
    """Golden model of the stalls: what the next cycle of compute is lost to, if it is."""
    if not (now["go"] or now["in_layer"]) or not now["waits"]:
        return None
    if now["go"]:
        return "stall_load"
    if now["fill_finished"] and not now["has_step"]:
        return "stall_drain" if now["drain_busy"] else "stall_store"
    if not now["waits_for_drain"]:
        return "stall_load" if now["fill_waits"] and not now["has_step"] else "stall_fill"
    if now["drain_waits_for_store"]:
        return "stall_store"
    return "stall_load" if now["drain_waits_for_load"] else "stall_drain"


def gains(now: dict[str, int]) -> dict[str, int]:
    """Golden model: what each counter gains by a cycle; the one after the start counts for two."""
    l2 = {name: now["l2"] >> i & 1 for i, name in enumerate(ALL_PORTS)}
    gain = dict.fromkeys(COUNTERS, 0) | {
        "cycles": 1 + now["start"],
        "active": now["in_layer"] & now["computing"],
        "descriptor": 2 if now["start"] else int(not now["in_layer"] and not now["go"]),
        "l2_reads": sum(l2[name] for name in READS),
        "l2_writes": l2["load"] + l2["drain"],
        "dram_reads": now["dram_read"],
        "dram_writes": now["dram_write"],
    }
    cause = cause_of(now)
    if cause is not None:
        gain[cause] += 1
    return gain


def drive(
    ctx: Any, dut: Counters, rng: np.random.Generator, *, start: bool = False
) -> dict[str, int]:
    now = {name: int(rng.integers(2)) for name in FLAGS} | {"start": int(start)}
    now["l2"] = int(rng.integers(1 << len(dut.l2_ports)))
    now["go"] = int(rng.random() < 0.1)
    now["in_layer"] = int(not now["go"] and rng.random() < 0.8)
    for name, value in now.items():
        ctx.set(dut.l2.as_value() if name == "l2" else getattr(dut, name), value)
    return now


async def read(ctx: Any, dut: Counters) -> dict[str, int]:
    """All counts, each in its turn."""
    found = {}
    for _ in COUNTERS:
        found[COUNTERS[ctx.get(dut.counts.turn)]] = ctx.get(dut.counts.count)
        await ctx.tick()
    assert set(found) == set(COUNTERS), "each has a turn"
    return {name: found[name] for name in COUNTERS}


@pytest.mark.parametrize("ports", [L2_PORTS, ALL_PORTS], ids=["", "residual"])
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_the_model(seed: int, ports: tuple[str, ...]) -> None:
    """Two runs; a run begins with `start`, and its cycles count from there on."""
    rng = np.random.default_rng(seed)
    dut = Counters(ports)

    async def bench(ctx: Any) -> None:
        for length in (60, 25):
            expected = dict.fromkeys(COUNTERS, 0)
            for cycle in range(length):
                ctx.set(dut.busy, cycle > 0)
                for name, gain in gains(drive(ctx, dut, rng, start=cycle == 0)).items():
                    expected[name] += gain
                await ctx.tick()
            ctx.set(dut.busy, 0)
            await ctx.tick().repeat(2)
            assert await read(ctx, dut) == expected, f"seed {seed}"
            drive(ctx, dut, rng)
            await ctx.tick().repeat(3)
            assert await read(ctx, dut) == expected, f"seed {seed}: nothing counts between runs"

    simulate(dut, bench)


@pytest.mark.parametrize("seed", range(2))
def test_a_count_is_exact_in_each_of_its_turns(seed: int) -> None:
    """It holds all cycles but the latest three, and begins anew with a run that follows at once."""
    rng = np.random.default_rng(seed)
    dut = Counters(ALL_PORTS)

    async def bench(ctx: Any) -> None:
        for length in (100, 37):
            history = [dict.fromkeys(COUNTERS, 0)]
            for cycle in range(length):
                ctx.set(dut.busy, cycle > 0)
                gain = gains(drive(ctx, dut, rng, start=cycle == 0))
                if cycle > 2:
                    name = COUNTERS[ctx.get(dut.counts.turn)]
                    assert ctx.get(dut.counts.count) == history[cycle - 2][name], (cycle, name)
                history.append({name: history[-1][name] + gain[name] for name in COUNTERS})
                await ctx.tick()

    simulate(dut, bench)


def test_a_counter_stands_still_when_its_highest_bit_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is set in the first turn with at least half of the range, and the count stays that."""
    monkeypatch.setattr(counters, "COUNTER_BITS", 7)
    dut = Counters()
    cycles = COUNTERS.index("cycles")
    shown = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ctx.set(dut.busy, 1)
        for _ in range(200):
            await ctx.tick()
            if ctx.get(dut.counts.turn) == cycles:
                shown.append(ctx.get(dut.counts.count))

    simulate(dut, bench)
    last = next(count for count in shown if count >= 64)
    assert shown[0] < last < 64 + len(COUNTERS)
    assert shown[shown.index(last) :] == [last] * (len(shown) - shown.index(last))


def test_every_cycle_of_a_layer_has_one_cause() -> None:
    """Where compute works or waits in each cycle, causes and work add up to the cycles."""
    for bits in range(1 << 8):
        names = ("has_step", "waits_for_drain", *FLAGS[4:9], "go")
        now = {name: bits >> i & 1 for i, name in enumerate(names)} | {"waits": 1, "l2": 0}
        now |= {
            "start": 0,
            "in_layer": 1 - now["go"],
            "computing": 0,
            "dram_read": 0,
            "dram_write": 0,
        }
        assert sum(gain for name, gain in gains(now).items() if name.startswith("stall_")) == 1


def test_a_signature_of_counters_is_that_of_its_names() -> None:
    assert CounterSignature(("a", "b")) == CounterSignature(["a", "b"])
    assert CounterSignature(("a", "b")) != CounterSignature(("b", "a"))
    assert len(CounterSignature(("a",)).create().count) == COUNTER_BITS
    assert len(CounterSignature(COUNTERS).create().turn) == (len(COUNTERS) - 1).bit_length()
    assert repr(CounterSignature(("a",))) == "CounterSignature(('a',))"
    assert COUNTER_BITS < 64
