"""Tensors as the accelerator wants them in DRAM, and back.

Legend of axes: T tiles, L steps of a tile, G groups of lanes, E the PE's own loops, V lanes.
"""

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import WEIGHT_DIMS
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.workload.layer import Dim

Bytes = NDArray[np.uint8]
WEIGHT_AXES: tuple[Dim, ...] = ("K", "C", "R", "S")
NUM_AXES = 16  # T x 4, L x 4, G x 3, E x 4, V


def pack_activations(tensor: NDArray[np.int8], beat_bytes: int) -> Bytes:
    """[channels, H, W] -> bytes of [C/B][H][W][B]; channels that do not exist are zero."""
    channels, height, width = tensor.shape
    blocks = ceil_div(channels, beat_bytes)
    padded = np.zeros((blocks * beat_bytes, height, width), np.int8)
    padded[:channels] = tensor
    split = padded.reshape(blocks, beat_bytes, height, width)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 1)).view(np.uint8).reshape(-1)


def unpack_activations(
    data: Bytes, shape: tuple[int, int, int], beat_bytes: int
) -> NDArray[np.int8]:
    """The inverse of `pack_activations`."""
    channels, height, width = shape
    blocks = ceil_div(channels, beat_bytes)
    split = data.view(np.int8).reshape(blocks, height, width, beat_bytes)
    return split.transpose(0, 3, 1, 2).reshape(-1, height, width)[:channels]


def pack_weights(geometry: Geometry, weights: NDArray[np.int8]) -> Bytes:
    """[K, C, R, S] -> bytes in the order in which fill reads them, by tiles; padding is zero."""
    shape, index = _weight_indices(geometry)
    flat = np.zeros((1,) * NUM_AXES, np.int64)
    exists = np.ones((1,) * NUM_AXES, np.bool_)
    for dim, size in zip(WEIGHT_AXES, weights.shape, strict=True):
        flat = flat * size + np.minimum(index[dim], size - 1)
        exists = exists & (index[dim] < size) & (index[dim] >= 0)
    flat, exists = np.broadcast_to(flat, shape), np.broadcast_to(exists, shape)
    values = np.where(exists, weights.reshape(-1)[flat], 0).astype(np.int8)
    num_steps = int(np.prod(shape[:8]))
    step_bytes = geometry.weight_step_words * geometry.accelerator.beat_bytes
    packed = np.zeros((num_steps, step_bytes), np.int8)
    packed[:, : values.size // num_steps] = values.reshape(num_steps, -1)
    return packed.view(np.uint8).reshape(-1)


def _weight_indices(g: Geometry) -> tuple[tuple[int, ...], dict[Dim, NDArray[np.int64]]]:
    """Shape of the stream, and the index of each dim along it; -1 where no PE takes the byte."""
    a, m = g.accelerator, g.mapping
    shape = [1] * NUM_AXES
    for i, dim in enumerate(WEIGHT_AXES):
        shape[i], shape[4 + i], shape[11 + i] = g.num_tiles[dim], m.l2[dim], m.pe[dim]
    positions: dict[Dim, NDArray[np.int64]] = {}
    for i, axis in enumerate(a.axes):
        if axis.dim not in WEIGHT_DIMS:
            continue
        lanes = a.weight_network_lanes if axis.dim == a.weight_vector_dim else 1
        shape[8 + i] = ceil_div(m.spatial[axis.dim], lanes)
        positions[axis.dim] = _along(8 + i, shape[8 + i]) * lanes
        if axis.dim == a.weight_vector_dim:
            shape[15] = g.weight_lanes
            positions[axis.dim] = positions[axis.dim] + _along(15, g.weight_lanes)
    index = {}
    for i, dim in enumerate(WEIGHT_AXES):
        outer = _along(i, shape[i]) * m.l2[dim] + _along(4 + i, shape[4 + i])
        inner = _along(11 + i, shape[11 + i])
        position = positions.get(dim, _along(15, 1))
        if dim in ("K", "C"):
            weight_index = (outer * m.pe[dim] + inner) * g.spatial_extent(dim) + position
        else:
            weight_index = (outer * m.spatial[dim] + position) * m.pe[dim] + inner
        index[dim] = np.where(position < m.spatial[dim], weight_index, -1)
    return tuple(shape), index


def _along(axis: int, size: int) -> NDArray[np.int64]:
    """0 .. size - 1 along one axis of the stream."""
    shape = [1] * NUM_AXES
    shape[axis] = size
    return np.arange(size, dtype=np.int64).reshape(shape)


def pack_scales(
    geometry: Geometry,
    bias: NDArray[np.int32],
    multiplier: NDArray[np.int32],
    shift: NDArray[np.int32],
) -> Bytes:
    """int32 [K] each -> for every K tile all biases, then all multipliers, then all shifts."""
    tile, held = geometry.tile["K"], geometry.scale_tile_channels
    num_tiles = geometry.num_tiles["K"]
    padded = np.zeros((3, num_tiles * tile), np.int32)
    padded[:, : len(bias)] = np.stack((bias, multiplier, shift))[:, : num_tiles * tile]
    tiles = np.zeros((num_tiles, 3, held), np.int32)
    tiles[:, :, :tile] = padded.reshape(3, num_tiles, tile).transpose(1, 0, 2)
    return tiles.view(np.uint8).reshape(-1)
