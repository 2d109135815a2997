# amaranth: UnusedElaboratable=no
"""The epilogue is that of the golden model, a byte a lane in each cycle."""

from collections.abc import Set
from typing import Any, Final

import numpy as np
import pytest
from epilogues import NO_ADDITION, addition_fields, load_table, random_addition, random_table
from kit import simulate

from naas_hw.arch.timing import EPILOGUE_LATENCY
from naas_hw.rtl.engines.epilogue import Epilogue
from naas_hw.workload.arithmetic.epilogue import Residual, Table, TablePlace, apply_epilogue
from naas_hw.workload.option import Option

BEAT_BYTES: Final = 16
BOTH: Final = {Option.RESIDUAL, Option.TABLE}
LAYERS: Final = [
    *((BOTH, place, residual) for place in (None, *TablePlace) for residual in (False, True)),
    *(({Option.RESIDUAL}, None, residual) for residual in (False, True)),
    *(({Option.TABLE}, place, False) for place in (None, *TablePlace)),
]
"""What is there, and what a layer uses of it: place of the table, whether it has a residual."""


def run(
    options: Set[Option],
    values: np.ndarray,
    *,
    addition: Residual | None,
    table: Table | None,
    noise: np.ndarray,
) -> np.ndarray:
    """Results of bytes [lane, cycle]; noise is on the port of a residual that is not there."""
    lanes, num_cycles = values.shape
    dut = Epilogue(options, lanes=lanes, beat_bytes=BEAT_BYTES)
    residual = noise if addition is None else addition.values[:, 0]
    found: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        if Option.TABLE in options:
            ctx.set(dut.fields.table_place, 0 if table is None else int(table.place))
            await load_table(ctx, dut.table, table or random_table(rng, TablePlace.AFTER_RESIDUAL))
        if Option.RESIDUAL in options:
            how = NO_ADDITION if addition is None else addition.addition
            for name, value in addition_fields(how).items():
                ctx.set(getattr(dut.fields, name), value)
        await ctx.tick().repeat(2)
        for cycle in range(num_cycles + EPILOGUE_LATENCY):
            if cycle >= EPILOGUE_LATENCY:
                found.append([ctx.get(dut.o[k]) for k in range(lanes)])
            at = min(cycle, num_cycles - 1)
            for k in range(lanes):
                ctx.set(dut.i[k], int(values[k, at]))
                if Option.RESIDUAL in options:
                    ctx.set(dut.residual[k], int(residual[k, at]))
            await ctx.tick()

    rng = np.random.default_rng(0)
    simulate(dut, bench)
    return np.array(found, np.int8).T


@pytest.mark.parametrize("lanes", [BEAT_BYTES // 4, BEAT_BYTES // 2, BEAT_BYTES])
@pytest.mark.parametrize(("options", "place", "has_residual"), LAYERS)
def test_it_equals_the_golden_model(
    options: Set[Option], place: TablePlace | None, has_residual: bool, lanes: int
) -> None:
    """Every layer that the parts can run, in the same number of cycles."""
    seed = lanes + 100 * int(place or 0) + 1000 * has_residual
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    values, others = rng.integers(-128, 128, (2, lanes, 100)).astype(np.int8)
    residual = Residual(values=others[:, None], addition=random_addition(rng))
    added = residual if has_residual else None
    table = None if place is None else random_table(rng, place)
    found = run(options, values, addition=added, table=table, noise=others)
    expected = apply_epilogue(values[:, None], added, table)[:, 0]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("options", "lanes", "message"),
    [
        ({Option.MAXIMUM}, 2, "options must have residual or table, not maximum"),
        (BOTH, 0, "lanes must be at least 1, not 0"),
    ],
)
def test_init_wrong_value(options: set[Option], lanes: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Epilogue(options, lanes=lanes, beat_bytes=BEAT_BYTES)
