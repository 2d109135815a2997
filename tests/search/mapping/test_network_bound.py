"""No mapping beats the bound, and the bound is reached where nothing is wasted."""

import numpy as np
import pytest
from small_cases import random_case

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import MAESTRO, SIZED, EnergyTable
from naas_hw.cost.energy import energy_by_tensor
from naas_hw.cost.evaluate import evaluate, evaluate_network
from naas_hw.search.mapping.network_bound import NetworkBound, layer_bound, lower_bound
from naas_hw.search.mapping.network_search import MappingSettings, map_network, search_layers
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network
from naas_hw.workload.sizes import with_stated_padding

SEED = 20


@pytest.mark.parametrize(("table", "energy_share"), [(SIZED, 0.52), (MAESTRO, 0.37)])
def test_no_random_mapping_beats_the_bound(table: EnergyTable, energy_share: float):
    """100 legal triples each; and the bound is as tight as it was: its shares in the mean.

    What the bound does not tell apart is left out of both sides: the energy of descriptors, which
    is the same in it, and the cycles of an epilogue, which it does not count.
    """
    rng = np.random.default_rng(SEED)
    shares = []
    for _ in range(100):
        case = random_case(rng)
        report = evaluate(case.accelerator, case.layer, case.mapping, table)
        layers = (with_stated_padding(case.layer),)
        bound = NetworkBound(Network(name="one", layers=layers), table)
        cycles = bound.cycles_Y(case.accelerator)[0]
        energy_pj = bound.energy_pj_Y(case.accelerator)[0]
        assert cycles <= report.cycles, case
        assert energy_pj <= report.energy_pj * (1 + 1e-12), case
        by_tensor = energy_by_tensor(case.accelerator, report.accesses, table)
        same = by_tensor["dram"]["descriptor"]
        exact = report.cycles - timing.EPILOGUE_LATENCY * case.accelerator.has_epilogue
        shares.append((cycles / exact, (energy_pj - same) / (report.energy_pj - same)))
    assert (np.mean(shares, axis=0) > (0.2344, energy_share)).all()


def test_no_searched_network_beats_the_bound():
    network = Network(
        name="net",
        layers=(
            Layer(name="a", K=32, C=16, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)),
            Layer(name="b", kind=Kind.DEPTHWISE, K=32, P=4, Q=4, R=3, S=3, height=8, width=8,
                  padding=(1, 1), stride=(2, 2)),
            Layer(name="c", K=24, C=32, height=1, width=1),
        ),
    )  # fmt: skip
    accelerator = PRESETS["shidiannao"].accelerator
    settings = MappingSettings(
        objective=Objective.EDP, table=SIZED, evaluations=64, proof_evaluations=0
    )
    found = map_network(accelerator, network, settings)
    report = evaluate_network(accelerator, network, found.mappings, SIZED)
    bound = NetworkBound(network, SIZED)
    for objective in Objective:
        score = objective.score(float(report.cycles), report.energy_pj)
        assert bound.score(accelerator, objective) <= score
        assert lower_bound([bound, bound], accelerator, objective) == pytest.approx(
            bound.score(accelerator, objective)
        )


def test_the_bound_counts_what_each_engine_has_to_do_once():
    """A layer by hand: 3x3, 24 kernels, 16 channels, 6x6 outputs of an 8x8 image."""
    accelerator = Accelerator(
        axes=(Axis(dim="C", size=8), Axis(dim="K", size=4)),
        weight_buffer_bytes=256,
        input_buffer_bytes=256,
        accumulator_words=64,
        bank_bytes=4096,
        beat_bytes=8,
    )
    layer = Layer(name="a", K=24, C=16, P=6, Q=6, R=3, S=3, height=8, width=8)
    bound = NetworkBound(Network(name="net", layers=(layer,)), SIZED)
    compute = (24 // 4) * (16 // 8) * 36 * 9
    assert bound.cycles_Y(accelerator).tolist() == [compute]
    slow = accelerator.model_copy(update={"dram_beat_period_cycles": 64})
    loads = 24 * 16 * 9 // 8 + 64 * 2
    assert bound.cycles_Y(slow).tolist() == [64 * loads]


def test_input_that_no_output_needs_is_not_counted():
    """Stride 3 under a 1x1 kernel: outputs at 0, 3, 6, 9 of ten rows, and of ten columns."""
    layer = Layer(name="a", K=8, C=8, P=4, Q=4, stride=(3, 3), height=10, width=10)
    assert NetworkBound(Network(name="net", layers=(layer,)), SIZED).pixels_Y.tolist() == [16]


def test_a_space_too_large_to_list_has_this_bound(monkeypatch: pytest.MonkeyPatch):
    """Branch and bound does not run on it; what is proven is what no mapping can beat."""
    layer = Layer(name="a", K=8, C=8, P=4, Q=4, height=4, width=4)
    accelerator = PRESETS["nvdla-256"].accelerator
    settings = MappingSettings(objective=Objective.EDP, table=SIZED, evaluations=50)
    monkeypatch.setattr("naas_hw.search.mapping.network_search.MAX_SPACE", 0)
    (found,) = search_layers(accelerator, [layer], settings)
    assert found is not None
    assert found.least == layer_bound(accelerator, layer, Objective.EDP, SIZED)
    assert 0 < found.least <= found.best.cycles * found.best.energy_pj
