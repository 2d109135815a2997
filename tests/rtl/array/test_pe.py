# amaranth: UnusedElaboratable=no
"""A PE is the product of two bytes, some cycles after its words."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import MULTIPLIER_LATENCY
from naas_hw.rtl.array.pe import ProcessingElement


@pytest.mark.parametrize("clear", [0, 1])
@pytest.mark.parametrize(("weight_bytes", "input_bytes"), [(1, 1), (1, 4), (4, 2)])
def test_it_equals_a_product(weight_bytes: int, input_bytes: int, clear: int) -> None:
    """Words, and which of their bytes, change in every cycle."""
    rng = np.random.default_rng(weight_bytes + input_bytes)
    dut = ProcessingElement(weight_word_bytes=weight_bytes, input_word_bytes=input_bytes)
    products: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.clear, clear)
        for cycle in range(200):
            weights, inputs = (
                np.frombuffer(rng.bytes(n), np.int8) for n in (weight_bytes, input_bytes)
            )
            weight, value = int(rng.integers(weight_bytes)), int(rng.integers(input_bytes))
            ctx.set(dut.weight_word, int.from_bytes(weights.tobytes(), "little"))
            ctx.set(dut.input_word, int.from_bytes(inputs.tobytes(), "little"))
            ctx.set(dut.weight_select, weight)
            ctx.set(dut.input_select, value)
            products.append(0 if clear else int(weights[weight]) * int(inputs[value]))
            if cycle >= MULTIPLIER_LATENCY:
                assert ctx.get(dut.product) == products[cycle - MULTIPLIER_LATENCY]
            await ctx.tick()

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
