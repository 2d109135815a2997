"""The best mapping of one layer on one accelerator.

Mappings are drawn, or bred from seeds, in batches; a batch gets legality, exact energy and a proven
lower bound of cycles at once. The best by bound are timed exactly, in the order of their bounds,
until no other that was found can be better or the allowance is used up. What is reported is exact.

Optimisers: `evolve` (the default: seeds of typical dataflows, then mutation and crossing on the
grid, the best by bound as parents, at last by exact figures), `cma` (the paper's encoding and
CMA-ES), `random` (uniform points of the encoding).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.compiled import MappingBatch, evaluate_bounds, evaluate_exact
from naas_hw.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.evolution import new_strategy
from naas_hw.search.mapping_encoding import Ints, MappingEncoding
from naas_hw.search.mapping_space import MappingSpace, joined, keys, taken
from naas_hw.search.objective import Objective, ranking
from naas_hw.workload.layer import Layer

MIN_EXACT: Final = 8
"""Mappings that are timed exactly at least, if so many were found."""

MAX_STEPS: Final = 2_000_000
"""Mappings of more steps are timed exactly only where no shorter one was found."""

NUM_SEEDS: Final = 48
NUM_PARENTS: Final = 32
NUM_CHILDREN: Final = 128
NUM_EXACT_PARENTS: Final = 8
NUM_EXACT_CHILDREN: Final = 64
STALE_BATCHES: Final = 40
"""Batches without a new legal mapping after which a space counts as exhausted."""


class Optimiser(StrEnum):
    """How mappings are proposed."""

    EVOLVE = "evolve"
    CMA = "cma"
    RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A mapping with its exact figures, all groups of the layer."""

    mapping: Mapping
    cycles: int
    energy_pj: float


@dataclass(frozen=True, kw_only=True)
class MappingResult:
    """The best mapping of a layer, and how it was found.

    Members
    -------
    best : the best by the objective, of this layer alone.
    choices : all that none of the others beats in both cycles and energy, fastest first.
    num_evaluations : mappings that were evaluated, illegal and repeated ones included.
    num_legal : distinct legal mappings among them.
    num_exact : mappings that were timed exactly.
    best_bound : smallest lower bound of the objective among all legal mappings that were found.
    largest_gap : largest (exact - bound) / bound, in cycles, of those timed exactly.
    """

    best: Choice
    choices: tuple[Choice, ...]
    num_evaluations: int
    num_legal: int
    num_exact: int
    best_bound: float
    largest_gap: float


def map_layer(
    accelerator: Accelerator,
    layer: Layer,
    *,
    objective: Objective,
    table: EnergyTable,
    budget_evaluations: int,
    rng: np.random.Generator,
    optimiser: Optimiser = Optimiser.EVOLVE,
    max_exact: int = 32,
    min_legal: int = 1,
) -> MappingResult | None:
    """Search a mapping; None if no legal one was found.

    Parameters
    ----------
    objective : what is to be small.
    table : energies of accesses.
    budget_evaluations : mappings that are proposed and bounded, about; that seeds grow and illegal
        ones are repaired asks for the legality of some more.
    rng : where all randomness comes from.
    optimiser : how mappings are proposed.
    max_exact : mappings that are timed exactly, at most; at least 8 are.
    min_legal : distinct legal mappings to be seen before the search ends, if there are so many.

    Raises
    ------
    InputError : a budget below 1.
    """
    if budget_evaluations < 1:
        raise InputError(f"budget_evaluations must be at least 1, not {budget_evaluations}")
    search = _Search(
        accelerator, layer, Objective(objective), table, budget_evaluations, min_legal, rng
    )
    proposals = {
        Optimiser.EVOLVE: _evolve,
        Optimiser.CMA: _cma,
        Optimiser.RANDOM: _random,
    }
    propose: Callable[[_Search], None] = proposals[Optimiser(optimiser)]
    propose(search)
    if not search.num_legal:
        return None
    max_exact = max(MIN_EXACT, max_exact)
    refines = Optimiser(optimiser) is Optimiser.EVOLVE
    search.time_best(max_exact // 2 if refines else max_exact)
    if refines:
        _refine(search, max_exact)
    return search.result()


def is_mappable(accelerator: Accelerator, layer: Layer, table: EnergyTable) -> bool:
    """Whether the mapping with the smallest tiles is legal; if it is not, hardly any is."""
    search = _Search(accelerator, layer, Objective.EDP, table, 1, 1, np.random.default_rng(0))
    return bool(search.space.legal(search.space.smallest())[0])


class _Search:
    """All mappings found so far, each distinct legal one once, with bounds and exact figures."""

    def __init__(
        self,
        accelerator: Accelerator,
        layer: Layer,
        objective: Objective,
        table: EnergyTable,
        budget: int,
        min_legal: int,
        rng: np.random.Generator,
    ) -> None:
        self.accelerator, self.layer, self.table = accelerator, layer, table
        self.objective, self.rng = objective, rng
        self.budget, self.min_legal = budget, min_legal
        self.encoding = MappingEncoding(accelerator=accelerator, layer=layer)
        self.space = MappingSpace(encoding=self.encoding, legal=self._legal)
        self.num_evaluations = 0
        self.num_proposed = 0
        self.num_stale = 0
        self.batch: MappingBatch = self.space.smallest(0)
        self.bound = np.empty(0, np.int64)
        self.energy = np.empty(0, np.float64)
        self.exact = np.empty(0, np.int64)  # -1: not timed yet
        self._seen: set[bytes] = set()

    def _legal(self, batch: MappingBatch) -> NDArray[np.bool_]:
        self.num_evaluations += len(batch)
        return evaluate_bounds(self.accelerator, self.layer, batch, self.table).legal

    @property
    def num_legal(self) -> int:
        return len(self.bound)

    @property
    def goes_on(self) -> bool:
        """Whether the budget, or the due number of legal mappings, is not reached."""
        if self.num_stale >= STALE_BATCHES:
            return False
        return self.num_proposed < self.budget or self.num_legal < self.min_legal

    def add(self, batch: MappingBatch) -> NDArray[np.float64]:
        """Bounds of the objective of a batch (infinite: illegal); what is new is kept."""
        report = evaluate_bounds(self.accelerator, self.layer, batch, self.table)
        self.num_evaluations += len(batch)
        self.num_proposed += len(batch)
        new = []
        for index, key in enumerate(keys(batch)):
            if report.legal[index] and key not in self._seen:
                self._seen.add(key)
                new.append(index)
        self.num_stale = 0 if new else self.num_stale + 1
        if new:
            self.batch = joined(self.batch, taken(batch, np.array(new)))
            self.bound = np.concatenate([self.bound, report.cycles_bound[new]])
            self.energy = np.concatenate([self.energy, report.energy_pj[new]])
            self.exact = np.concatenate([self.exact, np.full(len(new), -1, np.int64)])
        cycles = np.where(report.legal, report.cycles_bound, inf)
        return self.objective.score(cycles, report.energy_pj)

    def ranked_by_bound(self) -> Ints:
        """All mappings, the best lower bound first."""
        return ranking(self.objective, self.bound, self.energy)

    # Exact figures ---------------------------------------------------------------------------

    @property
    def num_exact(self) -> int:
        return int(np.count_nonzero(self.exact >= 0))

    @property
    def timed(self) -> Ints:
        """Mappings with exact figures, the best first."""
        found = np.flatnonzero(self.exact >= 0)
        return found[ranking(self.objective, self.exact[found], self.energy[found])]

    def _score(self, cycles: Ints, indices: Ints) -> NDArray[np.float64]:
        return self.objective.score(cycles[indices].astype(np.float64), self.energy[indices])

    def time_best(self, limit: int) -> None:
        """Time mappings exactly, best bound first, until none can be better or `limit` are timed.

        Eight at a time; the first eight in any case. Long ones wait until nothing else is left.
        """
        order = self.ranked_by_bound()
        order = order[self.exact[order] < 0]
        steps = num_steps(taken(self.batch, order), self.encoding)
        order = order[np.argsort(steps > MAX_STEPS, kind="stable")]
        while len(order) and self.num_exact < limit:
            chosen, order = order[:MIN_EXACT], order[MIN_EXACT:]
            if self.num_exact >= MIN_EXACT:
                best = self._score(self.exact, self.timed[:1])[0]
                chosen = chosen[self._score(self.bound, chosen) < best]
            if not len(chosen):
                break
            self._time(chosen)

    def _time(self, indices: Ints) -> None:
        steps = num_steps(taken(self.batch, indices), self.encoding)
        if self.num_exact and np.any(steps > MAX_STEPS):
            indices = indices[steps <= MAX_STEPS]
        elif np.any(steps > MAX_STEPS):
            indices = indices[np.argsort(steps)][:1]
        if len(indices):
            report = evaluate_exact(self.accelerator, self.layer, self.batch, indices, self.table)
            self.exact[indices] = report.cycles

    def result(self) -> MappingResult:
        """The best, and what belongs to it."""
        timed = self.timed
        gaps = (self.exact[timed] - self.bound[timed]) / self.bound[timed]
        best_bound = self._score(self.bound, self.ranked_by_bound()[:1])[0]
        return MappingResult(
            best=self._choice(int(timed[0])),
            choices=tuple(self._choice(index) for index in self._front(timed)),
            num_evaluations=self.num_evaluations,
            num_legal=self.num_legal,
            num_exact=len(timed),
            best_bound=float(best_bound),
            largest_gap=float(gaps.max()),
        )

    def _front(self, timed: Ints) -> list[int]:
        """Mappings that none beats in both figures, fastest first."""
        order = timed[np.lexsort((self.energy[timed], self.exact[timed]))]
        front: list[int] = []
        least = inf
        for index in order:
            if self.energy[index] < least:
                front.append(int(index))
                least = self.energy[index]
        return front

    def _choice(self, index: int) -> Choice:
        return Choice(
            mapping=self.batch.mapping(index),
            cycles=int(self.exact[index]),
            energy_pj=float(self.energy[index]),
        )


def num_steps(batch: MappingBatch, encoding: MappingEncoding) -> NDArray[np.float64]:
    """L1 steps of each mapping."""
    tiles = batch.l2 * batch.pe * encoding.extents(batch.spatial)
    bounds = -(-encoding.dims_D // tiles) * batch.l2
    found: NDArray[np.float64] = bounds.astype(np.float64).prod(axis=1)
    return found


# Optimisers --------------------------------------------------------------------------------------


def _evolve(search: _Search) -> None:
    """Seeds; then children of the best by bound, and some newcomers."""
    space, rng = search.space, search.rng
    num_seeds = min(NUM_SEEDS, max(8, search.budget // 64))
    search.add(joined(space.smallest(), space.seeds(num_seeds, rng)))
    if not search.num_legal:
        _random(search)
    while search.num_legal and search.goes_on:
        parents = taken(search.batch, search.ranked_by_bound()[:NUM_PARENTS])
        children = space.children(parents, NUM_CHILDREN, rng)
        search.add(space.repaired(children, rng)[0])


def _refine(search: _Search, max_exact: int) -> None:
    """Children of the best by exact figures; those whose bound is better are timed."""
    num_idle = 0
    while search.num_exact < max_exact and num_idle < 3:
        before = search.num_exact
        parents = taken(search.batch, search.timed[:NUM_EXACT_PARENTS])
        search.add(search.space.children(parents, NUM_EXACT_CHILDREN, search.rng))
        search.time_best(min(max_exact, before + MIN_EXACT))
        num_idle = num_idle + 1 if search.num_exact == before else 0


def _random(search: _Search) -> None:
    """Uniform points of the encoding, repaired."""
    while search.goes_on:
        genes = search.rng.random((NUM_CHILDREN, search.encoding.num_genes))
        found = search.space.normal(search.encoding.decode(genes))
        search.add(search.space.repaired(found, search.rng)[0])


def _cma(search: _Search) -> None:
    """CMA-ES over the encoding, ranked by bound; what is illegal after repair ranks last."""
    num_genes, rng = search.encoding.num_genes, search.rng
    while search.goes_on:
        strategy = new_strategy(num_genes * [0.5], sigma=0.3, population=NUM_PARENTS, rng=rng)
        while search.goes_on and not strategy.stop():
            points = strategy.ask()
            found = search.space.normal(search.encoding.decode(np.array(points)))
            scores = search.add(search.space.repaired(found, rng)[0])
            finite = np.where(np.isfinite(scores), np.log(np.maximum(scores, 1e-300)), 1e3)
            strategy.tell(points, finite.tolist())
