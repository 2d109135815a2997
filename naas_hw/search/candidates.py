"""Candidates of a search: which are valid, and what each costs, by its best mappings."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.search.history import CandidateRecord
from naas_hw.search.mapping_search import MappingResult, is_mappable
from naas_hw.search.network_search import (
    MappingSettings,
    NetworkResult,
    Pending,
    anonymous,
    assemble,
    distinct_layers,
    submit_layers,
)
from naas_hw.search.objective import Objective, geometric_mean
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


class Evaluator:
    """Accelerators of one budget, judged by the mappings of the same networks.

    Parameters
    ----------
    settings : of the mappings of each layer.
    executor : where layers are searched; this process if None. The result is the same.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        budget: Budget,
        settings: MappingSettings,
        executor: Executor | None,
    ) -> None:
        self.networks, self.budget, self.settings = networks, budget, settings
        self.executor = executor
        self.layers = distinct_layers(networks)

    def is_valid(self, accelerator: Accelerator) -> bool:
        """Whether it is within the budget and has room for each layer."""
        return not self.budget.violations(accelerator) and is_mappable(accelerator, self.layers)

    def submit(
        self, accelerator: Accelerator, settings: MappingSettings | None = None
    ) -> list[Pending]:
        """Start searching mappings of all layers, in the order of `layers`."""
        return submit_layers(self.executor, accelerator, self.layers, settings or self.settings)

    def record(
        self, accelerator: Accelerator, found: Sequence[MappingResult | None]
    ) -> CandidateRecord:
        """What is known of a candidate when all of its layers were searched."""
        record = CandidateRecord(
            generation=0,
            member=0,
            accelerator=accelerator,
            score=None,
            cycles=(),
            energy_pj=(),
            num_invalid=0,
            layers={},
        )
        results = [result for result in found if result is not None]
        if len(results) < len(found):
            return record
        names = (layer.name for layer in self.named_layers())
        mapped = replace(record, layers=dict(zip(names, results, strict=True)))
        networks = self.assembled(mapped)
        return replace(
            mapped,
            score=self.score(networks),
            cycles=tuple(result.report.cycles for result in networks),
            energy_pj=tuple(result.report.energy_pj for result in networks),
        )

    def named_layers(self) -> list[Layer]:
        """Distinct layers with names that differ, those of several networks too."""
        seen: dict[str, int] = {}
        found = []
        for layer in self.layers:
            seen[layer.name] = seen.get(layer.name, 0) + 1
            suffix = "" if seen[layer.name] == 1 else f".{seen[layer.name]}"
            found.append(layer.renamed(layer.name[: 100 - len(suffix)] + suffix))
        return found

    def assembled(self, record: CandidateRecord) -> tuple[NetworkResult, ...]:
        """All networks under the mappings of a candidate's record."""
        found = {anonymous(layer): record.layers[layer.name] for layer in self.named_layers()}
        return tuple(
            assemble(record.accelerator, network, found, self.settings) for network in self.networks
        )

    def score(self, networks: Sequence[NetworkResult]) -> float:
        """The objective, geometric mean over the networks."""
        return geometric_mean([result.score(self.settings.objective) for result in networks])

    def better(self, first: MappingResult, second: MappingResult) -> MappingResult:
        """The result whose best mapping has the smaller objective; the first if equal."""
        objective: Objective = self.settings.objective
        scores = [
            objective.score(float(result.best.cycles), result.best.energy_pj)
            for result in (first, second)
        ]
        return second if scores[1] < scores[0] else first
