"""The compiled form says what the reference says: legality, counts, energy, cycles, bounds."""

from dataclasses import replace

import numpy as np
import pytest
from small_cases import (
    legal_options,
    random_accelerator,
    random_case,
    random_layer,
    random_mapping,
    with_options,
)

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import MAESTRO, SIZED
from naas_hw.core.errors import InputError, LegalityError
from naas_hw.cost import (
    ACCESS_NAMES,
    RULES,
    MappingBatch,
    accesses_of,
    evaluate,
    evaluate_bounds,
    evaluate_exact,
    evaluate_network,
    timeline_of,
)
from naas_hw.cost.compiled.batch import SAVED_BETWEEN_LAYERS
from naas_hw.cost.compiled.problem import ILLEGAL_CYCLES
from naas_hw.cost.energy import energy_of
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.workload.layer import DIMS, Kind, Layer
from naas_hw.workload.network import Network

RULE_WORDS = {
    "capacity: weights in a PE": "capacity: bytes of weights in a PE",
    "capacity: inputs in a PE": "capacity: bytes of inputs in a PE",
    "capacity: accumulator bank": "capacity: words in an accumulator bank",
    "capacity: banks of the global buffer": "capacity: banks of the global buffer",
    "capacity: scales": "capacity: channels of scales",
    "block: K": "block: an L2 tile must cover K",
    "block: C": "block: an L2 tile must cover C",
    "field: width": "field:",
    "option: hardware": "option: ",
    "option: visits": "option: a",
    **{f"spatial: {d}": f"spatial: {d} must use" for d in DIMS},
}
"""Rule of the compiled form -> how its sentence begins."""


def expected_cycles(geometry: Geometry) -> int:
    """All groups, in one program."""
    once, groups = timeline_of(geometry), geometry.layer.groups
    latency = geometry.accelerator.dram_latency_cycles
    first_beat = once.response + timing.RESPONSE_TO_DESCRIPTOR + latency
    between = once.response + timing.RESPONSE_TO_DESCRIPTOR - timing.START_TO_DESCRIPTOR
    return (groups - 1) * (between + max(0, once.next_beat - first_beat)) + once.end


def check_case(case: Case) -> None:
    geometry = case.geometry
    batch = MappingBatch.from_mappings([case.mapping])
    bounds = evaluate_bounds(case.accelerator, case.layer, batch, SIZED)
    exact = evaluate_exact(case.accelerator, case.layer, batch, [0], SIZED)
    accesses = accesses_of(geometry)
    counts = [getattr(accesses, name) for name in ACCESS_NAMES]
    assert bounds.legal.all() and bounds.violated[0] == -1
    assert bounds.accesses[0].tolist() == exact.accesses[0].tolist() == counts
    assert exact.cycles[0] == expected_cycles(geometry)
    assert bounds.cycles_bound[0] <= exact.cycles[0]
    assert exact.stalls[0].sum() == exact.cycles[0]
    energy = energy_of(case.accelerator, accesses, SIZED).total
    assert bounds.energy_pj[0] == pytest.approx(energy, rel=1e-12)
    assert exact.energy_pj[0] == pytest.approx(energy, rel=1e-12)
    if case.layer.groups == 1:
        assert exact.stalls[0].tolist() == list(vars(timeline_of(geometry).stalls).values())


def test_compiled_equals_reference() -> None:
    """Cycles, stalls, counts and energy are those of the readable modules."""
    rng = np.random.default_rng(1)
    for _ in range(150):
        check_case(random_case(rng, max_steps=200))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 15))
def test_compiled_equals_reference_on_thousands(seed: int) -> None:
    """The same on many, with longer nests."""
    rng = np.random.default_rng(seed)
    for _ in range(200):
        check_case(random_case(rng, max_steps=2000))


def random_long_case(rng: np.random.Generator, max_steps: int) -> Case:
    """A case with long loops, in which most iterations are a shift of the one before."""
    while True:
        accelerator = random_accelerator(rng)
        words = int(rng.choice([32, 64, 256, 1024]))
        accelerator = accelerator.model_copy(update={"bank_bytes": accelerator.beat_bytes * words})
        layer = random_layer(rng)
        longer = {"K": int(rng.integers(1, 60))}
        if layer.kind is not Kind.DEPTHWISE:
            longer["C"] = int(rng.integers(1, 60))
        if layer.kind is not Kind.LINEAR:
            longer |= {d: int(rng.integers(1, 40)) for d in "PQ" if rng.random() < 0.6}
            longer |= {d: int(rng.integers(1, 9)) for d in "RS" if rng.random() < 0.2}
        longer |= {"height": int(rng.integers(1, 50)), "width": int(rng.integers(1, 50))}
        layer = layer.model_copy(update={**longer, "groups": 1})
        mapping = random_mapping(accelerator, layer, rng, max_steps=max_steps)
        if mapping is not None:
            accelerator, layer = legal_options(accelerator, layer, mapping, rng.spawn(1)[0])
            return Case(accelerator=accelerator, layer=layer, mapping=mapping)


def check_long_cases(number: int, seed: int, max_steps: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(number):
        case = random_long_case(rng, max_steps)
        check_case(case)


def test_skipped_iterations_are_a_shift() -> None:
    """Long loops give the cycles and stalls that stepping them gives."""
    check_long_cases(60, 30, 1500)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(31, 35))
def test_skipped_iterations_are_a_shift_in_very_long_loops(seed: int) -> None:
    """The same on many, and longer."""
    check_long_cases(50, seed, 10_000)


def test_a_loop_of_a_million_steps_is_a_handful() -> None:
    """A step that repeats costs what it costs in the steady state, to the cycle."""
    layer = Layer(name="l", K=2, C=1, P=4096, Q=256, height=4096, width=256)
    mapping = Mapping(
        dram_order=("P", "Q", "K", "C", "R", "S"),
        l2_order=("P", "Q", "K", "C", "R", "S"),
        l2=Bounds(Q=256),
        spatial=Bounds(K=2),
    )
    batch = MappingBatch.from_mappings([mapping])
    exact = evaluate_exact(big_accelerator(), layer, batch, [0], SIZED)
    short = layer.model_copy(update={"P": 64, "height": 64})
    shorter = layer.model_copy(update={"P": 65, "height": 65})
    cycles = [
        timeline_of(Geometry(accelerator=big_accelerator(), layer=one, mapping=mapping)).end
        for one in (short, shorter)
    ]
    assert exact.cycles[0] == cycles[0] + (4096 - 64) * (cycles[1] - cycles[0])


def random_unchecked(layer: Layer, accelerator: Accelerator, rng: np.random.Generator) -> Mapping:
    """A mapping that is legal now and then."""
    most = int(rng.choice([2, 4, 40, 65535]))

    def bounds() -> Bounds:
        return Bounds(
            **{d: int(rng.integers(1, most + 1)) if rng.random() < 0.3 else 1 for d in DIMS}
        )

    spatial = {d: min(accelerator.size_of(d), layer.bounds[d]) for d in DIMS}
    if rng.random() < 0.2:
        spatial[DIMS[rng.integers(6)]] += int(rng.integers(0, 2))
    orders = [tuple(DIMS[i] for i in rng.permutation(6)) for _ in range(2)]
    return Mapping(
        dram_order=orders[0],
        l2_order=orders[1],
        l2=bounds(),
        pe=bounds(),
        spatial=Bounds(**spatial),
    )


def random_options(
    accelerator: Accelerator, layer: Layer, rng: np.random.Generator
) -> tuple[Accelerator, Layer]:
    """Optional hardware that the layer needs; now and then some of it is not there."""
    accelerator, layer = with_options(accelerator, layer, rng)
    if rng.random() < 0.05:
        return accelerator.model_copy(update={"residual": False, "maximum": False}), layer
    return accelerator, layer


def test_compiled_legality_equals_the_sentences() -> None:
    """A mapping is legal where no sentence says otherwise; the rule named is the first broken."""
    rng = np.random.default_rng(2)
    options_rng = np.random.default_rng(22)
    broken = set()
    num_legal = 0
    for _ in range(2000):
        accelerator, layer = random_accelerator(rng), random_layer(rng)
        mapping = random_unchecked(layer, accelerator, rng)
        accelerator, layer = random_options(accelerator, layer, options_rng)
        said = violations(accelerator, layer, mapping)
        batch = MappingBatch.from_mappings([mapping])
        found = evaluate_bounds(accelerator, layer, batch, SIZED)
        assert found.legal[0] == (not said), said
        num_legal += not said
        if said:
            rule = RULES[found.violated[0]]
            broken.add(rule)
            assert str(said[0]).startswith(RULE_WORDS[rule])
            assert found.cycles_bound[0] == ILLEGAL_CYCLES
            assert found.energy_pj[0] == np.inf
            assert not found.accesses.any()
    assert num_legal > 20
    assert broken >= set(RULES) - {"field: width"}


def big_accelerator() -> Accelerator:
    return Accelerator(
        axes=(Axis(dim="K", size=2),),
        weight_buffer_bytes=1024,
        input_buffer_bytes=1024,
        accumulator_words=256,
        num_banks=8,
        bank_bytes=4 * 1024 * 1024,
        beat_bytes=32,
    )


def test_fields_that_are_too_wide_are_illegal() -> None:
    """A tile of more words than a field of the descriptor can say is refused."""
    layer = Layer(name="l", K=2, C=32, P=300, Q=300, height=300, width=300)
    mapping = Mapping(l2=Bounds(C=32, P=300, Q=300), spatial=Bounds(K=2))
    batch = MappingBatch.from_mappings([mapping])
    found = evaluate_bounds(big_accelerator(), layer, batch, SIZED)
    assert RULES[found.violated[0]] == "field: width"
    assert violations(big_accelerator(), layer, mapping)


def test_a_step_that_is_too_wide_is_illegal() -> None:
    """The window of a step has fewer bits than a tile: 3 rows, 2100 apart each, are too many."""
    layer = Layer(name="l", K=2, C=32, P=3, height=9000, width=1, stride=(2100, 1), padding=(1, 0))
    accelerator = big_accelerator().model_copy(update={"input_buffer_bytes": 32768})
    mapping = Mapping(pe=Bounds(P=3), spatial=Bounds(K=2), l2=Bounds(C=32))
    batch = MappingBatch.from_mappings([mapping])
    found = evaluate_bounds(accelerator, layer, batch, SIZED)
    said = violations(accelerator, layer, mapping)
    assert [str(violation) for violation in said] == [
        "field: a step's rows must be at most 4095, not 4201"
    ]
    assert RULES[found.violated[0]] == "field: width"


def test_a_batch_is_its_mappings_one_by_one() -> None:
    """Arrays hold what the values held, and order does not matter."""
    rng = np.random.default_rng(3)
    case = random_case(rng)
    others = [case.mapping.model_copy(update={"dram_order": tuple(rng.permutation(list(DIMS)))})]
    others = [Mapping(**{**m.model_dump(), "dram_order": m.dram_order}) for m in others]
    batch = MappingBatch.from_mappings([case.mapping, *others])
    assert [batch.mapping(i) for i in range(len(batch))] == [case.mapping, *others]
    assert batch.take([1]).mapping(0) == others[0]
    together = evaluate_bounds(case.accelerator, case.layer, batch, SIZED)
    alone = evaluate_bounds(case.accelerator, case.layer, batch.take([1]), SIZED)
    assert together.cycles_bound[1] == alone.cycles_bound[0]
    assert together.accesses[1].tolist() == alone.accesses[0].tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"l2": np.zeros((1, 6), np.int64)}, "l2 must be 1 to 65535"),
        ({"pe": np.ones((1, 5), np.int64)}, r"pe must have shape \(1, 6\), not \(1, 5\)"),
        ({"orders": np.zeros((1, 3, 6), np.int8)}, "orders must hold each dim once a level"),
    ],
)
def test_init_wrong_batch(change: dict[str, np.ndarray], message: str) -> None:
    """A batch that is no batch of mappings is refused before it reaches compiled code."""
    good = MappingBatch.from_mappings([Mapping()])
    fields = {name: getattr(good, name) for name in ("orders", "l2", "pe", "spatial")}
    with pytest.raises(ValueError, match=message):
        MappingBatch(**{**fields, **change})


def test_exact_refuses_what_is_not_legal() -> None:
    """Exact cycles of an illegal mapping do not exist."""
    case = random_case(np.random.default_rng(4))
    bad = Mapping(pe=Bounds(K=60000))
    batch = MappingBatch.from_mappings([case.mapping, bad])
    with pytest.raises(ValueError, match="mappings must be legal, not break .* as number 1 does"):
        evaluate_exact(case.accelerator, case.layer, batch, [0, 1], SIZED)


def test_report_of_one_layer() -> None:
    """The report has the figures of the reference, under their names."""
    case = random_case(np.random.default_rng(5))
    report = evaluate(case.accelerator, case.layer, case.mapping, MAESTRO)
    assert report.cycles == expected_cycles(case.geometry) == report.stalls.total
    assert report.accesses == accesses_of(case.geometry)
    assert report.energy == energy_of(case.accelerator, report.accesses, MAESTRO)
    assert report.energy_pj == report.energy.total
    assert report.utilization == pytest.approx(
        case.layer.num_macs / (case.accelerator.num_pes * report.cycles)
    )
    geometry, groups = case.geometry, case.layer.groups
    assert report.engines.compute == groups * geometry.num_steps * geometry.compute_cycles
    assert report.engines.load == case.accelerator.dram_beat_period_cycles * (
        report.accesses.l2_load_weights
        + report.accesses.l2_load_inputs
        + report.accesses.l2_load_sums
        + report.accesses.l2_load_residual
        + report.accesses.dram_scales
        + report.accesses.dram_table
    )
    runs = report.accesses.l2_drain // geometry.drain_cycles
    assert report.engines.drain == runs * max(timing.STEP_PACE, geometry.drain_cycles)


def test_an_illegal_mapping_is_refused_with_all_reasons() -> None:
    """The error lists what is wrong."""
    case = random_case(np.random.default_rng(5))
    bad = case.mapping.model_copy(update={"pe": Bounds(K=60000)})
    with pytest.raises(LegalityError) as found:
        evaluate(case.accelerator, case.layer, bad, SIZED)
    broken = violations(case.accelerator, case.layer, bad)
    assert found.value.violations == [str(violation) for violation in broken]


def test_transposed_layers_cost_what_their_product_costs() -> None:
    """In the model a transposed layer is the 1x1 convolution that it is written as; no program."""
    layer = Layer(name="l", K=8, C=4, P=3, Q=3, height=3, width=3)
    transposed = layer.model_copy(update={"kind": Kind.TRANSPOSED})
    accelerator = big_accelerator()
    mapping = Mapping(spatial=Bounds(K=2), l2=Bounds(K=4, C=4, P=3, Q=3))
    expected = evaluate(accelerator, layer, mapping, SIZED)
    found = evaluate(accelerator, transposed, mapping, SIZED)
    assert not found.has_program and expected.has_program
    assert replace(found, has_program=True) == expected


def test_network_is_its_layers_without_the_interrupts_between() -> None:
    """Layers run one after the other in one program, equal ones included."""
    rng = np.random.default_rng(6)
    case = random_case(rng)
    other = case.layer.renamed("other")
    network = Network(name="n", layers=(case.layer, other))
    mappings = {"layer": case.mapping, "other": case.mapping}
    found = evaluate_network(case.accelerator, network, mappings, SIZED)
    one = evaluate(case.accelerator, case.layer, case.mapping, SIZED)
    assert [report.layer for report in found.layers] == ["layer", "other"]
    assert found.cycles == 2 * one.cycles + one.chain_delay - SAVED_BETWEEN_LAYERS
    assert found.energy_pj == pytest.approx(2 * one.energy_pj)
    assert found.edp == pytest.approx(found.cycles * found.energy_pj)
    with pytest.raises(InputError, match="layer 'other' has no mapping"):
        evaluate_network(case.accelerator, network, {"layer": case.mapping}, SIZED)


def test_bound_is_tight_where_one_engine_dominates() -> None:
    """A layer bound by its MACs has a bound within a percent of its cycles."""
    layer = Layer(name="l", K=64, C=64, P=14, Q=14, R=3, S=3, height=14, width=14, padding=(1, 1))
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=8), Axis(dim="C", size=8)),
        weight_buffer_bytes=64,
        input_buffer_bytes=256,
        accumulator_words=128,
        bank_bytes=65536,
    )
    mapping = Mapping(
        l2_order=("K", "C", "P", "Q", "R", "S"),
        l2=Bounds(K=8, C=8, P=7, R=1),
        pe=Bounds(P=2, Q=14, R=3, S=3),
        spatial=Bounds(K=8, C=8),
    )
    batch = MappingBatch.from_mappings([mapping])
    bound = evaluate_bounds(accelerator, layer, batch, SIZED).cycles_bound[0]
    exact = evaluate_exact(accelerator, layer, batch, [0], SIZED)
    assert 0.99 * exact.cycles[0] <= bound <= exact.cycles[0]
    assert exact.utilization[0] > 0.9
