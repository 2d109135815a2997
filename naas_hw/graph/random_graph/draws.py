"""Random integers, and pairs of them for rows and columns."""

from collections.abc import Sequence

import numpy as np

from naas_hw.graph.quantised import Pair


def draw_integer(rng: np.random.Generator, low: int, high: int) -> int:
    """An integer from `low` to `high`, both included."""
    return int(rng.integers(low, high + 1))


def draw_pair(rng: np.random.Generator, low: int, high: int) -> Pair:
    """Two integers from `low` to `high`, both included."""
    return draw_integer(rng, low, high), draw_integer(rng, low, high)


def choose(rng: np.random.Generator, values: Sequence[int]) -> int:
    """One of the values; one that is listed twice is taken twice as often."""
    return int(rng.choice(values))


def choose_pair(rng: np.random.Generator, values: Sequence[int]) -> Pair:
    """Two of the values, which may be the same one."""
    return choose(rng, values), choose(rng, values)


def draw_clamps(rng: np.random.Generator) -> Pair:
    """The least and the greatest byte of an output, mostly those of int8."""
    return choose(rng, (-128, -128, -90)), choose(rng, (127, 127, 80))
