"""Inputs and outputs of a network: as the model's user has them, and as they lie in memory.

An image has the layout of the model without a word about it, or `NCHW`, or `NHWC`; [C, H, W] of a
tensor that is no image counts as one. Numbers are float32, which are quantised, or the model's own
integers.
"""

from dataclasses import replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.driver.program_file import FileTensor, MemoryPlace
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import image_of, model_values
from naas_hw.graph.integers.values import Quantisation
from naas_hw.graph.quantised import QuantisedTensor

Memory = NDArray[np.uint8]


class ImageLayout(StrEnum):
    """The order of the axes of an image."""

    NCHW = "NCHW"
    NHWC = "NHWC"


def pack_input(
    tensor: FileTensor, values: Array, memory: Memory, *, layout: ImageLayout | None = None
) -> None:
    """Put one image where the accelerator reads it, with its zero point between its numbers.

    Parameters
    ----------
    tensor : an input that lies in memory.
    values : [1, ...], float32, int8, or uint8 where the model's numbers are.
    memory : uint8, from the program's base on.

    Raises
    ------
    InputError : another shape or type, or a tensor that the host keeps.
    """
    place = _memory_place(tensor)
    memory[place.first : place.end] = tensor.tensor.zero_point & 0xFF
    write_tensor(tensor, input_image(tensor.tensor, values, layout), memory)


def unpack_output(
    tensor: FileTensor,
    memory: Memory,
    *,
    layout: ImageLayout | None = None,
    dtype: str | None = None,
) -> Array:
    """One image out of memory, [1, ...].

    Parameters
    ----------
    tensor : an output that lies in memory.
    dtype : float32 or int8; that of the model if None.

    Raises
    ------
    InputError : another type, or a tensor that the host keeps.
    """
    return output_values(tensor.tensor, read_tensor(tensor, memory), layout, dtype)


def input_image(tensor: QuantisedTensor, values: Array, layout: ImageLayout | None = None) -> Array:
    """[C, H, W] of what the user hands in."""
    own = _layout_of(tensor)
    if layout is not None and layout != own:
        values = _turned(tensor, values, own)
    return image_of(tensor, values)


def output_values(
    tensor: QuantisedTensor,
    image: Array,
    layout: ImageLayout | None = None,
    dtype: str | None = None,
) -> Array:
    """[C, H, W] as the user gets it."""
    if tensor.dtype == "int8" and dtype not in (None, tensor.graph_dtype):
        values = _with_type(tensor, image, dtype)
    elif dtype in (None, tensor.graph_dtype):
        values = model_values(tensor, image)
    else:
        raise InputError(f"output {tensor.name!r} must be {tensor.graph_dtype}, not {dtype}")
    own = _layout_of(tensor)
    if layout is None or layout == own:
        return values
    return _turned(tensor, values, layout)


def read_tensor(tensor: FileTensor, memory: Memory) -> NDArray[np.int8]:
    """The bytes [C, H, W] of a tensor."""
    place = _memory_place(tensor)
    return memory[place.byte_addresses(tensor.tensor.shape)].view(np.int8)


def write_tensor(tensor: FileTensor, image: Array, memory: Memory) -> None:
    """Put bytes [C, H, W] where a tensor lies."""
    place = _memory_place(tensor)
    bytes_of_image = np.ascontiguousarray(image, np.int8).view(np.uint8)
    memory[place.byte_addresses(tensor.tensor.shape)] = bytes_of_image


def _memory_place(tensor: FileTensor) -> MemoryPlace:
    if tensor.place is None:
        raise InputError(f"{tensor.tensor.name!r} must lie in memory: the host keeps it")
    return tensor.place


def _layout_of(tensor: QuantisedTensor) -> ImageLayout:
    return ImageLayout.NHWC if tensor.channels_last else ImageLayout.NCHW


def _turned(tensor: QuantisedTensor, values: Array, layout: ImageLayout) -> Array:
    """An image of the other layout in this one."""
    if values.ndim != 4:
        raise InputError(f"{tensor.name!r} must have 4 axes for a layout, not {values.ndim}")
    axes = (0, 2, 3, 1) if layout is ImageLayout.NHWC else (0, 3, 1, 2)
    return values.transpose(axes)


def _with_type(tensor: QuantisedTensor, image: Array, dtype: str | None) -> Array:
    """Bytes of a model of another type, in the model's shape."""
    shaped = model_values(replace(tensor, graph_dtype="int8"), image)
    if dtype == "int8":
        return shaped
    if dtype == "float32":
        scaling = Quantisation(scale=tensor.scale, zero_point=tensor.zero_point)
        return scaling.real(shaped)
    raise InputError(
        f"output {tensor.name!r} must be float32, int8 or {tensor.graph_dtype}, not {dtype}"
    )
