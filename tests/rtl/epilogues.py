"""Epilogues for tests: what is added and looked up, at random, and who brings it."""

from typing import Any, Final

import numpy as np

from naas_hw.workload.arithmetic.epilogue import Addition, Table, TablePlace
from naas_hw.workload.option import TABLE_SIZE

NO_ADDITION: Final = Addition(main_multiplier=1, multiplier=0, shift=0)
"""What a layer without a residual adds."""


def random_addition(rng: np.random.Generator) -> Addition:
    """Factors and shifts of every size, so that sums fall inside the clamps as well as on them."""
    bits = int(rng.integers(1, 16))
    factors = rng.integers(-(1 << bits), 1 << bits, 2)
    zero_points = rng.integers(-128, 128, 3)
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    return Addition(
        main_multiplier=int(factors[0]),
        multiplier=int(factors[1]),
        shift=int(rng.integers(0, bits + 3)),
        main_zero_point=int(zero_points[0]),
        zero_point=int(zero_points[1]),
        output_zero_point=int(zero_points[2]),
        clamp_min=low if rng.random() < 0.5 else -128,
        clamp_max=high if rng.random() < 0.5 else 127,
    )


def addition_fields(addition: Addition) -> dict[str, int]:
    """Fields of a descriptor that say how two numbers are added."""
    return {f"residual_{name}": value for name, value in vars(addition).items()}


def random_table(rng: np.random.Generator, place: TablePlace) -> Table:
    """A table with entries of all values."""
    return Table(entries=rng.integers(-128, 128, TABLE_SIZE).astype(np.int8), place=place)


async def load_table(ctx: Any, port: Any, table: Table) -> None:
    """Write a table, a word in each cycle."""
    width = len(port.data) // 8
    ctx.set(port.enable, 1)
    for n in range(TABLE_SIZE // width):
        word = table.entries[n * width : (n + 1) * width].tobytes()
        ctx.set(port.address, n)
        ctx.set(port.data, int.from_bytes(word, "little"))
        await ctx.tick()
    ctx.set(port.enable, 0)
