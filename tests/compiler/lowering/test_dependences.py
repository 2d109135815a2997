"""The calls of a lowered network as a graph: nobody is missing whose bytes a call reads."""

import numpy as np
import pytest
from integer_networks import ADDITION, convolution, host_function, network

from naas_hw.compiler.lowering.dependences import dependences
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.values import Call, LayerCall, LoweredNetwork, PlacedTensor, View
from naas_hw.graph.quantised import Concatenation, Sum
from naas_hw.graph.random_graph import random_graph
from naas_hw.mapping.geometry import ceil_div

IMAGE = (4, 3, 3)
BEAT = 4
Places = set[tuple[str, int]]


def test_a_residual_is_read_from_where_it_was_made():
    graph = network(
        dict.fromkeys(("x", "a", "b", "c", "y"), IMAGE),
        convolution("x", "a", (4, 4, 1, 1)),
        convolution("a", "b", (4, 4, 1, 1)),
        convolution("b", "c", (4, 4, 1, 1)),
        Sum(name="sum", inputs=("c", "a"), output="y", addition=ADDITION),
    )
    lowered = lower(graph, beat_bytes=BEAT)
    # x, a, b, c with the sum, y
    assert dependences(lowered) == ((), (0,), (1,), (1, 2), (3,))


def test_the_parts_of_a_concatenation_are_told_apart():
    graph = network(
        {"x": IMAGE, "a": IMAGE, "b": IMAGE, "joined": (8, 3, 3), "u": IMAGE, "y": IMAGE},
        convolution("x", "a", (4, 4, 1, 1)),
        convolution("x", "b", (4, 4, 1, 1)),
        Concatenation(name="join", inputs=("a", "b"), output="joined"),
        convolution("b", "u", (4, 4, 1, 1)),
        convolution("joined", "y", (4, 8, 1, 1)),
        outputs=("u", "y"),
    )
    lowered = lower(graph, beat_bytes=BEAT)
    assert [call.layer.name for call in lowered.layer_calls] == [
        *("conv_a", "conv_b", "conv_u", "conv_y")
    ]
    assert dependences(lowered) == ((), (0,), (0,), (2,), (1, 2), (3,), (4,))


def test_an_operator_of_the_host_is_a_node():
    graph = network(
        dict.fromkeys(("x", "a", "h", "y"), IMAGE),
        convolution("x", "a", (4, 4, 1, 1)),
        host_function("a", "h", "softmax"),
        convolution("h", "y", (4, 4, 1, 1)),
    )
    assert dependences(lower(graph, beat_bytes=BEAT)) == ((), (0,), (1,), (2,), (3,))


@pytest.mark.parametrize("seed", range(12))
def test_whoever_wrote_a_beat_that_a_node_reads_is_named(seed):
    lowered = lower(random_graph(seed), beat_bytes=BEAT)
    found = dependences(lowered)
    writers: dict[tuple[str, int], int] = {}
    for node, (reads, writes) in enumerate(places_of(lowered)):
        assert {writers[place] for place in reads if place in writers} <= set(found[node])
        assert all(source < node for source in found[node])
        writers.update(dict.fromkeys(writes, node))


def places_of(lowered: LoweredNetwork) -> list[tuple[Places, Places]]:
    """Every single beat that each node reads and writes, one by one."""
    beat = lowered.beat_bytes
    given = [(set[tuple[str, int]](), of_tensor(one, beat)) for one in lowered.inputs]
    calls = [of_call(call, beat) for call in lowered.calls]
    results = [(of_tensor(one, beat), set[tuple[str, int]]()) for one in lowered.outputs]
    return [*given, *calls, *results]


def of_call(call: Call, beat: int) -> tuple[Places, Places]:
    if not isinstance(call, LayerCall):
        reads = set[tuple[str, int]]().union(*(of_tensor(one, beat) for one in call.inputs))
        return reads, of_tensor(call.output, beat)
    layer = call.layer
    reads = of_view(call.input, ceil_div(layer.input_channels, beat), layer.height, layer.width)
    blocks = ceil_div(layer.K, beat)
    if call.residual is not None:
        reads |= of_view(call.residual, blocks, layer.P, layer.Q)
    return reads, of_view(call.output, blocks, layer.P, layer.Q)


def of_view(view: View, blocks: int, rows: int, columns: int) -> Places:
    return {(view.buffer, int(beat)) for beat in view.beats(blocks, rows, columns).flat}


def of_tensor(tensor: PlacedTensor, beat: int) -> Places:
    if tensor.view is None:
        return {(f"host {tensor.name}", 0)}
    places = np.unique(tensor.byte_places(beat) // beat)
    return {(tensor.view.buffer, int(place)) for place in places}
