"""Mappings that suit several memories: the least mean over all of them, every figure exact.

Which memory a chip gets is often not known when its mappings are made, and hardware does not depend
on it. A mapping that is the fastest with one memory may wait much longer with a slower one.

Each layer is searched with each memory as if it were the only one, proof included. What these
searches found, fronts of cycles and energy included, is then timed exactly with all memories. A
layer's cycles count as the sum over the memories; the mean is that sum by their number.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.compiled.batch import MappingBatch, pair_exact
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.layer_search import Choice, MappingResult
from naas_hw.search.mapping.network_search import (
    MappingSettings,
    NetworkResult,
    anonymous,
    assemble,
    awaited,
    choose_of,
    front_of,
    submit_layers,
)
from naas_hw.search.objective import Objective
from naas_hw.system.yaml_files import validate
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


class DramTiming(NamedTuple):
    """How long a memory outside of the chip takes.

    Members
    -------
    latency_cycles : from an address to its first beat.
    beat_period_cycles : from a beat to the next one.
    """

    latency_cycles: int
    beat_period_cycles: int


def with_memory(accelerator: Accelerator, memory: DramTiming) -> Accelerator:
    """The same hardware with another memory.

    Raises
    ------
    InputError : a latency or a period that no accelerator may have.
    """
    fields = {
        **accelerator.model_dump(mode="json"),
        "dram_latency_cycles": memory.latency_cycles,
        "dram_beat_period_cycles": memory.beat_period_cycles,
    }
    return validate(Accelerator, fields, "memory")


def map_robustly(
    accelerator: Accelerator,
    network: Network,
    settings: MappingSettings,
    memories: Sequence[DramTiming],
    *,
    executor: Executor | None = None,
    progress: Callable[[Layer, MappingResult], None] | None = None,
) -> NetworkResult:
    """The mappings with the least mean objective over several memories.

    The report, proven bounds and gaps are those with the accelerator's own memory; the gaps are of
    the best mappings with it, which are not always those that are taken. Under `latency` the mean
    cycles decide alone: `settings.ties` only adds mappings to choose from.

    Parameters
    ----------
    memories : beside the accelerator's own.
    executor, progress : as of `map_network`; the progress is told what was found with its own.

    Raises
    ------
    InputError : no legal mapping was found for a layer; a memory that cannot be.
    """
    own = DramTiming(accelerator.dram_latency_cycles, accelerator.dram_beat_period_cycles)
    variants = [with_memory(accelerator, memory) for memory in dict.fromkeys((own, *memories))]
    layers = list(network.distinct_layers)
    pending = [submit_layers(executor, variant, layers, settings) for variant in variants]
    results: dict[Layer, MappingResult] = {}
    fronts: dict[Layer, tuple[Choice, ...]] = {}
    for layer, *waits in zip(layers, *pending, strict=True):
        found = [awaited(accelerator, layer, wait) for wait in waits]
        key = anonymous(layer)
        results[key] = found[0]
        fronts[key] = robust_front(variants, layer, found, settings.table)
        if progress is not None:
            progress(layer, found[0])
    plain = assemble(accelerator, network, results, settings)
    mappings = {**plain.mappings, **_chosen(network, fronts, settings.objective)}
    report = evaluate_network(accelerator, network, mappings, settings.table)
    return replace(plain, mappings=mappings, report=report)


def robust_front(
    variants: Sequence[Accelerator],
    layer: Layer,
    found: Sequence[MappingResult],
    table: EnergyTable,
) -> tuple[Choice, ...]:
    """Of all mappings that were found, those that none beats in both summed cycles and energy.

    Parameters
    ----------
    variants : the same hardware with each memory; cycles are summed over them.
    found : the results of searches of the layer, with whichever memory.
    """
    mappings = list(
        dict.fromkeys(
            choice.mapping
            for result in found
            for choice in (result.best, result.chosen, *result.choices)
        )
    )
    pairs = [(variant, layer) for variant in variants]
    which = np.repeat(np.arange(len(variants)), len(mappings))
    batch = MappingBatch.from_mappings(mappings * len(variants))
    exact = pair_exact(pairs, which, batch, np.arange(len(batch)), table)
    cycles = exact.cycles.reshape(len(variants), len(mappings)).sum(axis=0)
    energy = exact.energy_pj[: len(mappings)]  # does not depend on the memory
    return front_of(
        [
            Choice(mapping=mapping, cycles=int(cycles[i]), energy_pj=float(energy[i]))
            for i, mapping in enumerate(mappings)
        ]
    )


def _chosen(
    network: Network, fronts: dict[Layer, tuple[Choice, ...]], objective: Objective
) -> dict[str, Mapping]:
    """One mapping for each layer that has a program, so that the sums of all layers are small."""
    layers = [layer for layer in network.layers if layer.has_program]
    choices = [fronts[anonymous(layer)] for layer in layers]
    bests = [
        min(front, key=lambda choice: objective.score(float(choice.cycles), choice.energy_pj))
        for front in choices
    ]
    chosen = choose_of(bests, choices, objective)
    return {layer.name: choice.mapping for layer, choice in zip(layers, chosen, strict=True)}
