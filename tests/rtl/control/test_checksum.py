# amaranth: UnusedElaboratable=no
"""The checksum of beats is zlib's, at every width, whatever the pauses between beats."""

import zlib
from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.rtl.control.checksum import Checksum


@pytest.mark.parametrize("beat_bytes", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("seed", range(3))
def test_whole_data_are_told_from_damaged(beat_bytes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = Checksum(beat_bytes=beat_bytes)

    async def bench(ctx: Any) -> None:
        for damage in (0, 1, 0, 1 << 7):
            length = beat_bytes * int(rng.integers(1, 9)) + (-4 % beat_bytes)
            contents = rng.bytes(length)
            whole = contents + zlib.crc32(contents).to_bytes(4, "little")
            sent = bytearray(whole)
            sent[rng.integers(len(sent))] ^= damage
            for at in range(0, len(sent), beat_bytes):
                while rng.random() < 0.3:
                    await ctx.tick()
                ctx.set(dut.valid, 1)
                ctx.set(dut.first, at == 0)
                ctx.set(dut.beat, int.from_bytes(sent[at : at + beat_bytes], "little"))
                await ctx.tick()
                ctx.set(dut.valid, 0)
            await ctx.tick()
            assert ctx.get(dut.is_whole) == (not damage), f"seed {seed}"

    simulate(dut, bench)


def test_init_wrong_beat_bytes() -> None:
    with pytest.raises(ValueError, match="^beat_bytes must be at least 1, not 0$"):
        Checksum(beat_bytes=0)
