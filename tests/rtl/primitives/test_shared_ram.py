# amaranth: UnusedElaboratable=no
"""The shared RAM: either side reads what either side wrote."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.primitives.shared_ram import SharedRam


@pytest.mark.parametrize("latency", [1, 2])
@pytest.mark.parametrize(
    ("width", "depth", "granularity"),
    [(8, 16, None), (1, 2, None), (24, 3, 8), (64, 100, 8), (5, 7, 5)],
)
def test_it_equals_a_list_of_words(
    width: int, depth: int, granularity: int | None, latency: int
) -> None:
    """One side reads while the other one writes, at random."""
    dut = SharedRam(width=width, depth=depth, granularity=granularity, latency=latency)
    granule = granularity or width
    rng = np.random.default_rng(depth)
    words: list[int] = [0] * depth

    async def bench(ctx: Any) -> None:
        readers = [dut.a] * latency
        expected = [0] * latency
        for _ in range(300):
            sides = (dut.a, dut.b) if rng.random() < 0.5 else (dut.b, dut.a)
            reads, writes = (int(bit) for bit in rng.integers(2, size=2))
            read_address, write_address = (int(a) for a in rng.choice(depth, 2, replace=False))
            granules = int(rng.integers(1 << (width // granule)))
            data = int.from_bytes(rng.bytes(16), "little") % (1 << width)
            ctx.set(sides[0].read, reads)
            ctx.set(sides[0].address, read_address)
            ctx.set(sides[1].read, 0)
            ctx.set(sides[0].write, 0)
            ctx.set(sides[1].write, writes)
            ctx.set(sides[1].address, write_address)
            ctx.set(sides[1].granules, granules)
            ctx.set(sides[1].written, data)
            await ctx.tick()
            expected.append(words[read_address] if reads else expected[-1])
            for part in range(width // granule):
                if writes and granules >> part & 1:
                    mask = ((1 << granule) - 1) << (part * granule)
                    words[write_address] = (words[write_address] & ~mask) | (data & mask)
            readers.append(sides[0] if reads else readers[-1])
            assert ctx.get(readers[-latency].word) == expected[-latency]

    simulate(dut, bench)


@pytest.mark.parametrize(("depth", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_an_address_has_just_enough_bits_and_at_least_one(depth: int, bits: int) -> None:
    assert len(SharedRam(width=8, depth=depth).a.address) == bits


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"width": 0, "depth": 1}, "data_bits must be at least 1, not 0"),
        ({"width": 8, "depth": 0}, "depth must be at least 1, not 0"),
        ({"width": 8, "depth": 1, "granularity": 3}, "granularity must divide the width 8, not 3"),
        ({"width": 8, "depth": 1, "latency": 3}, "latency must be 1 or 2, not 3"),
    ],
)
def test_init_wrong_value(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SharedRam(**parameters)


def test_init_wrong_type() -> None:
    with pytest.raises(TypeError):
        SharedRam(width=8.0, depth=4)  # type: ignore[arg-type]
