# amaranth: UnusedElaboratable=no
"""The scale memory is a list of words for each component, two cycles behind its address."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.compiler.fields import SCALE_BITS
from naas_hw.rtl.memory.scale_memory import COMPONENTS, ScaleMemory


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("beat_bytes", "beats_per_word", "words"),
    [(4, 1, 1), (8, 1, 7), (16, 1, 32), (8, 2, 1), (4, 4, 7), (16, 4, 16)],
)
def test_it_equals_three_lists(beat_bytes: int, beats_per_word: int, words: int, seed: int) -> None:
    """Writes at random, and an address in every cycle, never of the word that is written."""
    rng = np.random.default_rng(seed)
    dut = ScaleMemory(beat_bytes=beat_bytes, beats_per_word=beats_per_word, words=words)
    held = {name: [0] * words for name in COMPONENTS}

    async def bench(ctx: Any) -> None:
        due: list[dict[str, int]] = []
        for _ in range(300):
            written, address = int(rng.integers(words)), int(rng.integers(words))
            part = int(rng.integers(beats_per_word))
            enable = int(rng.random() < 0.6 and written != address)
            component = int(rng.integers(4))  # there is no fourth: it is ignored
            beat = int.from_bytes(rng.bytes(beat_bytes), "little")
            ctx.set(dut.write.enable, enable)
            ctx.set(dut.write.address, component << SCALE_BITS | written * beats_per_word + part)
            ctx.set(dut.write.data, beat)
            ctx.set(dut.address, address)
            due.append({name: held[name][address] for name in COMPONENTS})
            if enable and component < len(COMPONENTS):
                words_now = held[COMPONENTS[component]]
                words_now[written] = with_part(words_now[written], part, beat)
            await ctx.tick()
            if len(due) == 2:
                expected = due.pop(0)
                found = dict(zip(COMPONENTS, map(ctx.get, outputs), strict=True))
                assert found == expected

    def with_part(word: int, part: int, beat: int) -> int:
        low = 8 * beat_bytes * part
        return word & ~((1 << 8 * beat_bytes) - 1 << low) | beat << low

    outputs = (dut.bias, dut.multiplier, dut.shift)
    simulate(dut, bench)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beat_bytes": 0, "words": 1}, "beat_bytes must be at least 1, not 0"),
        ({"beat_bytes": 4, "words": 0}, "words must be at least 1, not 0"),
        (
            {"beat_bytes": 4, "beats_per_word": 3, "words": 8},
            "beats_per_word must be a power of two, not 3",
        ),
    ],
)
def test_init_wrong_value(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ScaleMemory(**parameters)
