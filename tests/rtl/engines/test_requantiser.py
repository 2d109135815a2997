"""The requantiser is gemmlowp's, or rounds once, bit for bit, one result a cycle."""

from collections.abc import Sequence

import numpy as np
import pytest
from amaranth.sim import Simulator

from naas_hw.rtl.engines.requantiser import Requantiser
from naas_hw.workload.arithmetic.requantise import requantise

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
Case = tuple[int, int, int, int, int, int, int]


def simulate(
    cases: list[Case], once: Sequence[bool] = (), *, single_rounding: bool = False
) -> list[int]:
    """One case a cycle; the results, LATENCY cycles later. `once`: which cases round once."""
    dut = Requantiser(single_rounding=single_rounding)
    results: list[int] = []

    async def bench(ctx):
        for cycle in range(len(cases) + dut.LATENCY):
            number = min(cycle, len(cases) - 1)
            accumulator, bias, multiplier, shift, zero_point, low, high = cases[number]
            if single_rounding:
                ctx.set(dut.rounds_once, once[number])
            ctx.set(dut.accumulator, accumulator)
            ctx.set(dut.bias, bias)
            ctx.set(dut.multiplier, multiplier)
            ctx.set(dut.shift, shift)
            ctx.set(dut.zero_point, zero_point)
            ctx.set(dut.clamp_min, low)
            ctx.set(dut.clamp_max, high)
            if cycle >= dut.LATENCY:
                results.append(ctx.get(dut.o))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return results


def golden(cases: list[Case], once: Sequence[bool] = ()) -> list[int]:
    rounds_once = once or [False] * len(cases)
    return [
        int(requantise(*case, rounds_once=rounds))
        for case, rounds in zip(cases, rounds_once, strict=True)
    ]


def random_cases(rng: np.random.Generator, number: int) -> list[Case]:
    """Accumulators of every size, so that results fall inside the clamps as well as on them."""
    cases = []
    for _ in range(number):
        bits = int(rng.integers(1, 33))
        low, high = sorted(int(v) for v in rng.integers(-128, 128, 2))
        cases.append(
            (
                int(rng.integers(INT32_MIN, INT32_MAX + 1)) >> (32 - bits),
                int(rng.integers(INT32_MIN, INT32_MAX + 1)) >> int(rng.integers(0, 32)),
                int(rng.integers(0, INT32_MAX + 1)) >> int(rng.integers(0, 4)),
                int(rng.integers(0, min(bits + 1, 32))),
                int(rng.integers(-128, 128)),
                low if rng.random() < 0.5 else -128,
                high if rng.random() < 0.5 else 127,
            )
        )
    return cases


def test_random_values_every_cycle() -> None:
    cases = random_cases(np.random.default_rng(1), 3000)
    expected = golden(cases)
    assert len(set(expected)) > 200  # most of int8 is seen
    assert simulate(cases) == expected


@pytest.mark.parametrize("seed", [2, 3])
def test_either_rounding_every_cycle(seed: int) -> None:
    """The bit may change from one value to the next."""
    rng = np.random.default_rng(seed)
    cases = random_cases(rng, 3000)
    once = [bool(rounds) for rounds in rng.integers(2, size=len(cases))]
    expected = golden(cases, once)
    assert expected != golden(cases)
    assert simulate(cases, once, single_rounding=True) == expected


def corners(shift: int) -> list[Case]:
    values = (INT32_MIN, INT32_MIN + 1, -(1 << 30), -2, -1, 0, 1, 2, 1 << 30, INT32_MAX)
    multipliers = (0, 1, 1 << 30, (1 << 30) + 1, INT32_MAX)
    return [
        (accumulator, bias, multiplier, shift, zero_point, -128, 127)
        for accumulator in values
        for bias in (0, -1, INT32_MIN, INT32_MAX)
        for multiplier in multipliers
        for zero_point in (-128, 0, 127)
    ]


@pytest.mark.parametrize("shift", [0, 1, 7, 30, 31])
def test_corners(shift: int) -> None:
    cases = corners(shift)
    assert simulate(cases) == golden(cases)


@pytest.mark.parametrize("shift", [0, 1, 2, 7, 30, 31])
@pytest.mark.parametrize("rounds_once", [False, True])
def test_corners_where_it_can_round_once(shift: int, rounds_once: bool) -> None:
    cases = corners(shift)
    once = [rounds_once] * len(cases)
    assert simulate(cases, once, single_rounding=True) == golden(cases, once)


def test_a_tie_goes_up_in_the_product_and_away_from_zero_in_the_shift() -> None:
    half = 1 << 30  # multiplies by one half
    product = [(value, 0, half, 0, 0, -128, 127) for value in (-3, -1, 1, 3)]
    assert simulate(product) == [-1, 0, 1, 2]
    shifted = [(2 * value, 0, half, 1, 0, -128, 127) for value in (-3, -1, 1, 3)]
    assert simulate(shifted) == [-2, -1, 1, 2]


def test_rounded_once_a_tie_goes_up_and_the_product_is_not_rounded() -> None:
    """-3/2, -1/2, 1/2, 3/2; then 5/4 and -5/4, which two roundings make 2 and -1."""
    half = 1 << 30
    ties = [(2 * value, 0, half, 1, 0, -128, 127) for value in (-3, -1, 1, 3)]
    quarters = [(value, 0, half, 1, 0, -128, 127) for value in (5, -5)]
    once = [True] * 6
    assert simulate(ties + quarters, once, single_rounding=True) == [-1, 0, 1, 2, 1, -1]
