# amaranth: UnusedElaboratable=no
"""Compute goes through the loops in a PE, step by step, no sooner than it may."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from kit import STALLS, simulate
from layers import NAMES, geometry_of, iterations, start_layer, values_of

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.cost.reference.pieces import Step, steps_of
from naas_hw.rtl.engines.compute import Compute

HALF_WEIGHT_BYTES = 512
HALF_INPUT_BYTES = 256


def make() -> Compute:
    return Compute(
        half_weight_bytes=HALF_WEIGHT_BYTES,
        half_input_bytes=HALF_INPUT_BYTES,
        bound_bits=BOUND_BITS,
    )


def multiplications(name: str, halves: list[tuple[int, int]]) -> Iterator[dict[str, int]]:
    """What each cycle of work multiplies; `halves` are those of the steps' operands."""
    geometry = geometry_of(name)
    values = values_of(geometry)
    bounds = values["pe_bound"]
    reduction = values["pe_reduction"]
    assert isinstance(bounds, tuple) and isinstance(reduction, int)
    half = 1
    for step, (weights, inputs) in zip(steps_of(geometry), halves, strict=True):
        half ^= step.opens_accumulator_run
        nest = iterations(
            values,
            "pe_bound",
            {
                "weight_address": "pe_weight_delta",
                "input_address": "pe_input_delta",
                "accumulator_address": "pe_accumulator_delta",
            },
            {
                "weight_address": weights * HALF_WEIGHT_BYTES,
                "input_address": inputs * HALF_INPUT_BYTES,
            },
        )
        for index, addresses in zip(product(*map(range, bounds)), nest, strict=True):
            touched = any(i for at, i in enumerate(index) if reduction >> at & 1)
            first = step.opens_accumulator_run and not touched
            yield {**addresses, "first": int(first), "half": half}


@pytest.mark.takes_seconds
@pytest.mark.parametrize("stalls", ["never", "bursts", "mostly"])
@pytest.mark.parametrize("name", NAMES)
def test_multiplications_are_those_of_the_loops(name: str, stalls: str) -> None:
    """Fill is up to two steps ahead; drain gives its credits late."""
    dut = make()
    steps = list(steps_of(geometry_of(name)))
    halves = [(i & 1, i >> 1 & 1) for i in range(len(steps))]
    expected = list(multiplications(name, halves))
    fill_pauses = iter(STALLS[stalls]())
    drain_pauses = iter(STALLS["bursts"]())

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        filled = computed = runs = drained = opened = 0
        work = iter(expected)
        while computed < len(steps):
            fill = filled < min(computed + 2, len(steps)) and not next(fill_pauses)
            drain = drained < runs and not next(drain_pauses)
            ctx.set(dut.i.valid, fill)
            if fill:
                ctx.set(dut.i.payload, filled_step(steps[filled], halves[filled]))
            ctx.set(dut.run_drained.give, drain)
            if ctx.get(dut.multiplication.valid):
                found = {
                    port: ctx.get(getattr(dut.multiplication, port))
                    for port in ("weight_address", "input_address", "first", "half")
                }
                golden = next(work)
                assert found == {port: golden[port] for port in found}
                address = ctx.get(dut.multiplication.accumulator_address)
                assert address == golden["accumulator_address"]
            if ctx.get(dut.step_computed.give):
                closes = steps[computed].closes_accumulator_run
                assert ctx.get(dut.run_computed.give) == closes
                computed += 1
                runs += closes
            if ctx.get(dut.started):
                at = computed
                opened += steps[at].opens_accumulator_run
                assert opened <= drained + 2
            await ctx.tick()
            filled += fill
            drained += drain
        assert next(work, None) is None

    simulate(dut, bench)


def filled_step(step: Step, halves: tuple[int, int]) -> dict[str, int]:
    """What fill says of a step."""
    return {
        "weights_half": halves[0],
        "inputs_half": halves[1],
        "opens_run": step.opens_accumulator_run,
        "closes_run": step.closes_accumulator_run,
    }


def test_filled_steps_follow_one_another_without_a_gap() -> None:
    """The first starts FILL_TO_COMPUTE cycles after it was filled and works a cycle later."""
    name = "convolution"
    dut = make()
    steps = list(steps_of(geometry_of(name)))[:2]
    cycles = geometry_of(name).compute_cycles
    valid = []

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        for cycle in range(2 * cycles + 10):
            ctx.set(dut.i.valid, cycle < 2)
            if cycle < 2:
                ctx.set(dut.i.payload, filled_step(steps[cycle], (0, 0)))
            valid.append(ctx.get(dut.multiplication.valid))
            await ctx.tick()

    simulate(dut, bench)
    first = timing.FILL_TO_COMPUTE + 1
    assert valid == [first <= i < first + 2 * cycles for i in range(len(valid))]


def test_a_third_run_waits_for_drain() -> None:
    """And says so, while a step is there."""
    dut = make()
    name = "one multiplication"

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        ctx.set(dut.i.payload, {"opens_run": 1, "closes_run": 1})
        for cycle in range(20):
            ctx.set(dut.i.valid, cycle < 3)
            await ctx.tick()
        assert ctx.get(dut.has_step) and ctx.get(dut.waits_for_drain) and ctx.get(dut.waits)
        ctx.set(dut.run_drained.give, 1)
        await ctx.tick()
        ctx.set(dut.run_drained.give, 0)
        for _ in range(timing.DRAIN_TO_COMPUTE - 1):
            assert not ctx.get(dut.started)
            await ctx.tick()
        assert ctx.get(dut.started) and not ctx.get(dut.waits)
        await ctx.tick()
        assert not ctx.get(dut.has_step) and not ctx.get(dut.waits_for_drain)

    simulate(dut, bench)


@pytest.mark.parametrize("bits", [0, BOUND_BITS + 1])
def test_init_wrong_bound_bits(bits: int) -> None:
    with pytest.raises(ValueError, match=f"^bound_bits must be 1 to {BOUND_BITS}, not {bits}$"):
        Compute(half_weight_bytes=8, half_input_bytes=8, bound_bits=bits)
