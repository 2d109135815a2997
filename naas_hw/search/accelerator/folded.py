"""*Folded*: for each layer the best of all arrays that a chip's network could form.

It is an upper bound of what folding brings in this template: the chip cannot form all of these
arrays, and here another one costs nothing between layers. It is the model's figure; there is no
netlist of it.

All arrays of the family are ranked by their proven lower bound for the layer and mapped in that
order with few evaluations, until the bound of the next is no better than the best score so far: no
mapping of an array that is left out can be better. The best of those that were mapped, and the
preset's own array, are mapped with more evaluations, and the best of these with all.

Array legend: A arrays of the family.
"""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.folding import folded_arrays
from naas_hw.arch.presets import Preset
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import NetworkReport, chained_cycles, evaluate
from naas_hw.mapping.mapping import Mapping
from naas_hw.parallel.tasks import Task, submit
from naas_hw.search.mapping.layer_search import Choice
from naas_hw.search.mapping.mapping_run import MIN_EXACT
from naas_hw.search.mapping.network_bound import NetworkBound
from naas_hw.search.mapping.network_search import (
    MappingSettings,
    NetworkResult,
    anonymous,
    choose_of,
    front_of,
    search_layers,
)
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

STAGES: Final = ((100, 96), (1000, 12))
"""Evaluations of a layer on an array, and how many of the best arrays are searched on."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FoldedResult(NetworkResult):
    """A network of which each layer has an array of its own; every figure is exact.

    Members
    -------
    arrays : name of a layer -> its array.
    num_arrays : arrays of the family.
    num_mapped : pairs of distinct layer and array that were mapped; the bound excludes the others.
    """

    arrays: AbstractMapping[str, Accelerator]
    num_arrays: int = 0
    num_mapped: int = 0


@dataclass(frozen=True, kw_only=True)
class ArrayChoice(Choice):
    """A mapping, and the array that it is for."""

    array: Accelerator


@dataclass(frozen=True, kw_only=True)
class FoldedLayer:
    """What was found for one layer.

    Members
    -------
    best : the best by the objective, of this layer alone.
    choices : all that none of the others beats in both cycles and energy.
    num_mapped : arrays that the bound did not exclude.
    """

    best: ArrayChoice
    choices: tuple[ArrayChoice, ...]
    num_mapped: int


def map_folded(
    preset: Preset,
    network: Network,
    settings: MappingSettings,
    *,
    executor: Executor | None = None,
) -> FoldedResult:
    """The best array and mapping of each layer, and of these the choice that suits the network.

    Parameters
    ----------
    settings : of the last stage, which the preset's own array always reaches.
    executor : where layers are searched; this process if None. The result is the same.

    Raises
    ------
    InputError : the preset's chip does not fold; no array has a legal mapping of a layer.
    """
    if not preset.folding_dims:
        raise InputError(
            "preset must be one whose chip folds layers onto its array, not "
            f"{preset.accelerator.name}"
        )
    layers = list(network.distinct_layers)
    bounds_AY = _bounds_AY(preset, layers, settings)
    waits = [
        submit(
            executor,
            Task(
                name=f"arrays for {layer.name}",
                function=search_arrays,
                arguments=(preset, layer, settings, bounds_AY[:, place].copy()),
            ),
        )
        for place, layer in enumerate(layers)
    ]
    results = {anonymous(layer): wait() for layer, wait in zip(layers, waits, strict=True)}
    rows = [results[anonymous(layer)] for layer in network.layers]
    chosen = choose_of([row.best for row in rows], [r.choices for r in rows], settings.objective)
    names = [layer.name for layer in network.layers]
    return replace(
        price_folded(
            network,
            {name: choice.array for name, choice in zip(names, chosen, strict=True)},
            {name: choice.mapping for name, choice in zip(names, chosen, strict=True)},
            settings.table,
        ),
        num_arrays=len(bounds_AY),
        num_mapped=sum(layer.num_mapped for layer in results.values()),
    )


def price_folded(
    network: Network,
    arrays: AbstractMapping[str, Accelerator],
    mappings: AbstractMapping[str, Mapping],
    table: EnergyTable,
) -> FoldedResult:
    """Exact figures of layers, each on its array, as if one program could change the array.

    Raises
    ------
    LegalityError : an array cannot run the mapping of its layer.
    """
    reports = [
        evaluate(arrays[layer.name], layer, mappings[layer.name], table) for layer in network.layers
    ]
    return FoldedResult(
        network=network,
        arrays=arrays,
        mappings=mappings,
        report=NetworkReport(layers=tuple(reports), cycles=chained_cycles(reports)),
    )


def search_arrays(
    preset: Preset, layer: Layer, settings: MappingSettings, bounds_A: Floats
) -> FoldedLayer:
    """Search one layer on all arrays of the family that may be the best; what runs in a worker.

    Raises
    ------
    InputError : no array has a legal mapping of it.
    """
    arrays = _family(preset)
    (quick, kept), *later = STAGES
    scored = _ranked_by_bound(arrays, layer, _with_evaluations(settings, quick), bounds_A)
    ranked = [array for _, array in scored[:kept]]
    for evaluations, kept in later:
        choices = _searched(ranked, layer, _with_evaluations(settings, evaluations))
        best_first = sorted(choices, key=lambda choice: _score(settings, choice))
        ranked = list(dict.fromkeys(choice.array for choice in best_first))[:kept]
    last = list(dict.fromkeys((preset.accelerator, *ranked)))
    choices = _searched(last, layer, settings)
    if not choices:
        raise InputError(
            f"the arrays of {preset.accelerator.name} have no legal mapping of {layer.name} "
            "among those tried"
        )
    return FoldedLayer(
        best=min(choices, key=lambda choice: _score(settings, choice)),
        choices=front_of(choices),
        num_mapped=len(scored),
    )


def _ranked_by_bound(
    arrays: Sequence[Accelerator], layer: Layer, settings: MappingSettings, bounds_A: Floats
) -> list[tuple[float, Accelerator]]:
    """Scores of arrays in ascending order; those are missing whose bound is not below the least."""
    scored: list[tuple[float, Accelerator]] = []
    least = np.inf
    for index in np.argsort(bounds_A, kind="stable"):
        if bounds_A[index] >= least:
            break
        for choice in _searched([arrays[index]], layer, settings)[:1]:
            scored.append((_score(settings, choice), arrays[index]))
            least = min(least, scored[-1][0])
    return sorted(scored, key=lambda pair: pair[0])


def _searched(
    arrays: Sequence[Accelerator], layer: Layer, settings: MappingSettings
) -> list[ArrayChoice]:
    """The best mapping on each array, followed by the others of its front."""
    choices = []
    for array in arrays:
        for result in search_layers(array, [layer], settings):
            if result is not None:
                choices += [
                    ArrayChoice(**vars(choice), array=array)
                    for choice in dict.fromkeys((result.best, *result.choices))
                ]
    return choices


def _score(settings: MappingSettings, choice: Choice) -> float:
    return settings.objective.score(float(choice.cycles), choice.energy_pj)


def _with_evaluations(settings: MappingSettings, evaluations: int) -> MappingSettings:
    """The settings with so many evaluations at most, and the least of all else."""
    fewer = min(evaluations, settings.evaluations)
    return replace(
        settings, evaluations=fewer, min_legal=1, max_exact=MIN_EXACT, proof_evaluations=0
    )


@lru_cache(maxsize=2)
def _family(preset: Preset) -> tuple[Accelerator, ...]:
    return folded_arrays(preset)


def _bounds_AY(preset: Preset, layers: Sequence[Layer], settings: MappingSettings) -> Floats:
    """[A, layer] a score below which no mapping of the layer can be on the array."""
    bound = NetworkBound(Network(name="layers", layers=tuple(layers)), settings.table)
    return np.stack(
        [
            settings.objective.score(
                bound.cycles_Y(array).astype(np.float64), bound.energy_pj_Y(array)
            )
            for array in _family(preset)
        ]
    )
