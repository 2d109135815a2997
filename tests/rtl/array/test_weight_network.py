# amaranth: UnusedElaboratable=no
"""What the weight network delivers, and when, is what nested loops over L2 give."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from kit import ReadMemory, simulate

from naas_hw.arch.timing import FILL_PIPELINE
from naas_hw.rtl.array.signatures import TARGET_LEAD
from naas_hw.rtl.array.weight_network import WeightNetwork

BEAT = 8
MEMORY_BYTES = 4096


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("lanes", "used"), [(1, 1), (2, 1), (2, 2), (8, 1), (8, 4), (8, 8)])
def test_weights_are_those_of_nested_loops(seed: int, lanes: int, used: int) -> None:
    """Three steps, each started in the last cycle of the one before; a lane vector a cycle."""
    rng = np.random.default_rng(seed)
    half_words = 16
    dut = WeightNetwork(beat_bytes=BEAT, lanes=lanes, half_words=half_words)
    contents = rng.bytes(MEMORY_BYTES)
    groups = tuple(int(v) for v in rng.integers(1, 4, 3))
    words = int(rng.integers(1, half_words + 1))
    steps = [(int(rng.integers(200)), int(rng.integers(2))) for _ in range(3)]
    expected = [
        (group, half * half_words + word, contents[place * BEAT :][n * used : (n + 1) * used])
        for place, half in steps
        for n, (group, word) in enumerate(product(list(product(*map(range, groups))), range(words)))
    ]
    found: list[tuple[int, tuple[tuple[int, ...], int, bytes]]] = []

    async def bench(ctx: Any) -> None:
        l2 = ReadMemory(dut.read, contents)
        ctx.set(dut.fields.weight_words, words)
        ctx.set(dut.fields.weight_lanes_log2, used.bit_length() - 1)
        for i, bound in enumerate(groups):
            ctx.set(dut.fields.weight_groups[i], bound)
        left = list(steps)
        targets: list[tuple[tuple[int, ...], int] | None] = [None] * TARGET_LEAD
        for cycle in range(len(expected) + FILL_PIPELINE + 3):
            go = bool(left) and bool(ctx.get(dut.step.idle))
            ctx.set(dut.step.start, int(go))
            if go:
                place, half = left.pop(0)
                ctx.set(dut.step.address, place)
                ctx.set(dut.step.half, half)
            target = targets.pop(0)  # of the data of this cycle
            if target is not None:
                data = ctx.get(dut.delivery.data).to_bytes(lanes, "little")[:used]
                found.append((cycle, (*target, data)))
            targets.append(None)
            if ctx.get(dut.delivery.valid):
                group = tuple(ctx.get(number) for number in dut.delivery.group)
                targets[-1] = group, ctx.get(dut.delivery.address)
            await l2.tick(ctx)
        assert not ctx.get(dut.step.busy)
        assert l2.reads == len(steps) * -(-len(expected) // len(steps) * used // BEAT)

    simulate(dut, bench)
    assert [entry for _, entry in found] == expected
    begin = 1 + FILL_PIPELINE
    assert [cycle for cycle, _ in found] == list(range(begin, begin + len(expected)))


def test_init_wrong_lanes() -> None:
    with pytest.raises(ValueError, match=r"^lanes must divide the beat of 8 bytes, not 3$"):
        WeightNetwork(beat_bytes=8, lanes=3, half_words=8)


def test_init_wrong_half() -> None:
    with pytest.raises(ValueError, match=r"^half_words must be at least 1, not 0$"):
        WeightNetwork(beat_bytes=8, lanes=2, half_words=0)
