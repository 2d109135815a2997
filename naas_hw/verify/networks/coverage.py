"""What a network on an accelerator exercises: the bins that `naas verify --networks` fills."""

from itertools import pairwise
from typing import Final

from naas_hw.compiler.lowering.values import HostCall, LayerCall, LoweredNetwork
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.graph.random_graph import bins_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.verify.coverage import BEATS
from naas_hw.verify.networks.case import NetworkCase
from naas_hw.workload.arithmetic.epilogue import TablePlace
from naas_hw.workload.option import Option

GRAPH_BINS: Final = (
    "Convolution: dense",
    "Convolution: depthwise",
    "Convolution: grouped",
    "Convolution: strided",
    "Convolution: dilated",
    "Convolution: cropped",
    "Convolution: padded unevenly",
    "Convolution: rounds once",
    "Convolution with several readers",
    "TransposedConvolution: dense",
    "TransposedConvolution: depthwise",
    "Sum",
    "Sum: of one tensor",
    "Sum -> Sum",
    "Sum with several readers",
    "Lookup",
    "Lookup -> Sum",
    "Sum -> Lookup",
    "Lookup with several readers",
    "MaximumPool: strided",
    "MaximumPool: padded unevenly",
    "AveragePool: strided",
    "AveragePool: padded unevenly",
    "Concatenation",
    "Concatenation -> Convolution",
    "Crop: of channels",
    "Crop: with steps",
    "Padded",
    "Upsampling",
    "Rearranged",
    "HostFunction",
    "HostFunction -> Convolution",
)
"""Of a network alone, by the names of `naas_hw.graph.random_graph`."""

CALL_BINS: Final = (
    "several inputs",
    "odd rows or columns",
    "channels not of beat",
    "residual",
    "table",
    "table before residual",
    "table after residual",
    "maximum",
    "pitched store",
    "start of several layers",
    "host between two starts",
    "sums in DRAM",
)
"""Of the layers that it becomes."""

RUN_BINS: Final = (
    *(f"beat_{beat}" for beat in BEATS),
    "layer by layer",
    "whole starts",
)
"""Of the accelerator, and of how it runs."""

NETWORK_BINS: Final = (*GRAPH_BINS, *CALL_BINS, *RUN_BINS)
"""Names of all bins, in the order in which they are shown."""


def network_bins(case: NetworkCase, lowered: LoweredNetwork) -> frozenset[str]:
    """The bins that a case falls into."""
    graph = bins_of(case.graph) & set(GRAPH_BINS)
    return graph | _call_bins(case, lowered) | run_bins(case)


def run_bins(case: NetworkCase) -> frozenset[str]:
    """Those of the accelerator, and of how it runs."""
    way = "whole starts" if case.is_whole else "layer by layer"
    return frozenset((f"beat_{case.accelerator.beat_bytes}", way))


def _call_bins(case: NetworkCase, lowered: LoweredNetwork) -> frozenset[str]:
    bins = {
        "several inputs": len(case.graph.inputs) > 1,
        "odd rows or columns": _is_odd(case.graph),
        "start of several layers": any(
            isinstance(first, LayerCall) and isinstance(second, LayerCall)
            for first, second in pairwise(lowered.calls)
        ),
        "host between two starts": _has_host_between(lowered),
    }
    named = {name for name, holds in bins.items() if holds}
    return frozenset(named.union(*(_layer_bins(case, call) for call in lowered.layer_calls)))


def _is_odd(graph: QuantisedGraph) -> bool:
    sizes = (size for tensor in graph.tensors.values() for size in tensor.shape[1:])
    return any(size > 1 and size % 2 for size in sizes)


def _has_host_between(lowered: LoweredNetwork) -> bool:
    kinds = [isinstance(call, HostCall) for call in lowered.calls]
    layers = [index for index, is_host in enumerate(kinds) if not is_host]
    return bool(layers) and any(kinds[layers[0] : layers[-1]])


def _layer_bins(case: NetworkCase, call: LayerCall) -> set[str]:
    layer, beat = call.layer, case.accelerator.beat_bytes
    geometry = Geometry(
        accelerator=case.accelerator, layer=layer, mapping=case.mappings[layer.name]
    )
    place = call.table.place if call.table is not None and layer.residual else None
    bins = {
        "channels not of beat": layer.K % beat != 0 or layer.input_channels % beat != 0,
        "residual": layer.residual,
        "table": layer.table,
        "table before residual": place is TablePlace.BEFORE_RESIDUAL,
        "table after residual": place is TablePlace.AFTER_RESIDUAL,
        "maximum": layer.maximum,
        "pitched store": Option.PITCHED_STORE in layer.options,
        "sums in DRAM": bool(geometry.tile_revisits),
    }
    return {name for name, holds in bins.items() if holds}
