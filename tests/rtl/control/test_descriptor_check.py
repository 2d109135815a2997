# amaranth: UnusedElaboratable=no
"""The check finds what is wrong with a descriptor, each rule at its limits."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from kit import STALLS, simulate

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.fields import BOUNDS, COUNTS, DESCRIPTOR_VERSION, LAYOUT, MAGIC
from naas_hw.compiler.layout import with_checksum
from naas_hw.rtl.control.descriptor_check import FIELDS, DescriptorCheck
from naas_hw.rtl.control.status import FINDINGS, Error
from naas_hw.rtl.primitives.config import FIELDS as SPECS
from naas_hw.rtl.primitives.config import RECORD_STROBES

BEAT_BYTES = 8
IDENTITY = 0xCAFE0001
ACCELERATOR = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=4)),
    weight_buffer_bytes=32,
    input_buffer_bytes=32,
    accumulator_words=64,
    bank_bytes=256,
    beat_bytes=BEAT_BYTES,
    scale_depth=64,
)
STATIC = {spec.name for spec in LAYOUT if spec.is_static}
LIMITS = {
    "need_weight_words": ACCELERATOR.weight_buffer_bytes // ACCELERATOR.weight_word_bytes,
    "need_input_bytes": ACCELERATOR.input_buffer_bytes,
    "need_accumulator_words": ACCELERATOR.accumulator_words // (2 * ACCELERATOR.accumulator_lanes),
    "need_scale_words": ACCELERATOR.scale_depth // ACCELERATOR.drain_lanes,
    "need_l2_words": ACCELERATOR.num_banks * ACCELERATOR.bank_words,
}


def make() -> DescriptorCheck:
    return DescriptorCheck(ACCELERATOR, identity=IDENTITY)


def set_good(ctx: Any, dut: DescriptorCheck) -> None:
    """Fields of the smallest layer: every count is one."""
    for name in FIELDS:
        spec = SPECS[name]
        field = getattr(dut.fields, name)
        entries = [field[i] for i in range(spec.count)] if name in STATIC and spec.count > 1 else []
        for entry in entries or [field]:
            ctx.set(entry, 1)
    ctx.set(dut.fields.magic, MAGIC)
    ctx.set(dut.fields.format, DESCRIPTOR_VERSION)
    ctx.set(dut.fields.identity, IDENTITY)


async def send(
    ctx: Any,
    dut: DescriptorCheck,
    data: bytes,
    pauses: Iterator[bool] | None = None,
    *,
    is_first: bool = True,
) -> None:
    for at in range(0, len(data), BEAT_BYTES):
        while pauses is not None and next(pauses):
            await ctx.tick()
        ctx.set(dut.beat, int.from_bytes(data[at : at + BEAT_BYTES], "little"))
        ctx.set(dut.first, is_first and at == 0)
        ctx.set(dut.valid, 1)
        await ctx.tick()
        ctx.set(dut.valid, 0)


async def findings(ctx: Any, dut: DescriptorCheck) -> set[Error]:
    """What is found in the third cycle after the last beat."""
    await ctx.tick().repeat(2)
    found = {error for error in FINDINGS if ctx.get(dut.findings[error.name.lower()])}
    await ctx.tick()
    again = {error for error in FINDINGS if ctx.get(dut.findings[error.name.lower()])}
    assert again == found, "findings must stay"
    return found


def whole(rng: np.random.Generator, beats: int = 6) -> bytes:
    return with_checksum(rng.bytes(beats * BEAT_BYTES))


@pytest.mark.parametrize("stalls", STALLS)
def test_the_checksum_is_that_of_all_beats(stalls: str) -> None:
    rng = np.random.default_rng(7)
    dut = make()

    async def bench(ctx: Any) -> None:
        set_good(ctx, dut)
        pauses = iter(STALLS[stalls]())
        for _ in range(6):
            data = bytearray(whole(rng))
            is_damaged = bool(rng.integers(2))
            if is_damaged:
                data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
            await send(ctx, dut, bytes(data), pauses)
            assert await findings(ctx, dut) == ({Error.CHECKSUM} if is_damaged else set())

    simulate(dut, bench)


def test_a_need_may_reach_its_limit() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        await send(ctx, dut, whole(np.random.default_rng(1)))
        for name, limit in LIMITS.items():
            for need, expected in ((limit, set()), (limit + 1, {Error.DEPTH_EXCEEDED})):
                set_good(ctx, dut)
                ctx.set(getattr(dut.fields, name), need)
                assert await findings(ctx, dut) == expected, name

    simulate(dut, bench)


def test_axes_are_used_from_one_position_to_all() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        set_good(ctx, dut)
        await send(ctx, dut, whole(np.random.default_rng(2)))
        for used, is_wrong in (
            ((2, 4, 1), False),
            ((3, 4, 1), True),
            ((2, 5, 1), True),
            ((2, 4, 2), True),
            ((2, 0, 1), True),
        ):
            for i, extent in enumerate(used):
                ctx.set(dut.fields.used[i], extent)
            assert await findings(ctx, dut) == ({Error.USED_EXCEEDED} if is_wrong else set()), used

    simulate(dut, bench)


def test_constants_have_to_be_right() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        await send(ctx, dut, whole(np.random.default_rng(3)))
        for name, error in (
            ("magic", Error.NOT_A_DESCRIPTOR),
            ("identity", Error.OTHER_ACCELERATOR),
            ("format", Error.OTHER_FORMAT),
        ):
            set_good(ctx, dut)
            field = getattr(dut.fields, name)
            ctx.set(field, ctx.get(field) ^ 1)
            assert await findings(ctx, dut) == {error}

    simulate(dut, bench)


def test_a_count_must_not_be_zero() -> None:
    dut = make()

    async def bench(ctx: Any) -> None:
        await send(ctx, dut, whole(np.random.default_rng(4)))
        for name in COUNTS:
            set_good(ctx, dut)
            field = getattr(dut.fields, name)
            ctx.set(field[SPECS[name].count - 1] if SPECS[name].count > 1 else field, 0)
            assert await findings(ctx, dut) == {Error.ZERO_BOUND}, name

    simulate(dut, bench)


async def send_with_zero(
    ctx: Any, dut: DescriptorCheck, data: bytes, name: str, strobe: str | None
) -> None:
    """Send a descriptor; after its first beat a bound is zero for one cycle."""
    await send(ctx, dut, data[:BEAT_BYTES])
    bound = getattr(dut.fields, name)
    ctx.set(bound, 0)
    if strobe is not None:
        ctx.set(getattr(dut.fields, strobe), 1)
    await ctx.tick()
    ctx.set(bound, 1)
    if strobe is not None:
        ctx.set(getattr(dut.fields, strobe), 0)
    await send(ctx, dut, data[BEAT_BYTES:], is_first=False)


def test_a_bound_is_looked_at_with_the_strobe_of_its_record() -> None:
    """A zero counts if it is there with the strobe, and until the next descriptor begins."""
    dut = make()
    data = whole(np.random.default_rng(5))

    async def bench(ctx: Any) -> None:
        set_good(ctx, dut)
        for count, names in BOUNDS.items():
            (other,) = (one for length, one in RECORD_STROBES.items() if length != count)
            for name in names:
                await send_with_zero(ctx, dut, data, name, RECORD_STROBES[count])
                assert await findings(ctx, dut) == {Error.ZERO_BOUND}, name
                for strobe in (other, None):
                    await send_with_zero(ctx, dut, data, name, strobe)
                    assert await findings(ctx, dut) == set(), name

    simulate(dut, bench)


@pytest.mark.parametrize("identity", [-1, 1 << 32])
def test_init_wrong_identity(identity: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^identity must have at most 32 bits, not the value {identity}$"
    ):
        DescriptorCheck(ACCELERATOR, identity=identity)
