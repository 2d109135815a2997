"""Moves stay in the space, reach all of it, and normal form costs what the mapping costs."""

from itertools import product

import numpy as np
import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds, problem_of
from naas_hw.cost.compiled.jit import entry
from naas_hw.cost.compiled.single import new_scratch
from naas_hw.mapping.geometry import Geometry
from naas_hw.search.mapping.encoding import MappingEncoding
from naas_hw.search.mapping.evolutionary_search import grow_all
from naas_hw.search.mapping.growth import balanced_above, balanced_below, draw_balanced
from naas_hw.search.mapping.mutation import make_child
from naas_hw.search.mapping.point import Point, is_legal, normalise, order_table
from naas_hw.search.mapping.pool import Goal, add_point, new_pool
from naas_hw.search.mapping.repair import repair
from naas_hw.workload.layer import Kind, Layer

CK = PRESETS["nvdla-256"].accelerator
CONV = Layer(name="conv", K=64, C=48, P=14, Q=14, R=3, S=3, height=14, width=14, padding=(1, 1))
DEPTHWISE = Layer(
    name="dw", kind=Kind.DEPTHWISE, K=40, P=14, Q=14, R=3, S=3, height=28, width=28,
    stride=(2, 2), padding=(1, 1),
)  # fmt: skip
LAYERS = (CONV, DEPTHWISE, Layer(name="fc", kind=Kind.LINEAR, K=100, C=300, height=1, width=1))


@entry
def normalise_all(p, points):
    scratch = new_scratch()
    for i in range(len(points.pe)):
        point = Point(points.orders[i], points.l2[i], points.pe[i], points.spatial[i])
        normalise(p, point, scratch)


@entry
def repair_all(p, points, rng, was_legal, legal):
    scratch = new_scratch()
    for i in range(len(points.pe)):
        point = Point(points.orders[i], points.l2[i], points.pe[i], points.spatial[i])
        was_legal[i] = is_legal(p, point, scratch)
        legal[i], _ = repair(p, point, rng, scratch)


@entry
def children_of(p, parent, children, rng):
    scratch = new_scratch()
    for i in range(len(children.pe)):
        child = Point(children.orders[i], children.l2[i], children.pe[i], children.spatial[i])
        make_child(p, parent, parent, child, rng, scratch)


def points_of(batch: MappingBatch) -> Point:
    """Copies, to be changed in place."""
    return Point(batch.orders.copy(), batch.l2.copy(), batch.pe.copy(), batch.spatial.copy())


def batch_of(points: Point) -> MappingBatch:
    return MappingBatch(orders=points.orders, l2=points.l2, pe=points.pe, spatial=points.spatial)


def drawn(layer: Layer, num: int, seed: int) -> MappingBatch:
    grid = MappingEncoding(accelerator=CK, layer=layer)
    return grid.decode(np.random.default_rng(seed).random((num, grid.num_genes)))


def rows(points: Point) -> list[bytes]:
    return [
        b"".join(array[i].astype(np.int64).tobytes() for array in points)
        for i in range(len(points.pe))
    ]


@pytest.mark.parametrize("count", [1, 2, 7, 56, 97, 1000])
def test_balanced_bounds_are_the_smallest_of_their_number_of_tiles(count: int):
    due = sorted({-(-count // parts) for parts in range(1, count + 1)})
    assert sorted({int(balanced_below(count, v)) for v in range(1, count + 1)}) == due
    for value in range(1, count + 1):
        assert balanced_below(count, value) == max(v for v in due if v <= value)
        assert balanced_above(count, value) == min((v for v in due if v > value), default=count)
    rng = np.random.default_rng(0)
    assert {int(draw_balanced(count, rng)) for _ in range(4000)} == set(due)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_normal_form_costs_what_the_mapping_costs(layer: Layer):
    batch = drawn(layer, 400, 5)
    repaired = points_of(batch)
    flags = np.empty(400, np.bool_), np.empty(400, np.bool_)
    repair_all(problem_of(CK, layer), repaired, np.random.default_rng(5), *flags)
    normal = points_of(batch_of(repaired))
    normalise_all(problem_of(CK, layer), normal)
    first, second = (evaluate_bounds(CK, layer, batch_of(p), SIZED) for p in (repaired, normal))
    assert first.legal.sum() > 20
    assert np.array_equal(first.legal, second.legal)
    assert np.array_equal(first.cycles_bound, second.cycles_bound)
    assert np.array_equal(first.accesses, second.accesses)
    again = points_of(batch_of(normal))
    normalise_all(problem_of(CK, layer), again)
    assert rows(again) == rows(normal)


def test_repair_leaves_legal_mappings_alone_and_says_what_is_legal():
    batch = drawn(CONV, 300, 1)
    points = points_of(batch)
    was_legal, legal = np.empty(300, np.bool_), np.empty(300, np.bool_)
    repair_all(problem_of(CK, CONV), points, np.random.default_rng(0), was_legal, legal)
    assert 0 < was_legal.sum() < legal.sum()
    before, after = rows(points_of(batch)), rows(points)
    assert all(a == b for a, b, ok in zip(before, after, was_legal, strict=True) if ok)
    assert np.array_equal(evaluate_bounds(CK, CONV, batch_of(points), SIZED).legal, legal)


def test_what_grew_is_legal_and_larger():
    num = 8
    ones = np.ones((num, 6), np.int64)
    orders = np.tile(np.arange(6, dtype=np.int8), (num, 3, 1))
    spatial = np.tile(MappingEncoding(accelerator=CK, layer=CONV).sizes_D, (num, 1))
    points = Point(orders, ones.copy(), ones.copy(), spatial)
    grown = ("SRQPCK", "SRCKQP", "QSRPKC", "QPKSRC", "CSRQPK", "SQKPRC", "PQCKSR", "KCSRQP")
    grow_all(problem_of(CK, CONV), points, order_table(grown), order_table(grown[::-1]))
    report = evaluate_bounds(CK, CONV, batch_of(points), SIZED)
    assert report.legal.all()
    assert (points.pe.prod(axis=1) > 4).all()
    one_more = batch_of(points).take([0])
    one_more.pe[0, 5] += 1  # S grew first: one more does not fit, or is more than there is
    assert points.pe[0, 5] == 3 or not evaluate_bounds(CK, CONV, one_more, SIZED).legal[0]


@pytest.mark.takes_seconds
def test_children_of_children_come_to_every_tiling_of_a_small_layer():
    layer = Layer(name="small", K=32, C=16, P=4, height=4, width=1)
    problem, rng = problem_of(CK, layer), np.random.default_rng(0)
    first = points_of(drawn(layer, 1, 0))
    first.pe[:], first.l2[:], first.spatial[:] = 1, 1, 1
    normalise_all(problem, first)
    assert evaluate_bounds(CK, layer, batch_of(first), SIZED).legal[0]
    seen = {rows(first)[0]: Point(*(array[0] for array in first))}
    for _ in range(150):
        parent = list(seen.values())[int(rng.integers(len(seen)))]
        children = points_of(drawn(layer, 64, 0))
        children_of(problem, parent, children, rng)
        legal = evaluate_bounds(CK, layer, batch_of(children), SIZED).legal
        for index in np.flatnonzero(legal):
            seen.setdefault(rows(children)[index], Point(*(array[index] for array in children)))
    tilings = {(tuple(p.pe.tolist()), tuple(p.l2.tolist())) for p in seen.values()}
    due = set()
    for k, p, l2_k, l2_p in product((1, 2), (1, 2, 3, 4), (1, 2), (1, 2, 3, 4)):
        if l2_k <= -(-2 // k) and l2_p <= -(-4 // p):
            due.add(((k, 1, p, 1, 1, 1), (l2_k, 1, l2_p, 1, 1, 1)))
    assert due <= tilings


@pytest.mark.takes_seconds
def test_a_pool_keeps_each_legal_mapping_once_with_the_model_s_figures():
    batch = drawn(CONV, 200, 3)
    points, problem = points_of(batch), problem_of(CK, CONV)
    flags = np.empty(200, np.bool_), np.empty(200, np.bool_)
    repair_all(problem, points, np.random.default_rng(0), *flags)
    normalise_all(problem, points)
    pool = new_pool(500)
    price = np.arange(27, dtype=np.float64)
    for index in (*range(200), *range(200)):
        add_point(problem, Goal(price, 0.0, 0.0), pool, Point(*(a[index] for a in points)))
    report = evaluate_bounds(CK, CONV, batch_of(points), SIZED)
    legal = np.flatnonzero(report.legal)
    all_rows = rows(points)
    firsts = [i for n, i in enumerate(legal) if all_rows[i] not in
              {all_rows[j] for j in legal[:n]}]  # fmt: skip
    num = len(firsts)
    assert pool.counters[0] == num
    assert pool.bound[:num].tolist() == report.cycles_bound[firsts].tolist()
    assert pool.energy[:num] == pytest.approx(report.accesses[firsts] @ price)
    for place, index in enumerate(firsts[:10]):
        geometry = Geometry(
            accelerator=CK, layer=CONV, mapping=batch_of(points).mapping(int(index))
        )
        assert pool.steps[place] == geometry.num_steps
