# amaranth: UnusedElaboratable=no
"""The manager of DRAM joins its readers and its writer to AXI4, cycle by cycle."""

from collections import deque
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


class Offered:
    """The bursts of a channel between an engine and the bus: at most two, each for a cycle or more.

    Parameters
    ----------
    channel : of the bus.
    """

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.bursts: deque[tuple[int, int]] = deque()

    @property
    def is_ready(self) -> bool:
        """Whether one more is taken."""
        return len(self.bursts) < 2

    def check(self, ctx: Any) -> None:
        """The bus sees the oldest."""
        assert ctx.get(self.channel.valid) == bool(self.bursts)
        if self.bursts:
            shown = (ctx.get(self.channel.addr), ctx.get(self.channel.len))
            assert shown == self.bursts[0]

    def step(self, ctx: Any, offered: tuple[int, int] | None) -> None:
        """What is there after the cycle in which an engine offers a burst, or none."""
        is_ready = self.is_ready
        if self.bursts and ctx.get(self.channel.ready):
            self.bursts.popleft()
        if offered is not None and is_ready:
            self.bursts.append(offered)


class Model:
    """What the manager shows in a cycle, and what it keeps for the next."""

    def __init__(self, dut: DramMaster, base: int) -> None:
        self.dut, self.base = dut, base
        self.reads, self.writes = Offered(dut.m_axi.ar), Offered(dut.m_axi.aw)
        self.beat: tuple[int, bool] | None = None
        self.responds = self.write_fails = self.to_descriptors = False

    def burst(self, ctx: Any, channel: Any) -> tuple[int, int] | None:
        """Byte address and length of what an engine offers."""
        if not ctx.get(channel.valid):
            return None
        address = byte_address(ctx.get(channel.address), self.dut.beat_bytes, self.base)
        return address, ctx.get(channel.length)

    def check_reads(self, ctx: Any) -> None:
        descriptors, load, bus = self.dut.descriptors, self.dut.load, self.dut.m_axi
        self.reads.check(ctx)
        assert ctx.get(descriptors.ar.ready) == self.reads.is_ready
        assert ctx.get(load.ar.ready) == self.reads.is_ready
        taker, other = (descriptors, load) if self.to_descriptors else (load, descriptors)
        assert ctx.get(bus.r.ready)
        assert ctx.get(taker.r.valid) == (self.beat is not None)
        assert not ctx.get(other.r.valid)
        is_error = False
        if self.beat is not None:
            word, is_error = self.beat
            assert (ctx.get(taker.r.data), ctx.get(taker.r.error)) == (word, is_error)
        assert ctx.get(self.dut.read_error) == (taker is load and is_error)

    def check_writes(self, ctx: Any) -> None:
        store, bus = self.dut.store, self.dut.m_axi
        self.writes.check(ctx)
        assert ctx.get(store.aw.ready) == self.writes.is_ready
        for name in ("valid", "data", "last"):
            assert ctx.get(getattr(bus.w, name)) == ctx.get(getattr(store.w, name))
        all_bytes = (1 << self.dut.beat_bytes) - 1
        assert ctx.get(bus.w.strb) == (all_bytes if ctx.get(store.w.strobe) else 0)
        assert ctx.get(store.w.ready) == ctx.get(bus.w.ready)
        assert ctx.get(bus.b.ready)
        assert ctx.get(store.b.valid) == self.responds
        assert ctx.get(self.dut.write_error) == self.write_fails

    def step(self, ctx: Any) -> None:
        """What the registers take over at the end of the cycle."""
        bus, descriptors = self.dut.m_axi, self.dut.descriptors
        reader = descriptors if ctx.get(descriptors.ar.valid) else self.dut.load
        self.reads.step(ctx, self.burst(ctx, reader.ar))
        self.writes.step(ctx, self.burst(ctx, self.dut.store.aw))
        is_error = ctx.get(bus.r.resp) != Response.OKAY
        self.beat = (ctx.get(bus.r.data), is_error) if ctx.get(bus.r.valid) else None
        self.to_descriptors = bool(ctx.get(descriptors.r.ready))
        self.responds = bool(ctx.get(bus.b.valid))
        self.write_fails = self.responds and ctx.get(bus.b.resp) != Response.OKAY


@pytest.mark.parametrize("base", [0, 0x4000_0000, 0xFFFF_F000])
@pytest.mark.parametrize("beat_bytes", [4, 8, 16, 32])
def test_random_traffic_is_passed_on(beat_bytes: int, base: int) -> None:
    dut = DramMaster(beat_bytes=beat_bytes)
    rng = np.random.default_rng(beat_bytes)
    model = Model(dut, base)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.window, WINDOW)
        ctx.set(dut.base, base // PAGE_BYTES)
        for _ in range(200):
            drive_reads(ctx, dut, rng)
            drive_writes(ctx, dut, rng)
            model.check_reads(ctx)
            model.check_writes(ctx)
            model.step(ctx)
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
