"""A network for an accelerator: above the floor, as good as trying all, every figure exact."""

import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.errors import InputError
from naas_hw.search.architecture_search import ArchitectureSettings, search_architecture
from naas_hw.search.layer_costs import LayerCosts
from naas_hw.search.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective

sys.path.insert(0, str(Path(__file__).parents[1] / "joint"))
from tiny_space import FORMULA, SPACE  # noqa: E402

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
    met = ALL[FORMULA.accuracies(ALL).at_least(86)]
    scores = LayerCosts(SPACE.layers, accelerator, MAPPING).scores(SPACE.to_layers(met))
    assert 0 < len(met) < len(ALL)
    assert (found.encoding == met[scores.argmin()]).all()
    assert found.best_scores[-1] == scores.min()
    assert found.top1_percent == FORMULA.accuracies(found.encoding[None]).top1_percent[0] >= 86
    assert found.worth is FORMULA.worth
    assert found.num_layers <= len(SPACE.layers)


def test_its_figures_are_those_of_the_network_mapped_alone(accelerator):
    """Layers searched for a population, and for one network: the same mappings."""
    settings = ArchitectureSettings(min_top1_percent=0, population=4, generations=1)
    found = search_architecture(accelerator, SPACE, FORMULA, settings, MAPPING)
    alone = map_network(accelerator, SPACE.network(found.encoding), MAPPING)
    assert found.result.report == alone.report
    assert found.result.mappings == alone.mappings


def test_a_floor_out_of_reach(accelerator):
    """One sentence with what the accuracies are worth."""
    settings = ArchitectureSettings(min_top1_percent=99, population=2, generations=1)
    with pytest.raises(InputError) as caught:
        search_architecture(accelerator, SPACE, FORMULA, settings, MAPPING)
    assert str(caught.value) == (
        "the accuracy floor must be within reach, not 99.0 %: none of 400 networks of tiny met it, "
        "measured (a formula)"
    )
