"""The compiled form equals the reference in every output, on many random points at once.

A point is an accelerator, a layer and a legal mapping; all of a batch are of different pairs. Nests
of more steps than can be read aloud are compared with the compiled recurrence that steps each step.
"""

from enum import StrEnum

import numpy as np
import pytest
from small_cases import legal_options, random_accelerator, random_case, random_layer

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.cost import ACCESS_NAMES, MappingBatch, accesses_of, timeline_of
from naas_hw.cost.compiled.batch import (
    BoundReport,
    ExactReport,
    evaluate_exact,
    pair_bounds,
    pair_exact,
    price_table,
    prices_of,
    problem_of,
    problem_table,
)
from naas_hw.cost.compiled.columns import NUM_RESULTS
from naas_hw.cost.compiled.problem import ILLEGAL_CYCLES
from naas_hw.cost.compiled.rules import LEGAL
from naas_hw.cost.compiled.single import (
    bound_one,
    energy_one,
    exact_batch,
    exact_one,
    legal_one,
    new_scratch,
)
from naas_hw.cost.energy import energy_of
from naas_hw.cost.reference.recurrence import list_end
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.workload.layer import DIMS, Kind, Layer

STRIDES = ((1, 2), (2, 1), (2, 2), (3, 2))
"""Strides and dilations of large layers, rows before columns."""

NEVER_SKIP = 1 << 62
"""No loop makes so many trips, so every step is stepped."""


def stepped(case: Case) -> list[int]:
    """Exact figures, every step stepped; the order is that of `exact_one`."""
    batch = MappingBatch.from_mappings([case.mapping])
    results, accesses = np.zeros((1, NUM_RESULTS), np.int64), np.zeros((1, 27), np.int64)
    pairs = [(case.accelerator, case.layer)]
    exact_batch(
        problem_table(pairs),
        price_table(pairs, SIZED),
        np.zeros(1, np.int64),
        batch.orders,
        batch.l2,
        batch.pe,
        batch.spatial,
        NEVER_SKIP,
        np.zeros(1, np.int8),
        results,
        np.zeros(1),
        accesses,
    )
    found: list[int] = results[0].tolist()
    return found


def reports_of(cases: list[Case]) -> tuple[BoundReport, ExactReport]:
    """All cases in two calls, each of a pair of its own."""
    batch = MappingBatch.from_mappings([case.mapping for case in cases])
    pairs = [(case.accelerator, case.layer) for case in cases]
    which = np.arange(len(cases))
    bounds = pair_bounds(pairs, which, batch, SIZED)
    return bounds, pair_exact(pairs, which, batch, which, SIZED)


def check_point(case: Case, bounds: BoundReport, exact: ExactReport, i: int) -> None:
    """Every output of one point."""
    geometry, groups = case.geometry, case.layer.groups
    assert not violations(case.accelerator, case.layer, case.mapping)
    accesses, timeline = accesses_of(geometry), timeline_of(geometry)
    counts = [getattr(accesses, name) for name in ACCESS_NAMES]
    latency, period = case.accelerator.dram_latency_cycles, case.accelerator.dram_beat_period_cycles
    assert bounds.legal[i] and bounds.violated[i] == LEGAL
    assert bounds.accesses[i].tolist() == exact.accesses[i].tolist() == counts
    assert exact.cycles[i] == list_end([timeline] * groups, latency=latency)
    assert exact.response[i] == timeline.response
    assert exact.next_beat[i] == timeline.next_beat
    assert bounds.cycles_bound[i] <= exact.cycles[i] == exact.stalls[i].sum()
    if groups == 1:
        assert exact.stalls[i].tolist() == list(vars(timeline.stalls).values())
    loaded = accesses.l2_load_weights + accesses.l2_load_inputs + accesses.l2_load_sums
    loaded += accesses.l2_load_residual + accesses.dram_table
    stored = accesses.l2_store_outputs + accesses.l2_store_sums
    assert exact.engines[i].tolist() == [
        period * (loaded + accesses.dram_scales),
        groups * fill_cycles(geometry),
        groups * geometry.num_steps * geometry.compute_cycles,
        accesses.l2_drain // geometry.drain_cycles * max(timing.STEP_PACE, geometry.drain_cycles),
        period * stored,
    ]
    energy = energy_of(case.accelerator, accesses, SIZED).total
    assert bounds.energy_pj[i] == pytest.approx(energy, rel=1e-12)
    assert exact.energy_pj[i] == pytest.approx(energy, rel=1e-12)


def fill_cycles(geometry: Geometry) -> int:
    """Cycles in which fill works: a step in which both tensors move takes the longer of the two."""
    weights = max(timing.STEP_PACE, geometry.fill_weight_cycles)
    inputs = max(timing.STEP_PACE, geometry.fill_input_cycles)
    longer = max(weights, inputs)
    moves = {geometry.last_weights: weights, geometry.last_inputs: inputs}
    if len(moves) == 1:
        moves = {geometry.last_weights: longer}
    (outer, inner) = (min(moves), max(moves))
    both = geometry.num_runs(outer)
    return both * longer + (geometry.num_runs(inner) - both) * moves[inner]


def drawn_case(rng: np.random.Generator, most: int) -> Case:
    """A small accelerator, and a layer up to eight times as large; at most so many steps."""
    while True:
        accelerator, layer = random_accelerator(rng), random_layer(rng)
        factor = int(rng.choice([1, 2, 4, 8]))
        sizes = {d: min(300, getattr(layer, d) * factor) for d in "KCPQ" if getattr(layer, d) > 1}
        sizes |= {"height": layer.height * factor, "width": layer.width * factor}
        layer = layer.model_copy(update=sizes)
        case = legal_case(accelerator, layer, rng, 1, most)
        if case is not None:
            return case


def with_legal_options(case: Case, rng: np.random.Generator) -> Case:
    """The case with optional hardware under which its mapping is still legal."""
    drawn = legal_options(case.accelerator, case.layer, case.mapping, rng.spawn(1)[0])
    return Case(accelerator=drawn[0], layer=drawn[1], mapping=case.mapping)


def legal_case(
    accelerator: Accelerator, layer: Layer, rng: np.random.Generator, least: int, most: int
) -> Case | None:
    """A legal mapping of so many steps; None if none was found."""
    batch = small_tiles(accelerator, layer, rng)
    pairs = [(accelerator, layer)]
    legal = pair_bounds(pairs, np.zeros(len(batch), np.int64), batch, SIZED).legal
    for index in np.flatnonzero(legal)[:20]:
        case = Case(accelerator=accelerator, layer=layer, mapping=batch.mapping(index))
        if least <= case.geometry.num_steps <= most:
            return case
    return None


def small_tiles(
    accelerator: Accelerator, layer: Layer, rng: np.random.Generator, num: int = 500
) -> MappingBatch:
    """Mappings, legal now and then, of few indices in a PE and any number of steps in a tile."""
    sizes = np.array([accelerator.size_of(d) for d in DIMS])
    bounds = np.array([layer.bounds[d] for d in DIMS])
    spatial = np.tile(np.minimum(sizes, bounds), (num, 1))
    spatial[:, 2:] = rng.integers(1, spatial[:, 2:] + 1)
    passes = -(-bounds // spatial)
    pe = np.where(rng.random((num, 6)) < 0.6, 1, rng.integers(1, np.minimum(passes, 5) + 1))
    rest = -(-bounds // (pe * spatial))
    l2 = np.floor(np.exp(rng.random((num, 6)) * np.log(rest + 1))).astype(np.int64)
    orders = np.argsort(rng.random((num, 3, 6)), axis=2).astype(np.int8)
    return MappingBatch(orders=orders, l2=np.minimum(l2, rest), pe=pe, spatial=spatial)


def check_points(number: int, seed: int, max_steps: int) -> None:
    rng = np.random.default_rng(seed)
    print(f"seed {seed}")
    cases = [with_legal_options(drawn_case(rng, max_steps), rng) for _ in range(number)]
    bounds, exact = reports_of(cases)
    for i, case in enumerate(cases):
        check_point(case, bounds, exact, i)


@pytest.mark.takes_seconds
def test_a_thousand_points() -> None:
    """Legality, counts, energy, cycles, stalls, engines: those of the readable modules."""
    check_points(1000, 100, 300)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(101, 111))
def test_ten_thousand_points(seed: int) -> None:
    """The same on ten times a thousand, of up to 100,000 steps."""
    check_points(1000, seed, 100_000)


@pytest.mark.takes_seconds
def test_the_bound_is_as_tight_as_it_was() -> None:
    """Bound by exact cycles of a thousand legal mappings: 0.9579 in the mean, 0.637 at worst.

    Each path of the bound that is left out, and each start or end of all, puts one of them below.
    """
    rng = np.random.default_rng(10)
    bounds, exact = reports_of([drawn_case(rng, 100_000) for _ in range(1000)])
    shares = bounds.cycles_bound / exact.cycles
    assert shares.max() <= 1
    assert shares.mean() > 0.9575
    assert shares.min() > 0.63


@pytest.mark.takes_seconds
def test_the_bound_is_as_tight_with_optional_hardware() -> None:
    """The same mappings with residuals, tables, maxima and pitched stores."""
    rng = np.random.default_rng(10)
    cases = [drawn_case(rng, 100_000) for _ in range(1000)]
    bounds, exact = reports_of([with_legal_options(case, rng) for case in cases])
    shares = bounds.cycles_bound / exact.cycles
    assert shares.max() <= 1
    assert shares.mean() > 0.955
    assert shares.min() > 0.63


# Long nests --------------------------------------------------------------------------------------


class Shape(StrEnum):
    """What a large layer has besides its size."""

    PLAIN = "plain"
    STRIDED = "strided"
    DILATED = "dilated"
    DEPTHWISE = "depthwise"


SHAPES = tuple(Shape)


def long_case(rng: np.random.Generator, shape: Shape, least: int, most: int) -> Case:
    """A case of so many steps: a large layer in small tiles."""
    while True:
        case = legal_case(random_accelerator(rng), large_layer(rng, shape), rng, least, most)
        if case is not None:
            return with_legal_options(case, rng)


def large_layer(rng: np.random.Generator, shape: Shape) -> Layer:
    """Outputs as many as input positions, or one for so many of them as the stride is."""
    is_depthwise = shape is Shape.DEPTHWISE
    P, Q = (int(n) for n in rng.integers(28, 113, size=2) * (4 if is_depthwise else 1))
    R, S = (int(n) for n in rng.choice([3, 5] if shape is Shape.DILATED else [1, 3, 5], size=2))
    stride = STRIDES[rng.integers(len(STRIDES))] if shape is Shape.STRIDED else (1, 1)
    dilation = STRIDES[rng.integers(len(STRIDES))] if shape is Shape.DILATED else (1, 1)
    return Layer(
        name="long",
        kind=Kind.DEPTHWISE if is_depthwise else Kind.CONV,
        K=int(rng.integers(64, 513)) * (4 if is_depthwise else 1),
        C=1 if is_depthwise else int(rng.integers(64, 513)),
        P=P,
        Q=Q,
        R=R,
        S=S,
        height=P * stride[0],
        width=Q * stride[1],
        stride=stride,
        dilation=dilation,
        padding=(dilation[0] * (R // 2), dilation[1] * (S // 2)),
    )


def check_stepped(case: Case) -> None:
    """Skipping what repeats gives what stepping each step gives, counts what closed forms count."""
    batch = MappingBatch.from_mappings([case.mapping])
    exact = evaluate_exact(case.accelerator, case.layer, batch, [0], SIZED)
    figures = [exact.response, exact.next_beat, *exact.stalls.T, *exact.engines.T]
    assert [int(figure[0]) for figure in figures] == stepped(case)
    accesses = accesses_of(case.geometry)
    assert exact.accesses[0].tolist() == [getattr(accesses, name) for name in ACCESS_NAMES]
    energy = energy_of(case.accelerator, accesses, SIZED).total
    assert exact.energy_pj[0] == pytest.approx(energy, rel=1e-12)


def test_the_stepper_is_the_reference() -> None:
    """The oracle of long nests says what the readable recurrence says."""
    rng = np.random.default_rng(7)
    for _ in range(30):
        case = drawn_case(rng, 500)
        results, timeline = stepped(case), timeline_of(case.geometry)
        assert results[:2] == [timeline.response, timeline.next_beat]
        if case.layer.groups == 1:
            assert results[2:8] == list(vars(timeline.stalls).values())


@pytest.mark.takes_seconds
def test_long_nests_equal_their_steps() -> None:
    """Nests of more than a million steps, each step stepped."""
    rng = np.random.default_rng(8)
    for index in range(20):
        check_stepped(long_case(rng, SHAPES[index % len(SHAPES)], 10**6, 10**7))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_very_long_nests_equal_their_steps(seed: int) -> None:
    """Nests of more than a hundred million steps, each step stepped; five of each shape."""
    shape = SHAPES[seed % len(SHAPES)]
    check_stepped(long_case(np.random.default_rng(seed), shape, 10**8 + 1, 5 * 10**8))


# One at a time -----------------------------------------------------------------------------------


@pytest.mark.takes_seconds
def test_one_at_a_time_is_the_batch() -> None:
    """What compiled searches call gives the figures of the batch."""
    case = random_case(np.random.default_rng(9))
    bounds, exact = reports_of([case])
    batch = MappingBatch.from_mappings([case.mapping])
    arrays = batch.orders[0], batch.l2[0], batch.pe[0], batch.spatial[0]
    problem, scratch = problem_of(case.accelerator, case.layer), new_scratch()
    accesses, results = np.zeros(27, np.int64), np.zeros(NUM_RESULTS, np.int64)
    assert legal_one(problem, *arrays, scratch) == LEGAL
    found = bound_one(problem, *arrays, scratch, accesses)
    assert found == (LEGAL, bounds.cycles_bound[0])
    assert accesses.tolist() == bounds.accesses[0].tolist()
    assert energy_one(prices_of(case.accelerator, SIZED), accesses) == bounds.energy_pj[0]
    found = exact_one(problem, *arrays, scratch, results, accesses)
    assert found == (LEGAL, exact.cycles[0])
    assert results[2:8].tolist() == exact.stalls[0].tolist()


@pytest.mark.takes_seconds
def test_one_that_is_not_legal_changes_nothing() -> None:
    """An illegal mapping has a bound that sorts last, and leaves the caller's arrays alone."""
    case = random_case(np.random.default_rng(9))
    batch = MappingBatch.from_mappings([Mapping(pe=Bounds(K=60000))])
    arrays = batch.orders[0], batch.l2[0], batch.pe[0], batch.spatial[0]
    problem, scratch = problem_of(case.accelerator, case.layer), new_scratch()
    accesses, results = np.full(27, 5), np.full(NUM_RESULTS, 5)
    rule = legal_one(problem, *arrays, scratch)
    assert rule >= 0
    assert bound_one(problem, *arrays, scratch, accesses) == (rule, ILLEGAL_CYCLES)
    assert exact_one(problem, *arrays, scratch, results, accesses) == (rule, ILLEGAL_CYCLES)
    assert (accesses == 5).all() and (results == 5).all()


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ([0, 0], r"which must have shape \(1,\), not \(2,\)"),
        ([1], "which must be 0 to 0, the index of a pair"),
        ([-1], "which must be 0 to 0, the index of a pair"),
    ],
)
def test_wrong_pairs(which: list[int], message: str) -> None:
    """Compiled code does not check an index: what it gets is checked before."""
    case = random_case(np.random.default_rng(9))
    pairs: list[tuple[Accelerator, Layer]] = [(case.accelerator, case.layer)]
    batch = MappingBatch.from_mappings([case.mapping])
    with pytest.raises(ValueError, match=message):
        pair_bounds(pairs, np.array(which), batch, SIZED)
    with pytest.raises(ValueError, match=message):
        pair_exact(pairs, np.array(which), batch, [0], SIZED)
