# amaranth: UnusedElaboratable=no
"""The top: its ports, its probes, and a way from the registers to DRAM and back."""

import re
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.lib.wiring import In
from kit import simulate

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.compiler.layout import SLOT_BYTES, descriptor_beats
from naas_hw.emit.platform import flat_ports
from naas_hw.rtl.accelerator import ARRAY_ACCESSES, EVENTS, AcceleratorTop
from naas_hw.rtl.array.pe_array import PEArray
from naas_hw.rtl.control.counters import l2_ports
from naas_hw.rtl.control.register_map import IDENTITY, register_map
from naas_hw.rtl.control.status import Error
from naas_hw.rtl.engines.drain import Drain
from naas_hw.rtl.engines.drain_path import DrainPath
from naas_hw.rtl.primitives.axi import INCREMENTING

BEAT_BYTES = 8
DIGEST = 0x0123_4567_89AB_CDEF
WINDOW = 0xFEED
ACCELERATOR = Accelerator(
    axes=(Axis(dim="K", size=2),),
    weight_buffer_bytes=32,
    input_buffer_bytes=32,
    accumulator_words=64,
    bank_bytes=256,
    beat_bytes=BEAT_BYTES,
    scale_depth=64,
)
OFFSETS = {register.name: register.offset for register in register_map()}


def make(accelerator: Accelerator = ACCELERATOR) -> AcceleratorTop:
    return AcceleratorTop(accelerator, digest=DIGEST)


def test_ports_are_those_of_axi() -> None:
    top = make()
    ports = {
        top.port_name([str(part) for part in path]): (member.flow == In, len(value))
        for path, member, value in top.signature.flatten(top)
    }
    assert {name.split("_")[0] for name in ports} == {"s", "m", "interrupt"}
    assert ports["interrupt"] == (False, 1)
    assert ports["s_axil_awaddr"] == (True, 12)
    assert ports["s_axil_rdata"] == (False, 32)
    assert ports["m_axi_awaddr"] == ports["m_axi_araddr"] == (False, 64)
    assert ports["m_axi_wdata"] == (False, 8 * BEAT_BYTES)
    assert ports["m_axi_rdata"] == (True, 8 * BEAT_BYTES)
    assert ports["m_axi_bready"] == (False, 1)


def test_the_largest_private_buffers_can_be_made() -> None:
    """No loop over them has more trips than a layer has indices."""
    update = {"weight_buffer_bytes": 65536, "accumulator_words": 65536}
    largest = ACCELERATOR.model_copy(update=update)
    drain = Drain(to_drain=1, bound_bits=largest.pe_bound_bits)
    assert drain.bound_bits == BOUND_BITS


def test_many_groups_with_wide_words_can_be_made() -> None:
    """Amaranth numbers the input bits of a module with 16 bits."""
    update = {"axes": (Axis(dim="P", size=1024),), "beat_bytes": 32, "drain_lanes": 32}
    accelerator = ACCELERATOR.model_copy(update=update)
    for component in (PEArray(accelerator), DrainPath(accelerator)):
        inputs = [value for _, value, is_input in flat_ports(component) if is_input]
        assert sum(len(value) for value in inputs) < 1 << 16


@pytest.mark.takes_seconds
@pytest.mark.parametrize("residual", [False, True])
def test_probes_have_their_names_and_widths(residual: bool) -> None:
    accelerator = ACCELERATOR.model_copy(update={"residual": residual})
    text = rtlil.convert(make(accelerator), emit_src=False)
    top = text[text.rindex("\nmodule \\top\n") :]
    wires = re.findall(r"^  wire width (\d+) \\(probe_\w+)$", top, re.M)
    widths = {name: int(width) for width, name in wires}
    assert widths["probe_start"] == 1
    assert widths["probe_events"] == len(EVENTS)
    assert widths["probe_l2"] == len(l2_ports(accelerator)) == 6 + residual
    assert set(widths) >= {f"probe_{name}" for name in ARRAY_ACCESSES}


async def write(ctx: Any, top: AcceleratorTop, name: str, value: int) -> None:
    bus = top.s_axil
    ctx.set(bus.aw.addr, OFFSETS[name])
    ctx.set(bus.w.data, value)
    ctx.set(bus.w.strb, 0xF)
    ctx.set(bus.b.ready, 1)
    ctx.set(bus.aw.valid, 1)
    ctx.set(bus.w.valid, 1)
    await ctx.tick()
    ctx.set(bus.aw.valid, 0)
    ctx.set(bus.w.valid, 0)
    await ctx.tick().until(bus.b.valid)


async def read(ctx: Any, top: AcceleratorTop, name: str) -> int:
    bus = top.s_axil
    ctx.set(bus.ar.addr, OFFSETS[name])
    ctx.set(bus.r.ready, 1)
    ctx.set(bus.ar.valid, 1)
    await ctx.tick()
    ctx.set(bus.ar.valid, 0)
    (value,) = await ctx.tick().sample(bus.r.data).until(bus.r.valid)
    return int(value)


async def serve_descriptor(ctx: Any, top: AcceleratorTop) -> int:
    """Answer one burst of reads with zeros; its address."""
    bus = top.m_axi
    ctx.set(bus.ar.ready, 1)
    address, length, size, burst = (
        await ctx.tick()
        .sample(bus.ar.addr, bus.ar.len, bus.ar.size, bus.ar.burst)
        .until(bus.ar.valid)
    )
    ctx.set(bus.ar.ready, 0)
    assert length == descriptor_beats(ACCELERATOR) - 1
    assert (1 << size, burst) == (BEAT_BYTES, INCREMENTING)
    ctx.set(bus.r.valid, 1)
    for _ in range(length + 1):
        await ctx.tick().until(bus.r.ready)
    ctx.set(bus.r.valid, 0)
    return int(address)


@pytest.mark.takes_seconds
def test_a_list_is_fetched_and_refused() -> None:
    """Constants read back; zeros are no descriptor, and the interrupt says that the list ended."""
    top = make()

    async def bench(ctx: Any) -> None:
        assert await read(ctx, top, "identity") == IDENTITY
        assert await read(ctx, top, "digest_low") == DIGEST & 0xFFFF_FFFF
        assert await read(ctx, top, "digest_high") == DIGEST >> 32
        await write(ctx, top, "descriptors_low", 3 * SLOT_BYTES)
        await write(ctx, top, "descriptors_high", WINDOW)
        await write(ctx, top, "num_descriptors", 2)
        await write(ctx, top, "interrupt_enable", 1)
        await write(ctx, top, "interrupt_global_enable", 1)
        await write(ctx, top, "control", 1)
        assert await serve_descriptor(ctx, top) == WINDOW << 32 | 3 * SLOT_BYTES
        assert not ctx.get(top.interrupt)
        await ctx.tick().until(top.interrupt)
        errors = await read(ctx, top, "status")
        expected = (
            *(Error.NOT_A_DESCRIPTOR, Error.OTHER_ACCELERATOR, Error.ZERO_BOUND),
            *(Error.USED_EXCEEDED, Error.CHECKSUM, Error.OTHER_FORMAT),
        )
        assert errors == sum(1 << error for error in expected)
        assert await read(ctx, top, "control") == 0b1110

    simulate(top, bench)


@pytest.mark.parametrize("digest", [-1, 1 << 64])
def test_init_wrong_digest(digest: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^digest must have at most 64 bits, not the value {digest}$"
    ):
        AcceleratorTop(ACCELERATOR, digest=digest)
