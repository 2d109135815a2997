"""What, with networks and budget, determines a search."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, Self

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import Dataflow, Preset
from naas_hw.arch.technology import AREA, EnergyTable, energy_table
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.model import fitted_model
from naas_hw.search.accelerator.optimisers import LEAST_POPULATION, OuterOptimiser
from naas_hw.search.mapping.layer_search import Optimiser
from naas_hw.search.mapping.network_search import MappingSettings
from naas_hw.search.objective import Objective
from naas_hw.search.parallel_dims import MAX_AXES
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Dim
from naas_hw.workload.network import Network

MAX_EXACT: Final = 24
"""Mappings of a layer that are timed exactly, at most."""

SCREENING_EFFORT: Final = 1 / 8
"""Share of the evaluations with which candidates are screened."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Everything that, with networks and budget, determines a search.

    Parameters
    ----------
    objective : what is to be small.
    table : energies; the budget's by its name if None.
    population, generations : candidates of a generation, and how many of these.
    screening : how many times as many candidates are drawn, and mapped with a part of the
        evaluations; the best of them, a population, are mapped with all. 1: none but these.
    mapping_evaluations : mappings whose bound is computed, for each layer of each candidate.
    min_legal : distinct legal mappings of each layer of each candidate at least.
    finalists, final_effort : how many of the best accelerators are mapped once more at last, with
        how many times the evaluations.
    proof_evaluations : mappings and tiles that branch and bound looks at, for each layer of the
        best one of these and of each one in `start`; 0: it does not run.
    ties : as of `MappingSettings`, for the mappings that are kept.
    seed : the random seed.
    optimiser, mapping_optimiser : of the two levels.
    encoding : of parallel dims; and of loop orders, for the mapping optimisers that have one: `cma`
        and `random`.
    warm_start : whether the first generation is made of classic arrays.
    fixed_dims, dataflow : the parallel dims, and the style of mapping, where they are not searched.
        With both, sizes only are.
    drain_lanes : requantisers of all candidates, where they are not searched.
    start : accelerators, which may come from another search under the same budget. The first
        generation begins with them and with their copies that have other lanes of drain, and they
        are among the finalists, so that nothing worse is found with as many evaluations.
    """

    objective: Objective = Objective.EDP
    table: EnergyTable | None = None
    population: int = 8
    generations: int = 40
    screening: int = 1
    mapping_evaluations: int = 4000
    min_legal: int = 60
    finalists: int = 4
    final_effort: int = 8
    proof_evaluations: int = 300_000
    ties: float = 0.01
    seed: int = 0
    optimiser: OuterOptimiser = OuterOptimiser.CLIMB
    mapping_optimiser: Optimiser = Optimiser.EVOLVE
    encoding: Encoding = Encoding.IMPORTANCE
    warm_start: bool = True
    fixed_dims: tuple[Dim, ...] | None = None
    dataflow: Dataflow | None = None
    drain_lanes: int | None = None
    start: tuple[Accelerator, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (
            ("population", 2),
            ("generations", 1),
            ("screening", 1),
            ("mapping_evaluations", 1),
            ("min_legal", 1),
            ("finalists", 1),
            ("final_effort", 1),
            ("proof_evaluations", 0),
            ("ties", 0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, not {getattr(self, name)}")
        least = LEAST_POPULATION.get(self.optimiser, 0)
        if self.population < least:
            raise InputError(
                f"population must be at least {least} for {self.optimiser}, not {self.population}"
            )
        dims = self.fixed_dims
        if dims is not None and not 1 <= len(set(dims)) == len(dims) <= MAX_AXES:
            raise InputError(
                f"fixed_dims must be 1 to {MAX_AXES} different dims, not {' '.join(dims)}"
            )

    def sizing_only(self, preset: Preset) -> Self:
        """The same search with the preset's parallel dims and style of mapping."""
        dims = tuple(axis.dim for axis in preset.accelerator.axes)
        return replace(self, fixed_dims=dims, dataflow=preset.dataflow)

    @property
    def num_drawn(self) -> int:
        """Candidates of a generation."""
        return self.population * self.screening

    def mapping_settings(self, budget: Budget, *, effort: float = 1) -> MappingSettings:
        """What `map_layer` is told; `effort` times the evaluations."""
        return MappingSettings(
            objective=self.objective,
            table=self.table or energy_table(budget.energy_table),
            evaluations=ceil(self.mapping_evaluations * effort),
            proof_evaluations=0,
            optimiser=self.mapping_optimiser,
            max_exact=ceil(MAX_EXACT * effort),
            min_legal=self.min_legal,
            encoding=self.encoding,
            seed=self.seed,
        )

    def final_settings(self, budget: Budget) -> MappingSettings:
        """The same for the mappings that are kept: more evaluations, then branch and bound."""
        settings = self.mapping_settings(budget, effort=self.final_effort)
        return replace(settings, proof_evaluations=self.proof_evaluations, ties=self.ties)


def settings_digest(networks: Sequence[Network], budget: Budget, settings: SearchSettings) -> str:
    """SHA-256 of everything that determines the result."""
    table = settings.table or energy_table(budget.energy_table)
    plain: dict[str, object] = {
        "networks": [network.model_dump(mode="json") for network in networks],
        "budget": budget.model_dump(mode="json"),
        "table": table.model_dump(mode="json"),
        "area": AREA.model_dump(mode="json"),
        "settings": {
            **{name: value for name, value in vars(settings).items() if name != "table"},
            "start": [accelerator.model_dump(mode="json") for accelerator in settings.start],
        },
    }
    if budget.fpga is not None:
        plain["fpga_model"] = fitted_model().digest
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
