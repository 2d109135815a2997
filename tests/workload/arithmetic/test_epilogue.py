"""Tests of the epilogue's numbers: against a loop of Python integers."""

from typing import Any

import numpy as np
import pytest

from naas_hw.workload.arithmetic.epilogue import (
    Addition,
    Residual,
    Table,
    TablePlace,
    apply_epilogue,
)
from naas_hw.workload.arithmetic.golden import reference_accumulators, reference_output
from naas_hw.workload.arithmetic.quantise import Tensors, random_quantised_layer
from naas_hw.workload.layer import Kind, Layer

SEED = 20261128


def rounded(total: int, shift: int) -> int:
    """`total / 2^shift` to nearest, a tie away from zero, in whole numbers."""
    half = (1 << shift) >> 1
    magnitude = (abs(total) + half) >> shift
    return magnitude if total >= 0 else -magnitude


def random_addition(rng: np.random.Generator) -> Addition:
    numbers = rng.integers(-128, 128, size=4)
    return Addition(
        main_multiplier=int(rng.integers(-(1 << 15), 1 << 15)),
        multiplier=int(rng.integers(-(1 << 15), 1 << 15)),
        shift=int(rng.integers(0, 32)),
        main_zero_point=int(numbers[0]),
        zero_point=int(numbers[1]),
        output_zero_point=int(numbers[2]),
        clamp_min=int(min(numbers[3], 50)),
        clamp_max=int(max(numbers[3], 50)),
    )


def test_a_sum_is_that_of_whole_numbers() -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(50):
        addition = random_addition(rng)
        main, residual = rng.integers(-128, 128, size=(2, 40), dtype=np.int8)
        expected = []
        for c, r in zip(main.tolist(), residual.tolist(), strict=True):
            total = (c - addition.main_zero_point) * addition.main_multiplier
            total += (r - addition.zero_point) * addition.multiplier
            moved = rounded(total, addition.shift) + addition.output_zero_point
            expected.append(min(max(moved, addition.clamp_min), addition.clamp_max))
        assert addition.of(main, residual).tolist() == expected, (SEED, addition)


def test_a_table_gives_each_byte_its_entry() -> None:
    entries = np.arange(256, dtype=np.uint8).view(np.int8)[::-1].copy()
    values = np.array([0, 1, 127, -128, -1], np.int8)
    assert Table(entries=entries).of(values).tolist() == [-1, -2, -128, 127, 0]


@pytest.mark.parametrize("place", TablePlace)
def test_a_table_stands_before_or_after_the_residual(place: TablePlace) -> None:
    """Doubling and adding do not commute where the sum is clamped."""
    doubled = np.clip(2 * np.arange(256).astype(np.uint8).view(np.int8).astype(int), -128, 127)
    table = Table(entries=doubled.astype(np.int8), place=place)
    addition = Addition(main_multiplier=1, multiplier=1, shift=0)
    residual = Residual(values=np.full((1, 1, 1), 3, np.int8), addition=addition)
    outputs = np.full((1, 1, 1), 10, np.int8)
    expected = 23 if place is TablePlace.BEFORE_RESIDUAL else 26
    assert apply_epilogue(outputs, residual, table).tolist() == [[[expected]]]
    assert apply_epilogue(outputs, None, None) is outputs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"main_multiplier": 1 << 15}, "main_multiplier must be -32768 to 32767, not 32768"),
        ({"shift": 32}, "shift must be 0 to 31, not 32"),
        ({"clamp_min": 5, "clamp_max": 4}, "clamp_min must be -128 to 4, not 5"),
    ],
)
def test_init_wrong_addition(change: dict[str, int], message: str) -> None:
    given: dict[str, Any] = {"main_multiplier": 0, "multiplier": 0, "shift": 0, **change}
    with pytest.raises(ValueError, match=f"^{message}$"):
        Addition(**given)


def test_init_wrong_table() -> None:
    with pytest.raises(ValueError, match=r"^entries must be int8 \[256\], not int8 \[255\]$"):
        Table(entries=np.zeros(255, np.int8))


POOL = Layer(
    name="pool",
    kind=Kind.DEPTHWISE,
    K=3,
    P=4,
    Q=5,
    R=2,
    S=3,
    height=8,
    width=9,
    stride=(2, 2),
    padding=(0, 1),
    maximum=True,
)


def test_a_maximum_is_the_largest_input_under_the_kernel() -> None:
    quantised = random_quantised_layer(POOL, np.random.default_rng(SEED))
    seen = np.full((3, 8, 12), quantised.input_zero_point, np.int64)
    seen[:, :, 1:10] = quantised.inputs
    for p in range(4):
        for q in range(5):
            window = seen[:, 2 * p : 2 * p + 2, 2 * q : 2 * q + 3]
            sums = reference_accumulators(POOL, quantised)[:, p, q]
            assert sums.tolist() == window.max(axis=(1, 2)).tolist()


@pytest.mark.parametrize("tensors", Tensors)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("table", [False, True])
def test_a_layer_draws_what_it_has(tensors: Tensors, residual: bool, table: bool) -> None:
    layer = Layer(name="x", K=5, C=3, P=4, Q=4, height=4, width=4, residual=residual, table=table)
    quantised = random_quantised_layer(layer, np.random.default_rng(SEED), tensors)
    assert (quantised.residual is not None, quantised.table is not None) == (residual, table)
    assert reference_output(layer, quantised).shape == (5, 4, 4)
    other = Layer(name="x", K=5, C=3, P=4, Q=4, height=4, width=4, residual=not residual)
    with pytest.raises(ValueError, match=r"^residual must be (there|missing), not"):
        quantised.check_fits(other)


def test_init_wrong_maximum() -> None:
    with pytest.raises(ValueError, match=r"maximum must be false in a conv layer, not true"):
        Layer(name="x", K=1, height=1, width=1, maximum=True)
