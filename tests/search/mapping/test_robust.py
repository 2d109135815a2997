"""Mappings for several memories: the least mean of what was found, and every figure exact."""

from dataclasses import replace

import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import evaluate, evaluate_network
from naas_hw.search.mapping.layer_search import MappingResult
from naas_hw.search.mapping.network_search import MappingSettings, map_network, search_layers
from naas_hw.search.mapping.robust import DramTiming, map_robustly, robust_front, with_memory
from naas_hw.search.objective import Objective
from naas_hw.search.processes import worker_processes
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

ACCELERATOR = PRESETS["nvdla-256"].accelerator
LAYER = Layer(name="point", K=144, C=24, P=28, Q=28, height=28, width=28)
NETWORK = Network(
    name="net",
    layers=(
        LAYER,
        Layer(name="conv", K=32, C=32, P=14, Q=14, R=3, S=3, height=14, width=14, padding=(1, 1)),
        LAYER.renamed("again"),
    ),
)
MEMORIES = (DramTiming(400, 1), DramTiming(20, 6))
VARIANTS = [ACCELERATOR, *(with_memory(ACCELERATOR, memory) for memory in MEMORIES)]
SETTINGS = MappingSettings(
    objective=Objective.LATENCY, table=SIZED, evaluations=400, proof_evaluations=2000, ties=0
)


def found_by(variant) -> MappingResult:
    (result,) = search_layers(variant, [LAYER], SETTINGS)
    assert result is not None
    return result


def mean_cycles(mappings) -> float:
    reports = [evaluate_network(v, NETWORK, mappings, SIZED) for v in VARIANTS]
    return sum(report.cycles for report in reports) / len(reports)


def test_a_memory_changes_latency_and_period_alone():
    other = with_memory(ACCELERATOR, DramTiming(7, 3))
    assert (other.dram_latency_cycles, other.dram_beat_period_cycles) == (7, 3)
    own = DramTiming(ACCELERATOR.dram_latency_cycles, ACCELERATOR.dram_beat_period_cycles)
    assert with_memory(other, own) == ACCELERATOR
    with pytest.raises(InputError, match="memory: dram_beat_period_cycles must be"):
        with_memory(ACCELERATOR, DramTiming(7, 0))


def test_cycles_are_summed_over_the_memories_and_exact():
    found = [found_by(variant) for variant in VARIANTS]
    front = robust_front(VARIANTS, LAYER, found, SIZED)
    for choice in front:
        reports = [evaluate(variant, LAYER, choice.mapping, SIZED) for variant in VARIANTS]
        assert choice.cycles == sum(report.cycles for report in reports)
        for report in reports:
            assert report.energy_pj == pytest.approx(choice.energy_pj, rel=1e-12)
    for result in found:  # none of those that are the best with one memory has fewer
        reports = [evaluate(variant, LAYER, result.best.mapping, SIZED) for variant in VARIANTS]
        assert front[0].cycles <= sum(report.cycles for report in reports)


@pytest.mark.parametrize("objective", [Objective.LATENCY, Objective.EDP])
def test_the_mean_is_not_above_that_of_the_best_mappings_with_any_memory(objective: Objective):
    settings = replace(SETTINGS, objective=objective)
    robust = map_robustly(ACCELERATOR, NETWORK, settings, MEMORIES)
    assert robust.report == evaluate_network(ACCELERATOR, NETWORK, robust.mappings, SIZED)
    assert list(robust.mappings) == [layer.name for layer in NETWORK.layers]
    score = objective.score(mean_cycles(robust.mappings), robust.report.energy_pj)
    for variant in VARIANTS:
        plain = map_network(variant, NETWORK, settings)
        assert score <= objective.score(mean_cycles(plain.mappings), plain.report.energy_pj)


def test_its_own_memory_alone_changes_nothing():
    own = DramTiming(ACCELERATOR.dram_latency_cycles, ACCELERATOR.dram_beat_period_cycles)
    robust = map_robustly(ACCELERATOR, NETWORK, SETTINGS, [own])
    assert robust == map_network(ACCELERATOR, NETWORK, SETTINGS)


@pytest.mark.takes_seconds
def test_the_result_does_not_depend_on_the_processes():
    alone = map_robustly(ACCELERATOR, NETWORK, SETTINGS, MEMORIES)
    with worker_processes(2) as executor:
        assert map_robustly(ACCELERATOR, NETWORK, SETTINGS, MEMORIES, executor=executor) == alone
