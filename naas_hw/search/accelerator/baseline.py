"""Published accelerators as baselines: fixed mappings, searched ones, and *folded*.

Whether NAAS searched its baselines' mappings is not stated, so both are given. A *fixed* mapping
keeps in the PEs, and loops innermost over, what its dataflow says, with tiles as large as fit. What
a dataflow leaves open (which loops are outermost, which dim of a tile grows first) is the best of a
short list; nothing is drawn at random. Where the chip forms another array for each layer, which an
accelerator of this template cannot, *folded* (`folded.py`) is an upper bound of that.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import Dataflow, Preset
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds, evaluate_exact, problem_of
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.accelerator.folded import FoldedResult, map_folded
from naas_hw.search.mapping.encoding import Ints, MappingEncoding, mapping_batch
from naas_hw.search.mapping.evolutionary_search import grow_all
from naas_hw.search.mapping.layer_search import Choice, MappingResult
from naas_hw.search.mapping.network_search import (
    MappingSettings,
    NetworkResult,
    anonymous,
    front_of,
    map_network,
)
from naas_hw.search.mapping.point import Point, order_of, order_table
from naas_hw.search.objective import Objective, ranking
from naas_hw.workload.layer import DIMS, Layer
from naas_hw.workload.network import Network


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a dataflow prescribes.

    Members
    -------
    pe_growth : dims with bounds inside a PE, in the order in which they grow; the others stay 1.
        More than one where the dataflow leaves the order open.
    l2_order : loops over PE steps, outermost first.
    """

    pe_growth: tuple[str, ...]
    l2_order: str


RULES: Final = {
    # A weight stays while a stripe of outputs passes; channels and kernel positions come next.
    Dataflow.WEIGHT_STATIONARY: Rules(pe_growth=("QP", "PQ"), l2_order="KPQCRS"),
    # A row of weights, of some channels and kernels, stays while the outputs of a row pass.
    Dataflow.ROW_STATIONARY: Rules(pe_growth=("SCKQ", "SKCQ"), l2_order="KPCRSQ"),
    # The outputs of a position, of some kernels, stay until all of their products are summed.
    Dataflow.OUTPUT_STATIONARY: Rules(pe_growth=("SRCK", "SRKC"), l2_order="KPQCRS"),
}

TILE_GROWTH: Final = ("SRCQPK", "SRCKQP", "SRQPCK", "SRKCQP")
DRAM_ORDERS: Final = ("KPQCRS", "PQKCRS")


def fixed_mapping(
    accelerator: Accelerator,
    layer: Layer,
    dataflow: Dataflow,
    *,
    objective: Objective = Objective.EDP,
    table: EnergyTable,
) -> Mapping:
    """The mapping of a dataflow; the same arguments give the same one.

    Raises
    ------
    InputError : the accelerator has no room for any.
    """
    result = fixed_result(accelerator, layer, dataflow, objective=objective, table=table)
    if result is None:
        raise InputError(f"{accelerator.name} has no legal {dataflow} mapping of {layer.name}")
    return result.best.mapping


def fixed_result(
    accelerator: Accelerator,
    layer: Layer,
    dataflow: Dataflow,
    *,
    objective: Objective = Objective.EDP,
    table: EnergyTable,
) -> MappingResult | None:
    """All mappings of a dataflow that are on its list, timed exactly; None if none is legal."""
    batch = _variants(accelerator, layer, RULES[dataflow])
    report = evaluate_bounds(accelerator, layer, batch, table)
    legal = np.flatnonzero(report.legal)
    if not len(legal):
        return None
    exact = evaluate_exact(accelerator, layer, batch, legal, table)
    order = ranking(objective, exact.cycles, exact.energy_pj)
    choices = [
        Choice(
            mapping=batch.mapping(int(legal[i])),
            cycles=int(exact.cycles[i]),
            energy_pj=float(exact.energy_pj[i]),
        )
        for i in order
    ]
    bounds = report.cycles_bound[legal]
    return MappingResult(
        best=choices[0],
        choices=front_of(choices),
        num_evaluations=len(batch),
        num_legal=len(set(choice.mapping for choice in choices)),
        num_exact=len(legal),
        best_bound=float(objective.score(bounds.astype(np.float64), report.energy_pj[legal]).min()),
        largest_gap=float(((exact.cycles - bounds) / bounds).max()),
    )


def _variants(accelerator: Accelerator, layer: Layer, rules: Rules) -> MappingBatch:
    """All mappings of a dataflow that are on the list, grown until full."""
    dram, tiles, inside = zip(*product(DRAM_ORDERS, TILE_GROWTH, rules.pe_growth), strict=True)
    num = len(dram)
    orders = np.stack(
        [_orders(dram), _orders([rules.l2_order] * num), _orders(["".join(DIMS)] * num)], axis=1
    )
    ones = np.ones((num, len(DIMS)), dtype=np.int64)
    spatial = np.tile(MappingEncoding(accelerator=accelerator, layer=layer).sizes_D, (num, 1))
    batch = mapping_batch(orders, ones, ones.copy(), spatial)
    points = Point(batch.orders, batch.l2, batch.pe, batch.spatial)
    grow_all(problem_of(accelerator, layer), points, order_table(inside), order_table(tiles))
    return batch


def _orders(texts: Sequence[str]) -> Ints:
    return np.array([order_of(text) for text in texts], dtype=np.int64)


def map_fixed(
    accelerator: Accelerator,
    network: Network,
    dataflow: Dataflow,
    *,
    objective: Objective = Objective.EDP,
    table: EnergyTable,
) -> NetworkResult:
    """A network under the mappings of a dataflow.

    Raises
    ------
    InputError : the accelerator has no room for a layer.
    """
    results = {
        anonymous(layer): fixed_mapping(
            accelerator, layer, dataflow, objective=objective, table=table
        )
        for layer in network.distinct_layers
    }
    mappings = {layer.name: results[anonymous(layer)] for layer in network.layers}
    return NetworkResult(
        network=network,
        mappings=mappings,
        report=evaluate_network(accelerator, network, mappings, table),
    )


class BaselineKind(StrEnum):
    """Which result of a baseline is compared."""

    FIXED = "fixed"
    SEARCHED = "searched"
    FOLDED = "folded"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A preset on a network, with both kinds of mappings; every figure is exact.

    Members
    -------
    folded : an upper bound of what the chip's network does; None where it does not fold.
    """

    preset: Preset
    fixed: NetworkResult
    searched: NetworkResult
    folded: FoldedResult | None = None

    def of(self, kind: BaselineKind) -> NetworkResult | None:
        """One of the three; None where there is no such one."""
        return {
            BaselineKind.FIXED: self.fixed,
            BaselineKind.SEARCHED: self.searched,
            BaselineKind.FOLDED: self.folded,
        }[kind]


def evaluate_baseline(
    preset: Preset,
    network: Network,
    settings: MappingSettings,
    *,
    executor: Executor | None = None,
) -> Baseline:
    """What a published accelerator does with a network, with the optional hardware it needs.

    Raises
    ------
    InputError : as of `map_network` and `map_folded`.
    """
    equipped = preset.with_options(network.options)
    fixed = map_fixed(
        equipped.accelerator,
        network,
        preset.dataflow,
        objective=settings.objective,
        table=settings.table,
    )
    folds = bool(preset.folding_dims)
    return Baseline(
        preset=preset,
        fixed=fixed,
        searched=map_network(equipped.accelerator, network, settings, executor=executor),
        folded=map_folded(equipped, network, settings, executor=executor) if folds else None,
    )
