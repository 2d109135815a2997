"""How a layer's loops are split over the levels, each trip of an edge told apart.

The loops of one dim from the inside are the PE's, the axis', those of L2 steps and of DRAM tiles.
The last index of a dim, size - 1, is a number in that mixed radix: its digits say how many trips
each loop makes when all loops outside it are in their last trip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naas_hw.mapping.geometry import Geometry
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


def factors_of(geometry: Geometry) -> dict[Level, dict[Dim, Factor]]:
    """Level -> dim -> loop; `geometry` must be legal."""
    mapping = geometry.mapping
    found: dict[Level, dict[Dim, Factor]] = {level: {} for level in Level}
    for dim in DIMS:
        trips = (mapping.pe[dim], mapping.spatial[dim], mapping.l2[dim], geometry.num_tiles[dim])
        loops = split(geometry.layer.bounds[dim], trips)
        for level, factor in zip(INNER_TO_OUTER, loops, strict=True):
            found[level][dim] = factor
    return found
