"""A case: a network in integers, with its inputs, on an accelerator."""

from collections import Counter
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import evaluate_bounds
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.feasibility import why_none_found
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.search.objective import Objective
from naas_hw.verify.random_mapping import random_mappings
from naas_hw.workload.layer import Layer

Array = NDArray[Any]

_NUM_MAPPINGS: Final = 32
_SEARCHED: Final = 1_000  # evaluations, where no random mapping is legal
_BEST_SHARE: Final = 0.5
_SLOWDOWN: Final = 3  # of a random mapping, beside the best of those drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkCase:
    """A network on an accelerator.

    Parameters
    ----------
    mappings : of each layer; without any where the network could not be lowered.
    inputs : by name, as the model's user hands them in.
    is_whole : whether each start runs as a whole, not layer by layer.
    """

    accelerator: Accelerator
    graph: QuantisedGraph
    mappings: AbstractMapping[str, Mapping]
    inputs: AbstractMapping[str, Array]
    is_whole: bool = False

    def lowered(self) -> LoweredNetwork:
        """The calls of the network."""
        return lowered_for(self.accelerator, self.graph)


def lowered_for(accelerator: Accelerator, graph: QuantisedGraph) -> LoweredNetwork:
    """The calls of a network on an accelerator."""
    return lower(graph, beat_bytes=accelerator.beat_bytes, options=accelerator.options)


def random_mapping(seed: int, accelerator: Accelerator, layer: Layer) -> Mapping:
    """A legal mapping: the fastest of some, or another that takes not much longer.

    It depends on the seed, the hardware and the layer, not on the layer's name or the memory.

    Raises
    ------
    InputError : none was found.
    """
    memory = {"dram_latency_cycles": 1, "dram_beat_period_cycles": 1}
    accelerator = accelerator.model_copy(update=memory)
    rng = layer_generator(seed, accelerator, layer)
    rejections: Counter[str] = Counter()
    batch = random_mappings(accelerator, layer, rng, rejections, count=_NUM_MAPPINGS)
    if not len(batch):
        return _searched(accelerator, layer, rng)
    cycles = evaluate_bounds(accelerator, layer, batch, SIZED).cycles_bound
    if rng.random() < _BEST_SHARE:
        return batch.mapping(int(np.argmin(cycles)))
    return batch.mapping(int(rng.choice(np.flatnonzero(cycles <= _SLOWDOWN * cycles.min()))))


def _searched(accelerator: Accelerator, layer: Layer, rng: np.random.Generator) -> Mapping:
    found = map_layer(
        accelerator,
        layer,
        objective=Objective.LATENCY,
        table=SIZED,
        budget_evaluations=_SEARCHED,
        rng=rng,
    )
    if found is None:
        reason = why_none_found(accelerator, layer)
        raise InputError(f"the design has no mapping of {layer.name}: {reason}")
    return found.best.mapping


def random_mappings_of(
    seed: int, accelerator: Accelerator, lowered: LoweredNetwork
) -> dict[str, Mapping]:
    """A random legal mapping of each layer.

    Raises
    ------
    InputError : a layer without one.
    """
    return {
        call.layer.name: random_mapping(seed, accelerator, call.layer)
        for call in lowered.layer_calls
    }
