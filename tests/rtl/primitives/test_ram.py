# amaranth: UnusedElaboratable=no
"""The RAM: what was written is read one cycle after it is asked for, and held."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from naas_hw.rtl.primitives.ram import Ram


@pytest.mark.parametrize("latency", [0, 1])
@pytest.mark.parametrize(
    ("width", "depth", "granularity"),
    [(8, 16, None), (1, 1, None), (32, 1, 8), (24, 3, 8), (64, 100, 8), (5, 7, 5)],
)
def test_it_equals_a_list_of_words(
    width: int, depth: int, granularity: int | None, latency: int
) -> None:
    """Without a latency the word is that of the address, before the write of the same cycle."""
    dut = Ram(width=width, depth=depth, granularity=granularity, latency=latency)
    granule = granularity or width
    rng = np.random.default_rng(depth)
    words: list[int] = [0] * depth

    async def bench(ctx: Any) -> None:
        held = 0
        for _ in range(300):
            read_address, write_address = (int(a) for a in rng.integers(depth, size=2))
            read_enable = int(rng.random() < 0.6)
            write_enable = int(rng.integers(1 << (width // granule)))
            if latency and read_enable and read_address == write_address:
                write_enable = 0
            data = int.from_bytes(rng.bytes(16), "little") % (1 << width)
            ctx.set(dut.read.address, read_address)
            ctx.set(dut.read.enable, read_enable)
            ctx.set(dut.write.address, write_address)
            ctx.set(dut.write.enable, write_enable)
            ctx.set(dut.write.data, data)
            if latency == 0:
                assert ctx.get(dut.read.data) == words[read_address]
            await ctx.tick()
            held = words[read_address] if read_enable else held
            for part in range(width // granule):
                if write_enable >> part & 1:
                    mask = ((1 << granule) - 1) << (part * granule)
                    words[write_address] = (words[write_address] & ~mask) | (data & mask)
            assert ctx.get(dut.read.data) == (held if latency else words[read_address])

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(("depth", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_an_address_has_just_enough_bits_and_at_least_one(depth: int, bits: int) -> None:
    assert len(Ram(width=8, depth=depth).read.address) == bits


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"width": 0, "depth": 1}, "width must be at least 1, not 0"),
        ({"width": 8, "depth": 0}, "depth must be at least 1, not 0"),
        ({"width": 8, "depth": 1, "granularity": 3}, "granularity must divide the width 8, not 3"),
        ({"width": 8, "depth": 1, "style": "huge"}, "style must be one of auto, block, .*'huge'"),
        ({"width": 8, "depth": 1, "latency": 3}, "latency must be 0, 1 or 2, not 3"),
        (
            {"width": 8, "depth": 1, "style": "block", "latency": 0},
            "a block memory must have a latency of 1 or 2, not 0",
        ),
    ],
)
def test_init_wrong_value(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ram(**parameters)


def test_init_wrong_type() -> None:
    with pytest.raises(TypeError):
        Ram(width=8.0, depth=4)  # type: ignore[arg-type]
