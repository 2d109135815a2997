# amaranth: UnusedElaboratable=no
"""A PE is the product of two bytes, three cycles after they are asked for."""

from typing import Any

import numpy as np
import pytest
from kit import STALLS, simulate

from naas_hw.rtl.array.pe import ProcessingElement


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("used", [0, 1])
@pytest.mark.parametrize(("weight_bytes", "input_bytes"), [(1, 1), (1, 4), (4, 2)])
def test_it_equals_a_product(weight_bytes: int, input_bytes: int, used: int, stalls: str) -> None:
    """Reads with pauses; words and their bytes come a cycle later, and change all the time."""
    rng = np.random.default_rng(weight_bytes + input_bytes)
    dut = ProcessingElement(weight_word_bytes=weight_bytes, input_word_bytes=input_bytes)
    pauses = iter(STALLS[stalls]())
    reads = [0, 0, *(int(not next(pauses)) for _ in range(200)), 0, 0, 0]
    operands = [
        [np.frombuffer(rng.bytes(n), np.int8) for n in (weight_bytes, input_bytes)] for _ in reads
    ]
    selects = [[int(rng.integers(n)) for n in (weight_bytes, input_bytes)] for _ in reads]

    async def bench(ctx: Any) -> None:
        ctx.set(dut.used, used)
        for cycle, read in enumerate(reads):
            (weights, inputs), (weight, value) = operands[cycle], selects[cycle]
            ctx.set(dut.read, read)
            ctx.set(dut.weight_word, int.from_bytes(weights.tobytes(), "little"))
            ctx.set(dut.input_word, int.from_bytes(inputs.tobytes(), "little"))
            ctx.set(dut.weight_select, weight)
            ctx.set(dut.input_select, value)
            if cycle >= 3:
                assert ctx.get(dut.multiplies) == (used and reads[cycle - 2])
                assert ctx.get(dut.product) == product_of(cycle - 3)
            await ctx.tick()

    def product_of(cycle: int) -> int:
        """Of the words in the cycle after a read."""
        (weights, inputs), (weight, value) = operands[cycle + 1], selects[cycle + 1]
        return int(weights[weight]) * int(inputs[value]) if used and reads[cycle] else 0

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"weight_word_bytes": 0, "input_word_bytes": 1},
            "weight_word_bytes must be a power of two, not 0",
        ),
        (
            {"weight_word_bytes": 1, "input_word_bytes": 3},
            "input_word_bytes must be a power of two, not 3",
        ),
    ],
)
def test_init_wrong_value(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ProcessingElement(**parameters)
