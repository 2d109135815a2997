"""What a user hands in and gets, and the bytes that a program has in memory for it.

Users have real numbers, int8 or uint8, with channels first or last as the model has them. The
program has int8 in blocks of channels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.lowering.placed_bytes import pack_image, unpack_image
from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.graph.integer_execution import image_of, model_values

Array = NDArray[Any]
Bytes = NDArray[np.uint8]


def pack_input(program: NetworkProgram, name: str, values: Array) -> tuple[int, Bytes]:
    """First address, and the bytes from there on, of an input of the network.

    Parameters
    ----------
    values : of the model's shape: real numbers, which are quantised, or integers of its type.

    Raises
    ------
    InputError : another shape, or another type of integers.
    KeyError : there is no such tensor.
    """
    graph, placed = program.lowered.graph, program.lowered.tensors[name]
    image = image_of(graph.tensors[name], values)
    packed = pack_image(placed, image, graph.tensors[name].zero_point, program.beat_bytes)
    return program.tensor_range(name)[0], packed.view(np.uint8)


def unpack_output(program: NetworkProgram, name: str, data: Bytes) -> Array:
    """What the model's user gets, out of the bytes of `program.tensor_range`.

    Raises KeyError for a tensor that does not exist.
    """
    graph, placed = program.lowered.graph, program.lowered.tensors[name]
    image = unpack_image(placed, data.view(np.int8), program.beat_bytes)
    return model_values(graph.tensors[name], image)
