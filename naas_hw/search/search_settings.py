"""What, with networks and budget, determines a search."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from naas_hw.arch.budget import Budget
from naas_hw.arch.technology import EnergyTable, energy_table
from naas_hw.errors import InputError
from naas_hw.search.mapping_search import Optimiser
from naas_hw.search.network_search import MappingSettings
from naas_hw.search.objective import Objective
from naas_hw.search.outer_optimisers import OuterOptimiser
from naas_hw.workload.network import Network


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
