"""Common blocks and networks on the RTL of one design: bytes, counts and cycles are equal.

Each start runs as a whole from the memory that the RTL itself has made, and the host computes in
between. Layers of blocks have random legal mappings, those of networks mappings that were searched.
"""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from blocks import BLOCKS
from light_networks import LIGHT_SIZES, light_network
from networks import NETWORKS, calibrated

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.lowering.network import network_of
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.compiler.network_program import build_network_program
from naas_hw.graph.graph import Array, Graph
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.importers.torch_program import read_torch_module
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.quantise.quantisation import quantise
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.network_segments import simulate_segments
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.networks.case import lowered_for, random_mappings_of
from naas_hw.workload.option import Option

pytestmark = [pytest.mark.slow, pytest.mark.sim]

DESIGN = Accelerator(
    axes=(Axis(dim="K", size=8), Axis(dim="C", size=8)),
    weight_buffer_bytes=256,
    input_buffer_bytes=256,
    accumulator_words=512,
    num_banks=16,
    bank_bytes=4096,
    beat_bytes=8,
    dram_latency_cycles=20,
).with_options(Option)
SEARCH = MappingSettings(
    objective=Objective.LATENCY, table=SIZED, evaluations=1000, proof_evaluations=0
)
SIZE = 64
Mappings = AbstractMapping[str, Mapping]


@cache
def hardware() -> Hardware:
    return generate(DESIGN)


def integers_of(graph: Graph, images: Sequence[Array]) -> QuantisedGraph:
    return quantised_graph(quantise(graph, [{graph.inputs[0]: image} for image in images]))


def searched(lowered: LoweredNetwork) -> Mappings:
    return map_network(DESIGN, network_of(lowered), SEARCH).mappings


def check_on_rtl(
    graph: QuantisedGraph, lowered: LoweredNetwork, mappings: Mappings, image: Array
) -> None:
    program = build_network_program(DESIGN, lowered, mappings, identity=hardware().identity)
    inputs = {graph.inputs[0]: image}
    simulator = find_simulator("verilator")
    run = simulate_segments(hardware(), program, mappings, inputs, simulator=simulator)
    assert run.ok, [segment for segment in run.segments if not segment.ok]
    assert run.simulated_cycles == run.predicted_cycles > 0
    assert sum(len(segment.layers) for segment in run.segments) == len(lowered.layer_calls)
    expected = run_integers(graph, inputs)
    for name in graph.outputs:
        assert np.array_equal(run.outputs[name], expected[name])


@pytest.mark.needs("verilator")
@pytest.mark.parametrize("name", LIGHT_SIZES)
def test_a_light_network_runs(name: str, tmp_path: Path) -> None:
    onnx.save(light_network(name), str(tmp_path / f"{name}.onnx"))
    graph = read_graph(tmp_path / f"{name}.onnx")
    shape = graph.tensors[graph.inputs[0]].shape
    images = list(np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32))
    integers = integers_of(graph, images)
    lowered = lowered_for(DESIGN, integers)
    check_on_rtl(integers, lowered, searched(lowered), images[0])


@pytest.mark.needs("verilator", "torch")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_whole_network_runs(name: str) -> None:
    shape = (1, 3, SIZE, SIZE)
    module, images = calibrated(NETWORKS[name](), shape)
    integers = integers_of(read_torch_module(module, input_shapes={"x": shape}), images)
    lowered = lowered_for(DESIGN, integers)
    check_on_rtl(integers, lowered, searched(lowered), images[0])


@pytest.mark.needs("verilator", "torch")
@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_runs(name: str) -> None:
    import torch

    make, shape = BLOCKS[name]
    torch.manual_seed(0)
    graph = read_torch_module(make().eval(), input_shapes={"x": shape})
    images = [torch.randn(shape).numpy() for _ in range(4)]
    integers = integers_of(graph, images)
    lowered = lowered_for(DESIGN, integers)
    check_on_rtl(integers, lowered, random_mappings_of(0, DESIGN, lowered), images[0])
