"""A list of layers in one start: the cycles that were predicted, the bytes of layer by layer."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from integer_networks import convolution
from integer_networks import network as network_of_integers

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.compiler.network_program import NetworkProgram, build_network_program
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import Concatenation, MaximumPool
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.network_run import chain_delays, cycles_of_starts, simulate_network
from naas_hw.sim.network_segments import simulate_segments
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.networks.case import NetworkCase, lowered_for, random_mappings_of
from naas_hw.verify.networks.coverage import network_bins
from naas_hw.workload.option import Option

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

DESIGN = Accelerator(
    axes=(Axis(dim="K", size=4), Axis(dim="C", size=2)),
    weight_buffer_bytes=128,
    input_buffer_bytes=128,
    accumulator_words=128,
    num_banks=16,
    bank_bytes=1024,
    beat_bytes=4,
    dram_latency_cycles=5,
).with_options(Option)
WANTED = {
    "host between two starts", "start of several layers", "residual", "table", "Concatenation"
}  # fmt: skip
MOST_NUMBERS = 3000


def case_of(seed: int) -> NetworkCase:
    graph = random_graph(seed)
    return NetworkCase(
        accelerator=DESIGN,
        graph=graph,
        mappings=random_mappings_of(0, DESIGN, lowered_for(DESIGN, graph)),
        inputs=random_inputs(graph, np.random.default_rng(seed)),
    )


@cache
def network() -> NetworkCase:
    """A small network with a step of the host between layers that run in one start."""
    for seed in range(1000):
        tensors = random_graph(seed).tensors.values()
        if sum(int(np.prod(tensor.shape)) for tensor in tensors) > MOST_NUMBERS:
            continue
        case = case_of(seed)
        if network_bins(case, case.lowered()) >= WANTED:
            return case
    raise AssertionError("no random network has all that is wanted")


@cache
def hardware() -> Hardware:
    return generate(DESIGN)


def program() -> NetworkProgram:
    case = network()
    return build_network_program(
        DESIGN, case.lowered(), case.mappings, identity=hardware().identity
    )


def test_a_start_takes_the_cycles_that_were_predicted_and_leaves_the_same_bytes() -> None:
    case = network()
    given = (hardware(), program(), case.mappings, case.inputs)
    whole = simulate_segments(*given, simulator=find_simulator("icarus"))
    layers = simulate_network(*given, simulator=find_simulator("icarus"))
    assert whole.ok, whole.segments
    assert layers.ok, layers.layers
    assert len(whole.segments) == len(program().segments) >= 2
    assert max(len(segment.layers) for segment in whole.segments) >= 2
    assert whole.simulated_cycles == whole.predicted_cycles == layers.predicted_cycles
    delays = chain_delays(hardware(), program(), case.mappings)
    apart = [layer.simulated_cycles for layer in layers.layers]
    assert [start.simulated_cycles for start in whole.segments] == cycles_of_starts(
        program(), apart, delays
    )
    assert layers.count_difference == 0
    assert [start.count_difference for start in whole.segments] == [0] * len(whole.segments)
    assert layers.output_mismatches == sum(one.output_mismatches for one in whole.segments) == 0
    expected = run_integers(case.graph, case.inputs)
    for name in case.graph.outputs:
        assert np.array_equal(whole.outputs[name], expected[name])
        assert np.array_equal(layers.outputs[name], expected[name])


def test_a_start_that_writes_something_else_is_told() -> None:
    """The first start with other weights than the reference's; nothing runs behind it."""
    case, changed = network(), program()
    first, end = changed.regions[changed.segments[0].calls[0].layer.name]["weights"]
    image = changed.image.copy()
    image[first:end] ^= 0x55
    run = simulate_segments(
        hardware(),
        replace(changed, image=image),
        case.mappings,
        case.inputs,
        simulator=find_simulator("icarus"),
    )
    (report,) = run.segments
    assert not run.ok
    assert report.output_mismatches > 0
    assert report.simulated_cycles == report.predicted_cycles
    assert report.counts == ()
    assert run.outputs == {}


def test_what_a_depthwise_layer_makes_of_gaps_between_channels_is_not_compared() -> None:
    """Two parts of 3 channels lie in beats of 4: nothing of the network is in the gaps."""
    shapes = {"x": (4, 4, 4), "a": (3, 4, 4), "b": (3, 4, 4), "j": (6, 4, 4), "y": (6, 2, 2)}
    graph = network_of_integers(
        shapes,
        convolution("x", "a", (3, 4, 1, 1)),
        convolution("x", "b", (3, 4, 1, 1), seed=1),
        Concatenation(name="join", inputs=("a", "b"), output="j"),
        MaximumPool(
            name="pool", inputs=("j",), output="y", kernel=(2, 2), stride=(2, 2),
            padding=(0, 0, 0, 0), dilation=(1, 1),
        ),
    )  # fmt: skip
    lowered = lowered_for(DESIGN, graph)
    mappings = random_mappings_of(0, DESIGN, lowered)
    made = build_network_program(DESIGN, lowered, mappings, identity=hardware().identity)
    inputs = {"x": np.random.default_rng(0).integers(-128, 128, (1, 4, 4, 4), np.int8)}
    run = simulate_segments(hardware(), made, mappings, inputs, simulator=find_simulator("icarus"))
    assert run.ok, run.segments
    assert max(call.layer.K for call in lowered.layer_calls) > 6  # gaps are among the channels
    assert np.array_equal(run.outputs["y"], run_integers(graph, inputs)["y"])
