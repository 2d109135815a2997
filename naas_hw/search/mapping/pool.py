"""The mappings of a search, compiled: each distinct legal mapping once, with its figures.

Legend: N room for mappings.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.compiled.columns import NUM_ACCESSES, NUM_DIMS, NUM_RESULTS, C
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.problem import SCRATCH
from naas_hw.cost.compiled.single import bound_one, energy_one, exact_one
from naas_hw.search.mapping.point import Point, copy_point

NOT_TIMED: Final = -1

NUM, CHECKED, PROPOSED, STALE, TIMED = range(5)
"""Counters: distinct legal mappings; legality checks; bounds; proposals since the last new one;
mappings timed exactly."""

_HASH_START: Final = np.uint64(14695981039346656037)
_HASH_PRIME: Final = np.uint64(1099511628211)
"""FNV-1a of 64 bits: G. Fowler, L. C. Noll, P. Vo."""


class Goal(NamedTuple):
    """What is minimised: a weighted sum of cycles and energy; their product if both weights are 0.

    Members
    -------
    price : float64 [NUM_ACCESSES], picojoules of an access of each kind.
    per_cycle, per_pj : weights.
    """

    price: NDArray[np.float64]
    per_cycle: float
    per_pj: float


class Pool(NamedTuple):
    """Mappings in the order in which they were added; arrays [N, ...]."""

    orders: NDArray[np.int8]
    l2: NDArray[np.int64]
    pe: NDArray[np.int64]
    spatial: NDArray[np.int64]
    bound: NDArray[np.int64]  # cycles
    energy: NDArray[np.float64]  # pJ
    exact: NDArray[np.int64]  # cycles, or NOT_TIMED
    steps: NDArray[np.float64]
    score: NDArray[np.float64]  # of the goal, by the bound
    buckets: NDArray[np.int64]  # hash table: index + 1, 0 where empty
    counters: NDArray[np.int64]
    scratch: NDArray[np.void]  # [1] of SCRATCH
    accesses: NDArray[np.int64]  # [NUM_ACCESSES]
    results: NDArray[np.int64]  # [NUM_RESULTS]


def new_pool(room: int) -> Pool:
    """An empty pool with room for so many mappings."""
    num_buckets = 1 << (2 * room).bit_length()
    return Pool(
        orders=np.zeros((room, 3, 6), np.int8),
        l2=np.ones((room, 6), np.int64),
        pe=np.ones((room, 6), np.int64),
        spatial=np.ones((room, 6), np.int64),
        bound=np.zeros(room, np.int64),
        energy=np.zeros(room, np.float64),
        exact=np.full(room, NOT_TIMED, np.int64),
        steps=np.zeros(room, np.float64),
        score=np.zeros(room, np.float64),
        buckets=np.zeros(num_buckets, np.int64),
        counters=np.zeros(5, np.int64),
        scratch=np.zeros(1, SCRATCH),
        accesses=np.zeros(NUM_ACCESSES, np.int64),
        results=np.zeros(NUM_RESULTS, np.int64),
    )


@kernel
def point_of(pool: Any, index: Any) -> Any:
    """The mapping at an index, as a view."""
    return Point(pool.orders[index], pool.l2[index], pool.pe[index], pool.spatial[index])


@kernel
def score_of(goal: Any, cycles: Any, energy: Any) -> Any:
    """The smaller the better."""
    if goal.per_cycle == 0.0 and goal.per_pj == 0.0:
        return float(cycles) * energy
    return goal.per_cycle * float(cycles) + goal.per_pj * energy


@kernel
def _mixed(digest: Any, value: Any) -> Any:
    return (digest ^ np.uint64(value)) * _HASH_PRIME


@kernel
def _hash(point: Any) -> Any:
    digest = _HASH_START
    for level in range(2):
        for k in range(NUM_DIMS):
            digest = _mixed(digest, point.orders[level, k])
    for d in range(NUM_DIMS):
        digest = _mixed(_mixed(_mixed(digest, point.l2[d]), point.pe[d]), point.spatial[d])
    return digest ^ (digest >> np.uint64(29))


@kernel
def _is_at(pool: Any, index: Any, point: Any) -> Any:
    for d in range(NUM_DIMS):
        if pool.l2[index, d] != point.l2[d] or pool.pe[index, d] != point.pe[d]:
            return False
        if pool.spatial[index, d] != point.spatial[d]:
            return False
        for level in range(2):
            if pool.orders[index, level, d] != point.orders[level, d]:
                return False
    return True


@kernel
def _bucket(pool: Any, point: Any) -> Any:
    """Where a mapping stands in the hash table, or would."""
    mask = np.uint64(len(pool.buckets) - 1)
    place = _hash(point) & mask
    while pool.buckets[place] and not _is_at(pool, pool.buckets[place] - 1, point):
        place = (place + np.uint64(1)) & mask
    return place


@kernel
def _num_steps(p: Any, point: Any) -> Any:
    """L1 steps of a mapping."""
    steps = 1.0
    for d in range(NUM_DIMS):
        extent = p.extents[d] if d <= C else point.spatial[d]
        steps *= np.ceil(p.bounds[d] / (extent * point.pe[d] * point.l2[d])) * point.l2[d]
    return steps


@kernel
def add_point(p: Any, goal: Any, pool: Any, point: Any) -> Any:
    """Add a mapping in normal form; its index, or -1 if it is illegal, known, or does not fit."""
    pool.counters[PROPOSED] += 1
    pool.counters[STALE] += 1
    index = pool.counters[NUM]
    if index >= len(pool.bound):
        return -1
    place = _bucket(pool, point)
    if pool.buckets[place]:
        return -1
    violated, cycles = bound_one(
        p, point.orders, point.l2, point.pe, point.spatial, pool.scratch, pool.accesses
    )
    if violated >= 0:
        return -1
    pool.buckets[place] = index + 1
    copy_point(point, point_of(pool, index))
    pool.bound[index] = cycles
    pool.energy[index] = energy_one(goal.price, pool.accesses)
    pool.steps[index] = _num_steps(p, point)
    pool.score[index] = score_of(goal, cycles, pool.energy[index])
    pool.counters[NUM] += 1
    pool.counters[STALE] = 0
    return index


@kernel
def known_score(pool: Any, point: Any) -> Any:
    """The score of a mapping in normal form; infinite if it is not in the pool."""
    entry = pool.buckets[_bucket(pool, point)]
    return pool.score[entry - 1] if entry else np.inf


@kernel
def time_point(p: Any, pool: Any, index: Any) -> None:
    """Exact cycles of a mapping of the pool, all groups."""
    point = point_of(pool, index)
    _, pool.exact[index] = exact_one(
        p,
        point.orders,
        point.l2,
        point.pe,
        point.spatial,
        pool.scratch,
        pool.results,
        pool.accesses,
    )
    pool.counters[TIMED] += 1
