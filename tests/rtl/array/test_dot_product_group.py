# amaranth: UnusedElaboratable=no
"""A group adds dot products of int8 to numbers of int32 that wrap, or keeps the largest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from kit import STALLS, simulate

from naas_hw.arch.timing import tree_cycles
from naas_hw.rtl.array.dot_product_group import DotProductGroup

WORDS, LANES = 4, 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """A multiplication, and where its sum goes."""

    weights: np.ndarray
    inputs: np.ndarray
    select: tuple[int, int]
    memory: int
    address: int
    begins: int


def random_steps(
    rng: np.random.Generator, stalls: str, shape: tuple[int, int, int]
) -> list[Step | None]:
    num_pes, weight_bytes, input_bytes = shape
    touched: set[tuple[int, int]] = set()
    steps: list[Step | None] = []
    pauses = iter(STALLS[stalls]())
    memory = address = 0
    for _ in range(120):
        if next(pauses):
            steps.append(None)
            continue
        if rng.random() < 0.5:
            memory, address = int(rng.integers(2 * LANES)), int(rng.integers(WORDS))
        steps.append(
            Step(
                weights=rng.integers(-128, 128, (num_pes, weight_bytes)).astype(np.int8),
                inputs=rng.integers(-128, 128, (num_pes, input_bytes)).astype(np.int8),
                select=(int(rng.integers(weight_bytes)), int(rng.integers(input_bytes))),
                memory=memory,
                address=address,
                begins=int((memory, address) not in touched),
            )
        )
        touched.add((memory, address))
    return steps


@pytest.mark.takes_seconds
@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 1, 4), (7, 4, 1)])
@pytest.mark.parametrize(("used", "maximum"), [(0, False), (1, False), (1, True)])
def test_it_equals_dot_products(
    shape: tuple[int, int, int], used: int, maximum: bool, stalls: str
) -> None:
    """A multiplication in each cycle without a pause; then every number is drained."""
    num_pes, weight_bytes, input_bytes = shape
    rng = np.random.default_rng(num_pes)
    dut = DotProductGroup(
        num_pes=num_pes,
        weight_word_bytes=weight_bytes,
        input_word_bytes=input_bytes,
        words=WORDS,
        lanes=LANES,
        maximum=maximum,
    )
    used_pes = rng.random(num_pes) < 0.8
    steps = random_steps(rng, stalls, shape)
    latency = 3 + tree_cycles(num_pes)  # of the sum; its addition is presented a cycle earlier
    numbers = np.zeros((2 * LANES, WORDS), np.int64)
    num_products = np.zeros(num_pes, np.int64)

    async def bench(ctx: Any) -> None:
        nonlocal num_products
        ctx.set(dut.used, used)
        if maximum:
            ctx.set(dut.maximum, 1)
        ctx.set(dut.used_pes, sum(1 << i for i in np.flatnonzero(used_pes).tolist()))
        for cycle in range(len(steps) + latency + 2):
            ctx.set(dut.read, int(at(cycle) is not None))
            set_words(ctx, at(cycle - 1))
            set_addition(ctx, at(cycle - latency + 1), at(cycle - latency))
            taken = ctx.get(dut.multiplies)
            num_products += [taken >> i & 1 for i in range(num_pes)]
            await ctx.tick()
        for address in range(WORDS):
            ctx.set(dut.drain.address, address)
            for half in range(2):
                ctx.set(dut.drain.access, (1 << LANES) - 1 << half * LANES)
                await ctx.tick()
                found = ctx.get(dut.drain.word).to_bytes(4 * LANES, "little")
                expected = numbers[half * LANES : (half + 1) * LANES, address]
                np.testing.assert_array_equal(np.frombuffer(found, np.int32), expected)

    def at(cycle: int) -> Step | None:
        return steps[cycle] if 0 <= cycle < len(steps) else None

    def set_words(ctx: Any, step: Step | None) -> None:
        """The words that were asked for in the cycle before; noise if none were."""
        for i in range(num_pes):
            weights = rng.bytes(weight_bytes) if step is None else step.weights[i].tobytes()
            inputs = rng.bytes(input_bytes) if step is None else step.inputs[i].tobytes()
            ctx.set(dut.weight_words[i], int.from_bytes(weights, "little"))
            ctx.set(dut.input_words[i], int.from_bytes(inputs, "little"))
        if step is not None:
            ctx.set(dut.weight_select, step.select[0])
            ctx.set(dut.input_select, step.select[1])

    def set_addition(ctx: Any, step: Step | None, before: Step | None) -> None:
        ctx.set(dut.addition.access, 0 if step is None else 1 << step.memory)
        if step is None:
            return
        same = before is not None and (before.memory, before.address) == (step.memory, step.address)
        ctx.set(dut.addition.address, step.address)
        ctx.set(dut.addition.begins, step.begins)
        ctx.set(dut.addition.repeats, int(same))
        if used:
            weights = step.weights[used_pes, step.select[0]].astype(np.int64)
            total = int(weights @ step.inputs[used_pes, step.select[1]])
            old = int(numbers[step.memory, step.address])
            kept = max(old, total) if maximum else (old + total + 2**31) % 2**32 - 2**31
            numbers[step.memory, step.address] = total if step.begins else kept

    simulate(dut, bench)
    np.testing.assert_array_equal(num_products, used_pes * sum(step is not None for step in steps))


def test_init_wrong_number_of_pes() -> None:
    with pytest.raises(ValueError, match=r"^num_pes must be at least 1, not 0$"):
        DotProductGroup(num_pes=0, weight_word_bytes=1, input_word_bytes=1, words=1, lanes=1)
