"""The outer level: accelerators within a budget, each judged by its best mappings.

CMA-ES (or, as its rival, random search) over `AcceleratorEncoding`. Candidates that break the
budget, or that a layer has no room in, are ruled out before they are evaluated, and sampling goes
on until the generation is full. The score of a candidate is exact: the geometric mean over the
networks of the objective of each.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, log
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.technology import EnergyTable, energy_table
from naas_hw.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.encoding import AcceleratorEncoding, Genes
from naas_hw.search.evolution import new_strategy
from naas_hw.search.history import CandidateRecord, History
from naas_hw.search.mapping_search import MappingResult, Optimiser, is_mappable
from naas_hw.search.network_search import (
    MappingSettings,
    NetworkResult,
    Pending,
    anonymous,
    assemble,
    distinct_layers,
    submit_layer,
)
from naas_hw.search.objective import Objective, geometric_mean
from naas_hw.search.processes import worker_processes
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

MAX_INVALID: Final = 2000
"""Candidates that are ruled out in a row before the budget counts as too small."""

MAX_REPEATED: Final = 50
"""Of those, how many may be ruled out for being known already; then one is taken again."""

INITIAL_SIGMA: Final = 0.25
FOUND_NAME: Final = "found"


class OuterOptimiser(StrEnum):
    """How accelerators are proposed."""

    CMA = "cma"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Everything that, with networks and budget, determines a search.

    Parameters
    ----------
    objective : what is to be small.
    table : energies; the budget's by its name if None.
    population, generations : candidates of a generation, and how many of these.
    mapping_evaluations : mappings whose bound is computed, for each layer of each candidate.
    min_legal : distinct legal mappings of each layer of each candidate at least.
    final_effort : how many times the evaluations the best accelerator's mappings get at last.
    seed : of everything random.
    optimiser, mapping_optimiser : of the two levels.
    """

    objective: Objective = Objective.EDP
    table: EnergyTable | None = None
    population: int = 8
    generations: int = 8
    mapping_evaluations: int = 1000
    min_legal: int = 60
    final_effort: int = 8
    seed: int = 0
    optimiser: OuterOptimiser = OuterOptimiser.CMA
    mapping_optimiser: Optimiser = Optimiser.EVOLVE

    def __post_init__(self) -> None:
        for name, least in (
            ("population", 2),
            ("generations", 1),
            ("mapping_evaluations", 1),
            ("min_legal", 1),
            ("final_effort", 1),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, not {getattr(self, name)}")

    def mapping_settings(self, budget: Budget, *, effort: int = 1) -> MappingSettings:
        """What `map_layer` is told."""
        return MappingSettings(
            objective=self.objective,
            table=self.table or energy_table(budget.energy_table),
            evaluations=self.mapping_evaluations * effort,
            optimiser=self.mapping_optimiser,
            max_exact=24 * effort,
            min_legal=self.min_legal,
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a search is; every figure is exact.

    Members
    -------
    num_candidates : evaluated so far, of `num_planned`.
    generation : that of the latest candidate, from 0.
    latest : what it is.
    latest_score, best_score : of the objective; None if it has no mapping, or none has yet.
    best : the best so far.
    population_mean : of the scores of the last complete generation.
    stage : "candidates", or "final mappings" of the best.
    """

    num_candidates: int
    num_planned: int
    generation: int
    latest: Accelerator
    latest_score: float | None
    best: Accelerator | None
    best_score: float | None
    population_mean: float | None
    stage: str = "candidates"


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search found; every figure is exact.

    Members
    -------
    score : the objective, geometric mean over the networks.
    networks : the mappings and reports of each.
    num_candidates : accelerators evaluated; `num_invalid` were ruled out before.
    num_evaluations, num_legal, num_exact : of all candidates' mappings; as in `MappingResult`.
    largest_gap : largest (exact - bound) / bound in cycles of any mapping that was timed.
    best_scores, population_means : after, and of, each generation.
    interrupted : Ctrl-C ended it.
    """

    accelerator: Accelerator
    objective: Objective
    score: float
    networks: tuple[NetworkResult, ...]
    num_candidates: int
    num_invalid: int
    num_evaluations: int
    num_legal: int
    num_exact: int
    largest_gap: float
    best_scores: tuple[float, ...]
    population_means: tuple[float, ...]
    interrupted: bool = False

    @property
    def mappings(self) -> dict[str, dict[str, Mapping]]:
        """Name of a network -> name of a layer -> mapping."""
        return {result.network.name: dict(result.mappings) for result in self.networks}


ProgressCallback = Callable[[Progress], None]


def search(
    networks: Sequence[Network],
    budget: Budget,
    settings: SearchSettings,
    *,
    executor: Executor | None = None,
    num_processes: int = 1,
    history: str | Path | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> SearchResult:
    """Search an accelerator, and mappings of all networks on it.

    The result depends on networks, budget and settings; not on where or how often it ran, was
    interrupted and resumed.

    Parameters
    ----------
    executor : where layers are searched; otherwise `num_processes` are started.
    history : SQLite file; None keeps it in memory.
    resume : go on with a history that exists.
    progress : told of every candidate, in order.

    Raises
    ------
    InputError : no networks; no accelerator of the budget has room for every layer; the history
        exists, belongs to another search or cannot be written.
    KeyboardInterrupt : Ctrl-C before the first candidate was evaluated; later it ends the search
        with what was found.
    """
    if not networks:
        raise InputError("networks must be at least 1, not 0")
    digest = settings_digest(networks, budget, settings)
    with History.open(history, digest=digest, resume=resume) as opened:
        if executor is not None:
            return _Search(networks, budget, settings, opened, executor, progress).run()
        with worker_processes(num_processes) as started:
            return _Search(networks, budget, settings, opened, started, progress).run()


def settings_digest(networks: Sequence[Network], budget: Budget, settings: SearchSettings) -> str:
    """SHA-256 of everything that determines the result."""
    table = settings.table or energy_table(budget.energy_table)
    plain = {
        "networks": [network.model_dump(mode="json") for network in networks],
        "budget": budget.model_dump(mode="json"),
        "table": table.model_dump(mode="json"),
        "settings": {
            name: value for name, value in vars(settings).items() if name not in ("table",)
        },
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


# The optimisers ----------------------------------------------------------------------------------


class _Strategy(Protocol):
    """Ask and tell: a generation, or one point that takes the place of another."""

    def ask(self, num: int) -> list[Genes]: ...

    def tell(self, points: list[Genes], scores: list[float]) -> None: ...


class _Random:
    """Uniform points; learns nothing."""

    def __init__(self, num_genes: int, rng: np.random.Generator) -> None:
        self._num_genes, self._rng = num_genes, rng

    def ask(self, num: int) -> list[Genes]:
        return list(self._rng.random((num, self._num_genes)))

    def tell(self, points: list[Genes], scores: list[float]) -> None:
        """Nothing to learn."""


class _Cma:
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


def _strategy(settings: SearchSettings, encoding: AcceleratorEncoding) -> _Strategy:
    rng = np.random.default_rng([settings.seed, 0])
    if settings.optimiser is OuterOptimiser.RANDOM:
        return _Random(encoding.num_genes, rng)
    return _Cma(encoding.start, settings.population, rng)


# The search --------------------------------------------------------------------------------------


class _Search:
    """One run: what is known of accelerators so far, and the best of them."""

    def __init__(
        self,
        networks: Sequence[Network],
        budget: Budget,
        settings: SearchSettings,
        history: History,
        executor: Executor | None,
        progress: ProgressCallback | None,
    ) -> None:
        self.networks, self.budget, self.settings = networks, budget, settings
        self.history, self.executor, self.progress = history, executor, progress
        self.layers = distinct_layers(networks)
        self.mapping_settings = settings.mapping_settings(budget)
        self.encoding = AcceleratorEncoding(budget=budget)
        self.records: list[CandidateRecord] = []
        self.known: dict[Accelerator, CandidateRecord] = {}
        self.best: CandidateRecord | None = None
        self.best_scores: list[float] = []
        self.population_means: list[float] = []

    def run(self) -> SearchResult:
        """All generations, then the final mappings."""
        try:
            for generation, strategy in self._generations():
                self._run_generation(generation, strategy)
            if self.best is None:
                raise InputError(
                    f"budget {self.budget.name} must have room for every layer: "
                    "no candidate had a legal mapping of all of them"
                )
            return self._finish()
        except KeyboardInterrupt:
            if self.best is None:
                raise
            return self._result(self._assembled(self.best), interrupted=True)

    def _generations(self) -> Iterator[tuple[int, _Strategy]]:
        strategy = _strategy(self.settings, self.encoding)
        for generation in range(self.settings.generations):
            yield generation, strategy

    def _run_generation(self, generation: int, strategy: _Strategy) -> None:
        points, drawn = self._ask(strategy)
        if generation < self.history.num_generations:
            records = self.history.generation(generation)
            if [r.accelerator for r in records] != [a for a, _ in drawn]:
                raise InputError(
                    "history must hold the candidates that this version draws, not others"
                )
            for record in records:
                self._learn(record)
        else:
            records = self._evaluated(generation, drawn)
            self.history.add_generation(records)
        scores = [inf if record.score is None else record.score for record in records]
        strategy.tell(points, scores)
        finite = [score for score in scores if score < inf]
        self.population_means.append(sum(finite) / len(finite) if finite else inf)
        self.best_scores.append(inf if self.best is None else self.best.score or inf)

    # Asking ----------------------------------------------------------------------------------

    def _ask(self, strategy: _Strategy) -> tuple[list[Genes], list[tuple[Accelerator, int]]]:
        """Points of a generation, and each one's accelerator with how many were ruled out."""
        points: list[Genes] = []
        drawn: list[tuple[Accelerator, int]] = []
        for first in strategy.ask(self.settings.population):
            taken = {accelerator for accelerator, _ in drawn}
            point, accelerator, num_invalid = self._valid(first, strategy, taken)
            points.append(point)
            drawn.append((accelerator, num_invalid))
        return points, drawn

    def _valid(
        self, first: Genes, strategy: _Strategy, taken: set[Accelerator]
    ) -> tuple[Genes, Accelerator, int]:
        """The point, or the first valid one of those drawn instead of it."""
        num_repeated = 0
        for num_invalid in range(MAX_INVALID):
            point = strategy.ask(1)[0] if num_invalid else first
            accelerator = self.encoding.decode(point)
            if not self._is_valid(accelerator):
                continue
            if num_repeated < MAX_REPEATED and (accelerator in self.known or accelerator in taken):
                num_repeated += 1
                continue
            return point, accelerator, num_invalid
        raise InputError(
            f"budget {self.budget.name} must have room for every layer: "
            f"none of {MAX_INVALID} accelerators in a row had"
        )

    def _is_valid(self, accelerator: Accelerator) -> bool:
        return not self.budget.violations(accelerator) and all(
            is_mappable(accelerator, layer, self.mapping_settings.table) for layer in self.layers
        )

    # Evaluating ------------------------------------------------------------------------------

    def _evaluated(
        self, generation: int, drawn: list[tuple[Accelerator, int]]
    ) -> list[CandidateRecord]:
        """Records of a generation: all layers of all candidates at once, results in order."""
        pending: dict[Accelerator, list[Pending]] = {}
        for accelerator, _ in drawn:
            if accelerator not in self.known and accelerator not in pending:
                pending[accelerator] = [
                    submit_layer(self.executor, accelerator, layer, self.mapping_settings)
                    for layer in self.layers
                ]
        records = []
        for member, (accelerator, num_invalid) in enumerate(drawn):
            if accelerator in self.known:
                record = replace(
                    self.known[accelerator],
                    generation=generation,
                    member=member,
                    num_invalid=num_invalid,
                )
            else:
                found = [wait() for wait in pending.pop(accelerator)]
                record = self._record(generation, member, accelerator, num_invalid, found)
            records.append(record)
            self._learn(record)
        return records

    def _record(
        self,
        generation: int,
        member: int,
        accelerator: Accelerator,
        num_invalid: int,
        found: list[MappingResult | None],
    ) -> CandidateRecord:
        record = CandidateRecord(
            generation=generation,
            member=member,
            accelerator=accelerator,
            score=None,
            cycles=(),
            energy_pj=(),
            num_invalid=num_invalid,
            layers={},
        )
        results = [result for result in found if result is not None]
        if len(results) < len(found):
            return record
        names = (layer.name for layer in self._named_layers())
        mapped = replace(record, layers=dict(zip(names, results, strict=True)))
        networks = self._assembled(mapped)
        return replace(
            mapped,
            score=self._score(networks),
            cycles=tuple(result.report.cycles for result in networks),
            energy_pj=tuple(result.report.energy_pj for result in networks),
        )

    def _named_layers(self) -> list[Layer]:
        """Distinct layers with names that differ, those of several networks too."""
        seen: dict[str, int] = {}
        found = []
        for layer in self.layers:
            seen[layer.name] = seen.get(layer.name, 0) + 1
            suffix = "" if seen[layer.name] == 1 else f".{seen[layer.name]}"
            found.append(layer.renamed(layer.name[: 100 - len(suffix)] + suffix))
        return found

    def _assembled(self, record: CandidateRecord) -> tuple[NetworkResult, ...]:
        found = {anonymous(layer): record.layers[layer.name] for layer in self._named_layers()}
        return tuple(
            assemble(record.accelerator, network, found, self.mapping_settings)
            for network in self.networks
        )

    def _score(self, networks: Sequence[NetworkResult]) -> float:
        return geometric_mean([result.score(self.settings.objective) for result in networks])

    def _learn(self, record: CandidateRecord) -> None:
        self.records.append(record)
        self.known.setdefault(record.accelerator, record)
        if record.score is not None and (
            self.best is None or self.best.score is None or record.score < self.best.score
        ):
            self.best = record
        self._tell_progress(record)

    def _tell_progress(self, record: CandidateRecord, stage: str = "candidates") -> None:
        if self.progress is not None:
            self.progress(
                Progress(
                    num_candidates=len(self.records),
                    num_planned=self.settings.population * self.settings.generations,
                    generation=record.generation,
                    latest=record.accelerator,
                    latest_score=record.score,
                    best=self.best.accelerator if self.best else None,
                    best_score=self.best.score if self.best else None,
                    population_mean=self.population_means[-1] if self.population_means else None,
                    stage=stage,
                )
            )

    # The result ------------------------------------------------------------------------------

    def _finish(self) -> SearchResult:
        """Search the mappings of the best once more, longer, and keep what is better."""
        assert self.best is not None
        self._tell_progress(self.best, "final mappings")
        settings = self.settings.mapping_settings(self.budget, effort=self.settings.final_effort)
        pending = [
            submit_layer(self.executor, self.best.accelerator, layer, settings)
            for layer in self.layers
        ]
        layers = dict(self.best.layers)
        for layer, wait in zip(self._named_layers(), pending, strict=True):
            found = wait()
            if found is not None:
                layers[layer.name] = self._better(layers[layer.name], found)
        final = self._assembled(replace(self.best, layers=layers))
        before = self._assembled(self.best)
        return self._result(min(final, before, key=self._score), interrupted=False)

    def _better(self, first: MappingResult, second: MappingResult) -> MappingResult:
        scores = [
            self.settings.objective.score(float(r.best.cycles), r.best.energy_pj)
            for r in (first, second)
        ]
        return second if scores[1] < scores[0] else first

    def _result(self, networks: tuple[NetworkResult, ...], *, interrupted: bool) -> SearchResult:
        assert self.best is not None
        found = [result for record in self.records for result in record.layers.values()]
        return SearchResult(
            accelerator=self.best.accelerator.model_copy(update={"name": FOUND_NAME}),
            objective=self.settings.objective,
            score=self._score(networks),
            networks=networks,
            num_candidates=len(self.records),
            num_invalid=sum(record.num_invalid for record in self.records),
            num_evaluations=sum(result.num_evaluations for result in found),
            num_legal=sum(result.num_legal for result in found),
            num_exact=sum(result.num_exact for result in found),
            largest_gap=max(result.largest_gap for result in found),
            best_scores=tuple(self.best_scores),
            population_means=tuple(self.population_means),
            interrupted=interrupted,
        )
