"""The steps of a search: designs that were the best so far, and the best of those it dropped.

The history keeps every mapping, so the exact model says again what each of these designs costs, by
cause and by level. A design whose cycles are not those in the history (the model has changed since)
keeps its figures and has no reports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isclose
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import LegalityError
from naas_hw.runs.tried_accelerators import Candidate
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.mapping.network_search import MappingSettings, NetworkResult, assemble
from naas_hw.search.objective import Objective
from naas_hw.workload.network import Network, distinct_layers

NUM_DROPPED: Final = 8
_SAME: Final = 1e-9  # of two sums of the same energies in another order


@dataclass(frozen=True, kw_only=True)
class TriedDesign:
    """A candidate of a search, and what it costs by cause.

    Members
    -------
    networks : of each network its mappings and costs; empty where they are not known any more.
    """

    candidate: Candidate
    networks: tuple[NetworkResult, ...] = ()

    @property
    def score(self) -> float:
        """Of the objective; every design of a step has one."""
        return _score(self.candidate)


@dataclass(frozen=True, kw_only=True)
class SearchSteps:
    """What the search did, one design after the other.

    Members
    -------
    improvements : the best design after each generation that found a better one; in order.
    dropped : the best distinct designs that were tried and are not the reported one, best first.
    chosen : the reported accelerator as it was tried, before its final mappings; None where the
        history does not hold it.
    """

    improvements: tuple[TriedDesign, ...] = ()
    dropped: tuple[TriedDesign, ...] = ()
    chosen: TriedDesign | None = None


def read_steps(
    path: Path,
    candidates: Sequence[Candidate],
    reported: Accelerator,
    networks: Sequence[Network],
    settings: MappingSettings,
) -> SearchSteps:
    """The steps of a history file.

    Parameters
    ----------
    candidates : all of the file.
    reported : the accelerator of the run.
    networks : those of the search; empty where each candidate had one of its own.
    settings : its objective and energy table.
    """
    improvements = improving(candidates)
    chosen = tried_as(candidates, reported)
    dropped = best_dropped(candidates, reported)
    with History.read(path) as history:
        known: dict[Candidate, TriedDesign] = {}
        for one in (*improvements, *dropped, *([] if chosen is None else [chosen])):
            known[one] = known.get(one) or _explained(one, history, networks, settings)
    return SearchSteps(
        improvements=tuple(known[one] for one in improvements),
        dropped=tuple(known[one] for one in dropped),
        chosen=None if chosen is None else known[chosen],
    )


def improving(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best candidate after each generation that found a better one than those before."""
    best: list[Candidate] = []
    for candidate in _scored(candidates):
        if best and _score(candidate) >= _score(best[-1]):
            continue
        if best and best[-1].generation == candidate.generation:
            best.pop()
        best.append(candidate)
    return best


def best_dropped(candidates: Sequence[Candidate], reported: Accelerator) -> list[Candidate]:
    """The distinct candidates with the best scores that are not the reported accelerator."""
    best: dict[Accelerator, Candidate] = {}
    for candidate in sorted(_scored(candidates), key=_score):
        best.setdefault(_unnamed(candidate.accelerator), candidate)
    best.pop(_unnamed(reported), None)
    return list(best.values())[:NUM_DROPPED]


def tried_as(candidates: Sequence[Candidate], accelerator: Accelerator) -> Candidate | None:
    """The best candidate on an accelerator; those that were mapped in full come first."""
    of_it = [c for c in _scored(candidates) if _unnamed(c.accelerator) == _unnamed(accelerator)]
    return min(of_it, key=lambda one: (one.is_screened, _score(one)), default=None)


def _scored(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.score is not None]


def _score(candidate: Candidate) -> float:
    return inf if candidate.score is None else candidate.score


def _unnamed(accelerator: Accelerator) -> Accelerator:
    return accelerator.model_copy(update={"name": "accelerator"})


# Costs -------------------------------------------------------------------------------------------


def _explained(
    candidate: Candidate,
    history: History,
    networks: Sequence[Network],
    settings: MappingSettings,
) -> TriedDesign:
    if not (networks and history.holds_mappings):
        return TriedDesign(candidate=candidate)
    record = history.candidate(candidate.generation, candidate.member)
    results = _results(record, networks, settings)
    is_same = len(results) == len(record.cycles) and all(
        result.report.cycles == cycles and isclose(result.report.energy_pj, energy, rel_tol=_SAME)
        for result, cycles, energy in zip(results, record.cycles, record.energy_pj, strict=True)
    )
    return TriedDesign(candidate=candidate, networks=results if is_same else ())


def _results(
    record: CandidateRecord, networks: Sequence[Network], settings: MappingSettings
) -> tuple[NetworkResult, ...]:
    """The networks under the mappings of a record; none if its layers are others."""
    layers = list(distinct_layers(networks))
    if len(layers) != len(record.layers):
        return ()
    found = zip(layers, record.layers.values(), strict=True)
    results = {layer.anonymous: result for layer, result in found}
    try:
        return tuple(assemble(record.accelerator, one, results, settings) for one in networks)
    except LegalityError:  # the layers are others, or a rule is new
        return ()


def mapping_settings(objective: str, table: EnergyTable) -> MappingSettings | None:
    """What mappings are judged by; None of an objective that this version does not know."""
    known = {one.value: one for one in Objective}
    if objective not in known:
        return None
    return MappingSettings(objective=known[objective], table=table)
