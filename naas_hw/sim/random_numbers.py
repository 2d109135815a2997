"""Numbers and values at random, so that all magnitudes and all values come up."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from naas_hw.mapping.geometry import ceil_div

Generator = np.random.Generator
T = TypeVar("T")


def log_uniform(rng: Generator, low: int, high: int) -> int:
    """A whole number from `low` to `high`, each magnitude equally often."""
    return min(high, int(np.exp(rng.uniform(np.log(low), np.log(high + 1)))))


def stratified(rng: Generator, values: Sequence[T], count: int) -> list[T]:
    """So many of the values, each equally often but for one, in random order."""
    rounds = ceil_div(count, len(values))
    return [values[int(i)] for _ in range(rounds) for i in rng.permutation(len(values))][:count]
