# amaranth: UnusedElaboratable=no
"""Every lane of the table memory is a list of bytes, four cycles behind what is looked up."""

from typing import Any

import numpy as np
import pytest
from epilogues import load_table, random_table
from kit import simulate

from naas_hw.rtl.memory.table_memory import TableMemory, table_write_port
from naas_hw.workload.arithmetic.epilogue import TablePlace


@pytest.mark.parametrize("used", [0, 1])
@pytest.mark.parametrize(("lanes", "beat_bytes"), [(1, 4), (2, 8), (8, 16), (8, 32)])
def test_it_equals_a_table(lanes: int, beat_bytes: int, used: int) -> None:
    """A byte in each lane and cycle, of the second of two tables; or the bytes themselves."""
    seed = lanes + 10 * beat_bytes
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    dut = TableMemory(lanes=lanes, beat_bytes=beat_bytes)
    tables = [random_table(rng, place) for place in TablePlace]
    values = rng.integers(-128, 128, (300, lanes)).astype(np.int8)
    found: list[list[int]] = []

    async def bench(ctx: Any) -> None:
        for table in tables:
            await load_table(ctx, dut.write, table)
        ctx.set(dut.used, used)
        for cycle in range(len(values) + dut.LATENCY):
            if cycle >= dut.LATENCY:
                found.append([ctx.get(dut.o[k]) for k in range(lanes)])
            for k, value in enumerate(values[min(cycle, len(values) - 1)].tolist()):
                ctx.set(dut.i[k], value % 256)
            await ctx.tick()

    simulate(dut, bench)
    expected = tables[-1].of(values) if used else values
    np.testing.assert_array_equal(np.array(found, np.uint8).view(np.int8), expected)


def test_a_port_has_words_of_a_beat() -> None:
    assert table_write_port(8).members["data"].shape == 64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lanes": 0}, "lanes must be at least 1, not 0"),
        ({"beat_bytes": 12}, "beat_bytes must be a power of two up to 256, not 12"),
        ({"beat_bytes": 512}, "beat_bytes must be a power of two up to 256, not 512"),
    ],
)
def test_init_wrong_value(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        TableMemory(**({"lanes": 2, "beat_bytes": 8} | changes))
