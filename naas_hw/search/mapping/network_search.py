"""Mappings for whole networks on one accelerator: each distinct layer once, in any processes.

The random draws of a layer depend on the seed, the accelerator and the layer alone: not on the
processes, their number, or earlier searches.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED, EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import NetworkReport, evaluate_network
from naas_hw.mapping.mapping import Mapping
from naas_hw.parallel.tasks import Task, submit
from naas_hw.search.mapping.branch_and_bound import branch_and_bound, space_size
from naas_hw.search.mapping.feasibility import why_none_found
from naas_hw.search.mapping.layer_search import Choice, MappingResult, Optimiser, map_layer
from naas_hw.search.mapping.network_bound import layer_bound
from naas_hw.search.mapping.ties import least_traffic
from naas_hw.search.objective import Objective
from naas_hw.search.pareto import pareto_front_of
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network, distinct_layers

C = TypeVar("C", bound=Choice)

MAX_CHOICE_ROUNDS = 20

EVALUATIONS = 20_000
PROOF_EVALUATIONS = 1_000_000
"""Evaluations for a layer on a given accelerator, when only its mapping is searched."""

PROOF_TOLERANCE = 0.005
"""Branch and bound prunes mappings that are better by less than this fraction."""

MAX_SPACE = 10_000_000_000
"""Nodes of branch and bound, as `space_size` estimates them, beyond which it does not run."""

EVALUATIONS_PER_TASK = 30_000
"""Mappings that one task searches, about: some tens of milliseconds."""


@dataclass(frozen=True, kw_only=True)
class MappingSettings:
    """How the mappings of a layer are searched: the arguments of `map_layer`, and what follows.

    Members
    -------
    proof_evaluations : mappings and tiles that branch and bound looks at afterwards; 0: it does
        not run.
    ties : under `latency`, after the proof, the mapping with the least traffic is taken among those
        that need at most this share of cycles more than the fastest; 0: the fastest.
    """

    objective: Objective = Objective.EDP
    table: EnergyTable = SIZED
    evaluations: int = EVALUATIONS
    proof_evaluations: int = PROOF_EVALUATIONS
    ties: float = 0.01
    optimiser: Optimiser = Optimiser.EVOLVE
    max_exact: int = 32
    min_legal: int = 60
    encoding: Encoding = Encoding.IMPORTANCE
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class NetworkResult:
    """A network mapped to an accelerator; every figure is exact.

    Members
    -------
    mappings : name of a layer -> mapping, in order of execution.
    report : cost of each layer and of the whole, as one program.
    num_evaluations, num_legal, num_exact : sums over distinct layers, as in `MappingResult`.
    largest_gap : largest (exact - bound) / bound of any mapping that was timed.
    proven_gaps : name of a layer -> how much more than the least of the space of branch and bound
        its best mapping scores at most; of layers that were searched so.
    proven_bounds : name of a layer -> no mapping of that space scores less.
    """

    network: Network
    mappings: AbstractMapping[str, Mapping]
    report: NetworkReport
    num_evaluations: int = 0
    num_legal: int = 0
    num_exact: int = 0
    largest_gap: float = 0.0
    proven_gaps: AbstractMapping[str, float] = field(default_factory=dict)
    proven_bounds: AbstractMapping[str, float] = field(default_factory=dict)

    def score(self, objective: Objective) -> float:
        """The objective of the whole network."""
        return objective.score(float(self.report.cycles), self.report.energy_pj)

    def utilization(self, accelerator: Accelerator) -> float:
        """MACs of the network by those that all PEs could have done in its time."""
        return self.network.num_macs / (accelerator.num_pes * self.report.cycles)


def anonymous(layer: Layer) -> Layer:
    """The layer without its name: equal for layers that cost the same."""
    return layer.anonymous


def layer_generator(seed: int, accelerator: Accelerator, layer: Layer) -> np.random.Generator:
    """The randomness of one layer on one accelerator."""
    texts = (
        accelerator.model_copy(update={"name": "accelerator"}).model_dump_json(),
        anonymous(layer).model_dump_json(),
    )
    digest = hashlib.sha256("\n".join(texts).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype="<u4").tolist()])


def search_layers(
    accelerator: Accelerator, layers: Sequence[Layer], settings: MappingSettings
) -> list[MappingResult | None]:
    """Search layers, one after the other; what runs in a worker."""
    return [_search_layer(accelerator, layer, settings) for layer in layers]


def _search_layer(
    accelerator: Accelerator, layer: Layer, settings: MappingSettings
) -> MappingResult | None:
    result = map_layer(
        accelerator,
        layer,
        objective=settings.objective,
        table=settings.table,
        budget_evaluations=settings.evaluations,
        rng=layer_generator(settings.seed, accelerator, layer),
        optimiser=settings.optimiser,
        max_exact=settings.max_exact,
        min_legal=settings.min_legal,
        encoding=settings.encoding,
    )
    if result is None or not settings.proof_evaluations:
        return result
    proven = _proven(accelerator, layer, settings, result)
    if settings.objective is not Objective.LATENCY:
        return proven
    return _with_frugal(accelerator, layer, settings, proven)


def _with_frugal(
    accelerator: Accelerator, layer: Layer, settings: MappingSettings, result: MappingResult
) -> MappingResult:
    """Add the mapping with the least traffic among those that are as good as the fastest."""
    frugal = least_traffic(
        accelerator,
        layer,
        result.best,
        ties=settings.ties,
        table=settings.table,
        budget_evaluations=settings.evaluations,
        rng=layer_generator(settings.seed, accelerator, layer).spawn(1)[0],
    )
    if frugal is result.best:
        return result
    best = min(result.best, frugal, key=lambda choice: choice.cycles)
    return replace(result, best=best, frugal=frugal)


def _proven(
    accelerator: Accelerator, layer: Layer, settings: MappingSettings, result: MappingResult
) -> MappingResult:
    """Add to a result what branch and bound finds beyond it, and what it proves.

    Of a space that is too large to be listed, the proof is a score that no mapping can beat.
    """
    if space_size(accelerator, layer) > MAX_SPACE:
        least = layer_bound(accelerator, layer, settings.objective, settings.table)
        return replace(result, least=least)
    optimality = branch_and_bound(
        accelerator,
        layer,
        result.best,
        objective=settings.objective,
        table=settings.table,
        tolerance=PROOF_TOLERANCE,
        budget_evaluations=settings.proof_evaluations,
    )
    return replace(
        result,
        best=optimality.best,
        choices=front_of([*result.choices, optimality.best]),
        num_evaluations=result.num_evaluations + optimality.num_evaluations,
        num_exact=result.num_exact + optimality.num_exact,
        least=optimality.bound,
    )


Pending = Callable[[], MappingResult | None]


def submit_layers(
    executor: Executor | None,
    accelerator: Accelerator,
    layers: Sequence[Layer],
    settings: MappingSettings,
) -> list[Pending]:
    """Start searching layers; call what comes back, one a layer, for the results.

    Layers go to workers in batches of about `EVALUATIONS_PER_TASK`. Without executor each batch is
    searched when its first result is asked for.
    """
    size = max(1, EVALUATIONS_PER_TASK // max(1, settings.evaluations + settings.proof_evaluations))
    pending: list[Pending] = []
    for first in range(0, len(layers), size):
        batch = tuple(layers[first : first + size])
        task = Task(
            name=f"mappings of {', '.join(layer.name for layer in batch)} on {accelerator.name}",
            function=search_layers,
            arguments=(accelerator, batch, settings),
        )
        results = lru_cache(maxsize=1)(submit(executor, task))
        pending.extend(partial(_result_at, results, place) for place in range(len(batch)))
    return pending


def _result_at(
    results: Callable[[], list[MappingResult | None]], place: int
) -> MappingResult | None:
    return results()[place]


def map_network(
    accelerator: Accelerator,
    network: Network,
    settings: MappingSettings,
    *,
    executor: Executor | None = None,
    progress: Callable[[Layer, MappingResult], None] | None = None,
) -> NetworkResult:
    """The best mappings of a network on a given accelerator.

    Parameters
    ----------
    executor : where layers are searched; this process if None. The result is the same.
    progress : told of each distinct layer, in order.

    Raises
    ------
    InputError : no legal mapping was found for a layer.
    """
    layers = list(network.distinct_layers)
    pending = submit_layers(executor, accelerator, layers, settings)
    results: dict[Layer, MappingResult] = {}
    for layer, wait in zip(layers, pending, strict=True):
        result = awaited(accelerator, layer, wait)
        results[anonymous(layer)] = result
        if progress is not None:
            progress(layer, result)
    return assemble(accelerator, network, results, settings)


def awaited(accelerator: Accelerator, layer: Layer, wait: Pending) -> MappingResult:
    """The result of a layer's search.

    Raises
    ------
    InputError : no legal mapping was found.
    """
    result = wait()
    if result is None:
        reason = why_none_found(accelerator, layer)
        raise InputError(f"{accelerator.name} has no mapping of {layer.name}: {reason}")
    return result


def assemble(
    accelerator: Accelerator,
    network: Network,
    results_by_layer: AbstractMapping[Layer, MappingResult],
    settings: MappingSettings,
) -> NetworkResult:
    """The network with the choice for each layer that suits all of them together.

    Layers without a program count in no total, and keep their best choices.
    """
    results = {layer: results_by_layer[anonymous(layer)] for layer in network.layers}
    run = [layer for layer in network.layers if layer.has_program]
    chosen = choose([results[layer] for layer in run], settings.objective)
    mappings = {layer.name: results[layer].chosen.mapping for layer in network.layers}
    mappings |= {layer.name: choice.mapping for layer, choice in zip(run, chosen, strict=True)}
    searched = [results_by_layer[anonymous(layer)] for layer in network.distinct_layers]
    gaps = {layer.name: results[layer].proven_gap(settings.objective) for layer in network.layers}
    return NetworkResult(
        network=network,
        mappings=mappings,
        report=evaluate_network(accelerator, network, mappings, settings.table),
        num_evaluations=sum(result.num_evaluations for result in searched),
        num_legal=sum(result.num_legal for result in searched),
        num_exact=sum(result.num_exact for result in searched),
        largest_gap=max(result.largest_gap for result in searched),
        proven_gaps={name: gap for name, gap in gaps.items() if gap is not None},
        proven_bounds={
            layer.name: result.least for layer, result in results.items() if result.least
        },
    )


def choose(results: Sequence[MappingResult], objective: Objective) -> list[Choice]:
    """One choice a layer, so that the objective of the sums is small; see `choose_of`."""
    return choose_of([r.chosen for r in results], [r.choices for r in results], objective)


def choose_of(bests: Sequence[C], fronts: Sequence[Sequence[C]], objective: Objective) -> list[C]:
    """One choice a layer out of its best and its front, so that the objective of the sums is small.

    The product of two sums is not the sum of products: a layer may trade cycles for energy at the
    rate of the whole network. From the best of each layer alone, each layer takes the choice with
    the least relative increase of both sums, again and again until nothing changes.
    """
    chosen = list(bests)
    if objective is not Objective.EDP:
        return chosen
    best, least = chosen, _edp(chosen)
    for _ in range(MAX_CHOICE_ROUNDS):
        cycles = sum(choice.cycles for choice in chosen)
        energy = sum(choice.energy_pj for choice in chosen)
        rates = (1 / cycles, 1 / energy if energy else 0.0)
        chosen = [_cheapest(front, rates) for front in fronts]
        if _edp(chosen) >= least:
            break
        best, least = chosen, _edp(chosen)
    return best


def front_of(choices: Sequence[C]) -> tuple[C, ...]:
    """Those that none of the others beats in both cycles and energy, fastest first."""
    return tuple(pareto_front_of(choices, lambda choice: (choice.cycles, choice.energy_pj)))


def merged(first: MappingResult, second: MappingResult, objective: Objective) -> MappingResult:
    """The combined result of two searches of one layer on one accelerator.

    Distinct legal mappings are counted as those of the search that had more.
    """
    best = min(
        (first.best, second.best), key=lambda c: objective.score(float(c.cycles), c.energy_pj)
    )
    return MappingResult(
        best=best,
        choices=front_of([*first.choices, *second.choices]),
        num_evaluations=first.num_evaluations + second.num_evaluations,
        num_legal=max(first.num_legal, second.num_legal),
        num_exact=first.num_exact + second.num_exact,
        best_bound=min(first.best_bound, second.best_bound),
        least=max(first.least, second.least),
        frugal=second.frugal if best is second.best else None,
        largest_gap=max(first.largest_gap, second.largest_gap),
    )


def _cheapest(choices: Sequence[C], rates: tuple[float, float]) -> C:
    return min(choices, key=lambda c: (c.cycles * rates[0] + c.energy_pj * rates[1], c.cycles))


def _edp(choices: Sequence[Choice]) -> float:
    return sum(c.cycles for c in choices) * sum(c.energy_pj for c in choices)


def named_results(
    networks: Sequence[Network], results_by_layer: AbstractMapping[Layer, MappingResult]
) -> Iterator[tuple[Layer, MappingResult]]:
    """Each distinct layer under the first of its names, with its result."""
    for layer in distinct_layers(networks):
        yield layer, results_by_layer[anonymous(layer)]
