"""The compiled mapping search: seeds of typical dataflows, evolution by bound, exact cycles."""

from typing import Any, Final, NamedTuple

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS
from naas_hw.cost.compiled.jit import entry, kernel
from naas_hw.cost.compiled.single import new_scratch
from naas_hw.search.mapping.growth import grow
from naas_hw.search.mapping.inside_out_search import open_best_nodes
from naas_hw.search.mapping.mutation import make_child
from naas_hw.search.mapping.point import (
    Point,
    copy_point,
    copy_row,
    is_legal,
    new_point,
    normalise,
    order_table,
)
from naas_hw.search.mapping.pool import (
    CHECKED,
    NOT_TIMED,
    NUM,
    PROPOSED,
    STALE,
    TIMED,
    add_point,
    known_score,
    point_of,
    score_of,
    time_point,
)
from naas_hw.search.mapping.repair import repair

PE_GROWTH: Final = order_table(
    ("SRQPCK", "SRCKQP", "QSRPKC", "QPKSRC", "CSRQPK", "SQKPRC", "PQCKSR", "KCSRQP")
)
"""Orders in which seeds let the dims inside a PE grow: what grows first is what stays."""

L2_GROWTH: Final = order_table(("SRCQPK", "SRCKQP", "SRQPKC", "CSRKQP", "KSRCQP", "QSRPCK"))
DRAM_ORDERS: Final = order_table(("KPQCRS", "PQKCRS", "KCPQRS", "PKQCRS", "CKPQRS"))
L2_ORDERS: Final = order_table(
    ("KPQCRS", "PQKCRS", "PQCRSK", "CRSKPQ", "KCRSPQ", "CKPQRS", "PKQRSC")
)

NUM_ELITES: Final = 24
WHOLE: Final = 1 << 20
"""More trips than a loop in a tile ever has."""

MAX_STALE: Final = 4000
"""Proposals without a new legal mapping after which a space counts as exhausted."""

MAX_STEPS: Final = 2.0e6
"""Mappings of more steps are timed exactly only where no shorter one was found."""


class Allowance(NamedTuple):
    """What a search may spend.

    Members
    -------
    budget : legality checks and bounds. When `bred` of them are spent the best nodes are opened,
        until `opened` are; then more are bred, until `unrefined` are, and exact figures steer.
    min_legal : distinct legal mappings at least, if there are so many.
    num_seeds : mappings of typical dataflows to begin with.
    min_exact, max_exact : mappings that are timed exactly.
    front_reach : mappings within so many times the best score are timed for the front of cycles
        and energy; 0: none.
    """

    budget: int
    bred: int
    opened: int
    unrefined: int
    min_legal: int
    num_seeds: int
    min_exact: int
    max_exact: int
    front_reach: float


@kernel
def _goes_on(pool: Any, budget: Any, min_legal: Any) -> Any:
    """Whether the budget, or the due number of legal mappings, is not reached."""
    if pool.counters[STALE] >= MAX_STALE or pool.counters[NUM] >= len(pool.bound):
        return False
    spent = pool.counters[PROPOSED] + pool.counters[CHECKED]
    return spent < budget or pool.counters[NUM] < min_legal


@kernel
def _same_in_pe(pool: Any, one: Any, other: Any) -> Any:
    """Whether two mappings differ in tiles and orders alone."""
    for d in range(NUM_DIMS):
        if pool.pe[one, d] != pool.pe[other, d] or pool.spatial[one, d] != pool.spatial[other, d]:
            return False
    return True


@kernel
def _promote(pool: Any, elites: Any, num: Any, index: Any) -> Any:
    """Put a mapping among the elites, best first; of those that do the same in a PE the best stays.

    So elites stay different, and what one of them has tiled badly does not push it out.
    """
    score = pool.score[index]
    if num == len(elites) and score >= pool.score[elites[num - 1]]:
        return num
    for k in range(num):
        if _same_in_pe(pool, elites[k], index):
            if pool.score[elites[k]] <= score:
                return num
            for rest in range(k, num - 1):
                elites[rest] = elites[rest + 1]
            num -= 1
            break
    place = min(num, len(elites) - 1)
    while place > 0 and pool.score[elites[place - 1]] > score:
        elites[place] = elites[place - 1]
        place -= 1
    elites[place] = index
    return min(num + 1, len(elites))


@kernel
def set_legal_tile(p: Any, point: Any, scratch: Any) -> Any:
    """Set the smallest tiles, or else the layer as one tile; whether the mapping is legal.

    If the smallest tiles are illegal, hardly any others are not: but a layer in one tile needs one
    buffer for each tensor where tiles need two.
    """
    for bound in (1, WHOLE):
        point.pe[:] = 1
        point.spatial[:] = 1
        point.l2[:] = bound
        normalise(p, point, scratch)
        if is_legal(p, point, scratch):
            return True
    return False


@kernel
def add_seeds(p: Any, goal: Any, pool: Any, num_seeds: Any, rng: Any, elites: Any) -> Any:
    """Typical dataflows: all positions in use, bounds grown until full; how many elites."""
    point, scratch = new_point(), new_scratch()
    num = 0
    for seed in range(num_seeds + 1):
        copy_row(DRAM_ORDERS[int(rng.random() * len(DRAM_ORDERS))], point.orders[0])
        copy_row(L2_ORDERS[int(rng.random() * len(L2_ORDERS))], point.orders[1])
        if seed == num_seeds:
            set_legal_tile(p, point, scratch)
        else:
            point.l2[:] = 1
            point.pe[:] = 1
            copy_row(p.sizes, point.spatial)
            pe_order = PE_GROWTH[int(rng.random() * len(PE_GROWTH))]
            l2_order = L2_GROWTH[int(rng.random() * len(L2_GROWTH))]
            pool.counters[CHECKED] += grow(p, point, pe_order, l2_order, scratch)
            normalise(p, point, scratch)
        index = add_point(p, goal, pool, point)
        if index >= 0:
            num = _promote(pool, elites, num, index)
    return num


@kernel
def evolve(
    p: Any, goal: Any, pool: Any, budget: Any, min_legal: Any, elites: Any, num: Any, rng: Any
) -> Any:
    """Children of the best by bound, one after the other; how many elites there are then.

    A child that is better than the worst elite takes its place at once. Parents are drawn from the
    better ones more often.
    """
    child, scratch = new_point(), new_scratch()
    while num and _goes_on(pool, budget, min_legal):
        first = elites[int(rng.random() * rng.random() * num)]
        second = elites[int(rng.random() * num)]
        pool.counters[CHECKED] += make_child(
            p, point_of(pool, first), point_of(pool, second), child, rng, scratch
        )
        index = add_point(p, goal, pool, child)
        if index >= 0:
            num = _promote(pool, elites, num, index)
    return num


@kernel
def _breed(p: Any, goal: Any, pool: Any, a: Any, rng: Any) -> None:
    """Evolution from seeds, the tiles of the best nodes, and evolution with what these added."""
    elites = np.zeros(NUM_ELITES, np.int64)
    num = add_seeds(p, goal, pool, a.num_seeds, rng, elites)
    num = evolve(p, goal, pool, a.bred, 0, elites, num, rng)
    if num and a.bred < a.opened and pool.steps[elites[0]] <= MAX_STEPS:
        index = open_best_nodes(p, goal, pool, elites[0], a.opened, rng)
        if index >= 0:
            num = _promote(pool, elites, num, index)
    evolve(p, goal, pool, a.unrefined, a.min_legal, elites, num, rng)


@kernel
def time_best(p: Any, goal: Any, pool: Any, least: Any, most: Any) -> None:
    """Time mappings exactly, best bound first, until none can be better or `most` are timed.

    At least `least` in any case. Long ones only where nothing else is left.
    """
    num = pool.counters[NUM]
    best = np.inf
    for index in range(num):
        if pool.exact[index] != NOT_TIMED:
            best = min(best, score_of(goal, pool.exact[index], pool.energy[index]))
    for index in np.argsort(pool.score[:num], kind="mergesort"):
        if pool.counters[TIMED] >= most:
            return
        if pool.exact[index] != NOT_TIMED:
            continue
        if pool.counters[TIMED] >= least and pool.score[index] >= best:
            return
        if pool.steps[index] > MAX_STEPS:
            continue
        time_point(p, pool, index)
        best = min(best, score_of(goal, pool.exact[index], pool.energy[index]))
    if pool.counters[TIMED] == 0 and num:
        time_point(p, pool, np.argmin(pool.steps[:num]))


@kernel
def time_front(p: Any, goal: Any, pool: Any, reach: Any, most: Any) -> None:
    """Time mappings that none other beats in both energy and (by the bound) cycles.

    Those whose score is at most `reach` times the best one; `most` at most, evenly chosen.
    """
    num = pool.counters[NUM]
    limit = reach * pool.score[:num].min()
    front = np.empty(num, np.int64)
    size = 0
    least = np.inf
    for index in np.argsort(pool.bound[:num], kind="mergesort"):
        if pool.energy[index] < least:
            least = pool.energy[index]
            if pool.score[index] <= limit and pool.steps[index] <= MAX_STEPS:
                front[size] = index
                size += 1
    for k in range(min(size, most)):
        index = front[k * size // min(size, most)]
        if pool.exact[index] == NOT_TIMED:
            time_point(p, pool, index)


@kernel
def refine(p: Any, goal: Any, pool: Any, budget: Any, most: Any, rng: Any) -> None:
    """Children of the best by exact figures; those whose bound is better than it are timed."""
    num = pool.counters[NUM]
    elites = np.zeros(8, np.int64)
    num_elites = 0
    scores = np.full(8, np.inf)
    for index in range(num):
        if pool.exact[index] != NOT_TIMED:
            num_elites = _place(goal, pool, elites, scores, num_elites, index)
    child, scratch = new_point(), new_scratch()
    while num_elites and _goes_on(pool, budget, 0) and pool.counters[TIMED] < most:
        first = elites[int(rng.random() * num_elites)]
        second = elites[int(rng.random() * num_elites)]
        pool.counters[CHECKED] += make_child(
            p, point_of(pool, first), point_of(pool, second), child, rng, scratch
        )
        index = add_point(p, goal, pool, child)
        if index >= 0 and pool.score[index] < scores[0] and pool.steps[index] <= MAX_STEPS:
            time_point(p, pool, index)
            num_elites = _place(goal, pool, elites, scores, num_elites, index)


@kernel
def _place(goal: Any, pool: Any, elites: Any, scores: Any, num: Any, index: Any) -> Any:
    """Put a timed mapping among the elites by its exact score, best first."""
    score = score_of(goal, pool.exact[index], pool.energy[index])
    place = num
    while place > 0 and scores[place - 1] > score:
        place -= 1
    if place >= len(elites) or (place > 0 and scores[place - 1] == score):
        return num
    for k in range(min(num, len(elites) - 1), place, -1):
        elites[k], scores[k] = elites[k - 1], scores[k - 1]
    elites[place], scores[place] = index, score
    return min(num + 1, len(elites))


@entry
def search_pool(p: Any, goal: Any, pool: Any, allowance: Any, rng: Any) -> None:
    """Run the default search of mappings.

    Points are bred by their bound, tiles of the best nodes are added, the best are refined by exact
    figures, and the front is timed. One entry, so that the model is compiled into it once.
    """
    a = allowance
    _breed(p, goal, pool, a, rng)
    if pool.counters[NUM]:
        time_best(p, goal, pool, a.min_exact, max(a.min_exact, a.max_exact // 2))
        refine(p, goal, pool, a.budget, a.max_exact, rng)
        _finish(p, goal, pool, a)


@entry
def time_pool(p: Any, goal: Any, pool: Any, allowance: Any) -> None:
    """Exact figures for the best by bound, and for some of the front near them."""
    _finish(p, goal, pool, allowance)


@kernel
def _finish(p: Any, goal: Any, pool: Any, a: Any) -> None:
    time_best(p, goal, pool, a.min_exact, a.max_exact)
    if a.front_reach > 0.0:
        time_front(p, goal, pool, a.front_reach, a.max_exact // 2)


@entry
def offer(p: Any, goal: Any, pool: Any, points: Any, rng: Any, scores: Any) -> None:
    """Bring mappings (a `Point` with an axis N before the others) to normal form, repair and add.

    Fills scores [N], by the bound; infinite where a mapping cannot be repaired.
    """
    point, scratch = new_point(), new_scratch()
    for i in range(len(scores)):
        source = Point(points.orders[i], points.l2[i], points.pe[i], points.spatial[i])
        copy_point(source, point)
        normalise(p, point, scratch)
        legal, num_checks = repair(p, point, rng, scratch)
        pool.counters[CHECKED] += num_checks
        scores[i] = np.inf
        add_point(p, goal, pool, point)
        if legal:
            scores[i] = known_score(pool, point)


@entry
def grow_all(p: Any, points: Any, pe_orders: Any, l2_orders: Any) -> None:
    """Let mappings grow in place, each in its orders [N, any], and bring them to normal form."""
    scratch = new_scratch()
    for i in range(len(points.pe)):
        point = Point(points.orders[i], points.l2[i], points.pe[i], points.spatial[i])
        grow(p, point, pe_orders[i], l2_orders[i], scratch)
        normalise(p, point, scratch)


@entry
def have_room(problems: Any) -> Any:
    """Whether the smallest tiles, or the layer as one tile, are legal in all problems."""
    point, scratch = new_point(), new_scratch()
    for i in range(len(problems)):
        copy_row(DRAM_ORDERS[0], point.orders[0])
        copy_row(L2_ORDERS[0], point.orders[1])
        if not set_legal_tile(problems[i], point, scratch):
            return False
    return True
