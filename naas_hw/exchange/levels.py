"""How a layer's loops are split over the levels, each trip of an edge told apart.

The loops of one dim from the inside are the PE's, the axis', those of L2 steps and of DRAM tiles.
The last index of a dim, size - 1, is a number in that mixed radix: its digits say how many trips
each loop makes when all loops outside it are in their last trip.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.mapping.mapping import Bounds
from naas_hw.workload.layer import DIMS, Dim


class Level(StrEnum):
    """Where a loop stands."""

    DRAM = "dram"
    L2 = "l2"
    SPATIAL = "spatial"
    PE = "pe"


INNER_TO_OUTER: Final = (Level.PE, Level.SPATIAL, Level.L2, Level.DRAM)


@dataclass(frozen=True)
class Factor:
    """A loop: its trips, and those at the edge, when all loops outside it are in their last."""

    trips: int
    last: int

    @property
    def is_ragged(self) -> bool:
        """Whether the edge has fewer trips."""
        return self.last != self.trips


def split(size: int, trips: Sequence[int]) -> tuple[Factor, ...]:
    """The loops over `size` indices with these trips, from the inside.

    Raises
    ------
    ValueError : the loops do not reach all indices.

    Examples
    --------
    >>> split(13, (2, 4, 2))
    (Factor(trips=2, last=1), Factor(trips=4, last=3), Factor(trips=2, last=2))
    """
    rest, factors = size - 1, []
    for number in trips:
        factors.append(Factor(number, rest % number + 1))
        rest //= number
    if rest:
        raise ValueError(f"loops of {tuple(trips)} trips must reach {size} indices")
    return tuple(factors)


def covered(factors: Sequence[Factor]) -> int:
    """How many indices the loops cover, from the inside: the inverse of `split`.

    Examples
    --------
    >>> covered(split(13, (2, 4, 2)))
    13
    """
    index = 0
    for factor in reversed(factors):
        index = index * factor.trips + factor.last - 1
    return index + 1


def tight(geometry: Geometry) -> Geometry:
    """The same loops, none of them longer than the layer needs where no loop outside repeats it.

    What the array does beyond the layer is left out; tiles, and which PE does what, stay. On K and
    C neighbours have adjacent channels, so there the loop in the PE gets shorter, on other dims the
    used part of the axis does.
    """
    mapping = geometry.mapping
    shorter = [_tight(geometry, dim) for dim in DIMS]
    levels = [dict(zip(DIMS, bounds, strict=True)) for bounds in zip(*shorter, strict=True)]
    l2, spatial, pe = (Bounds(**bounds) for bounds in levels)
    told = mapping.model_copy(update={"l2": l2, "spatial": spatial, "pe": pe})
    return replace(geometry, mapping=told)


def _tight(geometry: Geometry, dim: Dim) -> tuple[int, int, int]:
    """(L2 steps, positions, trips in a PE) of a dim."""
    mapping, bound = geometry.mapping, geometry.layer.bounds[dim]
    l2, spatial, pe = mapping.l2[dim], mapping.spatial[dim], mapping.pe[dim]
    if geometry.num_tiles[dim] > 1:
        return l2, spatial, pe
    l2 = ceil_div(bound, spatial * pe)
    if l2 > 1:
        return l2, spatial, pe
    if dim in ("K", "C"):
        return 1, spatial, ceil_div(bound, spatial)
    spatial = ceil_div(bound, pe)
    return 1, spatial, pe if spatial > 1 else bound


def factors_of(geometry: Geometry) -> dict[Level, dict[Dim, Factor]]:
    """Level -> dim -> loop; `geometry` must be legal."""
    mapping = geometry.mapping
    factors: dict[Level, dict[Dim, Factor]] = {level: {} for level in Level}
    for dim in DIMS:
        trips = (mapping.pe[dim], mapping.spatial[dim], mapping.l2[dim], geometry.num_tiles[dim])
        loops = split(geometry.layer.bounds[dim], trips)
        for level, factor in zip(INNER_TO_OUTER, loops, strict=True):
            factors[level][dim] = factor
    return factors
