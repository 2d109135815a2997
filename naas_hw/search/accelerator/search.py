"""The outer level: accelerators within a budget, each judged by its best mappings.

An optimiser proposes candidates, a generation at a time (`proposals`). All are *screened*: mapped
with a part of the evaluations. The best of them are mapped with all, and at the end the best of all
with more. Every score is exact, that of the mappings that were found: the geometric mean over the
networks of the objective of each.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.limits import predict
from naas_hw.cost.fpga.model import FpgaPrediction
from naas_hw.search.accelerator.candidates import Evaluator
from naas_hw.search.accelerator.design_front import design_front
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.accelerator.proposals import Proposal, Proposals
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.accelerator.result import Progress, ProgressCallback, SearchResult
from naas_hw.search.accelerator.settings import SCREENING_EFFORT, SearchSettings, settings_digest
from naas_hw.search.accelerator.warm_start import candidate_of
from naas_hw.search.mapping.feasibility import refuse_impossible
from naas_hw.search.mapping.network_search import MappingSettings
from naas_hw.search.processes import worker_processes
from naas_hw.workload.network import Network, distinct_layers

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
    """Search for an accelerator, and mappings of all networks on it.

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
    InputError : no networks; no accelerator of the budget has room for a layer; the history
        exists, belongs to another search or cannot be written.
    KeyboardInterrupt : Ctrl-C before the first candidate was evaluated; later it ends the search
        with what was found.
    """
    if not networks:
        raise InputError("networks must be at least 1, not 0")
    refuse_impossible(budget, list(distinct_layers(networks)))
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
    evaluator = Evaluator(
        networks, budget, settings.mapping_settings(budget), executor, dataflow=settings.dataflow
    )
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
        self.proposals = Proposals(evaluator, settings)
        self.generations: list[list[CandidateRecord]] = []
        self.drawn: list[list[Proposal]] = []
        self.known: dict[Accelerator, CandidateRecord] = {}
        self.best: CandidateRecord | None = None
        self.best_scores: list[float] = []
        self.population_means: list[float] = []

    def run(self) -> SearchResult:
        """All generations, then the final mappings."""
        try:
            for generation in range(self.settings.generations):
                self._run_generation(generation)
            if self.best is None:
                raise InputError(
                    f"budget {self.budget.name} may be too small: no accelerator that was tried "
                    "had a legal mapping of every layer"
                )
            return self._result(self._finals(), interrupted=False)
        except KeyboardInterrupt:
            if self.best is None:
                raise
            return self._result([self.best], interrupted=True)

    def _run_generation(self, generation: int) -> None:
        drawn = self._drawn(generation)
        self.generations.append([])
        self.drawn.append(drawn)
        if generation < self.history.num_generations:
            records = self.history.generation(generation)
            if [r.accelerator for r in records] != [p.accelerator for p in drawn]:
                raise InputError(
                    "this history was written by a version that draws other candidates; "
                    "start a new run"
                )
            for record in records:
                self._learn(record, is_resumed=True)
        else:
            records = self._evaluated(drawn)
            self.history.add_generation(records)
        scores = [_score(record) for record in records]
        self.proposals.tell(drawn, scores)
        finite = [score for score in scores if score < inf]
        self.population_means.append(sum(finite) / len(finite) if finite else inf)
        self.best_scores.append(self.best_score)

    def _drawn(self, generation: int) -> list[Proposal]:
        if generation == 0:
            return self.proposals.draw_first()
        return self.proposals.draw(self.known, self.best_score)

    @property
    def best_score(self) -> float:
        """Infinite before any candidate had mappings."""
        return inf if self.best is None else _score(self.best)

    # Evaluating ------------------------------------------------------------------------------

    def _evaluated(self, drawn: list[Proposal]) -> list[CandidateRecord]:
        """Records of a generation: all layers of all candidates at once, results in order."""
        new = list(dict.fromkeys(p.accelerator for p in drawn if p.accelerator not in self.known))
        screened = self._screened(new)
        best = sorted(new, key=lambda a: _score(screened[a]) if screened else 0.0)
        chosen = [a for a in new if a in best[: self.settings.population]]
        full = self.evaluator.evaluate(chosen, self.evaluator.settings, screened)
        records = []
        for member, proposal in enumerate(drawn):
            accelerator = proposal.accelerator
            known = self.known.get(accelerator) or screened.get(accelerator)
            if accelerator in chosen and accelerator not in self.known:
                known = replace(next(full), is_screened=False)
            assert known is not None
            record = replace(
                known,
                generation=len(self.generations) - 1,
                member=member,
                num_invalid=proposal.num_invalid,
                num_pruned=proposal.num_pruned,
            )
            records.append(record)
            following = drawn[member + 1].accelerator if member + 1 < len(drawn) else None
            self._learn(record, trying=following)
        return records

    def _screened(self, accelerators: list[Accelerator]) -> dict[Accelerator, CandidateRecord]:
        """Records with a part of the evaluations; none if no more are drawn than mapped."""
        if self.settings.screening == 1:
            return {}
        settings = self.settings.mapping_settings(self.budget, effort=SCREENING_EFFORT)
        screened = {}
        for record in self.evaluator.evaluate(accelerators, settings, {}):
            screened[record.accelerator] = replace(record, is_screened=True)
            self._tell_progress(record, "screening", done=(len(screened), len(accelerators)))
        return screened

    def _learn(
        self,
        record: CandidateRecord,
        *,
        is_resumed: bool = False,
        trying: Accelerator | None = None,
    ) -> None:
        self.generations[-1].append(record)
        self.known.setdefault(record.accelerator, record)
        if _score(record) < self.best_score:
            self.best = record
        self._tell_progress(record, is_resumed=is_resumed, trying=trying)

    def _tell_progress(
        self,
        record: CandidateRecord,
        stage: str = "candidates",
        *,
        done: tuple[int, int] = (0, 0),
        is_resumed: bool = False,
        trying: Accelerator | None = None,
    ) -> None:
        if self.progress is not None:
            self.progress(
                Progress(
                    num_candidates=sum(map(len, self.generations)),
                    num_planned=self.settings.num_drawn * self.settings.generations,
                    generation=len(self.generations) - 1,
                    latest=record.accelerator,
                    latest_score=record.score,
                    best=self.best.accelerator if self.best else None,
                    best_score=self.best.score if self.best else None,
                    population_mean=self.population_means[-1] if self.population_means else None,
                    stage=stage,
                    num_done=done[0],
                    num_due=done[1],
                    num_evaluations=sum(r.num_evaluations for r in record.layers.values()),
                    is_resumed=is_resumed,
                    trying=trying,
                )
            )

    # The result ------------------------------------------------------------------------------

    def _finals(self) -> list[CandidateRecord]:
        """The best accelerators with mappings that were searched once more, longer; best first.

        Branch and bound runs for the best one, and for those that the search was given: it may
        have run for these in the search that found them, and nothing worse is returned.
        """
        assert self.best is not None
        ranked = sorted((r for r in self.known.values() if r.score is not None), key=_score)
        start = set(map(candidate_of, self.settings.start))
        behind = ranked[self.settings.finalists :]
        finalists = ranked[: self.settings.finalists]
        finalists += [record for record in behind if record.accelerator in start]
        if self.settings.dataflow is not None:  # nothing more to find
            return finalists
        settings = self.settings.final_settings(self.budget)
        longer = replace(settings, proof_evaluations=0)
        layers = len(self.evaluator.layers)
        finals = sorted(self._improved(finalists, longer, "final mappings", layers), key=_score)
        proven = [r for i, r in enumerate(finals) if i == 0 or r.accelerator in start]
        others = [r for i, r in enumerate(finals) if i > 0 and r.accelerator not in start]
        return sorted([*self._improved(proven, settings, "proofs", 1), *others], key=_score)

    def _improved(
        self, records: Sequence[CandidateRecord], settings: MappingSettings, stage: str, every: int
    ) -> list[CandidateRecord]:
        """More found of their layers; progress is told when it begins, and after so many layers."""
        num_due = len(records) * len(self.evaluator.layers) // every

        def tell(num_layers: int) -> None:
            if num_layers % every == 0:
                self._tell_progress(records[0], stage, done=(num_layers // every, num_due))

        tell(0)
        return self.evaluator.improve(records, settings, tell)

    def _result(self, finals: Sequence[CandidateRecord], *, interrupted: bool) -> SearchResult:
        best, networks = finals[0], self.evaluator.assembled(finals[0])
        records = [record for generation in self.generations for record in generation]
        results = [result for record in records for result in record.layers.values()]
        return SearchResult(
            accelerator=best.accelerator.model_copy(update={"name": FOUND_NAME}),
            objective=self.settings.objective,
            score=self.evaluator.score(best.accelerator, networks),
            networks=networks,
            num_candidates=len(records),
            num_screened=sum(record.is_screened for record in records),
            num_invalid=sum(record.num_invalid for record in records),
            num_pruned=sum(record.num_pruned for record in records),
            rejections=self._rejections(),
            num_evaluations=sum(result.num_evaluations for result in results),
            num_legal=sum(result.num_legal for result in results),
            num_exact=sum(result.num_exact for result in results),
            largest_gap=max(result.largest_gap for result in results),
            best_scores=tuple(self.best_scores),
            population_means=tuple(self.population_means),
            front=design_front(self.generations, finals, self.budget),
            fpga=self.budget.fpga,
            prediction=self._prediction(best.accelerator),
            interrupted=interrupted,
        )

    def _rejections(self) -> Rejections:
        """What was ruled out before the candidates that were evaluated."""
        evaluated = (
            proposal
            for records, drawn in zip(self.generations, self.drawn, strict=False)
            for _, proposal in zip(records, drawn, strict=False)
        )
        return sum((proposal.rejections for proposal in evaluated), Rejections())

    def _prediction(self, accelerator: Accelerator) -> FpgaPrediction | None:
        fpga = self.budget.fpga
        return None if fpga is None else predict(accelerator, fpga)


def _score(record: CandidateRecord) -> float:
    """Infinite where some layer has no mapping."""
    return inf if record.score is None else record.score
