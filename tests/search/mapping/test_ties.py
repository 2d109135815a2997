"""Under `latency`, of mappings that are nearly as fast, the one with the least traffic is taken."""

from dataclasses import replace

import numpy as np
import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.cost import MappingBatch, accesses_of, evaluate_exact
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.layer_search import Choice, MappingResult
from naas_hw.search.mapping.network_search import MappingSettings, search_layers
from naas_hw.search.mapping.ties import least_traffic
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer

ACCELERATOR = PRESETS["nvdla-256"].accelerator
LAYER = Layer(name="pointwise", K=144, C=24, P=56, Q=56, height=56, width=56)
SETTINGS = MappingSettings(
    objective=Objective.LATENCY, table=SIZED, evaluations=3000, proof_evaluations=3000
)


def beats_of(mapping: Mapping) -> int:
    geometry = Geometry(accelerator=ACCELERATOR, layer=LAYER, mapping=mapping)
    return accesses_of(geometry).dram


@pytest.fixture(scope="module")
def found() -> MappingResult:
    return search(SETTINGS)


def search(settings: MappingSettings) -> MappingResult:
    (result,) = search_layers(ACCELERATOR, [LAYER], settings)
    assert result is not None
    return result


def test_traffic_shrinks_within_the_ties(found: MappingResult) -> None:
    assert found.frugal is found.chosen
    assert beats_of(found.frugal.mapping) < beats_of(found.best.mapping)
    assert found.best.cycles <= found.frugal.cycles <= 1.01 * found.best.cycles


def test_figures_are_exact(found: MappingResult) -> None:
    assert found.frugal is not None
    batch = MappingBatch.from_mappings([found.frugal.mapping])
    exact = evaluate_exact(ACCELERATOR, LAYER, batch, [0], SIZED)
    assert exact.cycles[0] == found.frugal.cycles
    assert exact.energy_pj[0] == found.frugal.energy_pj


def test_bounds_and_gap_refer_to_the_least_cycles(found: MappingResult) -> None:
    gap = found.proven_gap(Objective.LATENCY)
    assert gap == Objective.LATENCY.gap(found.best.cycles, 0.0, found.least)


def test_without_ties_the_fastest_is_taken(found: MappingResult) -> None:
    result = search(replace(SETTINGS, ties=0.0))
    assert result.frugal is None
    assert result.chosen.cycles <= found.best.cycles * 1.001


def test_other_objectives_have_no_ties() -> None:
    result = search(replace(SETTINGS, objective=Objective.EDP))
    assert result.chosen is result.best


def test_the_same_seed_finds_the_same(found: MappingResult) -> None:
    def choice_of(seed: int) -> Choice:
        rng = np.random.default_rng(seed)
        return least_traffic(
            ACCELERATOR, LAYER, found.best, ties=0.01, table=SIZED, budget_evaluations=500, rng=rng
        )

    assert choice_of(3) == choice_of(3)
