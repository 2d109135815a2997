# amaranth: UnusedElaboratable=no
"""The manager of DRAM joins its readers and its writer to AXI4, cycle by cycle."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.control.dram_master import DramMaster
from naas_hw.rtl.primitives.axi import CACHEABLE, INCREMENTING, LENGTH_BITS, Response

WINDOW = 0x89ABCDEF
PAGE_BYTES = 4096


def flag(rng: np.random.Generator) -> int:
    return int(rng.integers(2))


def drive_reads(ctx: Any, dut: DramMaster, rng: np.random.Generator) -> None:
    for reader in (dut.descriptors, dut.load):
        ctx.set(reader.ar.valid, flag(rng))
        ctx.set(reader.ar.address, int(rng.integers(1 << 30)))
        ctx.set(reader.ar.length, int(rng.integers(1 << LENGTH_BITS)))
        ctx.set(reader.r.ready, flag(rng))
    ctx.set(dut.m_axi.ar.ready, flag(rng))
    ctx.set(dut.m_axi.r.valid, flag(rng))
    ctx.set(dut.m_axi.r.data, int.from_bytes(rng.bytes(dut.beat_bytes), "little"))
    ctx.set(dut.m_axi.r.resp, int(rng.integers(4)))


def drive_writes(ctx: Any, dut: DramMaster, rng: np.random.Generator) -> None:
    ctx.set(dut.store.aw.valid, flag(rng))
    ctx.set(dut.store.aw.address, int(rng.integers(1 << 30)))
    ctx.set(dut.store.aw.length, int(rng.integers(1 << LENGTH_BITS)))
    ctx.set(dut.store.w.valid, flag(rng))
    ctx.set(dut.store.w.data, int.from_bytes(rng.bytes(dut.beat_bytes), "little"))
    ctx.set(dut.store.w.strobe, flag(rng))
    ctx.set(dut.store.w.last, flag(rng))
    ctx.set(dut.store.b.ready, flag(rng))
    ctx.set(dut.m_axi.aw.ready, flag(rng))
    ctx.set(dut.m_axi.w.ready, flag(rng))
    ctx.set(dut.m_axi.b.valid, flag(rng))
    ctx.set(dut.m_axi.b.resp, int(rng.integers(4)))


def byte_address(beat: int, beat_bytes: int, base: int) -> int:
    """Golden model of an address: within the window of 4 GiB, whatever base and beat."""
    return WINDOW << 32 | (base + beat * beat_bytes) % (1 << 32)


def check_reads(ctx: Any, dut: DramMaster, base: int) -> None:
    descriptors, load, bus = dut.descriptors, dut.load, dut.m_axi
    reader = descriptors if ctx.get(descriptors.ar.valid) else load
    assert ctx.get(bus.ar.valid) == ctx.get(reader.ar.valid)
    assert ctx.get(bus.ar.addr) == byte_address(ctx.get(reader.ar.address), dut.beat_bytes, base)
    assert ctx.get(bus.ar.len) == ctx.get(reader.ar.length)
    assert ctx.get(reader.ar.ready) == ctx.get(bus.ar.ready)
    if reader is descriptors:
        assert not ctx.get(load.ar.ready)
    taker = descriptors if ctx.get(descriptors.r.ready) else load
    is_error = ctx.get(bus.r.resp) != Response.OKAY
    assert ctx.get(taker.r.valid) == ctx.get(bus.r.valid)
    assert ctx.get(taker.r.data) == ctx.get(bus.r.data)
    assert ctx.get(taker.r.error) == is_error
    assert ctx.get(bus.r.ready) == ctx.get(taker.r.ready)
    if taker is descriptors:
        assert not ctx.get(load.r.valid)
    is_taken = taker is load and ctx.get(load.r.ready) and ctx.get(bus.r.valid)
    assert ctx.get(dut.read_error) == bool(is_taken and is_error)


def check_writes(ctx: Any, dut: DramMaster, base: int) -> None:
    store, bus = dut.store, dut.m_axi
    assert ctx.get(bus.aw.valid) == ctx.get(store.aw.valid)
    assert ctx.get(bus.aw.addr) == byte_address(ctx.get(store.aw.address), dut.beat_bytes, base)
    assert ctx.get(bus.aw.len) == ctx.get(store.aw.length)
    assert ctx.get(store.aw.ready) == ctx.get(bus.aw.ready)
    for name in ("valid", "data", "last"):
        assert ctx.get(getattr(bus.w, name)) == ctx.get(getattr(store.w, name))
    all_bytes = (1 << dut.beat_bytes) - 1
    assert ctx.get(bus.w.strb) == (all_bytes if ctx.get(store.w.strobe) else 0)
    assert ctx.get(store.w.ready) == ctx.get(bus.w.ready)
    assert ctx.get(store.b.valid) == ctx.get(bus.b.valid)
    assert ctx.get(bus.b.ready) == ctx.get(store.b.ready)
    is_error = ctx.get(bus.b.resp) != Response.OKAY
    assert ctx.get(dut.write_error) == bool(ctx.get(bus.b.valid) and is_error)


@pytest.mark.parametrize("base", [0, 0x4000_0000, 0xFFFF_F000])
@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
def test_random_traffic_is_passed_on(beat_bytes: int, base: int) -> None:
    dut = DramMaster(beat_bytes=beat_bytes)
    rng = np.random.default_rng(beat_bytes)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.window, WINDOW)
        ctx.set(dut.base, base // PAGE_BYTES)
        for _ in range(200):
            drive_reads(ctx, dut, rng)
            drive_writes(ctx, dut, rng)
            check_reads(ctx, dut, base)
            check_writes(ctx, dut, base)
            await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize(("beat_bytes", "size"), [(4, 2), (8, 3), (16, 4), (32, 5)])
def test_bursts_are_whole_beats_one_after_the_other(beat_bytes: int, size: int) -> None:
    dut = DramMaster(beat_bytes=beat_bytes)

    async def bench(ctx: Any) -> None:
        for channel in (dut.m_axi.aw, dut.m_axi.ar):
            assert ctx.get(channel.size) == size
            assert ctx.get(channel.burst) == INCREMENTING
            assert ctx.get(channel.cache) == CACHEABLE
            for name in ("id", "lock", "prot"):
                assert ctx.get(getattr(channel, name)) == 0

    simulate(dut, bench)


def test_init_wrong_beat_bytes() -> None:
    with pytest.raises(ValueError, match=r"^beat_bytes must be a power of two, not 12$"):
        DramMaster(beat_bytes=12)
