"""Random legal mappings, as a random search draws them.

Uniform points of the encoding are decoded, repaired as the search repairs them (bounds halved until
they fit), and kept if legal. Repeats are kept, and nothing else is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import process_time
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.compiled import MappingBatch, evaluate_bounds
from naas_hw.errors import InputError
from naas_hw.search.genes import Genes
from naas_hw.search.mapping_encoding import MappingEncoding
from naas_hw.search.mapping_space import MappingSpace, joined, taken
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

DRAWN_AT_A_TIME: Final = 4096

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Random legal mappings of one layer.

    Members
    -------
    genes : [N, 36], points that decode to legal mappings.
    num_points : uniform points that were drawn for them.
    """

    accelerator: Accelerator
    layer: Layer
    genes: Genes
    num_points: int

    @cached_property
    def encoding(self) -> MappingEncoding:
        """What the points are points of."""
        return MappingEncoding(accelerator=self.accelerator, layer=self.layer)

    @cached_property
    def batch(self) -> MappingBatch:
        """The mappings."""
        return self.encoding.decode(self.genes)


def distinct_layers(network: Network) -> list[Layer]:
    """The first of all layers that are alike but for their names."""
    found: dict[Layer, Layer] = {}
    for layer in network.layers:
        found.setdefault(layer.renamed("layer"), layer)
    return list(found.values())


def draw(
    accelerator: Accelerator, layer: Layer, table: EnergyTable, num: int, rng: np.random.Generator
) -> Drawn:
    """So many legal mappings: uniform points of the encoding, after the search's repair.

    Raises
    ------
    InputError : none of a thousand points is legal.
    """
    encoding = MappingEncoding(accelerator=accelerator, layer=layer)
    space = MappingSpace(
        encoding=encoding,
        legal=lambda batch: evaluate_bounds(accelerator, layer, batch, table).legal,
    )
    parts: list[MappingBatch] = []
    num_points = num_found = 0
    while num_found < num:
        points = rng.random((DRAWN_AT_A_TIME, encoding.num_genes))
        batch, legal = space.repaired(space.normal(encoding.decode(points)), rng)
        parts.append(taken(batch, legal))
        num_points += len(points)
        num_found += int(legal.sum())
        if not num_found:
            raise InputError(f"layer {layer.name} must have legal mappings, not none that is found")
    # Those of the last points that are not needed count as not drawn.
    num_points = round(num_points * num / num_found)
    genes = encoding.encode(taken(joined(*parts), np.arange(num)))
    return Drawn(accelerator=accelerator, layer=layer, genes=genes, num_points=num_points)


def part_of(drawn: Drawn, indices: NDArray[np.integer[Any]]) -> Drawn:
    return Drawn(
        accelerator=drawn.accelerator,
        layer=drawn.layer,
        genes=drawn.genes[indices],
        num_points=drawn.num_points,
    )


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What `work` returns, and the CPU seconds that it took."""
    begin = process_time()
    found = work()
    return found, process_time() - begin
