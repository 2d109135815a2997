"""Weights of a mapped network in memory, and how often they cross the bus."""

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from math import prod

from naas_hw.arch.accelerator import WEIGHT_DIMS, Accelerator
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.network_search import NetworkResult
from naas_hw.workload.network import Network


@dataclass(frozen=True, kw_only=True)
class WeightTraffic:
    """Bytes of weights of all layers that have a program.

    Members
    -------
    network_bytes : one for each weight, without padding.
    image_bytes : in memory, with the padding that the mappings need.
    loaded_bytes : that cross the bus.
    """

    network_bytes: int
    image_bytes: int
    loaded_bytes: int

    @property
    def num_loads(self) -> float:
        """How often a byte of the image crosses the bus, in the mean; 1 if there are no reloads."""
        return self.loaded_bytes / self.image_bytes


def weight_traffic(accelerator: Accelerator, result: NetworkResult) -> WeightTraffic:
    """What the weights of a network cost under these mappings."""
    network = result.network
    beats = sum(layer.accesses.dram_weights for layer in result.report.counted)
    return WeightTraffic(
        network_bytes=_network_bytes(network),
        image_bytes=_image_bytes(accelerator, network, result.mappings),
        loaded_bytes=beats * accelerator.beat_bytes,
    )


def _network_bytes(network: Network) -> int:
    return sum(
        layer.groups * prod(layer.bounds[dim] for dim in WEIGHT_DIMS)
        for layer in network.layers
        if layer.has_program
    )


def _image_bytes(
    accelerator: Accelerator, network: Network, mappings: AbstractMapping[str, Mapping]
) -> int:
    """Each tile once."""
    words = 0
    for layer in network.layers:
        if layer.has_program:
            mapped = Geometry(accelerator=accelerator, layer=layer, mapping=mappings[layer.name])
            num_tiles = prod(mapped.num_tiles[dim] for dim in WEIGHT_DIMS)
            words += layer.groups * num_tiles * mapped.weight_tile_words
    return words * accelerator.beat_bytes
