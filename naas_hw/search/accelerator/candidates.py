"""Candidates of a search: which are valid, and what each costs, by its best mappings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import count

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import Dataflow
from naas_hw.arch.technology import AREA
from naas_hw.cost.fpga.limits import milliseconds_per_cycle
from naas_hw.parallel.tasks import Pending, Task, run_tasks
from naas_hw.search.accelerator.baseline import fixed_result
from naas_hw.search.accelerator.history_rows import CandidateRecord
from naas_hw.search.mapping.layer_search import MappingResult, is_mappable
from naas_hw.search.mapping.network_bound import NetworkBound, lower_bound
from naas_hw.search.mapping.network_search import (
    MappingSettings,
    NetworkResult,
    anonymous,
    assemble,
    merged,
    search_layers,
    submit_layers,
)
from naas_hw.search.objective import geometric_mean
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network, distinct_layers


class Evaluator:
    """Accelerators of one budget, judged by the mappings of the same networks.

    Parameters
    ----------
    settings : of the mappings of each layer.
    dataflow : whose mappings are taken, instead of searched ones.
    executor : where candidates are mapped; this process if None. The result is the same.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        budget: Budget,
        settings: MappingSettings,
        executor: Executor | None = None,
        *,
        dataflow: Dataflow | None = None,
    ) -> None:
        self.networks, self.budget, self.settings = networks, budget, settings
        self.executor, self.dataflow = executor, dataflow
        self.layers = list(distinct_layers(networks))
        self.bounds = [NetworkBound(network, settings.table) for network in networks]

    def is_mappable(self, accelerator: Accelerator) -> bool:
        """Whether it has room for each layer."""
        return is_mappable(accelerator, self.layers)

    def first_without_room(self, accelerator: Accelerator) -> Layer | None:
        """The first layer for which it has no room; None if it has room for each."""
        return next((x for x in self.layers if not is_mappable(accelerator, [x])), None)

    def lower_bound(self, accelerator: Accelerator) -> float:
        """No mappings give a score below this."""
        bound = lower_bound(self.bounds, accelerator, self.settings.objective)
        return bound * self.time_of_cycle(accelerator)

    def time_of_cycle(self, accelerator: Accelerator) -> float:
        """What scores count for a cycle: milliseconds under a budget with an FPGA, else 1."""
        if not self.settings.objective.counts_time:
            return 1.0
        milliseconds = milliseconds_per_cycle(self.budget, accelerator)
        return 1.0 if milliseconds is None else milliseconds

    def evaluate(
        self,
        accelerators: Sequence[Accelerator],
        settings: MappingSettings,
        known: Mapping[Accelerator, CandidateRecord],
    ) -> Iterator[CandidateRecord]:
        """Candidates with the mappings that are found, in their order; a task each.

        Parameters
        ----------
        known : what was found of some of them before; what is better of both is kept.
        """
        tasks = [
            Task(
                name=f"mappings of {len(self.layers)} layers on {accelerator.array_text}",
                function=evaluate_candidate,
                arguments=(
                    self.networks,
                    self.budget,
                    settings,
                    self.dataflow,
                    accelerator,
                    known.get(accelerator),
                ),
            )
            for accelerator in accelerators
        ]
        return run_tasks(self.executor, tasks)

    def search_layers(self, accelerator: Accelerator) -> list[MappingResult | None]:
        """The mappings of all layers, in the order of `layers`."""
        settings = self.settings
        if self.dataflow is None:
            return search_layers(accelerator, self.layers, settings)
        return [
            fixed_result(
                accelerator,
                layer,
                self.dataflow,
                objective=settings.objective,
                table=settings.table,
            )
            for layer in self.layers
        ]

    def record(
        self, accelerator: Accelerator, results_of_layers: Sequence[MappingResult | None]
    ) -> CandidateRecord:
        """What is known of a candidate when all of its layers were searched."""
        record = CandidateRecord(
            generation=0,
            member=0,
            accelerator=accelerator,
            score=None,
            cycles=(),
            energy_pj=(),
            area_um2=sum(AREA.area_um2(accelerator).values()),
            layers={},
        )
        results = [result for result in results_of_layers if result is not None]
        if len(results) < len(results_of_layers):
            return record
        names = (layer.name for layer in self.named_layers())
        mapped = replace(record, layers=dict(zip(names, results, strict=True)))
        networks = self.assembled(mapped)
        return replace(
            mapped,
            score=self.score(accelerator, networks),
            cycles=tuple(result.report.cycles for result in networks),
            energy_pj=tuple(result.report.energy_pj for result in networks),
        )

    def named_layers(self) -> list[Layer]:
        """Distinct layers with names that differ, those of several networks too."""
        seen: dict[str, int] = {}
        layers = []
        for layer in self.layers:
            seen[layer.name] = seen.get(layer.name, 0) + 1
            suffix = "" if seen[layer.name] == 1 else f".{seen[layer.name]}"
            layers.append(layer.renamed(layer.name[: 100 - len(suffix)] + suffix))
        return layers

    def assembled(self, record: CandidateRecord) -> tuple[NetworkResult, ...]:
        """All networks under the mappings of a candidate's record."""
        results = {anonymous(layer): record.layers[layer.name] for layer in self.named_layers()}
        return tuple(
            assemble(record.accelerator, network, results, self.settings)
            for network in self.networks
        )

    def score(self, accelerator: Accelerator, networks: Sequence[NetworkResult]) -> float:
        """The objective, geometric mean over the networks; in milliseconds with an FPGA."""
        scores = [result.score(self.settings.objective) for result in networks]
        return geometric_mean(scores) * self.time_of_cycle(accelerator)

    def improve(
        self,
        records: Sequence[CandidateRecord],
        settings: MappingSettings,
        progress: Callable[[int], None] = lambda num_done: None,
    ) -> list[CandidateRecord]:
        """Search more mappings for few candidates and return their new records.

        Each layer is a task of its own, so that no worker is idle. `progress` is told how many
        layers are done, one by one.
        """
        numbers = count(1)

        def waited(wait: Pending[MappingResult | None]) -> MappingResult | None:
            improved = wait()
            progress(next(numbers))
            return improved

        pending = [
            submit_layers(self.executor, record.accelerator, self.layers, settings)
            for record in records
        ]
        return [
            self.improved(record, [waited(wait) for wait in waits])
            for record, waits in zip(records, pending, strict=True)
        ]

    def improved(
        self, record: CandidateRecord, more_results: Sequence[MappingResult | None]
    ) -> CandidateRecord:
        """The record with what more was found of its layers."""
        objective = self.settings.objective
        layers = [
            before if more is None else merged(before, more, objective)
            for before, more in zip(record.layers.values(), more_results, strict=True)
        ]
        again = self.record(record.accelerator, layers)
        assert again.score is not None and record.score is not None
        return again if again.score <= record.score else record


def evaluate_candidate(
    networks: Sequence[Network],
    budget: Budget,
    settings: MappingSettings,
    dataflow: Dataflow | None,
    accelerator: Accelerator,
    known: CandidateRecord | None,
) -> CandidateRecord:
    """One candidate; what runs in a worker."""
    evaluator = Evaluator(networks, budget, settings, dataflow=dataflow)
    results = evaluator.search_layers(accelerator)
    if known is not None and known.layers:
        return evaluator.improved(known, results)
    return evaluator.record(accelerator, results)
