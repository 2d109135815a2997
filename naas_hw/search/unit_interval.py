"""Numbers of [0, 1] as choices, sizes and orders, and back; pure."""

from enum import StrEnum
from math import log

import numpy as np
from numpy.typing import NDArray

Genes = NDArray[np.float64]


class Encoding(StrEnum):
    """How a choice among orders is written: a number for each dim, sorted, or the index of one."""

    IMPORTANCE = "importance"
    INDEX = "index"


def choose(gene: float, count: int) -> int:
    """0 .. count - 1, each over an equal interval of the gene.

    Examples
    --------
    >>> [choose(gene, 3) for gene in (0.0, 0.4, 0.99, 1.0)]
    [0, 1, 2, 2]
    """
    return min(count - 1, int(clipped(gene) * count))


def gene_of_choice(index: int, count: int) -> float:
    """Middle of the interval of `index`."""
    return (index + 0.5) / count


def scale(gene: float, most: int) -> int:
    """1 .. most, over intervals of equal ratio.

    Examples
    --------
    >>> [scale(gene, 7) for gene in (0.0, 0.34, 0.67, 1.0)]
    [1, 2, 4, 7]
    """
    return min(most, int((most + 1.0) ** clipped(gene)))


def gene_of_scale(value: int, most: int) -> float:
    """A gene that `scale` turns into `value`."""
    return log(value + 0.5) / log(most + 1.0)


def clipped(gene: float) -> float:
    """The nearest number of [0, 1]."""
    return min(1.0, max(0.0, gene))


def importances(order: tuple[int, ...]) -> list[float]:
    """Importances that sort into an order: the first is the highest."""
    genes = [0.0] * len(order)
    for rank, dim in enumerate(order):
        genes[dim] = gene_of_choice(len(order) - 1 - rank, len(order))
    return genes
