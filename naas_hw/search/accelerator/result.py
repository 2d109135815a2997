"""How far a search is, and what it found; every figure is exact."""

from collections.abc import Callable
from dataclasses import dataclass

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import FpgaBudget
from naas_hw.cost.fpga.model import FpgaPrediction
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.mapping.network_search import NetworkResult
from naas_hw.search.objective import Objective


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
    stage : "screening", "candidates", "final mappings" of the best ones, "proofs" of the best.
    num_done, num_due : candidates screened, finalists mapped, or layers of the best proven.
    num_evaluations : mappings whose bound was computed for the latest.
    is_resumed : the history knew the latest.
    trying : the next candidate, which is being evaluated; None at the end of a generation.
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
    num_done: int = 0
    num_due: int = 0
    num_evaluations: int = 0
    is_resumed: bool = False
    trying: Accelerator | None = None


@dataclass(frozen=True, kw_only=True)
class DesignPoint:
    """An accelerator with what it is judged by; of several networks, geometric means.

    Members
    -------
    cycles, energy_pj : exact, of all layers.
    area_um2 : an estimate.
    milliseconds : at the predicted clock, under a budget with an FPGA; else None.
    """

    accelerator: Accelerator
    cycles: float
    energy_pj: float
    area_um2: float
    milliseconds: float | None = None

    @property
    def figures(self) -> tuple[float, float, float]:
        """Cycles, energy and area."""
        return self.cycles, self.energy_pj, self.area_um2

    @property
    def compared(self) -> tuple[float, float, float]:
        """What is to be small: the figures, with milliseconds for cycles where they are known."""
        time = self.cycles if self.milliseconds is None else self.milliseconds
        return time, self.energy_pj, self.area_um2


@dataclass(frozen=True, kw_only=True)
class Front:
    """The designs of a search that no other of it beats in cycles, energy and area at once.

    Under a budget with an FPGA milliseconds at the predicted clock stand for cycles.

    Members
    -------
    points : fastest first.
    reference : cycles or milliseconds, energy in pJ and area in um2, each the worst of the first
        generation.
    hypervolumes : share of the box between zero and the reference that was dominated after each
        generation, and at last by `points`; exact.
    """

    points: tuple[DesignPoint, ...]
    reference: tuple[float, float, float]
    hypervolumes: tuple[float, ...]

    @property
    def hypervolume(self) -> float:
        """That of all points."""
        return self.hypervolumes[-1]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search found; every figure is exact.

    Members
    -------
    score : the objective, geometric mean over the networks.
    networks : the mappings and reports of each.
    num_candidates : accelerators mapped; `num_screened` of them with a part of the evaluations.
    num_invalid : ruled out before; `num_pruned` of them by a lower bound no better than the best.
    rejections : the same by every reason.
    num_evaluations, num_legal, num_exact : of all candidates' mappings; as in `MappingResult`.
    largest_gap : largest (exact - bound) / bound in cycles of any mapping that was timed.
    best_scores, population_means : after, and of, each generation.
    front : what the search found besides the best.
    fpga, prediction : the FPGA of the budget, and what the accelerator takes of it; else None.
    interrupted : Ctrl-C ended it.
    """

    accelerator: Accelerator
    objective: Objective
    score: float
    networks: tuple[NetworkResult, ...]
    num_candidates: int
    num_screened: int
    num_invalid: int
    num_pruned: int
    num_evaluations: int
    num_legal: int
    num_exact: int
    largest_gap: float
    best_scores: tuple[float, ...]
    population_means: tuple[float, ...]
    front: Front
    rejections: Rejections = Rejections()
    fpga: FpgaBudget | None = None
    prediction: FpgaPrediction | None = None
    interrupted: bool = False

    @property
    def mappings(self) -> dict[str, dict[str, Mapping]]:
        """Name of a network -> name of a layer -> mapping."""
        return {result.network.name: dict(result.mappings) for result in self.networks}

    def milliseconds(self, result: NetworkResult) -> float | None:
        """Time of a network at the predicted clock; None without an FPGA."""
        if self.prediction is None:
            return None
        return result.report.cycles / (1000 * self.prediction.clock_mhz)


ProgressCallback = Callable[[Progress], None]
