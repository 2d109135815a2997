"""A mapping that is found is legal, its figures are exact, and the search is worth its name."""

from itertools import product

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled import MappingBatch, evaluate_bounds, evaluate_exact
from naas_hw.cost.evaluate import evaluate
from naas_hw.errors import InputError
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.search.mapping_encoding import MappingEncoding
from naas_hw.search.mapping_search import (
    MIN_EXACT,
    MappingResult,
    Optimiser,
    map_layer,
    num_steps,
)
from naas_hw.search.mapping_space import MappingSpace, balanced, keys
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import DIMS, Kind, Layer

CK = PRESETS["nvdla-256"].accelerator
CONV = Layer(name="conv", K=64, C=48, P=14, Q=14, R=3, S=3, height=14, width=14, padding=(1, 1))
DEPTHWISE = Layer(
    name="dw", kind=Kind.DEPTHWISE, K=40, P=14, Q=14, R=3, S=3, height=28, width=28,
    stride=(2, 2), padding=(1, 1),
)  # fmt: skip
LAYERS = (CONV, DEPTHWISE, Layer(name="fc", kind=Kind.LINEAR, K=100, C=300, height=1, width=1))


def found(layer: Layer, *, seed: int = 0, evaluations: int = 300, **options) -> MappingResult:
    result = map_layer(
        options.pop("accelerator", CK),
        layer,
        objective=options.pop("objective", Objective.EDP),
        table=SIZED,
        budget_evaluations=evaluations,
        rng=np.random.default_rng(seed),
        **options,
    )
    assert result is not None
    return result


@pytest.mark.parametrize("optimiser", list(Optimiser))
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_best_is_legal_and_its_figures_are_those_of_the_model(layer, optimiser):
    result = found(layer, optimiser=optimiser)
    for choice in result.choices:
        assert violations(CK, layer, choice.mapping) == []
        report = evaluate(CK, layer, choice.mapping, SIZED)
        assert report.cycles == choice.cycles
        assert report.energy_pj == pytest.approx(choice.energy_pj, rel=1e-12)
    assert result.best in result.choices


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_mappings_of_every_kind_of_layer(preset: str):
    for layer in LAYERS:
        assert found(layer, accelerator=PRESETS[preset].accelerator, evaluations=100).num_legal


def test_at_least_eight_are_timed_and_no_bound_is_above_its_exact_figure():
    result = found(CONV, max_exact=1)
    assert result.num_exact >= MIN_EXACT
    assert result.largest_gap >= 0
    assert result.best_bound <= result.best.cycles * result.best.energy_pj


def test_the_due_number_of_distinct_legal_mappings_is_seen():
    assert found(CONV, evaluations=1, min_legal=60).num_legal >= 60


@pytest.mark.parametrize("optimiser", list(Optimiser))
def test_the_same_seed_gives_the_same_result_whatever_numpy_drew_before(optimiser):
    np.random.seed(1)  # noqa: NPY002
    first = found(DEPTHWISE, seed=3, optimiser=optimiser)
    np.random.random(7)  # noqa: NPY002
    assert found(DEPTHWISE, seed=3, optimiser=optimiser) == first


def test_each_objective_is_best_by_its_own_figure():
    results = {objective: found(CONV, objective=objective).best for objective in Objective}
    fastest, frugal = results[Objective.LATENCY], results[Objective.ENERGY]
    assert fastest.cycles <= min(best.cycles for best in results.values())
    assert frugal.energy_pj <= min(best.energy_pj for best in results.values())


def test_a_small_space_is_solved_exactly():
    """Every mapping of a tiny layer, timed: none is faster than the one that is found."""
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=2), Axis(dim="P", size=2)),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=8,
        num_banks=6,
        bank_bytes=64,
        beat_bytes=4,
    )
    layer = Layer(name="tiny", K=4, C=4, P=4, height=4, width=1)
    mappings = []
    for k, c, p, l2_k, l2_c, l2_p in product(
        (1, 2), (1, 2, 4), (1, 2, 4), (1, 2), (1, 2, 4), (1, 2)
    ):
        for orders in product(("KCP", "KPC", "CKP", "CPK", "PKC", "PCK"), repeat=2):
            for used in (1, 2):
                dram, l2 = (tuple(order + "QRS") for order in orders)
                mappings.append(
                    Mapping(
                        dram_order=dram,
                        l2_order=l2,
                        pe=Bounds(K=k, C=c, P=p),
                        l2=Bounds(K=l2_k, C=l2_c, P=l2_p),
                        spatial=Bounds(K=2, P=used),
                    )
                )
    batch = MappingBatch.from_mappings(mappings)
    legal = np.flatnonzero(evaluate_bounds(accelerator, layer, batch, SIZED).legal)
    exact = evaluate_exact(accelerator, layer, batch, legal, SIZED)
    assert len(legal) > 1000
    best = found(layer, accelerator=accelerator, objective=Objective.LATENCY, evaluations=2000)
    assert best.best.cycles <= exact.cycles.min()
    best = found(layer, accelerator=accelerator, objective=Objective.ENERGY, evaluations=2000)
    assert best.best.energy_pj <= exact.energy_pj.min() * (1 + 1e-12)


def test_evolution_beats_random_search_with_a_tenth_of_its_evaluations():
    for seed in range(3):
        few = found(CONV, seed=seed, evaluations=300).best
        many = found(CONV, seed=seed, evaluations=3000, optimiser=Optimiser.RANDOM).best
        assert few.cycles * few.energy_pj <= many.cycles * many.energy_pj


def test_where_nothing_fits_there_is_no_result():
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=64),),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        num_banks=3,
        bank_bytes=64,
    )
    args = {"objective": Objective.EDP, "table": SIZED, "budget_evaluations": 10}
    assert map_layer(accelerator, CONV, rng=np.random.default_rng(0), **args) is None


def test_an_empty_budget_is_refused():
    with pytest.raises(InputError, match="budget_evaluations must be at least 1, not 0"):
        found(CONV, evaluations=0)


# The space ---------------------------------------------------------------------------------------


def space_of(layer: Layer) -> MappingSpace:
    return MappingSpace(
        encoding=MappingEncoding(accelerator=CK, layer=layer),
        legal=lambda batch: evaluate_bounds(CK, layer, batch, SIZED).legal,
    )


@pytest.mark.parametrize("count", [1, 2, 7, 56, 97])
def test_balanced_bounds_are_the_smallest_of_their_number_of_tiles(count: int):
    values = balanced(count).tolist()
    smallest = {min(v for v in range(1, count + 1) if -(-count // v) == n) for n in
                {-(-count // v) for v in range(1, count + 1)}}  # fmt: skip
    assert set(values) == smallest


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_normal_form_costs_what_the_mapping_costs(layer: Layer):
    space = space_of(layer)
    drawn = space.encoding.decode(np.random.default_rng(5).random((400, 36)))
    drawn = space.repaired(drawn, np.random.default_rng(5))[0]
    normal = space.normal(drawn)
    first, second = (evaluate_bounds(CK, layer, batch, SIZED) for batch in (drawn, normal))
    assert first.legal.sum() > 20
    assert np.array_equal(first.legal, second.legal)
    assert np.array_equal(first.cycles_bound, second.cycles_bound)
    assert np.array_equal(first.accesses, second.accesses)
    assert keys(space.normal(normal)) == keys(normal)


def test_legal_mappings_are_left_alone_by_repair():
    space = space_of(CONV)
    seeds = space.seeds(16, np.random.default_rng(0))
    legal = space.legal(seeds)
    repaired, _ = space.repaired(seeds, np.random.default_rng(0))
    assert legal.any()
    assert [k for k, ok in zip(keys(repaired), legal, strict=True) if ok] == [
        k for k, ok in zip(keys(seeds), legal, strict=True) if ok
    ]


def test_seeds_are_legal_and_no_bound_of_a_tile_can_grow_alone():
    space = space_of(CONV)
    seeds = space.seeds(8, np.random.default_rng(0))
    assert space.legal(seeds).all()
    last = np.array([[DIMS.index("K")]] * 8)
    again = space.grow(seeds, np.empty((8, 0), dtype=np.int64), last)
    assert (again.l2 >= seeds.l2).all()


def test_children_of_legal_mappings_reach_any_legal_one():
    """From one parent, children of children come to every tiling of a small layer."""
    layer = Layer(name="small", K=32, C=16, P=4, height=4, width=1)
    space, rng = space_of(layer), np.random.default_rng(0)
    seen = {key: space.smallest() for key in keys(space.smallest())}
    for _ in range(60):
        parents = list(seen.values())
        parent = parents[int(rng.integers(len(parents)))]
        children = space.children(parent, 64, rng)
        legal = np.flatnonzero(space.legal(children))
        for index in legal:
            child = children.take([int(index)])
            seen.setdefault(keys(child)[0], child)
    tilings = {(tuple(b.pe[0].tolist()), tuple(b.l2[0].tolist())) for b in seen.values()}
    due = set()
    for k, p, l2_k, l2_p in product((1, 2), (1, 2, 3, 4), (1, 2), (1, 2, 3, 4)):
        if l2_k <= -(-2 // k) and l2_p <= -(-4 // p):
            due.add(((k, 1, p, 1, 1, 1), (l2_k, 1, l2_p, 1, 1, 1)))
    assert due <= tilings


def test_steps_are_counted_as_geometry_counts_them():
    space = space_of(CONV)
    batch = space.seeds(8, np.random.default_rng(1))
    due = [
        Geometry(accelerator=CK, layer=CONV, mapping=batch.mapping(i)).num_steps for i in range(8)
    ]
    assert num_steps(batch, space.encoding).tolist() == due
