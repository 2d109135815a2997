"""The pair is used for what each array is better at, and shares what the single one has."""

import pytest

from naas_hw.arch.budget import on_chip_bytes
from naas_hw.arch.technology import SIZED
from naas_hw.experiments.nasaic import (
    PAIR,
    PAIR_BUDGET,
    RESNET9,
    map_pair,
    measure_nasaic,
    nasaic_markdown,
)
from naas_hw.mapping.legality import violations
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective
from naas_hw.workload.network import Network

SETTINGS = MappingSettings(
    objective=Objective.EDP, table=SIZED, evaluations=300, proof_evaluations=0, min_legal=10
)
SMALL = Network(name="small", layers=(RESNET9.layers[1], RESNET9.layers[6], RESNET9.layers[8]))


def test_the_two_arrays_have_together_what_the_budget_allows_one():
    assert sum(a.num_pes for a in PAIR) == PAIR_BUDGET.max_pes
    assert sum(map(on_chip_bytes, PAIR)) == PAIR_BUDGET.on_chip_bytes
    assert {a.beat_bytes for a in PAIR} == {PAIR_BUDGET.beat_bytes}
    assert RESNET9.num_macs == sum(layer.num_macs for layer in RESNET9.layers)


def test_the_pair_is_no_worse_than_either_array_alone():
    both = map_pair(PAIR, SMALL, SETTINGS)
    for accelerator in PAIR:
        one = map_pair([accelerator], SMALL, SETTINGS)
        assert both.cycles * both.energy_pj <= one.cycles * one.energy_pj
        assert set(one.chosen.values()) == {accelerator}
    assert set(both.chosen) == {layer.name for layer in SMALL.layers}
    assert set(both.chosen.values()) <= set(PAIR)


def test_one_array_as_a_pair_is_that_array_but_for_the_start_of_each_layer():
    one = map_pair(PAIR[:1], SMALL, SETTINGS)
    alone = map_network(PAIR[0], SMALL, SETTINGS)
    assert one.energy_pj == pytest.approx(alone.report.energy_pj)
    assert one.cycles == pytest.approx(alone.report.cycles, rel=0.01)
    for layer in SMALL.layers:
        assert violations(PAIR[0], layer, alone.mappings[layer.name]) == []


def test_ratios_are_those_of_the_figures_beside_them():
    settings = SearchSettings(
        population=2, generations=1, mapping_evaluations=60, min_legal=5, final_effort=1,
        proof_evaluations=0,
    )  # fmt: skip
    (duel,) = measure_nasaic(settings, [3], network=SMALL)
    assert PAIR_BUDGET.violations(duel.result.accelerator) == []
    report = duel.result.networks[0].report
    assert duel.edp_ratio == pytest.approx(duel.pair.cycles * duel.pair.energy_pj / report.edp)
    text = nasaic_markdown(settings, [duel])
    assert f"{duel.latency_ratio:.2f} | {duel.energy_ratio:.2f} | {duel.edp_ratio:.2f} |" in text
    assert f"EDP {duel.latency_ratio * duel.energy_ratio:.2f} (1.88)" in text
