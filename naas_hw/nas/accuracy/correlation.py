"""How alike two orders of the same networks are."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing their mean rank.

    >>> ranks([10, 30, 20, 30]).tolist()
    [1.0, 3.5, 2.0, 3.5]
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return shared


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Rank correlation: Pearson's of the ranks; NaN where one of them has a single value.

    >>> spearman([1, 2, 3], [2, 4, 8]), spearman([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    a, b = (ranks(values) - np.mean(ranks(values)) for values in (first, second))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 12) if scale else float("nan")


def kendall(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b: pairs in the same order less pairs in the other, ties accounted for.

    >>> kendall([1, 2, 3, 4], [1, 2, 4, 3])
    0.666666666667
    """
    signs = []
    for values in (np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)):
        upper = np.triu_indices(len(values), 1)
        signs.append(np.sign(values[:, np.newaxis] - values[np.newaxis])[upper])
    a, b = signs
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 12) if scale else float("nan")
