"""result.json: what is written of what was found, and what is read of it again.

A key has one home, this file: functions write all keys, records hold those that are read.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import inf
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import FpgaBudget
from naas_hw.cost.evaluate import CostReport
from naas_hw.cost.fpga.model import FpgaPrediction
from naas_hw.nas.joint.joint_search import JointResult
from naas_hw.nas.spaces.space import Space
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.accelerator.result import DesignPoint, Front, SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import NetworkResult
from naas_hw.search.objective import Objective, geometric_mean

RESULT_FILE: Final = "result.json"
VERSION: Final = 1

Count = Annotated[int, Field(ge=0)]

# ---------------------------------------------------------------- what is written


def result_text(energy_table: str, bounds_digest: str, figures: Mapping[str, Any]) -> str:
    """The file of a search, or of `naas map`.

    Parameters
    ----------
    energy_table : its name.
    bounds_digest : of what proven bounds depend on.
    figures : what was found.
    """
    head = {"version": VERSION, "energy_table": energy_table, "bounds_digest": bounds_digest}
    return json.dumps({**head, **figures}, indent=1) + "\n"


def search_figures(result: SearchResult) -> dict[str, Any]:
    """What a search found, as JSON has it."""
    return {
        "objective": result.objective.value,
        "score": result.score,
        "interrupted": result.interrupted,
        "num_candidates": result.num_candidates,
        "num_screened": result.num_screened,
        "num_invalid": result.num_invalid,
        "num_pruned": result.num_pruned,
        "num_hopeless": result.num_pruned,  # the older name, for one minor release
        "rejected": rejected_figures(result.rejections),
        "best_scores": [_finite(score) for score in result.best_scores],
        "population_means": [_finite(mean) for mean in result.population_means],
        **effort_figures(result),
        **_fpga_figures(result),
        "front": front_figures(result.front),
        "networks": [
            {
                **network_figures(network, result.accelerator, result.objective),
                **_milliseconds(result.milliseconds(network)),
            }
            for network in result.networks
        ],
    }


def method_figures(settings: SearchSettings) -> dict[str, Any]:
    """How a search of accelerators searched, as JSON has it."""
    return {
        "method": {
            "optimiser": settings.optimiser.value,
            "mapping_optimiser": settings.mapping_optimiser.value,
            "population": settings.population,
            "generations": settings.generations,
            "screening": settings.screening,
            "mapping_evaluations": settings.mapping_evaluations,
            "finalists": settings.finalists,
            "final_effort": settings.final_effort,
            "proof_evaluations": settings.proof_evaluations,
        }
    }


def rejected_figures(rejections: Rejections) -> dict[str, int]:
    """Accelerators that were drawn and not mapped, by reason, as JSON has them."""
    return asdict(rejections)


def _milliseconds(milliseconds: float | None) -> dict[str, float]:
    """A key only where there is a predicted clock."""
    return {} if milliseconds is None else {"milliseconds": milliseconds}


def _fpga_figures(result: SearchResult) -> dict[str, Any]:
    """A key only where the budget is a board's; milliseconds as the score counts them."""
    if result.fpga is None or result.prediction is None:
        return {}
    times = [result.milliseconds(network) for network in result.networks]
    return {
        "fpga": {
            **result.fpga.model_dump(mode="json"),
            "predicted": _prediction_figures(result.prediction),
            "limits": asdict(result.fpga.limits),
            "is_provisional": result.prediction.is_provisional,
            "milliseconds": geometric_mean([time for time in times if time is not None]),
        }
    }


def _prediction_figures(prediction: FpgaPrediction) -> dict[str, Any]:
    """Predicted resources and clock, as JSON has them."""
    return {**asdict(prediction.resources), "clock_mhz": round(prediction.clock_mhz, 2)}


def joint_figures(space: Space, result: JointResult, objective: Objective) -> dict[str, Any]:
    """What a joint search found, as JSON has it; each accuracy with its source."""
    source = result.accuracy_source.label
    return {
        "score": result.score,
        "interrupted": result.interrupted,
        "num_candidates": result.num_accelerators,
        "rejected": rejected_figures(result.rejections),
        "best_scores": [_finite(score) for score in result.best_scores],
        **effort_figures(result.network_result),
        "joint": {
            "space": space.name,
            "choices": space.decode(np.array(result.encoding, dtype=np.uint8)),
            "top1_percent": result.top1_percent,
            "accuracy": source,
            "min_top1_percent": result.min_top1_percent,
            "num_networks": result.num_networks,
            "num_layers": result.num_layers,
            "front": [
                {
                    "score": point.score,
                    "top1_percent": point.top1_percent,
                    "accuracy": source,
                    "encoding": list(point.encoding),
                    "choices": space.decode(np.array(point.encoding, dtype=np.uint8)),
                    "accelerator": point.accelerator.model_dump(mode="json"),
                }
                for point in result.front
            ],
        },
        "networks": [network_figures(result.network_result, result.accelerator, objective)],
    }


def front_figures(front: Front) -> dict[str, Any]:
    """Designs that none beats in time, energy and area at once, as JSON has them.

    Time is in milliseconds where the points have them, else in cycles.
    """
    names = ("cycles", "energy_pj", "area_um2")
    is_timed = any(point.milliseconds is not None for point in front.points)
    compared = ("milliseconds", *names[1:]) if is_timed else names
    return {
        "reference": dict(zip(compared, front.reference, strict=True)),
        "hypervolume": front.hypervolume,
        "hypervolumes": list(front.hypervolumes),
        "points": [
            {
                **dict(zip(names, point.figures, strict=True)),
                **_milliseconds(point.milliseconds),
                "accelerator": point.accelerator.model_dump(mode="json"),
            }
            for point in front.points
        ],
    }


def network_figures(
    result: NetworkResult, accelerator: Accelerator, objective: Objective
) -> dict[str, Any]:
    """A network's cost, layer by layer, as JSON has it.

    `objective` : that of the proven bounds.
    """
    return {
        "name": result.network.name,
        "cycles": result.report.cycles,
        "energy_pj": result.report.energy_pj,
        "edp": result.report.edp,
        "utilization": result.utilization(accelerator),
        "macs_not_covered": result.network.macs_not_covered,
        "layers": [
            layer_figures(report, objective, result.proven_bounds.get(report.layer))
            for report in result.report.layers
        ],
        "proven_gaps": dict(result.proven_gaps),
    }


def layer_figures(
    report: CostReport, objective: Objective = Objective.EDP, bound: float | None = None
) -> dict[str, Any]:
    """A layer's cost as JSON has it.

    `proven_bound` is in cycles, picojoules, or picojoules times cycles, by the objective;
    `proven_gap` is how much more the layer's mapping scores, of the bound. Both are null where
    nothing was proven.
    """
    gap = None if bound is None else objective.gap(report.cycles, report.energy_pj, bound)
    return {
        "name": report.layer,
        "cycles": report.cycles,
        "utilization": report.utilization,
        "stalls": vars(report.stalls),
        "engines": vars(report.engines),
        "accesses": vars(report.accesses),
        "energy_pj": report.energy_pj,
        "energy_pj_by_level": vars(report.energy),
        "edp": report.edp,
        "has_program": report.has_program,
        "proven_bound": bound,
        "proven_gap": gap,
    }


def effort_figures(result: SearchResult | NetworkResult) -> dict[str, Any]:
    """How many mappings a search evaluated, as keys of `result.json`."""
    return {
        "num_evaluations": result.num_evaluations,
        "num_legal": result.num_legal,
        "num_exact": result.num_exact,
        "largest_gap": result.largest_gap,
    }


def _finite(value: float) -> float | None:
    return None if value == inf else value


# ---------------------------------------------------------------- what is read


class Record(BaseModel):
    """Fields of a JSON file that a report needs; the others are let be."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class PriceRecord(Record):
    """The name of the energy table in result.json; older files have none."""

    version: Literal[1]
    energy_table: str | None = None


class LayerRecord(Record):
    """A layer in result.json."""

    name: str
    cycles: Count
    energy_pj: float


class NetworkRecord(Record):
    """A network in result.json."""

    name: str
    cycles: Count
    energy_pj: float
    milliseconds: float | None = None
    layers: tuple[LayerRecord, ...] = Field(min_length=1)


class JointPointRecord(Record):
    """A network on an accelerator, in result.json of a joint search."""

    score: float
    top1_percent: float
    accuracy: str
    choices: dict[str, str | int | float]
    accelerator: Accelerator


class JointRecord(Record):
    """What result.json says of networks that were searched with their accelerators.

    Members
    -------
    top1_percent, accuracy : of the reported network; the second names the source of the first.
    min_top1_percent : the floor that was asked for.
    """

    space: str
    top1_percent: float
    accuracy: str
    min_top1_percent: float
    num_networks: Count
    num_layers: Count
    front: tuple[JointPointRecord, ...]


class FrontRecord(Record):
    """What result.json says of designs that none beats in cycles, energy and area at once."""

    hypervolume: float
    points: tuple[DesignPoint, ...] = Field(min_length=1)


class PredictedRecord(Record):
    """Predicted resources and clock, in result.json."""

    lut4: Count
    ff: Count
    dsp: Count
    block_ram: Count
    clock_mhz: Annotated[float, Field(gt=0)]


class FpgaRecord(Record):
    """What result.json says of the FPGA of the board that was the budget."""

    board: str
    device: str
    package: str
    speed_grade: int
    predicted: PredictedRecord
    is_provisional: bool = False
    milliseconds: float | None = None

    @property
    def budget(self) -> FpgaBudget:
        """The FPGA as the search had it."""
        return FpgaBudget(
            board=self.board,
            device=self.device,
            package=self.package,
            speed_grade=self.speed_grade,
        )


class RejectedRecord(Record):
    """How many accelerators a search drew and did not map, by reason, in result.json."""

    over_budget: Count
    known: Count
    pruned: Count
    without_room: Count

    @property
    def total(self) -> int:
        """All of them."""
        return self.over_budget + self.known + self.pruned + self.without_room


class MethodRecord(Record):
    """How a search of accelerators searched, in result.json."""

    optimiser: str
    mapping_optimiser: str
    population: Count
    generations: Count
    screening: Count
    mapping_evaluations: Count
    finalists: Count
    final_effort: Count
    proof_evaluations: Count


class ResultRecord(Record):
    """result.json: what a search, or `naas map`, found when it ended.

    `rejected` and `method` are not in older files.
    """

    version: Literal[1]
    objective: str
    budget: str | None = None
    interrupted: bool = False
    clock_hz: Annotated[int, Field(gt=0)] | None = None
    score: float | None = None
    num_candidates: Count | None = None
    num_screened: Count | None = None
    num_invalid: Count | None = None
    num_pruned: Count | None = None
    rejected: RejectedRecord | None = None
    method: MethodRecord | None = None
    num_evaluations: Count | None = None
    num_legal: Count | None = None
    num_exact: Count | None = None
    front: FrontRecord | None = None
    fpga: FpgaRecord | None = None
    joint: JointRecord | None = None
    networks: tuple[NetworkRecord, ...] = Field(min_length=1)
