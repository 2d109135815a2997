# amaranth: UnusedElaboratable=no
"""The adder of residuals is the golden addition, bit for bit, a sum a lane in each cycle."""

from typing import Any

import numpy as np
import pytest
from epilogues import addition_fields, random_addition
from kit import simulate

from naas_hw.rtl.engines.residual_adder import ResidualAdder
from naas_hw.workload.arithmetic.epilogue import Addition

LARGEST = (1 << 15) - 1


def run(addition: Addition, main: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Sums of numbers [cycle, lane], one row in each cycle."""
    lanes = main.shape[1]
    dut = ResidualAdder(lanes=lanes)
    found: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        for name, value in addition_fields(addition).items():
            ctx.set(getattr(dut.fields, name), value)
        await ctx.tick().repeat(2)
        for cycle in range(len(main) + dut.LATENCY):
            if cycle >= dut.LATENCY:
                found.append([ctx.get(dut.o[k]) for k in range(lanes)])
            row = min(cycle, len(main) - 1)
            for k in range(lanes):
                ctx.set(dut.i[k], int(main[row, k]))
                ctx.set(dut.residual[k], int(residual[row, k]))
            await ctx.tick()

    simulate(dut, bench)
    return np.array(found, np.int8)


@pytest.mark.parametrize("seed", range(12))
def test_random_numbers_in_every_cycle(seed: int) -> None:
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    addition = random_addition(rng)
    main, residual = rng.integers(-128, 128, (2, 150, 1 + seed % 3)).astype(np.int8)
    np.testing.assert_array_equal(run(addition, main, residual), addition.of(main, residual))


CORNERS = [
    Addition(main_multiplier=1, multiplier=0, shift=0),
    Addition(main_multiplier=1, multiplier=1, shift=1),  # half of them ties
    Addition(main_multiplier=-1, multiplier=3, shift=2, output_zero_point=-7),
    Addition(main_multiplier=1, multiplier=1, shift=1, clamp_min=-3, clamp_max=4),
    Addition(main_multiplier=1 << 14, multiplier=1 << 14, shift=15, zero_point=-128),
    Addition(main_multiplier=-LARGEST - 1, multiplier=-LARGEST - 1, shift=0, main_zero_point=127),
    Addition(main_multiplier=LARGEST, multiplier=-LARGEST - 1, shift=31, zero_point=-128),
    Addition(main_multiplier=-LARGEST - 1, multiplier=LARGEST, shift=17, output_zero_point=127),
]


@pytest.mark.parametrize("addition", CORNERS, ids=range(len(CORNERS)))
def test_corners(addition: Addition) -> None:
    """The ends of int8 and small numbers, each with each."""
    values = np.array([-128, -127, -64, -3, -2, -1, 0, 1, 2, 3, 63, 64, 126, 127], np.int8)
    main, residual = (grid.reshape(-1, 4) for grid in np.meshgrid(values, values))
    np.testing.assert_array_equal(run(addition, main, residual), addition.of(main, residual))


def test_init_wrong_lanes() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be at least 1, not 0$"):
        ResidualAdder(lanes=0)
