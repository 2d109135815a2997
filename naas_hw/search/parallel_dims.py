"""Which dims lie along the axes, as genes: by importance, by index, or fixed; pure.

A value is the dims of the axes in their order, one to three of them, none twice.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Final, Protocol

import numpy as np

from naas_hw.search.unit_interval import choose, gene_of_choice, importances
from naas_hw.workload.layer import DIMS, Dim

MAX_AXES: Final = 3

AXES: Final = tuple(tuple(permutations(DIMS, k)) for k in range(1, MAX_AXES + 1))
"""All values of one, of two and of three axes, in the order in which indices count them."""


class ParallelDims(Protocol):
    """A way to write dims of axes as numbers of [0, 1]."""

    @property
    def num_genes(self) -> int:
        """How many numbers."""

    def decode(self, genes: list[float]) -> tuple[Dim, ...]:
        """Dims of the axes; any genes give some."""

    def encode(self, dims: tuple[Dim, ...]) -> list[float]:
        """Genes that decode to these dims; ValueError if none do."""


@dataclass(frozen=True)
class ByImportance:
    """The paper's: number of axes, and a number for each dim; the highest k are the dims of k axes.

    The most important dim lies along the first axis.
    """

    num_genes: int = 1 + len(DIMS)

    def decode(self, genes: list[float]) -> tuple[Dim, ...]:
        """The dims of the highest numbers, in that order."""
        num_axes = 1 + choose(genes[0], MAX_AXES)
        order = np.argsort(-np.asarray(genes[1:]), kind="stable")
        return tuple(DIMS[d] for d in order[:num_axes])

    def encode(self, dims: tuple[Dim, ...]) -> list[float]:
        """Genes whose highest numbers are those of these dims, in this order."""
        order = [DIMS.index(dim) for dim in dims]
        order += [d for d in range(len(DIMS)) if d not in order]
        return [gene_of_choice(len(dims) - 1, MAX_AXES), *importances(tuple(order))]


@dataclass(frozen=True)
class ByIndex:
    """The paper's rival: number of axes, and the index of the choice in their enumeration."""

    num_genes: int = 2

    def decode(self, genes: list[float]) -> tuple[Dim, ...]:
        """The choice that the genes point at."""
        values = AXES[choose(genes[0], MAX_AXES)]
        return values[choose(genes[1], len(values))]

    def encode(self, dims: tuple[Dim, ...]) -> list[float]:
        """The index of these dims, as genes."""
        values = AXES[len(dims) - 1]
        return [
            gene_of_choice(len(dims) - 1, MAX_AXES),
            gene_of_choice(values.index(dims), len(values)),
        ]


@dataclass(frozen=True)
class Fixed:
    """No genes: sizes only are searched."""

    dims: tuple[Dim, ...]
    num_genes: int = 0

    def decode(self, genes: list[float]) -> tuple[Dim, ...]:
        """The fixed dims."""
        return self.dims

    def encode(self, dims: tuple[Dim, ...]) -> list[float]:
        """No genes; ValueError if the dims are not the fixed ones."""
        if dims != self.dims:
            raise ValueError(f"axes must be {' '.join(self.dims)}, not {' '.join(dims)}")
        return []
