"""A network in one image: every descriptor says where its tensors are, and nothing overlaps."""

from itertools import pairwise

import numpy as np
import pytest
from integer_networks import ADDITION, convolution, network
from plain_mappings import accelerator, one_tile, spilling

from naas_hw.compiler.fields import MAGIC
from naas_hw.compiler.layout import SLOT_BYTES, EntryPlace
from naas_hw.compiler.lowering.execution import run_lowered
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.values import LayerCall, LoweredNetwork
from naas_hw.compiler.network_program import NetworkProgram, Segment, build_network_program
from naas_hw.compiler.program import PAGE_BYTES
from naas_hw.core.errors import InputError, LegalityError
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import Concatenation, HostFunction, QuantisedGraph, Sum
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.mapping.mapping import Mapping

IDENTITY = 0x1234_5678


def program_of(
    lowered: LoweredNetwork, *, reuse: bool = True, mappings: dict[str, Mapping] | None = None
) -> NetworkProgram:
    given = {call.layer.name: one_tile(call.layer) for call in lowered.layer_calls}
    return build_network_program(
        accelerator(lowered.beat_bytes),
        lowered,
        given | (mappings or {}),
        identity=IDENTITY,
        reuse=reuse,
    )


def fields_of(program: NetworkProgram, call: LayerCall) -> dict[str, int]:
    """The first entry of each field of a descriptor, without a sign."""
    first, end = program.regions[call.layer.name]["descriptor"]
    word = int.from_bytes(program.image[first:end].tobytes(), "little")

    def value(place: EntryPlace) -> int:
        return word >> place.bit & ((1 << place.width) - 1)

    return {place.name: value(place) for place in program.layout.entry_places() if not place.index}


def assert_runs(graph: QuantisedGraph, program: NetworkProgram, seed: int) -> None:
    """The calls on the bytes of the image give the tensors of the network."""
    rng = np.random.default_rng(seed)
    inputs = random_inputs(graph, rng)
    wanted = run_integers(graph, inputs)
    buffers = program.buffers_in(program.image.copy().view(np.int8))
    results = run_lowered(program.lowered, inputs, rng=rng, buffers=buffers)
    for name in set(results) & set(wanted):
        assert np.array_equal(results[name], wanted[name]), (name, seed)


@pytest.mark.parametrize("beat_bytes", [4, 16])
@pytest.mark.parametrize("reuse", [True, False])
def test_networks_run_in_shared_memory(beat_bytes, reuse):
    for seed in range(25):
        graph = random_graph(seed)
        lowered = lower(graph, beat_bytes=beat_bytes)
        program = program_of(lowered, reuse=reuse)
        assert_runs(graph, program, seed)
        assert program.plan.peak_bytes <= program.writable[1] - program.writable[0]
        if not reuse:
            assert program.plan.peak_bytes == program.plan.total_bytes


def test_every_descriptor_says_where_its_tensors_are():
    for seed in range(25):
        lowered = lower(random_graph(seed), beat_bytes=8)
        program = program_of(lowered)
        for call in lowered.layer_calls:
            fields = fields_of(program, call)
            regions = program.regions[call.layer.name]
            assert (fields["magic"], fields["identity"]) == (MAGIC, IDENTITY)
            assert fields["load_weight_start"] * 8 == regions["weights"][0]
            assert fields["load_scale_start"] * 8 == regions["scales"][0]
            output = program.addresses[call.output.buffer] // 8 + call.output.offset
            assert fields["store_output_start"] == output
            assert fields["output_pixel_pitch"] == call.output.pitches.pixel
            inputs = program.addresses[call.input.buffer] // 8 + call.input.offset
            assert fields["dummy_input_address"] == inputs
            if call.residual is not None:
                residual = program.addresses[call.residual.buffer] // 8 + call.residual.offset
                assert fields["load_residual_start"] == residual
            if call.table is not None:
                begin, end = regions["table"]
                assert fields["load_table_start"] * 8 == begin
                assert program.image[begin:end].tobytes() == call.table.entries.tobytes()


def test_descriptors_numbers_and_tensors_lie_apart():
    for seed in range(25):
        lowered = lower(random_graph(seed), beat_bytes=16)
        program = program_of(lowered)
        assert program.writable[0] % PAGE_BYTES == program.writable[1] % PAGE_BYTES == 0
        numbers = {
            place
            for regions in program.regions.values()
            for name, place in regions.items()
            if name not in ("descriptor", "sums")
        }
        descriptors = {regions["descriptor"] for regions in program.regions.values()}
        ordered = sorted(descriptors | numbers)
        assert all(end <= first for (_, end), (first, _) in pairwise(ordered))
        assert all(end <= program.writable[0] for _, end in ordered)
        assert not program.image[slice(*program.writable)].any()
        for name, first in program.addresses.items():
            assert program.writable[0] <= first
            assert first + lowered.buffers[name] * 16 <= program.writable[1]


def test_one_start_runs_all_layers_between_two_calls_of_the_host():
    shape = (4, 4, 4)
    soft = HostFunction(
        name="soft",
        inputs=("b",),
        output="s",
        kind="softmax",
        attributes={"axis": 1},
        input_shapes=((1, *shape),),
        output_shape=(1, *shape),
    )
    graph = network(
        dict.fromkeys("xabscd", shape),
        convolution("x", "a", (4, 4, 1, 1)),
        convolution("a", "b", (4, 4, 1, 1)),
        soft,
        convolution("s", "c", (4, 4, 1, 1)),
        convolution("c", "d", (4, 4, 1, 1)),
    )
    program = program_of(lower(graph, beat_bytes=4))
    first, host, second = program.steps
    assert isinstance(first, Segment)
    assert isinstance(second, Segment)
    assert host is program.lowered.host_calls[0]
    assert (first.descriptor_address, first.num_descriptors) == (0, 2)
    assert (second.descriptor_address, second.num_descriptors) == (2 * SLOT_BYTES, 2)
    assert program.segments == (first, second)


def test_partial_sums_have_a_place_of_their_own_while_their_layer_runs():
    """In the strides of the outputs, which lie in a concatenation here."""
    graph = network(
        {"x": (16, 4, 4), "a": (8, 4, 4), "y": (24, 4, 4)},
        convolution("x", "a", (8, 16, 1, 1)),
        Concatenation(name="join", inputs=("x", "a"), output="y"),
    )
    lowered = lower(graph, beat_bytes=8)
    (call,) = lowered.layer_calls
    program = program_of(lowered, mappings={call.layer.name: spilling(call.layer, 8)})
    first, end = program.regions[call.layer.name]["sums"]
    assert end - first == 4 * 8 * 4 * 4
    assert fields_of(program, call)["load_sums_start"] * 8 == first
    taken = [(program.addresses["y"], program.addresses["y"] + 3 * 16 * 8), (first, end)]
    assert all(one <= other for (_, one), (other, _) in pairwise(sorted(taken)))


def test_the_same_numbers_stand_there_once():
    """The layers that copy have the same weights and scales."""
    graph = network(
        {name: (4, 3, 3) for name in "abcde"},
        Sum(name="one", inputs=("a", "b"), output="c", addition=ADDITION),
        Sum(name="two", inputs=("c", "b"), output="d", addition=ADDITION),
        Sum(name="three", inputs=("d", "c"), output="e", addition=ADDITION),
    )
    program = program_of(lower(graph, beat_bytes=4))
    assert len({regions["weights"] for regions in program.regions.values()}) == 1


def test_addresses_of_a_tensor():
    graph = network(
        {"x": (8, 2, 2), "a": (3, 2, 2), "y": (11, 2, 2)},
        convolution("x", "a", (3, 8, 1, 1)),
        Concatenation(name="join", inputs=("x", "a"), output="y"),
    )
    program = program_of(lower(graph, beat_bytes=8))
    start = program.addresses["y"]
    assert program.tensor_range("a") == (start + 32, start + 64)
    assert program.byte_addresses("a")[2, 1, 0] == start + 32 + 2 * 8 + 2
    with pytest.raises(KeyError, match="nothing"):
        program.tensor_range("nothing")


def test_a_layer_needs_a_legal_mapping():
    graph = network({"x": (4, 2, 2), "y": (4, 2, 2)}, convolution("x", "y", (4, 4, 1, 1)))
    lowered = lower(graph, beat_bytes=8)
    with pytest.raises(LegalityError, match="conv_y: spatial: K must use 4 positions"):
        program_of(lowered, mappings={"conv_y": Mapping()})
    with pytest.raises(InputError, match="mappings must have one of layer 'conv_y'"):
        build_network_program(accelerator(8), lowered, {}, identity=0)
    with pytest.raises(InputError, match="must have 8 bytes, for which the network was lowered"):
        build_network_program(accelerator(16), lowered, {}, identity=0)
