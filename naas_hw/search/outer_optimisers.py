"""Optimisers of the outer level: points of [0, 1]^n, asked for and judged by scores."""

from enum import StrEnum
from math import inf, log
from typing import Any, Final, Protocol

import numpy as np

from naas_hw.search.evolution import new_strategy
from naas_hw.search.genes import Genes

INITIAL_SIGMA: Final = 0.25


class OuterOptimiser(StrEnum):
    """How accelerators are proposed."""

    CMA = "cma"
    RANDOM = "random"


class OuterStrategy(Protocol):
    """Ask and tell: a generation, or one point that takes the place of another."""

    def ask(self, num: int) -> list[Genes]: ...

    def tell(self, points: list[Genes], scores: list[float]) -> None: ...


class RandomSearch:
    """Uniform points; learns nothing."""

    def __init__(self, num_genes: int, rng: np.random.Generator) -> None:
        self._num_genes, self._rng = num_genes, rng

    def ask(self, num: int) -> list[Genes]:
        return list(self._rng.random((num, self._num_genes)))

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """Nothing to learn."""


class CmaSearch:
    """CMA-ES on the logarithm of the score; begins anew where it has converged."""

    def __init__(self, start: Genes, population: int, rng: np.random.Generator) -> None:
        self._start, self._population, self._rng = start, population, rng
        self._strategy: Any = self._new()

    def _new(self) -> Any:
        return new_strategy(
            self._start.tolist(),
            sigma=INITIAL_SIGMA,
            population=self._population,
            rng=self._rng,
        )

    def ask(self, num: int) -> list[Genes]:
        return [np.asarray(point, dtype=np.float64) for point in self._strategy.ask(num)]

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        finite = [score for score in scores if score < inf]
        worst = log(max(finite)) + 1.0 if finite else 0.0
        self._strategy.tell(points, [log(s) if s < inf else worst for s in scores])
        if self._strategy.stop():
            self._strategy = self._new()


def outer_strategy(
    kind: OuterOptimiser, start: Genes, population: int, rng: np.random.Generator
) -> OuterStrategy:
    """An optimiser at its beginning.

    Parameters
    ----------
    start : where the search begins, if it begins anywhere.
    population : points that are asked for, and told, at a time.
    rng : its only randomness.
    """
    if kind is OuterOptimiser.RANDOM:
        return RandomSearch(len(start), rng)
    return CmaSearch(start, population, rng)
