"""The accelerators that a search tried, out of its history: convergence, and their front."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from naas_hw.arch.accelerator import Accelerator
from naas_hw.search.accelerator.design_front import mean_figure
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.accelerator.result import DesignPoint
from naas_hw.search.pareto import pareto_front_of


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One accelerator with its best mappings.

    Members
    -------
    score : of the objective; None where some layer has no mapping.
    cycles, energy_pj : of the network; of several, the geometric mean.
    area_um2 : estimate.
    is_screened : its mappings had a part of the evaluations, and were not good enough for more.
    """

    generation: int
    member: int
    accelerator: Accelerator
    score: float | None
    cycles: float
    energy_pj: float
    area_um2: float
    is_screened: bool = False

    @property
    def point(self) -> DesignPoint:
        """What it is judged by."""
        return DesignPoint(
            accelerator=self.accelerator,
            cycles=self.cycles,
            energy_pj=self.energy_pj,
            area_um2=self.area_um2,
        )

    @property
    def figures(self) -> tuple[float, float, float]:
        """What the front makes small: cycles, picojoules, square micrometres."""
        return self.point.figures


@dataclass(frozen=True, kw_only=True)
class Generation:
    """How far a search was.

    Members
    -------
    best : smallest score up to and with this generation; infinite before the first one.
    mean : of the scores of this generation that exist; infinite if none does.
    """

    best: float
    mean: float


def read_candidates(path: Path) -> list[Candidate]:
    """All candidates of a history file, in order.

    Raises
    ------
    InputError : it is no history.
    """
    with History.read(path) as history:
        return [_candidate(record) for record in history.candidates()]


def _candidate(record: CandidateRecord) -> Candidate:
    is_mapped = record.score is not None
    return Candidate(
        generation=record.generation,
        member=record.member,
        accelerator=record.accelerator,
        score=record.score,
        cycles=mean_figure(record.cycles) if is_mapped else inf,
        energy_pj=mean_figure(record.energy_pj) if is_mapped else inf,
        area_um2=record.area_um2,
        is_screened=record.is_screened,
    )


def convergence(candidates: Sequence[Candidate]) -> list[Generation]:
    """Best so far and mean, of each generation."""
    generations, best = [], inf
    for number in range(max((c.generation for c in candidates), default=-1) + 1):
        scores = [c.score for c in candidates if c.generation == number and c.score is not None]
        best = min([best, *scores])
        generations.append(Generation(best=best, mean=sum(scores) / len(scores) if scores else inf))
    return generations


def candidate_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one beats in cycles, energy and area at once, fewest cycles first.

    Of candidates with equal figures the first one stands for all.
    """
    mapped = [candidate for candidate in candidates if candidate.score is not None]
    return pareto_front_of(mapped, lambda candidate: candidate.figures)
