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
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, problem_of
from naas_hw.cost.compiled.jit import entry
from naas_hw.cost.compiled.single import new_scratch
from naas_hw.search.mapping.encoding import MappingEncoding
from naas_hw.search.mapping.point import Point, normalise
from naas_hw.search.mapping.repair import repair
from naas_hw.search.unit_interval import Genes
from naas_hw.workload.layer import Layer

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

    @property
    def num_steps(self) -> NDArray[np.float64]:
        """L1 steps of each."""
        batch, encoding = self.batch, self.encoding
        tiles = batch.l2 * batch.pe * encoding.extents(batch.spatial)
        bounds = -(-encoding.dims_D // tiles) * batch.l2
        steps: NDArray[np.float64] = bounds.astype(np.float64).prod(axis=1)
        return steps


def draw(accelerator: Accelerator, layer: Layer, num: int, rng: np.random.Generator) -> Drawn:
    """So many legal mappings: uniform points of the encoding, after the search's repair.

    Raises
    ------
    InputError : none of some thousand points is legal.
    """
    encoding = MappingEncoding(accelerator=accelerator, layer=layer)
    problem = problem_of(accelerator, layer)
    parts: list[Genes] = []
    num_points = num_found = 0
    while num_found < num:
        batch = encoding.decode(rng.random((DRAWN_AT_A_TIME, encoding.num_genes)))
        legal = np.zeros(len(batch), np.bool_)
        points = Point(batch.orders, batch.l2, batch.pe, batch.spatial)
        _repair_all(problem, points, rng, legal)
        parts.append(encoding.encode(batch.take(np.flatnonzero(legal))))
        num_points += len(batch)
        num_found += int(legal.sum())
        if not num_found:
            raise InputError(f"no legal mapping of layer {layer.name} was found")
    # Those of the last points that are not needed count as not drawn.
    num_points = round(num_points * num / num_found)
    genes = np.concatenate(parts)[:num]
    return Drawn(accelerator=accelerator, layer=layer, genes=genes, num_points=num_points)


@entry
def _repair_all(problem: Any, points: Any, rng: Any, legal: Any) -> None:
    """Repair mappings (a `Point` with an axis N before the others) in place."""
    scratch = new_scratch()
    for i in range(len(legal)):
        point = Point(points.orders[i], points.l2[i], points.pe[i], points.spatial[i])
        normalise(problem, point, scratch)
        legal[i], _ = repair(problem, point, rng, scratch)


def part_of(drawn: Drawn, indices: NDArray[np.integer[Any]]) -> Drawn:
    """The drawn points that have these indices."""
    return Drawn(
        accelerator=drawn.accelerator,
        layer=drawn.layer,
        genes=drawn.genes[indices],
        num_points=drawn.num_points,
    )


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What `work` returns, and the CPU seconds that it took."""
    begin = process_time()
    result = work()
    return result, process_time() - begin
