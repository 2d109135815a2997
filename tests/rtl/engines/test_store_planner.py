# amaranth: UnusedElaboratable=no
"""The transfers of a layer are the stores of the model, whatever the writer does."""

from math import prod
from typing import Any

import pytest
from kit import STALLS, receiver, simulate
from layers import NAMES, entry, geometry_of, iterations, start_layer, values_of

from naas_hw.arch import timing
from naas_hw.cost.reference.pieces import steps_of
from naas_hw.rtl.engines.store_planner import StorePlanner


def store_beats(name: str) -> list[int]:
    """Beats of each output run."""
    steps = steps_of(geometry_of(name))
    return [step.store_beats for step in steps if step.closes_output_run]


def plan(name: str, stalls: str) -> list[Any]:
    """The transfers that the hardware plans."""
    dut = StorePlanner()
    received: list[Any] = []
    take = receiver(dut.o, received, len(store_beats(name)), STALLS[stalls]())

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        assert not ctx.get(dut.exhausted)
        await take(ctx)
        assert ctx.get(dut.exhausted)
        assert not ctx.get(dut.o.valid)

    simulate(dut, bench)
    return received


@pytest.mark.parametrize("stalls", ["never", "bursts", "mostly"])
@pytest.mark.parametrize("name", NAMES)
def test_transfers_are_the_stores_of_the_model(name: str, stalls: str) -> None:
    beats = [
        prod((t.blocks, t.rows, t.columns)) * (4 if t.partial_sums else 1)
        for t in plan(name, stalls)
    ]
    assert beats == store_beats(name)


@pytest.mark.parametrize("name", NAMES)
def test_addresses_follow_the_loop_nest_and_halves_alternate(name: str) -> None:
    """Partial sums take four times as many beats, and lie in a region and a buffer of their own."""
    values = values_of(geometry_of(name))
    nest = iterations(values, "store_bound", {"offset": "store_delta"}, {})
    for number, (transfer, tile) in enumerate(zip(plan(name, "never"), nest, strict=True)):
        if transfer.partial_sums:
            address = entry(values, "store_sums_start") + 4 * tile["offset"]
            base = entry(values, "sums_base", number % 2)
        else:
            address = entry(values, "store_output_start") + tile["offset"]
            base = entry(values, "output_base", number % 2)
        assert (transfer.dram_address, transfer.l2_address) == (address, base)


def test_transfers_are_offered_at_the_pace_of_the_nest() -> None:
    dut = StorePlanner()
    offered = []
    num = len(store_beats("convolution"))
    pace = timing.PLANNER_PACE

    async def bench(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        await start_layer(ctx, dut, values_of(geometry_of("convolution")))
        for cycle in range(pace * num + 8):
            if ctx.get(dut.o.valid):
                offered.append(cycle)
            await ctx.tick()

    simulate(dut, bench)
    assert offered == [pace + pace * i for i in range(num)]


@pytest.mark.parametrize("bits", [1, 17])
def test_init_wrong_extent_bits(bits: int) -> None:
    with pytest.raises(ValueError, match=rf"^extent_bits must be 2 to 16, not {bits}$"):
        StorePlanner(extent_bits=bits)
