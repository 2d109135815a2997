"""A network for an accelerator: above the floor, as good as trying all, every figure exact."""

from itertools import product

import numpy as np
import pytest

from naas_hw.accuracy.oracle import Accuracies, Evidence, Worth
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.errors import InputError
from naas_hw.search.architecture_search import ArchitectureSettings, search_architecture
from naas_hw.search.layer_costs import LayerCosts
from naas_hw.search.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective
from naas_hw.spaces.genes import Gene, Genome
from naas_hw.spaces.shapes import convolution, linear
from naas_hw.spaces.space import SlotSpace
from naas_hw.spaces.table import Slot

SPACE = SlotSpace(
    name="tiny",
    genome=Genome(
        genes=(
            Gene(name="rows", choices=(4, 6, 8)),
            Gene(name="width", choices=(4, 8, 12, 16)),
        )
    ),
    slots=(
        Slot(
            name="first",
            operators=("conv2d",),
            genes=("rows", "width"),
            layer=lambda rows, width: convolution(
                width=int(width), channels=3, rows=int(rows), kernel=3
            ),
        ),
        Slot(
            name="last",
            operators=("linear",),
            genes=("width",),
            layer=lambda width: linear(width=10, channels=int(width)),
        ),
    ),
)
ALL = np.array(list(product(range(3), range(4))), dtype=np.uint8)
MAPPING = MappingSettings(
    objective=Objective.EDP, table=SIZED, evaluations=60, max_exact=4, min_legal=8
)


class Formula:
    """80 % for the smallest, 4 points a step of width, 1 point a step of rows."""

    worth = Worth(evidence=Evidence.MEASURED, basis="a formula")

    def covers(self, encodings):
        return np.ones(len(encodings), dtype=np.bool_)

    def accuracies(self, encodings):
        values = 80.0 + encodings @ np.array([1, 4])
        return Accuracies(top1_percent=values, worth=self.worth)


@pytest.fixture(scope="module")
def accelerator():
    return PRESETS["nvdla-256"].accelerator


def test_it_finds_what_trying_all_finds(accelerator):
    """Twelve networks, and a floor of 86 %: the best of those that meet it."""
    settings = ArchitectureSettings(min_top1_percent=86, population=8, generations=4)
    found = search_architecture(accelerator, SPACE, Formula(), settings, MAPPING)
    met = ALL[Formula().accuracies(ALL).at_least(86)]
    scores = LayerCosts(SPACE.layers, accelerator, MAPPING).scores(SPACE.to_layers(met))
    assert 0 < len(met) < len(ALL)
    assert (found.encoding == met[scores.argmin()]).all()
    assert found.best_scores[-1] == scores.min()
    assert found.top1_percent == Formula().accuracies(found.encoding[None]).top1_percent[0] >= 86
    assert found.worth is Formula.worth
    assert found.num_layers <= len(SPACE.layers)


def test_its_figures_are_those_of_the_network_mapped_alone(accelerator):
    """Layers searched for a population, and for one network: the same mappings."""
    settings = ArchitectureSettings(min_top1_percent=0, population=4, generations=1)
    found = search_architecture(accelerator, SPACE, Formula(), settings, MAPPING)
    alone = map_network(accelerator, SPACE.network(found.encoding), MAPPING)
    assert found.result.report == alone.report
    assert found.result.mappings == alone.mappings


def test_a_floor_out_of_reach(accelerator):
    """One sentence with what the accuracies are worth."""
    settings = ArchitectureSettings(min_top1_percent=99, population=2, generations=1)
    with pytest.raises(InputError) as caught:
        search_architecture(accelerator, SPACE, Formula(), settings, MAPPING)
    assert str(caught.value) == (
        "the accuracy floor must be within reach, not 99.0 %: none of 400 networks of tiny met it, "
        "measured (a formula)"
    )
