# amaranth: UnusedElaboratable=no
"""A delayed signal is the signal some cycles ago."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from kit import simulate

from naas_hw.rtl.primitives.delay import delayed


class Delay(Elaboratable):
    """The function as a component."""

    def __init__(self, width: int, cycles: int) -> None:
        self.cycles = cycles
        self.i = Signal(width)
        self.o = Signal(width)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.o.eq(delayed(m, self.i, self.cycles, "i"))
        return m


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("width", [1, 9])
@pytest.mark.parametrize("cycles", [0, 1, 4])
def test_it_equals_a_list_of_what_is_on_its_way(seed: int, width: int, cycles: int) -> None:
    rng = np.random.default_rng(seed)
    dut = Delay(width, cycles)

    async def bench(ctx: Any) -> None:
        on_its_way = [0] * cycles
        for _ in range(200):
            value = int(rng.integers(1 << width))
            ctx.set(dut.i, value)
            on_its_way.append(value)
            assert ctx.get(dut.o) == on_its_way.pop(0)
            await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize(("width", "reset_less"), [(1, False), (9, True)])
def test_only_a_flag_is_reset(width: int, reset_less: bool) -> None:
    """A reset wire to each bit of a number would cost routes."""
    late = delayed(Module(), Signal(width), 1, "late")
    assert late.reset_less == reset_less
