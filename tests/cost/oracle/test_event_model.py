"""The recurrence equals a cycle-by-cycle simulation with labelled buffers.

Each of its terms is needed.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
from small_cases import random_case

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cost.oracle.contract import Contract
from naas_hw.cost.oracle.event_model import run_event_model
from naas_hw.cost.oracle.labels import HazardError
from naas_hw.cost.reference.pieces import Durations, Step, durations_of, steps_of
from naas_hw.cost.reference.recurrence import Timeline, run_recurrence
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import DIMS, Layer

MAX_CYCLES = 20_000
PLAIN = Accelerator(
    axes=(Axis(dim="P", size=1),),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=64,
    bank_bytes=4096,
    beat_bytes=4,
)


def random_nest(rng: np.random.Generator) -> tuple[list[Step], Geometry, Durations]:
    """A nest of any shape with any durations and beats, whether hardware of that kind exists."""
    tiles, l2 = (dict.fromkeys(DIMS, 1) for _ in range(2))
    for _ in range(int(rng.integers(2, 7))):
        level = (tiles, l2)[rng.integers(2)]
        level[DIMS[rng.integers(6)]] = int(rng.integers(2, 4))
    layer = Layer(name="l", height=64, width=64, **{d: tiles[d] * l2[d] for d in DIMS})
    options_rng = rng.spawn(1)[0]
    options = [bool(drawn) for drawn in options_rng.random(2) < 0.5]
    layer = layer.model_copy(update={"residual": options[0], "table": options[1]})
    orders = [tuple(DIMS[i] for i in rng.permutation(6)) for _ in range(2)]
    mapping = Mapping(dram_order=orders[0], l2_order=orders[1], l2=Bounds(**l2))
    geometry = Geometry(accelerator=PLAIN, layer=layer, mapping=mapping)
    most = int(rng.choice([1, 2, 5, 30]))

    def some(limit: int = most) -> int:
        return int(rng.integers(1, limit + 1))

    steps = []
    for step in steps_of(geometry):
        load = step.load
        if load is not None:
            added = ("table", "residual")
            changed = {name: some() for name, _ in load.pieces if name not in added}
            changed |= {
                name: int(options_rng.integers(1, most + 1))
                for name, _ in load.pieces
                if name in added
            }
            load = dataclasses.replace(load, **changed)
        beats = some() if step.store_beats else 0
        steps.append(dataclasses.replace(step, load=load, store_beats=beats))
    durations = Durations(
        fill_weights=some(int(rng.choice([1, 3, 20]))),
        fill_inputs=some(int(rng.choice([1, 3, 20]))),
        compute=some(int(rng.choice([1, 3, 20]))),
        drain=some(int(rng.choice([1, 3, 20]))),
        compute_to_drain=timing.compute_to_drain(int(rng.choice([1, 4, 64]))),
        latency=int(rng.choice([1, 2, 7, 30, 200])),
        period=int(rng.choice([1, 1, 2, 3, 4, 20])),
        descriptor_beats=some(10),
        has_epilogue=any(options) or bool(options_rng.random() < 0.2),
    )
    return steps, geometry, durations


def small_nests(number: int, seed: int) -> list[tuple[list[Step], Geometry, Durations]]:
    """Random nests of few steps."""
    rng = np.random.default_rng(seed)
    found: list[tuple[list[Step], Geometry, Durations]] = []
    while len(found) < number:
        nest = random_nest(rng)
        if len(nest[0]) <= 60:
            found.append(nest)
    return found


def assert_equal(expected: Timeline, found: Timeline) -> None:
    for entry in dataclasses.fields(expected):
        due, is_ = getattr(expected, entry.name), getattr(found, entry.name)
        assert np.array_equal(due, is_), entry.name


def check_nests(number: int, seed: int) -> None:
    for steps, geometry, durations in small_nests(number, seed):
        rng = np.random.default_rng(seed)
        found = run_event_model(steps, geometry.nest_dims, durations, rng)
        assert_equal(run_recurrence(steps, durations), found)


def check_cases(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    checked = 0
    while checked < number:
        case = random_case(rng, max_steps=60)
        steps, durations = list(steps_of(case.geometry)), durations_of(case.geometry)
        timeline = run_recurrence(steps, durations)
        if timeline.end > MAX_CYCLES:
            continue
        found = run_event_model(
            steps,
            case.geometry.nest_dims,
            durations,
            rng,
            is_depthwise=case.geometry.is_depthwise,
        )
        assert_equal(timeline, found)
        checked += 1


def test_random_nests_spill_to_l2_and_to_dram() -> None:
    """The random nests below contain what is hard."""
    nests = small_nests(200, 1)
    assert sum(any(step.revisit for step in steps) for steps, _, _ in nests) > 50
    assert sum(any(step.reload for step in steps) for steps, _, _ in nests) > 20
    assert sum(not any(step.revisit for step in steps) for steps, _, _ in nests) > 50
    added = [any(step.adds_residual for step in steps) for steps, _, _ in nests]
    reloaded = [any(step.reload for step in steps) for steps, _, _ in nests]
    assert sum(added) > 50
    assert sum(both[0] and both[1] for both in zip(added, reloaded, strict=True)) > 10


def test_recurrence_equals_event_model_on_random_nests() -> None:
    """Every piece of every engine ends when the recurrence says, with nothing read too early."""
    check_nests(40, 2)


def test_recurrence_equals_event_model_on_legal_cases() -> None:
    """The same with real durations and beats."""
    check_cases(12, 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_recurrence_equals_event_model_on_thousands_of_random_nests(seed: int) -> None:
    """Every piece of every engine ends when the recurrence says, with nothing read too early."""
    check_nests(400, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 204))
def test_recurrence_equals_event_model_on_hundreds_of_legal_cases(seed: int) -> None:
    """The same with real durations and beats."""
    check_cases(150, seed)


def first_hazard(contract: Contract) -> bool:
    """Whether a label is wrong in one of some nests."""
    for steps, geometry, durations in [quick_revisit(), slow_store(), *small_nests(150, 4)]:
        rng = np.random.default_rng(0)
        try:
            run_event_model(steps, geometry.nest_dims, durations, rng, contract=contract)
        except HazardError:
            return True
    return False


def first_difference(contract: Contract) -> bool:
    """Whether the total of one of some nests is another, with all labels right."""
    for steps, geometry, durations in small_nests(150, 4):
        rng = np.random.default_rng(0)
        try:
            found = run_event_model(steps, geometry.nest_dims, durations, rng, contract=contract)
        except HazardError:
            continue
        if found.end != run_recurrence(steps, durations).end:
            return True
    return False


def slow_store() -> tuple[list[Step], Geometry, Durations]:
    """Four output tiles that leave in 40 beats each, and all else in one cycle."""
    layer = Layer(name="l", K=1, P=4, height=4, width=1)
    geometry = Geometry(accelerator=PLAIN, layer=layer, mapping=Mapping())
    steps = [dataclasses.replace(step, store_beats=40) for step in steps_of(geometry)]
    return steps, geometry, quick_revisit()[2]


def quick_revisit() -> tuple[list[Step], Geometry, Durations]:
    """Outputs that come back two runs later, with one cycle a step and one beat a drain."""
    layer = Layer(name="l", K=1, C=2, P=2, height=2, width=1)
    mapping = Mapping(l2_order=("C", "P", "K", "Q", "R", "S"), l2=Bounds(C=2, P=2))
    geometry = Geometry(accelerator=PLAIN, layer=layer, mapping=mapping)
    durations = Durations(
        fill_weights=1,
        fill_inputs=1,
        compute=1,
        drain=1,
        compute_to_drain=timing.compute_to_drain(1),
        latency=1,
        period=1,
        descriptor_beats=1,
    )
    return list(steps_of(geometry)), geometry, durations


@pytest.mark.parametrize(
    "change",
    [
        {"tiles_ahead": 3},
        {"steps_ahead": 3},
        {"accumulator_runs": 3},
        {"output_runs": 3},
        {"load_waits_for_scales": False},
        {"load_waits_for_residual": False},
        {"residual_runs": 3},
        {"drain_waits_for_residual": False},
        {"drain_waits_for_revisit": False},
        {"drain_waits_for_sums": False},
        {"load_waits_for_response": False},
        {"load_to_fill": timing.LOAD_TO_FILL - 2},
        {"fill_to_compute": timing.FILL_TO_COMPUTE - 1},
        {"drain_to_revisit": timing.DRAIN_TO_REVISIT - 1},
        {"drain_to_store": timing.DRAIN_TO_STORE - 2},
        {"drain_to_residual": timing.DRAIN_TO_RESIDUAL - 2 - timing.READ_REGISTERS},
    ],
    ids=lambda change: "-".join(change),
)
def test_wrong_labels_show_that_a_wait_is_needed(change: dict[str, Any]) -> None:
    """Without this wait something is read before it is there, or overwritten while needed."""
    assert first_hazard(Contract(**change))


def test_no_label_is_wrong_under_the_contract_itself() -> None:
    """The hazards above come from what was changed."""
    assert not first_hazard(Contract())


@pytest.mark.takes_seconds
@pytest.mark.parametrize(
    "name", [entry.name for entry in dataclasses.fields(Contract) if "_to_" in entry.name]
)
def test_a_constant_that_is_one_more_shows_in_the_total(name: str) -> None:
    """Each constant of the recurrence has a say in some total."""
    assert first_difference(Contract(**{name: getattr(Contract(), name) + 1}))


@pytest.mark.parametrize(
    "name",
    ["tiles_ahead", "steps_ahead", "accumulator_runs", "output_runs", "residual_runs"],
)
def test_a_credit_that_is_one_less_shows_in_the_total(name: str) -> None:
    """With a buffer less the hand-over takes longer, in some nest."""
    change: dict[str, Any] = {name: 1}
    assert first_difference(Contract(**change))


def test_event_model_refuses_flags_that_disagree_with_indices() -> None:
    """The walk over the steps is checked by labels, not by its own rules."""
    steps, geometry, durations = next(n for n in small_nests(20, 5) if len(n[0]) > 2)
    steps[1] = dataclasses.replace(steps[1], weights_changed=not steps[1].weights_changed)
    with pytest.raises(HazardError, match="step 1 must have the flags"):
        run_event_model(steps, geometry.nest_dims, durations, np.random.default_rng(0))
