"""A network for an accelerator: above the floor, as good as trying all, every figure exact."""

from itertools import product

import numpy as np
import pytest
from tiny_space import FORMULA, SPACE

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.imagenet_estimate import ImageNetEstimate
from naas_hw.nas.joint.architecture_search import (
    Aim,
    ArchitectureSettings,
    Breeder,
    search_architecture,
)
from naas_hw.nas.joint.layer_costs import LayerCosts
from naas_hw.nas.spaces.builtin import load_builtin_space
from naas_hw.nas.spaces.space import SlotSpace
from naas_hw.search.mapping.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective
from naas_hw.search.pareto import hypervolume

ALL = np.array(list(product(range(3), range(4))), dtype=np.uint8)
MAPPING = MappingSettings(
    objective=Objective.EDP, table=SIZED, evaluations=60, max_exact=4, min_legal=8
)


@pytest.fixture(scope="module")
def accelerator():
    return PRESETS["nvdla-256"].accelerator


def test_it_finds_what_trying_all_finds(accelerator):
    """Twelve networks, and a floor of 86 %: the best of those that meet it."""
    settings = ArchitectureSettings(min_top1_percent=86, population=8, generations=4)
    found = search_architecture(accelerator, SPACE, FORMULA, settings, MAPPING)
    assert found is not None
    met = ALL[FORMULA.accuracies(ALL).at_least(86)]
    scores = LayerCosts(SPACE.layers, accelerator, MAPPING).scores(SPACE.to_layers(met))
    assert 0 < len(met) < len(ALL)
    assert (found.encoding == met[scores.argmin()]).all()
    assert found.best_scores[-1] == scores.min()
    assert found.top1_percent == FORMULA.accuracies(found.encoding[None]).top1_percent[0] >= 86
    assert found.accuracy_source is FORMULA.source
    assert found.num_layers <= len(SPACE.layers)


def test_its_figures_are_those_of_the_network_mapped_alone(accelerator):
    """Layers searched for a population, and for one network: the same mappings."""
    settings = ArchitectureSettings(min_top1_percent=0, population=4, generations=1)
    found = search_architecture(accelerator, SPACE, FORMULA, settings, MAPPING)
    assert found is not None
    alone = map_network(accelerator, SPACE.network(found.encoding), MAPPING)
    assert found.result.report == alone.report
    assert found.result.mappings == alone.mappings


def bred(aim, seed):
    """Accuracies and products of all networks that a breeder judged, fewer products being better.

    Some of the smallest have no legal mapping.
    """
    space = load_builtin_space("ofa-resnet50")
    assert isinstance(space, SlotSpace)
    oracle = ImageNetEstimate(space=space)
    settings = ArchitectureSettings(min_top1_percent=76, aim=aim, population=16, generations=12)
    breeder = Breeder(space, oracle, settings, np.random.default_rng(seed))
    judged: list[tuple[float, float]] = []
    for _ in range(settings.generations):
        encodings = breeder.ask()
        macs = space.to_layers(encodings).total(space.num_macs)
        breeder.tell(encodings, np.where(macs < 0.95e9, np.inf, macs))
        judged += zip(oracle.accuracies(encodings).top1_percent, macs, strict=True)
    return judged, breeder


@pytest.mark.parametrize("seed", [0, 1])
def test_the_whole_front_has_children_where_it_is_the_aim(seed):
    """The front dominates more than one that comes beside, and the best score is kept."""
    (scored, by_score), (along, by_front) = (bred(aim, seed) for aim in (Aim.SCORE, Aim.FRONT))

    def dominated(judged):
        points = [(macs / 5e9, -top1, 0.0) for top1, macs in judged if macs >= 0.95e9]
        return hypervolume(points, (1.0, -76.0, 1.0))

    assert dominated(along) > dominated(scored)
    assert by_front.best_score <= 1.1 * by_score.best_score
    for breeder, judged in ((by_score, scored), (by_front, along)):
        assert breeder.best_score == min(macs for _, macs in judged if macs >= 0.95e9)


def test_a_floor_out_of_reach(accelerator):
    """One sentence with the source of the accuracies."""
    settings = ArchitectureSettings(min_top1_percent=99, population=2, generations=1)
    with pytest.raises(InputError) as caught:
        search_architecture(accelerator, SPACE, FORMULA, settings, MAPPING)
    best = FORMULA.accuracies(ALL).top1_percent.max()
    assert str(caught.value) == (
        f"no network of tiny reaches an accuracy of 99 % (400 tried, the best has {best:.1f} %; "
        "accuracies are measured (a formula))"
    )
