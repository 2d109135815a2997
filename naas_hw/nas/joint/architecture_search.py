"""The level between accelerator and mapping: a network of a space, for one accelerator.

Networks above an accuracy floor are bred; each is judged by the mappings of its layers, which are
searched once for each distinct layer. What is reported of the best one is exact.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.oracle import AccuracyOracle, AccuracySource
from naas_hw.nas.joint.layer_costs import LayerCosts
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import Space
from naas_hw.search.mapping.network_search import MappingSettings, NetworkResult, assemble
from naas_hw.search.pareto import evenly, pareto_front

MAX_ROUNDS: Final = 200
"""Draws of a whole population after which an accuracy floor counts as out of reach."""

MAX_NEW_ROUNDS: Final = 20
"""Of those, in how many a network that was judged before is left out."""


class Aim(StrEnum):
    """What networks are bred toward.

    - `score`: the best score above the floor.
    - `front`: all that no other beats in both score and accuracy, above the floor.
    """

    SCORE = "score"
    FRONT = "front"


class ArchitectureSettings(BaseModel):
    """How networks are bred.

    Parameters
    ----------
    min_top1_percent : the accuracy floor.
    aim : with `front` the whole front has children.
    parent_share : of the best networks so far that have children, with `score`.
    mutation_rate : of each gene of a child.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_top1_percent: float = Field(ge=0, le=100)
    aim: Aim = Aim.SCORE
    population: int = Field(default=32, ge=2)
    generations: int = Field(default=8, ge=1)
    parent_share: float = Field(default=0.25, gt=0, le=1)
    mutation_rate: float = Field(default=0.1, ge=0, le=1)
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True, kw_only=True)
class ArchitectureResult:
    """The best network found for an accelerator.

    Parameters
    ----------
    result : the network with its mappings; every figure is exact.
    accuracy_source : where `top1_percent` comes from.
    num_networks : that were judged.
    num_layers : distinct layers whose mappings were searched for all of them.
    best_scores : [generations] of the sums over layers, each layer with its own best mapping.
    """

    encoding: Encodings
    top1_percent: float
    accuracy_source: AccuracySource
    result: NetworkResult
    num_networks: int
    num_layers: int
    best_scores: tuple[float, ...]


def search_architecture(
    accelerator: Accelerator,
    space: Space,
    oracle: AccuracyOracle,
    settings: ArchitectureSettings,
    mapping_settings: MappingSettings,
    *,
    executor: Executor | None = None,
) -> ArchitectureResult | None:
    """The network of a space, at least as accurate as the floor, with the smallest objective.

    None where no network that was judged has a legal mapping of every layer.

    Raises
    ------
    InputError : no network that was drawn meets the floor.
    """
    costs = LayerCosts(space.layers, accelerator, mapping_settings, executor)
    breeder = Breeder(space, oracle, settings, np.random.default_rng([settings.seed, 3]))
    best_scores = []
    for _ in range(settings.generations):
        encodings = breeder.ask()
        breeder.tell(encodings, costs.scores(space.to_layers(encodings)))
        best_scores.append(breeder.best_score)
    if breeder.best_score == inf:
        return None
    best = breeder.best[np.newaxis]
    accuracies = oracle.accuracies(best)
    return ArchitectureResult(
        encoding=breeder.best,
        top1_percent=float(accuracies.top1_percent[0]),
        accuracy_source=accuracies.source,
        result=assemble(
            accelerator,
            space.network(breeder.best),
            costs.results_of(space.to_layers(best)),
            mapping_settings,
        ),
        num_networks=breeder.num_networks,
        num_layers=len(costs.results),
        best_scores=tuple(best_scores),
    )


class Breeder:
    """Asks for networks above the floor, is told their scores, and breeds from the best so far."""

    def __init__(
        self,
        space: Space,
        oracle: AccuracyOracle,
        settings: ArchitectureSettings,
        rng: np.random.Generator,
    ) -> None:
        self.space, self.oracle, self.settings, self.rng = space, oracle, settings, rng
        self.num_networks = 0
        self._asked: set[bytes] = set()
        self._known: Encodings | None = None
        self._scores: NDArray[np.float64] = np.empty(0)
        self._num_parents = max(2, round(settings.parent_share * settings.population))
        self._best_top1_percent: float | None = None

    @property
    def best(self) -> Encodings:
        """The network with the smallest score so far."""
        assert self._known is not None
        best: Encodings = self._known[0]
        return best

    @property
    def best_score(self) -> float:
        """Its score."""
        return float(self._scores[0]) if len(self._scores) else inf

    def ask(self) -> Encodings:
        """A population of networks that meet the floor, new ones as far as they can be found."""
        accepted: list[Encodings] = []
        missing = self.settings.population
        for number in range(MAX_ROUNDS):
            met = self._draw()
            met = met[self._meets_floor(met)]
            if number < MAX_NEW_ROUNDS:
                met = self._new(met, missing)
            accepted.append(met[:missing])
            missing -= len(accepted[-1])
            if not missing:
                return np.concatenate(accepted)
        if missing == self.settings.population:
            raise InputError(self._why_none_meets_floor())
        return np.concatenate(accepted)

    def tell(self, encodings: Encodings, scores: NDArray[np.float64]) -> None:
        """Keep the best of all so far, each once."""
        self.num_networks += len(encodings)
        pool = encodings if self._known is None else np.concatenate([self._known, encodings])
        values = np.concatenate([self._scores, scores])
        _, first = np.unique(pool, axis=0, return_index=True)
        order = first[np.lexsort((first, values[first]))]
        if self.settings.aim is Aim.FRONT:
            order = self._front_first(order, pool, values)
        order = order[: self.settings.population]
        self._known, self._scores = pool[order], values[order]

    def _front_first(
        self, order: NDArray[np.intp], pool: Encodings, values: NDArray[np.float64]
    ) -> NDArray[np.intp]:
        """The front before the rest, evenly picked where it is larger than a population."""
        num_mapped = int(np.isfinite(values[order]).sum())  # they come first
        if not num_mapped:
            return order
        mapped = order[:num_mapped]
        top1 = self.oracle.accuracies(pool[mapped]).top1_percent
        on_front = np.array(pareto_front(np.stack([values[mapped], -top1], axis=1)))
        picked = on_front[evenly(len(on_front), self.settings.population)]
        self._num_parents = max(2, len(picked))
        return np.concatenate([order[picked], np.delete(order, picked)])

    def _draw(self) -> Encodings:
        """Children of the best so far, or of the front; at the beginning, any networks."""
        count = self.settings.population
        if self._known is None:
            return self.space.sample(self.rng, count)
        parents = self._known[: self._num_parents]
        first, second = (parents[self.rng.integers(0, len(parents), size=count)] for _ in range(2))
        children = self.space.cross_over(self.rng, first, second)
        return self.space.mutate(self.rng, children, self.settings.mutation_rate)

    def _new(self, encodings: Encodings, most: int) -> Encodings:
        """At most `most` distinct encodings that were not evaluated before."""
        chosen: list[int] = []
        for index, encoding in enumerate(encodings):
            key = encoding.tobytes()
            if key not in self._asked and len(chosen) < most:
                self._asked.add(key)
                chosen.append(index)
        return encodings[chosen]

    def _meets_floor(self, encodings: Encodings) -> NDArray[np.bool_]:
        met = self.oracle.covers(encodings)
        if met.any():
            accuracies = self.oracle.accuracies(encodings[met])
            best = float(accuracies.top1_percent.max())
            self._best_top1_percent = max(best, self._best_top1_percent or 0.0)
            met[met] = accuracies.at_least(self.settings.min_top1_percent)
        return met

    def _why_none_meets_floor(self) -> str:
        best = self._best_top1_percent
        known = "none has a known accuracy" if best is None else f"the best has {best:.1f} %"
        return (
            f"no network of {self.space.name} reaches an accuracy of "
            f"{self.settings.min_top1_percent:g} % "
            f"({MAX_ROUNDS * self.settings.population:,} tried, {known}; accuracies are "
            f"{self.oracle.source.label})"
        )
