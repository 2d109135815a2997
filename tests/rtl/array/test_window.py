# amaranth: UnusedElaboratable=no
"""A pair of positions keeps a contiguous range of coordinates, each at its own address."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.array.window import Window


@pytest.mark.parametrize("seed", range(8))
def test_it_equals_the_formula(seed: int) -> None:
    """Coordinate x is kept by (o, k) if 0 <= x - o output_step - k kernel_step < rows."""
    rng = np.random.default_rng(seed)
    outputs, kernels = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    rows, pitch = int(rng.integers(1, 6)), int(rng.integers(1, 9))
    output_step, kernel_step = int(rng.integers(0, 7)), int(rng.integers(0, 4))
    extent = (outputs - 1) * output_step + (kernels - 1) * kernel_step + rows
    dut = Window(outputs=outputs, kernels=kernels, address_bits=6)

    async def bench(ctx: Any) -> None:
        for name, value in (
            ("output_step", output_step),
            ("kernel_step", kernel_step),
            ("pitch", pitch),
            ("last", (rows - 1) * pitch),
        ):
            ctx.set(getattr(dut, name), value)
        await ctx.tick().repeat(2)
        for advance_too in (0, 1, 0):
            ctx.set(dut.start, 1)
            ctx.set(dut.advance, advance_too)
            await ctx.tick()
            ctx.set(dut.start, 0)
            x = 0
            while x < extent - int(rng.integers(2)):
                check(ctx, x)
                advance = int(rng.random() < 0.7)
                ctx.set(dut.advance, advance)
                await ctx.tick()
                x += advance

    def check(ctx: Any, x: int) -> None:
        for o in range(outputs):
            for k in range(kernels):
                row = x - o * output_step - k * kernel_step
                assert ctx.get(dut.active[o][k]) == (0 <= row < rows)
                if 0 <= row < rows:
                    assert ctx.get(dut.address[o][k]) == row * pitch

    simulate(dut, bench)


@pytest.mark.parametrize("name", ["outputs", "kernels", "address_bits"])
def test_init_wrong_value(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be at least 1, not 0$"):
        Window(**({"outputs": 1, "kernels": 1, "address_bits": 6} | {name: 0}))
