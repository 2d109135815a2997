"""What users hand in becomes the bytes that layers read, and what layers write becomes theirs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from integer_networks import convolution, network
from plain_mappings import accelerator, one_tile

from naas_hw.compiler.images import pack_activations
from naas_hw.compiler.lowering.execution import run_lowered
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.network_program import NetworkProgram, build_network_program
from naas_hw.compiler.tensor_bytes import pack_input, unpack_output
from naas_hw.core.errors import InputError
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.graph.random_graph import random_graph, random_inputs

BEAT = 8


def one_layer(**fields: Any) -> QuantisedGraph:
    """A network whose tensors are all as these fields say."""
    graph = network({"x": (3, 4, 6), "y": (5, 4, 6)}, convolution("x", "y", (5, 3, 1, 1)))
    tensors = {name: replace(tensor, **fields) for name, tensor in graph.tensors.items()}
    return replace(graph, tensors=tensors)


def program_of(graph: QuantisedGraph) -> NetworkProgram:
    lowered = lower(graph, beat_bytes=BEAT)
    mappings = {call.layer.name: one_tile(call.layer) for call in lowered.layer_calls}
    return build_network_program(accelerator(BEAT), lowered, mappings, identity=0)


def image() -> np.ndarray:
    return np.random.default_rng(0).integers(-128, 128, size=(3, 4, 6), dtype=np.int8)


def packed(graph: QuantisedGraph, values: np.ndarray) -> np.ndarray:
    """The numbers [C, H, W] that layers see of a user's."""
    program = program_of(graph)
    address, data = pack_input(program, "x", values)
    assert (address, address + data.size) == program.tensor_range("x")
    memory = program.image.copy()
    memory[address : address + data.size] = data
    return memory.view(np.int8)[program.byte_addresses("x")]


def test_bytes_lie_as_images_are_packed():
    graph = one_layer(zero_point=0)
    _, data = pack_input(program_of(graph), "x", image()[None])
    assert np.array_equal(data, pack_activations(image(), BEAT))


def test_real_numbers_are_quantised():
    graph = one_layer(scale=0.5, zero_point=-3)
    real = np.array([-1.0, 0.0, 0.2, 100.0], np.float32)
    values = np.resize(real, (1, 3, 4, 6))
    assert packed(graph, values).reshape(-1)[:4].tolist() == [-5, -3, -3, 127]


def test_unsigned_bytes_move_by_half_their_range():
    graph = one_layer(graph_dtype="uint8")
    unsigned = (image().astype(np.int16) + 128).astype(np.uint8)
    assert np.array_equal(packed(graph, unsigned[None]), image())


def test_channels_may_come_last():
    graph = one_layer(channels_last=True, graph_shape=(1, 4, 6, 3))
    assert np.array_equal(packed(graph, image()[None].transpose(0, 2, 3, 1)), image())


def test_another_shape_is_refused():
    with pytest.raises(InputError, match=r"input 'x' must be \[1, 3, 4, 6\], not \[3, 4, 6\]"):
        pack_input(program_of(one_layer()), "x", image())


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
def test_a_network_runs_from_the_user_s_input_to_the_user_s_output(dtype):
    for seed in range(20):
        graph = random_graph(seed)
        outputs = {name: replace(graph.tensors[name], graph_dtype=dtype) for name in graph.outputs}
        graph = replace(graph, tensors={**graph.tensors, **outputs})
        program = program_of(graph)
        inputs = random_inputs(graph, np.random.default_rng(seed))
        memory = program.image.copy()
        for name in graph.inputs:
            address, data = pack_input(program, name, inputs[name])
            memory[address : address + data.size] = data
        wanted = run_integers(graph, inputs)
        run_lowered(program.lowered, inputs, buffers=program.buffers_in(memory.view(np.int8)))
        for name in graph.outputs:
            data = memory[slice(*program.tensor_range(name))]
            result = unpack_output(program, name, data)
            assert result.shape == graph.tensors[name].graph_shape
            assert np.array_equal(result, model_values(graph.tensors[name], wanted[name]))
