"""Nodes that are bred are possible, and their bounds are below what can be made of them."""

import numpy as np
import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled.batch import evaluate_bounds, problem_of
from naas_hw.cost.compiled.jit import entry
from naas_hw.search.mapping.encoding import MappingEncoding
from naas_hw.search.mapping.goal import goal_of
from naas_hw.search.mapping.inside_out_search import NUM_NODES, breed_nodes
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.mapping.network_search import MappingSettings, layer_generator, search_layers
from naas_hw.search.mapping.pool import CHECKED, new_pool
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Kind, Layer

CONV = Layer(name="conv", K=64, C=48, P=14, Q=14, R=3, S=3, height=14, width=14, padding=(1, 1))
LAYERS = (
    CONV,
    Layer(name="fc", kind=Kind.LINEAR, K=100, C=300, height=1, width=1),
    Layer(
        name="dw", kind=Kind.DEPTHWISE, K=40, P=14, Q=14, R=3, S=3, height=28, width=28,
        stride=(2, 2), padding=(1, 1),
    ),
)  # fmt: skip
ARRAYS = ("nvdla-256", "shidiannao", "eyeriss")


@entry
def bred(p, goal, pool, budget, rng):
    return breed_nodes(p, goal, pool, budget, rng)


@pytest.mark.takes_seconds
@pytest.mark.parametrize("preset", ARRAYS)
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_no_mapping_of_a_bred_node_scores_below_its_bound(preset, layer):
    accelerator = PRESETS[preset].accelerator
    goal = goal_of(accelerator, Objective.EDP, SIZED)
    pool = new_pool(8)
    problem, rng = problem_of(accelerator, layer), np.random.default_rng(0)
    nodes, num = bred(problem, goal, pool, 600, rng)
    assert 1 <= num <= NUM_NODES
    assert pool.counters[CHECKED] >= 600 or num < NUM_NODES
    assert np.all(np.diff(nodes.bound[:num]) > 0)
    grid = MappingEncoding(accelerator=accelerator, layer=layer)
    num_legal = 0
    for k in range(num):
        batch = grid.decode(rng.random((64, grid.num_genes)))
        batch.pe[:], batch.spatial[:] = nodes.pe[k], nodes.spatial[k]
        batch.l2[: len(batch) // 2] = 1
        report = evaluate_bounds(accelerator, layer, batch, SIZED)
        scores = report.cycles_bound * report.energy_pj
        assert np.all(scores[report.legal] >= nodes.bound[k])
        num_legal += report.legal.sum()
    assert num_legal


def test_branch_and_bound_that_follows_is_not_worse_and_says_how_good_the_best_is():
    accelerator = PRESETS["shidiannao"].accelerator
    settings = MappingSettings(
        objective=Objective.EDP, table=SIZED, evaluations=200, proof_evaluations=20_000
    )
    (found,) = search_layers(accelerator, [CONV], settings)
    alone = map_layer(
        accelerator,
        CONV,
        objective=Objective.EDP,
        table=SIZED,
        budget_evaluations=200,
        min_legal=settings.min_legal,
        rng=layer_generator(0, accelerator, CONV),
    )
    assert found is not None and alone is not None
    assert alone.proven_gap(Objective.EDP) is None
    score = found.best.cycles * found.best.energy_pj
    assert score <= alone.best.cycles * alone.best.energy_pj
    assert 0 < found.least <= score
    assert found.proven_gap(Objective.EDP) == pytest.approx(score / found.least - 1)
    assert found.num_evaluations > alone.num_evaluations
    assert found.best in found.choices
