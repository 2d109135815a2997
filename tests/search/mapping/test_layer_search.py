"""A mapping that is found is legal, its figures are exact, and the search is worth its name."""

from itertools import product

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds, evaluate_exact
from naas_hw.cost.evaluate import evaluate
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.search.mapping.layer_search import MappingResult, Optimiser, is_mappable, map_layer
from naas_hw.search.mapping.mapping_run import MIN_EXACT
from naas_hw.search.objective import Objective
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.option import Option

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


@pytest.mark.parametrize("optimiser", list(Optimiser))
def test_loop_orders_are_encoded_where_points_are_drawn(optimiser):
    """`evolve` knows no encoding; the others find something else by another one."""
    importance, index = (found(CONV, optimiser=optimiser, encoding=kind) for kind in Encoding)
    assert (importance == index) == (optimiser is Optimiser.EVOLVE)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_mappings_of_every_kind_of_layer(preset: str):
    for layer in LAYERS:
        assert found(layer, accelerator=PRESETS[preset].accelerator, evaluations=100).num_legal


POOL = Layer(
    name="pool", kind=Kind.DEPTHWISE, K=64, P=28, Q=28, R=3, S=3, height=56, width=56,
    stride=(2, 2), padding=(1, 1), maximum=True,
)  # fmt: skip
OPTIONAL = {
    "residual": CONV.model_copy(update={"residual": True, "table": True}),
    "pitched": CONV.model_copy(update={"output_stride": (2, 2)}),
    "pool": POOL,
    "global pool": POOL.model_copy(
        update={"P": 1, "Q": 1, "R": 7, "S": 7, "height": 7, "width": 7}
    ),
    "pitched pool": POOL.model_copy(update={"output_stride": (2, 2), "residual": True}),
}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("optimiser", list(Optimiser))
def test_layers_with_optional_hardware_have_mappings(preset: str, optimiser: Optimiser):
    """On an array that has the hardware; no array without it runs them."""
    plain = PRESETS[preset].accelerator
    accelerator = plain.with_options(Option)
    for layer in OPTIONAL.values():
        result = found(layer, accelerator=accelerator, optimiser=optimiser, evaluations=200)
        for choice in result.choices:
            assert violations(accelerator, layer, choice.mapping) == []
            report = evaluate(accelerator, layer, choice.mapping, SIZED)
            assert report.cycles == choice.cycles
    assert not is_mappable(plain, [POOL])


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
    results = {o: found(CONV, objective=o, evaluations=3000).best for o in Objective}
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
    found = map_layer(
        accelerator,
        CONV,
        objective=Objective.EDP,
        table=SIZED,
        budget_evaluations=10,
        rng=np.random.default_rng(0),
    )
    assert found is None


def test_an_empty_budget_is_refused():
    with pytest.raises(InputError, match="budget_evaluations must be at least 1, not 0"):
        found(CONV, evaluations=0)


def test_a_layer_that_has_no_room_is_said_before_any_search():
    small = Accelerator(
        axes=(Axis(dim="K", size=64),),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        num_banks=3,
        bank_bytes=64,
    )
    assert is_mappable(CK, LAYERS)
    assert not is_mappable(small, LAYERS)


def test_the_front_holds_no_choice_that_another_beats():
    choices = found(CONV, evaluations=2000).choices
    cycles = [choice.cycles for choice in choices]
    energy = [choice.energy_pj for choice in choices]
    assert len(choices) > 2
    assert cycles == sorted(set(cycles))
    assert energy == sorted(set(energy), reverse=True)
