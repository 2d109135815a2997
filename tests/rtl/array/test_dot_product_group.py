# amaranth: UnusedElaboratable=no
"""A group adds dot products of int8 to numbers of int32 that wrap, or keeps the largest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from additions import present, random_places
from kit import simulate

from naas_hw.arch.timing import MULTIPLIER_LATENCY, tree_cycles
from naas_hw.rtl.array.dot_product_group import DotProductGroup
from naas_hw.rtl.array.signatures import zero_address

WORDS, LANES = 4, 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """A multiplication: weights and words of all PEs, and which byte of the words."""

    weights: np.ndarray
    inputs: np.ndarray
    select: int


def random_step(rng: np.random.Generator, shape: tuple[int, int]) -> Step:
    num_pes, input_bytes = shape
    return Step(
        weights=rng.integers(-128, 128, num_pes).astype(np.int8),
        inputs=rng.integers(-128, 128, (num_pes, input_bytes)).astype(np.int8),
        select=int(rng.integers(input_bytes)),
    )


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (7, 1)])
@pytest.mark.parametrize(("used", "maximum"), [(0, False), (1, False), (1, True)])
def test_it_equals_dot_products(shape: tuple[int, int], used: int, maximum: bool) -> None:
    """Words in each cycle, sums of some of them; what is written is what the numbers become."""
    num_pes = shape[0]
    rng = np.random.default_rng(num_pes)
    dut = DotProductGroup(
        num_pes=num_pes,
        input_word_bytes=shape[1],
        words=WORDS,
        lanes=LANES,
        maximum=maximum,
    )
    zero = zero_address(words=WORDS, lanes=LANES)
    cleared = rng.random(num_pes) < 0.2
    additions = random_places(rng, range(2 * WORDS * LANES), 150)
    steps = [random_step(rng, shape) for _ in additions]
    latency = MULTIPLIER_LATENCY + tree_cycles(num_pes)
    numbers: dict[int, int] = {}

    async def bench(ctx: Any) -> None:
        ctx.set(dut.used, used)
        if maximum:
            ctx.set(dut.maximum, 1)
        ctx.set(dut.clear, sum(1 << i for i in np.flatnonzero(cleared).tolist()))
        for cycle in range(len(steps) + latency + 1):
            if cycle < len(steps):
                set_words(ctx, steps[cycle])
            present(ctx, dut.addition, additions, cycle - latency, zero)
            if cycle > latency:
                check(ctx, cycle - latency - 1)
            await ctx.tick()

    def set_words(ctx: Any, step: Step) -> None:
        for i in range(num_pes):
            ctx.set(dut.weights[i], int(step.weights[i]) % 256)
            ctx.set(dut.input_words[i], int.from_bytes(step.inputs[i].tobytes(), "little"))
        ctx.set(dut.input_select, step.select)

    def check(ctx: Any, index: int) -> None:
        one, step = additions[index], steps[index]
        assert ctx.get(dut.writes) == int(used and one is not None)
        if one is None:
            return
        weights = step.weights[~cleared].astype(np.int64)
        total = int(weights @ step.inputs[~cleared, step.select])
        old = numbers.get(one.place, 0)
        kept = max(old, total) if maximum else old + total
        numbers[one.place] = total if one.begins else kept
        assert not used or ctx.get(dut.total) == numbers[one.place] % 2**32

    simulate(dut, bench)


def test_init_wrong_number_of_pes() -> None:
    with pytest.raises(ValueError, match=r"^num_pes must be at least 1, not 0$"):
        DotProductGroup(num_pes=0, input_word_bytes=1, words=1, lanes=1)
