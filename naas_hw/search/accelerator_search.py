"""The outer level: accelerators within a budget, each judged by its best mappings.

An optimiser proposes points of `AcceleratorEncoding`, a generation at a time. Candidates that break
the budget, or that a layer has no room in, are ruled out before they are evaluated, and sampling
goes on until the generation is full. The score of a candidate is exact: the geometric mean over the
networks of the objective of each.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.errors import InputError
from naas_hw.search.accelerator_encoding import AcceleratorEncoding
from naas_hw.search.candidates import Evaluator
from naas_hw.search.genes import Genes
from naas_hw.search.history import CandidateRecord, History
from naas_hw.search.network_search import NetworkResult, Pending
from naas_hw.search.outer_optimisers import OuterStrategy, outer_strategy
from naas_hw.search.processes import worker_processes
from naas_hw.search.search_result import Progress, ProgressCallback, SearchResult
from naas_hw.search.search_settings import SearchSettings, settings_digest
from naas_hw.workload.network import Network

MAX_INVALID: Final = 2000
"""Candidates that are ruled out in a row before the budget counts as too small."""

MAX_REPEATED: Final = 50
"""Of those, how many may be ruled out for being known already; then one is taken again."""

FOUND_NAME: Final = "found"


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
            return _run(networks, budget, settings, opened, executor, progress)
        with worker_processes(num_processes) as started:
            return _run(networks, budget, settings, opened, started, progress)


def _run(
    networks: Sequence[Network],
    budget: Budget,
    settings: SearchSettings,
    history: History,
    executor: Executor | None,
    progress: ProgressCallback | None,
) -> SearchResult:
    evaluator = Evaluator(networks, budget, settings.mapping_settings(budget), executor)
    return _Search(evaluator, settings, history, progress).run()


class _Search:
    """One run: what is known of accelerators so far, and the best of them."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        history: History,
        progress: ProgressCallback | None,
    ) -> None:
        self.evaluator, self.settings = evaluator, settings
        self.history, self.progress = history, progress
        self.budget = evaluator.budget
        self.encoding = AcceleratorEncoding(budget=self.budget)
        self.records: list[CandidateRecord] = []
        self.known: dict[Accelerator, CandidateRecord] = {}
        self.best: CandidateRecord | None = None
        self.best_scores: list[float] = []
        self.population_means: list[float] = []

    def run(self) -> SearchResult:
        """All generations, then the final mappings."""
        rng = np.random.default_rng([self.settings.seed, 0])
        strategy = outer_strategy(
            self.settings.optimiser, self.encoding.start, self.settings.population, rng
        )
        try:
            for generation in range(self.settings.generations):
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
            return self._result(self.evaluator.assembled(self.best), interrupted=True)

    def _run_generation(self, generation: int, strategy: OuterStrategy) -> None:
        points, drawn = self._ask(strategy)
        if generation < self.history.num_generations:
            records = self.history.generation(generation)
            if [r.accelerator for r in records] != [a for a, _ in drawn]:
                raise InputError(
                    "history must hold the candidates that this version draws, not others"
                )
            for record in records:
                self._learn(record, is_resumed=True)
        else:
            records = self._evaluated(generation, drawn)
            self.history.add_generation(records)
        scores = [inf if record.score is None else record.score for record in records]
        strategy.tell(points, scores)
        finite = [score for score in scores if score < inf]
        self.population_means.append(sum(finite) / len(finite) if finite else inf)
        self.best_scores.append(inf if self.best is None else self.best.score or inf)

    # Asking ----------------------------------------------------------------------------------

    def _ask(self, strategy: OuterStrategy) -> tuple[list[Genes], list[tuple[Accelerator, int]]]:
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
        self, first: Genes, strategy: OuterStrategy, taken: set[Accelerator]
    ) -> tuple[Genes, Accelerator, int]:
        """The point, or the first valid one of those drawn instead of it."""
        num_repeated = 0
        for num_invalid in range(MAX_INVALID):
            point = strategy.ask(1)[0] if num_invalid else first
            accelerator = self.encoding.decode(point)
            if not self.evaluator.is_valid(accelerator):
                continue
            if num_repeated < MAX_REPEATED and (accelerator in self.known or accelerator in taken):
                num_repeated += 1
                continue
            return point, accelerator, num_invalid
        raise InputError(
            f"budget {self.budget.name} must have room for every layer: "
            f"none of {MAX_INVALID} accelerators in a row had"
        )

    # Evaluating ------------------------------------------------------------------------------

    def _evaluated(
        self, generation: int, drawn: list[tuple[Accelerator, int]]
    ) -> list[CandidateRecord]:
        """Records of a generation: all layers of all candidates at once, results in order."""
        pending: dict[Accelerator, list[Pending]] = {}
        for accelerator, _ in drawn:
            if accelerator not in self.known and accelerator not in pending:
                pending[accelerator] = self.evaluator.submit(accelerator)
        records = []
        for member, (accelerator, num_invalid) in enumerate(drawn):
            record = self.known.get(accelerator) or self.evaluator.record(
                accelerator, [wait() for wait in pending[accelerator]]
            )
            record = replace(record, generation=generation, member=member, num_invalid=num_invalid)
            records.append(record)
            following = drawn[member + 1][0] if member + 1 < len(drawn) else None
            self._learn(record, trying=following)
        return records

    def _learn(
        self,
        record: CandidateRecord,
        *,
        is_resumed: bool = False,
        trying: Accelerator | None = None,
    ) -> None:
        self.records.append(record)
        self.known.setdefault(record.accelerator, record)
        if record.score is not None and (
            self.best is None or self.best.score is None or record.score < self.best.score
        ):
            self.best = record
        self._tell_progress(record, is_resumed=is_resumed, trying=trying)

    def _tell_progress(
        self,
        record: CandidateRecord,
        stage: str = "candidates",
        *,
        is_resumed: bool = False,
        trying: Accelerator | None = None,
    ) -> None:
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
                    num_evaluations=sum(r.num_evaluations for r in record.layers.values()),
                    is_resumed=is_resumed,
                    trying=trying,
                )
            )

    # The result ------------------------------------------------------------------------------

    def _finish(self) -> SearchResult:
        """Search the mappings of the best once more, longer, and keep what is better."""
        assert self.best is not None
        self._tell_progress(self.best, "final mappings")
        settings = self.settings.mapping_settings(self.budget, effort=self.settings.final_effort)
        pending = self.evaluator.submit(self.best.accelerator, settings)
        layers = dict(self.best.layers)
        for layer, wait in zip(self.evaluator.named_layers(), pending, strict=True):
            found = wait()
            if found is not None:
                layers[layer.name] = self.evaluator.better(layers[layer.name], found)
        final = self.evaluator.assembled(replace(self.best, layers=layers))
        before = self.evaluator.assembled(self.best)
        return self._result(min(final, before, key=self.evaluator.score), interrupted=False)

    def _result(self, networks: tuple[NetworkResult, ...], *, interrupted: bool) -> SearchResult:
        assert self.best is not None
        found = [result for record in self.records for result in record.layers.values()]
        return SearchResult(
            accelerator=self.best.accelerator.model_copy(update={"name": FOUND_NAME}),
            objective=self.settings.objective,
            score=self.evaluator.score(networks),
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
