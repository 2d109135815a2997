"""Accelerators within a budget, each judged by the best network found for it above a floor.

The outer level proposes accelerators as the ordinary search does. Each is judged by the best
networks so far, which costs little; for one that does better with them than any before, networks
are bred, whose first parents these are. Layers are searched once each for an accelerator. In the
end the best pairs are mapped once more, longer. What is reported is exact.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import ceil, inf
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import AREA
from naas_hw.core.deprecation import warn_renamed
from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.oracle import AccuracyOracle, AccuracySource
from naas_hw.nas.joint.architecture_search import Aim, Breeder
from naas_hw.nas.joint.layer_costs import LayerCosts
from naas_hw.nas.joint.settings import JointSettings, Mode, joint_digest
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import Space
from naas_hw.search.accelerator.candidates import Evaluator
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.accelerator.layer_store import LayerStore
from naas_hw.search.accelerator.proposals import Proposal, Proposals
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.accelerator.result import Progress, ProgressCallback
from naas_hw.search.mapping.network_search import (
    NetworkResult,
    assemble,
    map_network,
    named_results,
)
from naas_hw.search.pareto import evenly, pareto_front_of
from naas_hw.search.processes import worker_processes
from naas_hw.workload.network import needed_options

NUM_ELITE: Final = 8
"""Networks, the best of so many accelerators, that are the first parents for the next one."""

NUM_REFERENCE: Final = 2
"""Networks above the floor for which classic arrays are sized, and have to have room."""

NUM_JUDGES: Final = 2
"""Networks, the best so far, by which every accelerator is judged; at first, the reference."""

BRED_SHARE: Final = 1 / 8
"""Of the accelerators of a generation that beat the best so far with the judges, for how many
networks are bred at most."""

FOUND_NAME: Final = "found"


@dataclass(frozen=True, kw_only=True)
class JointPoint:
    """A network on an accelerator, as it was judged.

    Members
    -------
    score : the objective of the sums over layers, each with its own best mapping.
    top1_percent : from the source that the result names.
    """

    accelerator: Accelerator
    encoding: tuple[int, ...]
    score: float
    top1_percent: float


@dataclass(frozen=True, kw_only=True)
class JointResult:
    """What a joint search found.

    Members
    -------
    network_result : the best network with its mappings; every figure is exact.
    score : its objective.
    accuracy_source : where every accuracy comes from.
    min_top1_percent : the floor that was asked for.
    front : of all networks judged, those that none beats in both score and accuracy; best score
        first. With `Aim.SCORE` the accurate end is less explored.
    num_accelerators, num_networks, num_layers : that were judged; networks and layers once for
        each accelerator.
    num_evaluations : of mappings, for the layers of each accelerator's best network only.
    best_scores : after each generation.
    rejections : accelerators that were ruled out before they were judged.
    """

    accelerator: Accelerator
    encoding: tuple[int, ...]
    top1_percent: float
    accuracy_source: AccuracySource
    min_top1_percent: float
    network_result: NetworkResult
    score: float
    front: tuple[JointPoint, ...]
    num_accelerators: int
    num_networks: int
    num_layers: int
    num_evaluations: int
    best_scores: tuple[float, ...]
    rejections: Rejections = Rejections()
    interrupted: bool = False

    @property
    def found(self) -> NetworkResult:
        """The old name of `network_result`."""
        warn_renamed("JointResult.found", "network_result", stacklevel=2)
        return self.network_result

    @property
    def worth(self) -> AccuracySource:
        """The old name of `accuracy_source`."""
        warn_renamed("JointResult.worth", "accuracy_source", stacklevel=2)
        return self.accuracy_source


def search_jointly(
    space: Space,
    oracle: AccuracyOracle,
    budget: Budget,
    settings: JointSettings,
    *,
    executor: Executor | None = None,
    num_processes: int = 1,
    history: Path | None = None,
    store: Path | None = None,
    progress: ProgressCallback | None = None,
) -> JointResult:
    """Search for an accelerator, a network of the space for it, and the mappings.

    Parameters
    ----------
    executor : where layers are searched; otherwise `num_processes` are started.
    history : SQLite file of all accelerators with their best networks, to be made; None: none.
    store : SQLite file of what layers cost on accelerators. With what a search that was stopped
        left there, the same search goes on, and ends as if it had not been. None: none.
    progress : told of every accelerator, in order.

    Raises
    ------
    InputError : the floor is out of reach; no accelerator of the budget has room for a network;
        the mode needs a preset and the budget is another one; the budget is a board.
    KeyboardInterrupt : Ctrl-C before the first accelerator was judged; later it ends the search
        with what was found.
    """
    if budget.fpga is not None:
        raise InputError(
            "budget must limit PEs and bytes where networks are searched too; it must not be "
            f"a board, {budget.name}"
        )
    given = worker_processes(num_processes) if executor is None else nullcontext(executor)
    digest = joint_digest(space, oracle, budget, settings)
    with (
        given as where,
        History.open(history, digest=digest, resume=False) as opened,
        LayerStore.open(store, digest=digest) as layers,
    ):
        return _Joint(space, oracle, budget, settings, where, opened, layers, progress).run()


class _Joint:
    """One run: the elite of networks, all accelerators so far, the front."""

    def __init__(
        self,
        space: Space,
        oracle: AccuracyOracle,
        budget: Budget,
        settings: JointSettings,
        executor: Executor | None,
        history: History,
        store: LayerStore,
        progress: ProgressCallback | None,
    ) -> None:
        self.space, self.oracle, self.budget, self.settings = space, oracle, budget, settings
        self.executor, self.history, self.progress = executor, history, progress
        self.store = store
        self.mappings = settings.accelerators.mapping_settings(budget)
        self.points: list[JointPoint] = []  # the best of each accelerator, in order
        self.front: list[JointPoint] = []
        self.costs: dict[Accelerator, LayerCosts] = {}
        self.best_scores: list[float] = []
        self.rejections = Rejections()
        self.num_networks = self.num_layers = self.num_evaluations = 0
        self.references = self._references()
        self.proposals = Proposals(self._evaluator(), settings.accelerators)

    def run(self) -> JointResult:
        """All generations, then the final mappings."""
        interrupted = False
        try:
            for generation in range(self.settings.accelerators.generations):
                self._run_generation(generation)
        except KeyboardInterrupt:
            if self.best_score == inf:
                raise
            interrupted = True
        if self.best_score == inf:
            raise InputError(
                f"budget {self.budget.name} may be too small: no accelerator that was tried had a "
                "legal mapping of every layer of a network"
            )
        return self._result(interrupted)

    @property
    def best_score(self) -> float:
        """Infinite before any accelerator had a network."""
        return min((point.score for point in self.points), default=inf)

    def _references(self) -> Encodings:
        """Networks above the floor, before any is known to be better than another."""
        rng = np.random.default_rng([self.settings.networks.seed, 4])
        return Breeder(self.space, self.oracle, self.settings.networks, rng).ask()[:NUM_REFERENCE]

    def _evaluator(self) -> Evaluator:
        """What proposals ask: which accelerators have room, and how classic arrays are sized."""
        networks = [self.space.network(encoding) for encoding in self.references]
        return Evaluator(networks, self.budget, self.mappings)

    # Accelerators ----------------------------------------------------------------------------

    def _run_generation(self, generation: int) -> None:
        drawn = [] if self._is_preset_only(generation) else self._drawn(generation)
        chosen = [p.accelerator for p in drawn] or [self._preset()]
        self.costs = {accelerator: self._costs(accelerator) for accelerator in chosen}
        bred = self._bred(chosen, generation)
        records = [self._judged(a, generation, m, m in bred) for m, a in enumerate(chosen)]
        self.rejections = sum((proposal.rejections for proposal in drawn), self.rejections)
        self.history.add_generation(records)
        if drawn:
            scores = [inf if r.score is None else r.score for r in records]
            self.proposals.tell(drawn, scores)
        self.best_scores.append(self.best_score)

    def _drawn(self, generation: int) -> list[Proposal]:
        """Accelerators; none is ruled out by a bound, which would hold for one network only."""
        if generation == self._first_drawn:
            return self.proposals.draw_first()
        return self.proposals.draw({point.accelerator for point in self.points}, inf)

    @property
    def _first_drawn(self) -> int:
        """The generation that begins with classic arrays."""
        half = self.settings.accelerators.generations // 2
        return half if self.settings.mode is Mode.ONE_AFTER_THE_OTHER else 0

    def _is_preset_only(self, generation: int) -> bool:
        if self.settings.mode is Mode.NETWORK_ONLY:
            return True
        return generation < self._first_drawn

    def _num_before(self, generation: int) -> int:
        """Candidates of the generations before one; the preset alone is one of a generation."""
        size = self.settings.accelerators.population
        return sum(1 if self._is_preset_only(g) else size for g in range(generation))

    def _preset(self) -> Accelerator:
        preset = PRESETS.get(self.budget.name)
        if preset is None or preset.budget != self.budget:
            raise InputError(
                f"mode {self.settings.mode} must have a preset as its budget, not "
                f"{self.budget.name}"
            )
        return preset.accelerator.with_options(needed_options(self.space.layers))

    def _costs(self, accelerator: Accelerator) -> LayerCosts:
        """Kept for the accelerators of a generation only."""
        known = self.costs.get(accelerator)
        return known or LayerCosts(
            self.space.layers, accelerator, self.mappings, self.executor, self.store
        )

    def _bred(self, chosen: Sequence[Accelerator], generation: int) -> set[int]:
        """The members of a generation for which networks are bred."""
        if self._is_preset_only(generation):
            return set(range(len(chosen)))
        if self.settings.mode is Mode.ONE_AFTER_THE_OTHER and self.points:
            return set()
        judges = self._judges()
        scores = np.array([self._scores(self.costs[a], judges).min() for a in chosen])
        ranked = np.argsort(scores, kind="stable")[: ceil(BRED_SHARE * len(chosen))]
        return {int(member) for member in ranked if scores[member] < self.best_score}

    def _judged(
        self, accelerator: Accelerator, generation: int, member: int, is_bred: bool
    ) -> CandidateRecord:
        costs = self.costs[accelerator]
        rng = np.random.default_rng([self.settings.networks.seed, 3, generation, member])
        encoding, score, top1_percent = self._best_network(costs, rng, is_bred)
        record = CandidateRecord(
            generation=generation,
            member=member,
            accelerator=accelerator,
            score=None,
            cycles=(),
            energy_pj=(),
            area_um2=sum(AREA.area_um2(accelerator).values()),
            layers={},
        )
        if score < inf:
            record = self._mapped(record, costs, encoding)
            assert record.score is not None
            self.points.append(
                JointPoint(
                    accelerator=accelerator,
                    encoding=tuple(encoding.tolist()),
                    score=record.score,
                    top1_percent=top1_percent,
                )
            )
        self._tell_progress(record)
        return record

    def _mapped(
        self, record: CandidateRecord, costs: LayerCosts, encoding: Encodings
    ) -> CandidateRecord:
        """The record with the network as one program."""
        network = self.space.network(encoding)
        results = costs.results_of(self.space.to_layers(encoding[np.newaxis]))
        result = assemble(record.accelerator, network, results, self.mappings)
        self.num_evaluations += result.num_evaluations
        layers = {layer.name: each for layer, each in named_results([network], results)}
        return replace(
            record,
            score=result.score(self.mappings.objective),
            cycles=(result.report.cycles,),
            energy_pj=(result.report.energy_pj,),
            layers=layers,
        )

    # Networks --------------------------------------------------------------------------------

    def _best_network(
        self, costs: LayerCosts, rng: np.random.Generator, is_bred: bool
    ) -> tuple[Encodings, float, float]:
        """Of the judges, or of networks bred for an accelerator, the best: score and accuracy."""
        breeder = Breeder(self.space, self.oracle, self.settings.networks, rng)
        known = self._elite() if is_bred else self._judges()
        if len(known):
            self._tell(breeder, costs, known)
        if is_bred:
            for _ in range(self.settings.networks.generations):
                self._tell(breeder, costs, breeder.ask())
        self.num_networks += breeder.num_networks
        accuracies = self.oracle.accuracies(breeder.best[np.newaxis])
        return breeder.best, breeder.best_score, float(accuracies.top1_percent[0])

    def _judges(self) -> Encodings:
        """The networks by which an accelerator is judged before any is bred for it."""
        elite = self._elite()
        return elite[:NUM_JUDGES] if len(elite) else self.references

    def _elite(self) -> Encodings:
        """The best networks of the best accelerators, each once; or some of the whole front."""
        if self.settings.networks.aim is Aim.FRONT:
            along = sorted(self.front, key=lambda point: point.score)
            picked = [along[i].encoding for i in evenly(len(along), NUM_ELITE)] if along else []
            return np.array(list(dict.fromkeys(picked)), dtype=np.uint8)
        ranked = sorted(self.points, key=lambda point: point.score)
        encodings = list(dict.fromkeys(point.encoding for point in ranked))
        one = self.settings.mode is Mode.ONE_AFTER_THE_OTHER
        return np.array(encodings[: 1 if one else NUM_ELITE], dtype=np.uint8)

    def _tell(self, breeder: Breeder, costs: LayerCosts, encodings: Encodings) -> None:
        scores = self._scores(costs, encodings)
        breeder.tell(encodings, scores)
        self._add_to_front(costs.accelerator, encodings, scores)

    def _scores(self, costs: LayerCosts, encodings: Encodings) -> NDArray[np.float64]:
        num_before = len(costs.results)
        scores = costs.scores(self.space.to_layers(encodings))
        self.num_layers += len(costs.results) - num_before
        return scores

    def _add_to_front(
        self, accelerator: Accelerator, encodings: Encodings, scores: NDArray[np.float64]
    ) -> None:
        top1 = self.oracle.accuracies(encodings).top1_percent
        points = [
            JointPoint(
                accelerator=accelerator,
                encoding=tuple(encoding.tolist()),
                score=float(score),
                top1_percent=float(percent),
            )
            for encoding, score, percent in zip(encodings, scores, top1, strict=True)
            if score < inf
        ]
        self.front = pareto_front_of(
            [*self.front, *points], lambda point: (point.score, -point.top1_percent)
        )

    # The result ------------------------------------------------------------------------------

    def _result(self, interrupted: bool) -> JointResult:
        finals = [self._final(point) for point in self._finalists()]
        objective = self.mappings.objective
        index = int(np.argmin([result.score(objective) for result in finals]))
        point, best = self._finalists()[index], finals[index]
        return JointResult(
            accelerator=point.accelerator.model_copy(update={"name": FOUND_NAME}),
            encoding=point.encoding,
            top1_percent=point.top1_percent,
            accuracy_source=self.oracle.source,
            min_top1_percent=self.settings.networks.min_top1_percent,
            network_result=best,
            score=best.score(objective),
            front=tuple(sorted(self.front, key=lambda point: point.score)),
            num_accelerators=len({point.accelerator for point in self.points}),
            num_networks=self.num_networks,
            num_layers=self.num_layers,
            num_evaluations=self.num_evaluations,
            best_scores=tuple(self.best_scores),
            rejections=self.rejections,
            interrupted=interrupted,
        )

    def _finalists(self) -> Sequence[JointPoint]:
        ranked = sorted(self.points, key=lambda point: point.score)
        distinct = {(point.accelerator, point.encoding): point for point in reversed(ranked)}
        ordered = sorted(distinct.values(), key=lambda point: point.score)
        return ordered[: self.settings.accelerators.finalists]

    def _final(self, point: JointPoint) -> NetworkResult:
        """The network mapped once more, longer."""
        accelerators = self.settings.accelerators
        settings = accelerators.final_settings(self.budget)
        network = self.space.network(np.array(point.encoding, dtype=np.uint8))
        return map_network(point.accelerator, network, settings, executor=self.executor)

    def _tell_progress(self, record: CandidateRecord) -> None:
        if self.progress is None:
            return
        num_generations = self.settings.accelerators.generations
        best = min(self.points, key=lambda point: point.score, default=None)
        self.progress(
            Progress(
                num_candidates=self._num_before(record.generation) + record.member + 1,
                num_planned=self._num_before(num_generations),
                generation=record.generation,
                latest=record.accelerator,
                latest_score=record.score,
                best=best.accelerator if best else None,
                best_score=best.score if best else None,
                population_mean=None,
                num_evaluations=sum(r.num_evaluations for r in record.layers.values()),
            )
        )
