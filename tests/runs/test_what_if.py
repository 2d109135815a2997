"""A what-if is the exact model on an accelerator that differs in one thing, mapping kept."""

import pytest
from plain_mappings import one_tile

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.cost.evaluate import evaluate
from naas_hw.mapping.legality import model_violations
from naas_hw.runs.kept_mappings import changed, evaluate_kept
from naas_hw.runs.what_if import alternatives, what_ifs
from naas_hw.workload.layer import Layer

LAYER = Layer(name="one", K=16, C=8, P=4, Q=4, height=4, width=4)
ARRAY = Accelerator(
    axes=(Axis(dim="K", size=4), Axis(dim="P", size=2)), weight_buffer_bytes=64,
    input_buffer_bytes=64, accumulator_words=64, bank_bytes=260, beat_bytes=4, drain_lanes=2,
    dram_beat_period_cycles=4, input_lanes=2,
)  # fmt: skip


def differing(one: Accelerator) -> set[str]:
    """Fields in which it is not `ARRAY`."""
    return {name for name in Accelerator.model_fields if getattr(one, name) != getattr(ARRAY, name)}


def named(array: Accelerator):
    return {one.name: one for one in alternatives(array)}


def test_each_alternative_differs_in_what_its_name_says():
    fields = {name: differing(one.accelerator) for name, one in named(ARRAY).items()}
    assert fields == {
        "twice the memory bandwidth": {"dram_beat_period_cycles"},
        "no DRAM latency": {"dram_latency_cycles"},
        "twice the drain lanes": {"drain_lanes"},
        "twice the input lanes": {"input_lanes"},
        "twice the K axis": {"axes"},
        "twice the P axis": {"axes"},
        "twice the K axis and beats": {"axes", "beat_bytes", "bank_bytes"},
    }


def test_a_beat_a_cycle_becomes_a_wider_beat_with_whole_banks():
    array = changed(ARRAY, dram_beat_period_cycles=1, drain_lanes=1)
    assert array is not None
    wider = named(array)["twice as wide beats"]
    assert wider.accelerator.beat_bytes == 8 and wider.accelerator.bank_bytes == 264
    assert wider.accelerator.drain_lanes == 2 and "2 drain lanes instead of 1" in wider.detail


def test_two_changes_are_one_alternative_where_lanes_need_both():
    """Weights get gcd(beat, K) lanes: neither a wider beat nor a wider axis alone gives more."""
    both = named(ARRAY)["twice the K axis and beats"].accelerator
    alone = named(ARRAY)["twice the K axis"].accelerator
    beats = changed(ARRAY, beat_bytes=8, bank_bytes=264)
    assert beats is not None
    assert ARRAY.weight_network_lanes == alone.weight_network_lanes == beats.weight_network_lanes
    assert both.weight_network_lanes == 2 * ARRAY.weight_network_lanes


def test_what_no_accelerator_can_have_is_no_alternative():
    array = changed(
        ARRAY, beat_bytes=32, bank_bytes=256, drain_lanes=32, accumulator_words=64,
        dram_beat_period_cycles=1, dram_latency_cycles=1, axes=[{"dim": "K", "size": 1024}],
    )  # fmt: skip
    assert array is not None
    assert {one.accelerator.axes for one in alternatives(array)} <= {array.axes}
    assert not {"twice as wide beats", "no DRAM latency", "twice the drain lanes"} & set(
        named(array)
    )


def test_costs_are_those_of_the_exact_model():
    mapping = one_tile(LAYER)
    for found in what_ifs(ARRAY, [(LAYER, mapping)], SIZED):
        other, (cost,) = found.alternative, found.costs
        if other.wider is None:
            assert cost == evaluate(other.accelerator, LAYER.anonymous, mapping, SIZED)
            continue
        assert cost is not None
        assert cost.stalls.total == cost.cycles


def test_a_wider_axis_is_used_where_the_layer_has_so_many_indices():
    layers = [(LAYER, one_tile(LAYER)), (narrow, one_tile(narrow))]
    found = {one.alternative.name: one for one in what_ifs(ARRAY, layers, SIZED)}
    wide = found["twice the K axis"]
    now = [evaluate(ARRAY, layer, mapping, SIZED) for layer, mapping in layers]
    assert wide.costs[0] is not None and wide.costs[0].stalls.compute < now[0].stalls.compute
    assert wide.saved_cycles(0, now[0]) == now[0].cycles - wide.costs[0].cycles
    assert wide.costs[1] is not None and wide.costs[1].stalls.compute == now[1].stalls.compute


narrow = LAYER.model_copy(update={"name": "narrow", "K": 4})


def test_a_mapping_that_becomes_illegal_has_no_cost():
    small = changed(ARRAY, bank_bytes=64, num_banks=3)
    assert small is not None
    mapping = one_tile(LAYER)
    assert model_violations(small, LAYER, mapping)
    kept = evaluate_kept(small, [(LAYER, mapping), (LAYER.renamed("two"), mapping)], SIZED)
    assert kept.costs == (None, None) and kept.num_illegal == 2
    assert kept.num_cycles is None and kept.energy_pj is None


@pytest.mark.parametrize("wrong", [{"beat_bytes": 5}, {"drain_lanes": 64}, {"bank_bytes": 1}])
def test_there_are_no_accelerators_with_wrong_values(wrong):
    assert changed(ARRAY, **wrong) is None
