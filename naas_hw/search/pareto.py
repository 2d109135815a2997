"""Fronts of points that are the better the smaller, and the volume that they dominate; exact.

Array legend: N points, F figures.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Points = NDArray[np.float64]


def pareto_front(points_NF: Points) -> list[int]:
    """Indices of the points that no other beats or equals in every figure, by rising figures.

    Of points that are equal in every figure the first stands for all.

    Examples
    --------
    >>> pareto_front(np.array([[2.0, 2.0], [1.0, 4.0], [2.0, 3.0], [1.0, 4.0]]))
    [1, 0]
    """
    order = np.lexsort(points_NF.T[::-1])  # whoever dominates comes before; stable among equals
    kept: list[int] = []
    for index in order:
        # Of two figures the first rises, so that the last kept point has the least second one.
        rivals = kept[-1:] if points_NF.shape[1] == 2 else kept
        if not np.all(points_NF[rivals] <= points_NF[index], axis=1).any():
            kept.append(int(index))
    return kept


def pareto_front_of(items: Sequence[T], figures: Callable[[T], Sequence[float]]) -> list[T]:
    """The items that no other beats or equals in every figure, by rising figures.

    Parameters
    ----------
    figures : of an item; the smaller, the better.
    """
    if not items:
        return []
    points_NF = np.array([figures(item) for item in items], dtype=np.float64)
    return [items[index] for index in pareto_front(points_NF)]


def evenly(num: int, most: int) -> NDArray[np.intp]:
    """Indices of at most so many out of `num`, the first and the last among them.

    Examples
    --------
    >>> evenly(3, 8).tolist(), evenly(9, 3).tolist()
    ([0, 1, 2], [0, 4, 8])
    """
    indices: NDArray[np.intp] = np.unique(
        np.linspace(0, num - 1, min(num, most)).round().astype(int)
    )
    return indices


def hypervolume(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """Volume of what three-dimensional points dominate, as far as a reference point.

    Parameters
    ----------
    points : figures of each, smaller is better; what does not beat the reference adds nothing.
    reference : the worst corner.

    Raises
    ------
    ValueError : a point or the reference without three figures.

    Notes
    -----
    A sweep along the third figure: between two of its values the volume is the height times the
    area that the points below dominate, which a staircase of the first two figures keeps.
    O(N^2) at worst.

    Examples
    --------
    >>> hypervolume([(0, 0, 1), (1, 1, 0)], (2, 2, 2))
    5.0
    """
    if any(len(point) != 3 for point in (*points, reference)):
        raise ValueError("points and reference must have three figures")
    inside = [p for p in points if all(a < b for a, b in zip(p, reference, strict=True))]
    stairs = _Staircase(float(reference[0]), float(reference[1]))
    volume, height = 0.0, 0.0
    for first, second, third in sorted(inside, key=lambda point: point[2]):
        volume += stairs.area * (third - height)
        height = third
        stairs.add(float(first), float(second))
    return float(volume + stairs.area * (reference[2] - height)) if inside else 0.0


class _Staircase:
    """Area that points of two figures dominate: corners of rising first, falling second figure."""

    def __init__(self, first: float, second: float) -> None:
        self._firsts = [first]
        self._seconds = [-float("inf")]
        self._top = second
        self.area = 0.0

    def add(self, first: float, second: float) -> None:
        """Take in one more point."""
        at = bisect_left(self._firsts, first)
        above = self._seconds[at - 1] if at else self._top
        if above <= second or (self._firsts[at] == first and self._seconds[at] <= second):
            return
        end, left, height = at, first, above
        while True:
            self.area += (self._firsts[end] - left) * (height - second)
            if self._seconds[end] < second:
                break
            left, height = self._firsts[end], self._seconds[end]
            end += 1
        self._firsts[at:end] = [first]
        self._seconds[at:end] = [second]
