# amaranth: UnusedElaboratable=no
"""Private buffers are a table of bytes for each PE, however many share a memory."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import MEMORY_LATENCY
from naas_hw.rtl.array.private_buffers import PrivateBuffers


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("num_pes", "word_bytes", "buffer_bytes", "granularity"),
    [(1, 1, 1, 8), (3, 1, 10, 8), (9, 1, 16, 8), (3, 2, 12, 16), (2, 4, 16, 8), (5, 2, 8, 8)],
)
def test_it_equals_a_table_of_bytes(
    num_pes: int, word_bytes: int, buffer_bytes: int, granularity: int, seed: int
) -> None:
    """A read and a write in most cycles, never of the same word; a word stays until the next."""
    rng = np.random.default_rng(seed)
    dut = PrivateBuffers(
        num_pes=num_pes,
        word_bytes=word_bytes,
        buffer_bytes=buffer_bytes,
        granularity=granularity,
    )
    words = buffer_bytes // word_bytes
    row_bytes, granule_bytes = num_pes * word_bytes, granularity // 8
    table = np.zeros((words, row_bytes), np.uint8)

    async def bench(ctx: Any) -> None:
        seen = [bytes(row_bytes)] * MEMORY_LATENCY
        for _ in range(300):
            read, write = int(rng.integers(words)), int(rng.integers(words))
            reads = rng.random() < 0.6
            enables = rng.random(row_bytes // granule_bytes) < 0.5
            enables &= not reads or read != write
            row = np.frombuffer(rng.bytes(row_bytes), np.uint8)
            ctx.set(dut.read.enable, int(reads))
            ctx.set(dut.read.address, read)
            ctx.set(dut.write.enable, sum(1 << i for i in np.flatnonzero(enables).tolist()))
            ctx.set(dut.write.address, write)
            ctx.set(dut.write.data, int.from_bytes(row.tobytes(), "little"))
            seen.append(table[read].tobytes() if reads else seen[-1])
            table[write] = np.where(np.repeat(enables, granule_bytes), row, table[write])
            await ctx.tick()
            assert ctx.get(dut.read.data).to_bytes(row_bytes, "little") == seen[-MEMORY_LATENCY]

    simulate(dut, bench)


GOOD: dict[str, Any] = {"num_pes": 4, "word_bytes": 2, "buffer_bytes": 16, "granularity": 8}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_pes": 0}, "num_pes must be at least 1, not 0"),
        ({"word_bytes": 3}, "word_bytes must be 1, 2 or 4, not 3"),
        ({"buffer_bytes": 0}, "buffer_bytes must be a multiple of 2, not 0"),
        ({"buffer_bytes": 15}, "buffer_bytes must be a multiple of 2, not 15"),
        ({"granularity": 0}, "granularity must divide 16, not 0"),
        ({"granularity": 32}, "granularity must divide 16, not 32"),
    ],
)
def test_init_wrong_value(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        PrivateBuffers(**(GOOD | changes))
