"""*Folded* is the best of all arrays: nothing that the bound left out is better."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from naas_hw.arch.accelerator import Axis
from naas_hw.arch.folding import folded_arrays
from naas_hw.arch.presets import EYERISS, NVDLA_256
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import chained_cycles, evaluate
from naas_hw.search import MappingSettings, Objective, map_network
from naas_hw.search.accelerator import folded as folded_module
from naas_hw.search.accelerator.folded import map_folded
from naas_hw.search.mapping.network_search import search_layers
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

PRESET = EYERISS.model_copy(
    update={
        "accelerator": EYERISS.accelerator.model_copy(
            update={"axes": (Axis(dim="R", size=4), Axis(dim="P", size=3))}
        )
    }
)
POINT = Layer(name="point", K=12, C=24, P=7, Q=7, height=7, width=7)
NETWORK = Network(
    name="three",
    layers=(
        Layer(name="conv", K=8, C=6, P=7, Q=7, R=3, S=3, height=7, width=7, padding=(1, 1)),
        POINT,
        POINT.renamed("again"),
    ),
)


def settings(objective=Objective.EDP, evaluations=40):
    return MappingSettings(
        objective=objective, table=SIZED, evaluations=evaluations, proof_evaluations=0, seed=5
    )


@pytest.fixture(scope="module")
def folded():
    return map_folded(PRESET, NETWORK, settings())


@pytest.mark.parametrize("objective", [Objective.EDP, Objective.LATENCY])
def test_no_array_that_the_bound_leaves_out_is_better(monkeypatch, objective):
    """Each layer beside all arrays, one after the other, with as many evaluations."""
    monkeypatch.setattr(folded_module, "STAGES", ((40, 10**6), (40, 10**6)))
    asked = settings(objective)
    arrays = folded_arrays(PRESET)
    network = Network(name="one", layers=(POINT,))
    found = map_folded(PRESET, network, asked)
    results = [search_layers(array, [POINT], asked)[0] for array in arrays]
    bests = [result.best for result in results if result is not None]
    least = min(objective.score(float(best.cycles), best.energy_pj) for best in bests)
    assert found.score(objective) == pytest.approx(least)
    assert found.num_arrays == len(arrays)
    assert 0 < found.num_mapped < len(arrays)  # the bound leaves some out


def test_each_figure_is_that_of_the_layer_on_its_array(folded):
    family = folded_arrays(PRESET)
    for layer, report in zip(NETWORK.layers, folded.report.layers, strict=True):
        array, mapping = folded.arrays[layer.name], folded.mappings[layer.name]
        assert array in family
        assert report == evaluate(array, layer, mapping, SIZED)
    assert folded.report.cycles == chained_cycles(list(folded.report.layers))
    assert folded.arrays["again"] == folded.arrays["point"]


def test_it_is_never_worse_than_the_preset_in_a_layer():
    """The preset's own array reaches the last stage."""
    asked = settings(Objective.LATENCY)
    folded = map_folded(PRESET, NETWORK, asked)
    preset = map_network(PRESET.accelerator, NETWORK, asked)
    for best, own in zip(folded.report.layers, preset.report.layers, strict=True):
        assert best.cycles <= own.cycles
    assert folded.report.cycles < preset.report.cycles  # R = 1 idles three rows of four


def test_it_does_not_depend_on_where_layers_are_searched(folded):
    with ThreadPoolExecutor(2) as executor:
        assert map_folded(PRESET, NETWORK, settings(), executor=executor) == folded


def test_a_chip_that_does_not_fold_is_refused():
    with pytest.raises(
        InputError, match="preset must be one whose chip folds layers onto its array, not nvdla-256"
    ):
        map_folded(NVDLA_256, NETWORK, settings())


def test_a_layer_without_room_is_named():
    small = PRESET.accelerator.model_copy(update={"bank_bytes": 8})
    preset = PRESET.model_copy(update={"accelerator": small})
    with pytest.raises(InputError, match="have no legal mapping of conv"):
        map_folded(preset, NETWORK, settings())
