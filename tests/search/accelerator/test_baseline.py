"""A fixed mapping keeps still what its dataflow says, uses the whole array, is always the same."""

import pytest

from naas_hw.arch.presets import PRESETS, Dataflow
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.search import MappingSettings, Objective, evaluate_baseline, fixed_mapping
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

CONV = Layer(name="conv", K=64, C=48, P=28, Q=28, R=3, S=3, height=28, width=28, padding=(1, 1))
DEPTHWISE = Layer(
    name="dw", kind=Kind.DEPTHWISE, K=96, P=28, Q=28, R=3, S=3, height=56, width=56,
    stride=(2, 2), padding=(1, 1),
)  # fmt: skip
FC = Layer(name="fc", kind=Kind.LINEAR, K=1000, C=1280, height=1, width=1)
NETWORK = Network(name="net", layers=(CONV, DEPTHWISE, FC))


@pytest.mark.parametrize("layer", NETWORK.layers, ids=lambda layer: layer.name)
@pytest.mark.parametrize("name", PRESETS)
def test_a_fixed_mapping_is_legal_uses_all_positions_and_is_always_the_same(name, layer):
    preset = PRESETS[name]
    mapping = fixed_mapping(preset.accelerator, layer, preset.dataflow, table=SIZED)
    assert violations(preset.accelerator, layer, mapping) == []
    for axis in preset.accelerator.axes:
        assert mapping.spatial[axis.dim] == min(axis.size, layer.bounds[axis.dim])
    assert fixed_mapping(preset.accelerator, layer, preset.dataflow, table=SIZED) == mapping


def geometry(name: str, layer: Layer = CONV) -> Geometry:
    preset = PRESETS[name]
    mapping = fixed_mapping(preset.accelerator, layer, preset.dataflow, table=SIZED)
    return Geometry(accelerator=preset.accelerator, layer=layer, mapping=mapping)


def test_weight_stationary_passes_many_outputs_by_one_weight():
    found = geometry("nvdla-256")
    assert found.weight_bytes == 1
    assert found.compute_cycles >= 16


def test_row_stationary_keeps_a_row_of_weights_while_outputs_pass():
    found = geometry("eyeriss")
    assert found.mapping.pe.S == 3 and found.mapping.spatial.R == 3
    assert found.num_runs(found.last_weights) < found.num_steps


def test_output_stationary_never_brings_a_sum_back():
    assert PRESETS["shidiannao"].dataflow is Dataflow.OUTPUT_STATIONARY
    found = geometry("shidiannao")
    assert found.accumulator_revisits == ()
    assert found.mapping.pe.P == found.mapping.pe.Q == 1


@pytest.mark.takes_seconds
def test_searched_mappings_are_at_least_as_good_as_fixed_ones():
    settings = MappingSettings(
        objective=Objective.EDP, table=SIZED, evaluations=256, proof_evaluations=0
    )
    baseline = evaluate_baseline(PRESETS["eyeriss"], NETWORK, settings)
    assert baseline.searched.score(Objective.EDP) <= baseline.fixed.score(Objective.EDP)
    assert baseline.fixed.num_evaluations == 0


def test_a_layer_without_room_is_named():
    preset = PRESETS["eyeriss"]
    small = preset.accelerator.model_copy(update={"bank_bytes": 64})
    with pytest.raises(InputError, match="has no legal row-stationary mapping of conv"):
        fixed_mapping(small, CONV, preset.dataflow, table=SIZED)
