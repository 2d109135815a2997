# amaranth: UnusedElaboratable=no
"""A PE is the product of two bytes, some cycles after them."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import MULTIPLIER_LATENCY
from naas_hw.rtl.array.pe import ProcessingElement


@pytest.mark.parametrize("clear", [0, 1])
@pytest.mark.parametrize("input_bytes", [1, 2, 4])
def test_it_equals_a_product(input_bytes: int, clear: int) -> None:
    """Weight, word, and which of its bytes, change in every cycle."""
    rng = np.random.default_rng(input_bytes)
    dut = ProcessingElement(input_word_bytes=input_bytes)
    products: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.clear, clear)
        for cycle in range(200):
            inputs = np.frombuffer(rng.bytes(input_bytes), np.int8)
            weight, value = int(rng.integers(-128, 128)), int(rng.integers(input_bytes))
            ctx.set(dut.weight, weight % 256)
            ctx.set(dut.input_word, int.from_bytes(inputs.tobytes(), "little"))
            ctx.set(dut.input_select, value)
            products.append(0 if clear else weight * int(inputs[value]))
            if cycle >= MULTIPLIER_LATENCY:
                assert ctx.get(dut.product) == products[cycle - MULTIPLIER_LATENCY]
            await ctx.tick()

    simulate(dut, bench)


def test_init_wrong_value() -> None:
    with pytest.raises(ValueError, match=r"^input_word_bytes must be a power of two, not 3$"):
        ProcessingElement(input_word_bytes=3)
