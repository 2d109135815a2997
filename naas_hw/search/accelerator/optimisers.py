"""Optimisers of the outer level: points of [0, 1]^n, asked for and judged by scores.

All of them speak one protocol and are random by the generator that they are given alone. What they
are told may be points that they never proposed: a warm start, or others' finds.

- `cma`: CMA-ES, the paper's by description; begins at the best of what it is told first.
- `genetic`: tournaments, uniform crossing, mutation of few genes; the best of all so far survive.
- `differential`: differential evolution towards one of the best, each trial against its own target.
- `climb`: few genes of the best so far are changed, now and then of one of those behind it.
- `random`: uniform points; learns nothing.
"""

from abc import ABC, abstractmethod
from enum import StrEnum
from math import inf, log
from typing import Any, Final, Protocol

import numpy as np

from naas_hw.search.cma import new_strategy
from naas_hw.search.unit_interval import Genes

INITIAL_SIGMA: Final = 0.25
"""Standard deviation of CMA-ES where it begins."""

MUTATION_SIGMAS: Final = (0.03, 0.3)
"""Between which the standard deviation of a mutation's steps is drawn, evenly in its logarithm."""

RESET_PROBABILITY: Final = 0.2
"""How often a gene that mutates is drawn anew instead."""

MEAN_MUTATIONS: Final = 2.0
"""Genes that a mutation changes, in the mean; at least one."""

BEST_PROBABILITY: Final = 0.6
"""How often a climb goes on from the best; from the second 0.6 of the rest, and so on."""

CROSSING_PROBABILITY: Final = 0.6
TOURNAMENT: Final = 3
DIFFERENTIAL_WEIGHTS: Final = (0.4, 1.0)
"""Between which the weight of a difference is drawn, each time anew."""

NUM_GUIDES: Final = 3
"""The best, of which a trial goes towards one."""

DIFFERENTIAL_CROSSING: Final = 0.8


class OuterOptimiser(StrEnum):
    """How accelerators are proposed."""

    CMA = "cma"
    GENETIC = "genetic"
    DIFFERENTIAL = "differential"
    CLIMB = "climb"
    RANDOM = "random"


LEAST_POPULATION: Final = {OuterOptimiser.DIFFERENTIAL: 3}
"""Differential evolution draws two others beside a target."""


class OuterStrategy(Protocol):
    """Ask and tell: a generation, or one point that takes the place of another."""

    def ask(self, num: int) -> list[Genes]:
        """So many points to be judged."""

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """What they are worth: smaller is better, infinity is worst."""


def outer_strategy(
    kind: OuterOptimiser, start: Genes, population: int, rng: np.random.Generator
) -> OuterStrategy:
    """An optimiser at its beginning.

    Parameters
    ----------
    start : where the search begins, if it begins anywhere; its length is the number of genes.
    population : points that are asked for, and told, at a time.
    rng : its only randomness.
    """
    kinds: dict[OuterOptimiser, type[_Strategy]] = {
        OuterOptimiser.CMA: Cma,
        OuterOptimiser.GENETIC: Genetic,
        OuterOptimiser.DIFFERENTIAL: Differential,
        OuterOptimiser.CLIMB: Climb,
        OuterOptimiser.RANDOM: Uniform,
    }
    return kinds[kind](start, population, rng)


class _Strategy(ABC):
    """What all have: where they begin, how many they are asked for, and their randomness."""

    def __init__(self, start: Genes, population: int, rng: np.random.Generator) -> None:
        self.start, self.population, self.rng = start, population, rng

    @abstractmethod
    def ask(self, num: int) -> list[Genes]:
        """So many points to be judged."""

    @abstractmethod
    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """What they are worth."""

    def uniform(self, num: int) -> list[Genes]:
        """Points anywhere."""
        return list(self.rng.random((num, len(self.start))))


class Uniform(_Strategy):
    """Uniform points; learns nothing."""

    def ask(self, num: int) -> list[Genes]:
        """Points anywhere."""
        return self.uniform(num)

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """Nothing to learn."""


class Cma(_Strategy):
    """CMA-ES on the logarithm of the score; begins anew where it has converged."""

    _strategy: Any = None

    def ask(self, num: int) -> list[Genes]:
        """Points drawn from the distribution of the strategy."""
        if self._strategy is None:
            self._strategy = self._new()
        return [np.asarray(point, dtype=np.float64) for point in self._strategy.ask(num)]

    def _new(self) -> Any:
        return new_strategy(
            self.start.tolist(), sigma=INITIAL_SIGMA, population=self.population, rng=self.rng
        )

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """Move the distribution; points told before it exists only give its start."""
        if self._strategy is None:
            best = int(np.argmin(scores))
            self.start = points[best] if scores[best] < inf else self.start
            return
        finite = [score for score in scores if score < inf]
        worst = log(max(finite)) + 1.0 if finite else 0.0
        self._strategy.tell(points, [log(s) if s < inf else worst for s in scores])
        if self._strategy.stop():
            self._strategy = None


class _Elitist(_Strategy):
    """Keeps the best points that it was told, best first; uniform until there are some."""

    def __init__(self, start: Genes, population: int, rng: np.random.Generator) -> None:
        super().__init__(start, population, rng)
        self.points: list[Genes] = []
        self.scores: list[float] = []

    def ask(self, num: int) -> list[Genes]:
        """Children of the points that are kept; points anywhere while none is kept."""
        if not self.points:
            return self.uniform(num)
        return [np.clip(self.child(), 0.0, 1.0) for _ in range(num)]

    @abstractmethod
    def child(self) -> Genes:
        """A new point, from those that are kept."""

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """Keep the best of these points and of those kept before."""
        pairs = [(s, p) for s, p in zip(scores, points, strict=True) if s < inf]
        pairs = [*zip(self.scores, self.points, strict=True), *pairs]
        pairs.sort(key=lambda pair: pair[0])
        self.scores = [score for score, _ in pairs[: self.population]]
        self.points = [point for _, point in pairs[: self.population]]

    def mutated(self, point: Genes) -> Genes:
        """Few genes a step away, or anywhere."""
        num_genes = len(point)
        chosen = self.rng.random(num_genes) < MEAN_MUTATIONS / num_genes
        chosen[self.rng.integers(num_genes)] = True
        sigma = np.exp(self.rng.uniform(*np.log(MUTATION_SIGMAS)))
        steps = point + self.rng.normal(0.0, sigma, num_genes)
        drawn = self.rng.random(num_genes)
        reset = self.rng.random(num_genes) < RESET_PROBABILITY
        return np.where(chosen, np.where(reset, drawn, steps), point)


class Genetic(_Elitist):
    """Parents by tournament, uniform crossing, mutation."""

    def child(self) -> Genes:
        """One parent, often crossed with another one, mutated."""
        child = self._parent()
        if self.rng.random() < CROSSING_PROBABILITY:
            of_other = self.rng.random(len(child)) < 0.5
            child = np.where(of_other, self._parent(), child)
        return self.mutated(child)

    def _parent(self) -> Genes:
        """The best of a few: kept points are sorted."""
        return self.points[int(self.rng.integers(0, len(self.points), TOURNAMENT).min())]


class Climb(_Elitist):
    """Few genes of the best so far are changed, or of one of those behind it."""

    def child(self) -> Genes:
        """One of the best points, mutated; the better it is, the more often it is chosen."""
        behind = int(self.rng.geometric(BEST_PROBABILITY)) - 1
        return self.mutated(self.points[min(behind, len(self.points) - 1)])


class Differential(_Elitist):
    """Differential evolution: a trial replaces its own target, where it is better.

    Points that were no trials take the place of the worst.
    """

    def __init__(self, start: Genes, population: int, rng: np.random.Generator) -> None:
        super().__init__(start, population, rng)
        self._targets: dict[bytes, int] = {}
        self._next = 0

    def ask(self, num: int) -> list[Genes]:
        """Trials, each against a target of its own; points anywhere while few are kept."""
        if len(self.points) < min(4, self.population):
            return self.uniform(num)
        return [self._trial() for _ in range(num)]

    def _trial(self) -> Genes:
        self._next = (self._next + 1) % len(self.points)
        trial = np.clip(self.child(), 0.0, 1.0)
        self._targets[trial.tobytes()] = self._next
        return trial

    def child(self) -> Genes:
        """The target, moved towards one of the best and along a difference of two others."""
        target = self.points[self._next]
        best = self.points[int(self.rng.choice(np.argsort(self.scores)[:NUM_GUIDES]))]
        others = [i for i in range(len(self.points)) if i != self._next]
        first, second = (self.points[i] for i in self.rng.permutation(others)[:2])
        weight = self.rng.uniform(*DIFFERENTIAL_WEIGHTS)
        moved = target + weight * (best - target + first - second)
        crosses = self.rng.random(len(target)) < DIFFERENTIAL_CROSSING
        crosses[self.rng.integers(len(target))] = True
        return np.where(crosses, moved, target)

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """Replace targets by better trials; other points replace the worst."""
        others: list[tuple[float, Genes]] = []
        for point, score in zip(points, scores, strict=True):
            target = self._targets.get(point.tobytes())
            if target is None:
                others.append((score, point))
            elif score < self.scores[target]:
                self.points[target], self.scores[target] = point, score
        self._targets.clear()
        if others:
            super().tell([point for _, point in others], [score for score, _ in others])
