"""What follows from accelerator, layer and mapping, against counting by enumeration."""

from itertools import product
from math import prod

import numpy as np
import pytest
from small_cases import random_case

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator, Axis
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import DIMS, Kind, Layer

ACCELERATOR = Accelerator(
    axes=(Axis(dim="K", size=6), Axis(dim="C", size=4)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=64,
    bank_bytes=1024,
    beat_bytes=8,
)


def geometry_of(layer: Layer, mapping: Mapping, accelerator: Accelerator = ACCELERATOR) -> Geometry:
    return Geometry(accelerator=accelerator, layer=layer, mapping=mapping)


def test_tiles_are_padded_to_whole_lanes_on_channel_axes() -> None:
    """K uses 5 of 6 positions, lanes are gcd(8, 6) = 2, so a pass covers 6 indices."""
    layer = Layer(name="l", K=5, C=4, height=1, width=1)
    geometry = geometry_of(layer, Mapping(spatial=Bounds(K=5, C=4), pe=Bounds(K=2), l2=Bounds(K=3)))
    assert geometry.step["K"] == 2 * 6
    assert geometry.tile["K"] == 3 * 12
    assert geometry.num_tiles == dict.fromkeys(DIMS, 1)


@pytest.mark.parametrize("seed", range(30))
def test_tiles_cover_the_layer_and_no_tile_is_empty(seed: int) -> None:
    """Every index of every dim lies in one tile, and the last tile holds at least one."""
    geometry = random_case(np.random.default_rng(seed)).geometry
    for dim in DIMS:
        bound, tile, number = (
            geometry.layer.bounds[dim],
            geometry.tile[dim],
            geometry.num_tiles[dim],
        )
        assert (number - 1) * tile < bound <= number * tile


@pytest.mark.parametrize("seed", range(30))
def test_runs_are_maximal_stretches_of_steps_without_a_change(seed: int) -> None:
    """Runs are counted as changes of a tensor's indices from one step to the next."""
    geometry = random_case(np.random.default_rng(seed), max_steps=200).geometry
    steps = list(product(*map(range, geometry.nest_bounds)))
    assert len(steps) == geometry.num_steps
    tensors = (
        (("K", "C", "R", "S"), geometry.last_weights, 12),
        (geometry.input_dims, geometry.last_inputs, 12),
        (("K", "P", "Q"), geometry.last_outputs, 12),
        (("K", "C", "R", "S"), geometry.last_weight_tile, 6),
        (geometry.input_dims, geometry.last_input_tile, 6),
        (("K", "P", "Q"), geometry.last_output_tile, 6),
        (("K",), geometry.last_scale_tile, 6),
    )
    for dims, last, positions in tensors:
        seen = [
            tuple(step[k] for k in range(positions) if geometry.nest_dims[k] in dims)
            for step in steps
        ]
        runs = 1 + sum(a != b for a, b in zip(seen, seen[1:], strict=False))
        assert geometry.num_runs(last) == runs


@pytest.mark.parametrize("seed", range(30))
def test_revisits_are_the_runs_of_outputs_that_were_there_before(seed: int) -> None:
    """An output comes back exactly where a revisit position is not at zero."""
    geometry = random_case(np.random.default_rng(seed), max_steps=200).geometry
    before = None
    seen = set()
    for step in product(*map(range, geometry.nest_bounds)):
        output = tuple(i for i, d in zip(step, geometry.nest_dims, strict=True) if d in "KPQ")
        if output != before:
            revisit = any(step[k] for k in geometry.accumulator_revisits)
            assert revisit == (output in seen)
            seen.add(output)
            before = output
    assert all(geometry.nest_dims[k] in REDUCTION_DIMS for k in geometry.accumulator_revisits)


def test_a_strided_pointwise_layer_is_dense_for_the_array() -> None:
    """With R = S = 1 and no padding only the rows and columns that count are moved."""
    layer = Layer(name="l", K=4, C=4, P=4, Q=3, height=8, width=6, stride=(2, 2))
    geometry = geometry_of(layer, Mapping(spatial=Bounds(K=4, C=4)))
    assert geometry.stride == (1, 1)
    assert geometry.image == (4, 3)
    padded = layer.model_copy(update={"padding": (1, 0)})
    geometry = geometry_of(padded, Mapping(spatial=Bounds(K=4, C=4)))
    assert geometry.stride == (2, 2)
    assert geometry.image == (8, 6)


def test_rows_under_a_window() -> None:
    """3 outputs of stride 2 and 3 kernel rows of dilation 2: rows 0 2 4, 2 4 6, 4 6 8."""
    layer = Layer(name="l", K=4, C=4, P=3, R=3, height=9, width=1, stride=(2, 1), dilation=(2, 1))
    geometry = geometry_of(layer, Mapping())
    assert geometry.rows(3, 3) == 9
    assert geometry.rows(1, 1) == 1


def test_depthwise_takes_its_channels_from_k() -> None:
    """Inputs move with K, and the words of a pixel are those of the K step."""
    layer = Layer(name="l", kind=Kind.DEPTHWISE, K=12, height=1, width=1)
    geometry = geometry_of(layer, Mapping(spatial=Bounds(K=6), l2=Bounds(K=2)))
    assert geometry.channel_dim == "K"
    assert geometry.last_inputs == geometry.last_weights == 6
    # Six channels, in three chunks of two; the second step starts at channel 6 of an 8-byte block.
    assert geometry.chunks_per_pixel == 3
    assert [geometry.input_words_per_pixel(i) for i in range(2)] == [1, 2]


@pytest.mark.parametrize("seed", range(40))
def test_words_of_a_pixel_are_the_blocks_that_its_channels_touch(seed: int) -> None:
    """Counted channel by channel."""
    geometry = random_case(np.random.default_rng(seed)).geometry
    channel, beat = geometry.channel_dim, geometry.accelerator.beat_bytes
    for index in range(geometry.mapping.l2[channel]):
        first = index * geometry.step[channel]
        length = geometry.chunks_per_pixel * geometry.input_lanes
        blocks = {(first + n) // beat for n in range(length)}
        assert geometry.input_words_per_pixel(index) == len(blocks)


def test_drain_moves_d_values_a_beat_where_channels_allow() -> None:
    """K axis of 6 and D = 2: three beats a pixel; without one groups of gcd(D, K in the PE)."""
    layer = Layer(name="l", K=6, C=4, P=2, Q=5, height=2, width=5)
    mapping = Mapping(spatial=Bounds(K=6, C=4), pe=Bounds(P=2, Q=5))
    assert geometry_of(layer, mapping).drain_cycles == 3 * 10
    on_c = ACCELERATOR.model_copy(update={"axes": (Axis(dim="C", size=4),)})
    for k, beats in ((1, 1), (2, 1), (3, 3), (6, 3)):
        mapping = Mapping(spatial=Bounds(C=4), pe=Bounds(K=k, P=2, Q=5))
        assert geometry_of(layer, mapping, on_c).drain_cycles == beats * 10


def test_outputs_with_sums_take_five_words_for_one() -> None:
    """Sums stand beside the bytes, four times as wide."""
    layer = Layer(name="l", K=6, C=8, P=2, Q=5, height=2, width=5)
    inner_c = Mapping(spatial=Bounds(K=6, C=4), pe=Bounds(Q=5), l2=Bounds(P=2, C=2))
    # K C P: the rows move inside the C loop, so outputs come back.
    assert geometry_of(layer, inner_c).accumulator_revisits
    assert geometry_of(layer, inner_c).output_tile_words == 5 * 10
    outer_c = inner_c.model_copy(update={"l2_order": ("K", "P", "C", "Q", "R", "S")})
    assert not geometry_of(layer, outer_c).accumulator_revisits
    assert geometry_of(layer, outer_c).output_tile_words == 10


def test_a_tensor_with_one_run_has_one_buffer() -> None:
    """What is loaded once needs no second half."""
    layer = Layer(name="l", K=6, C=4, P=2, Q=5, height=2, width=5)
    geometry = geometry_of(layer, Mapping(spatial=Bounds(K=6, C=4), pe=Bounds(Q=5)))
    buffers = {tensor: number for tensor, _, number in geometry.bank_allocation}
    assert buffers == {"weights": 1, "inputs": 2, "outputs": 2}


@pytest.mark.parametrize("seed", range(30))
def test_products_of_all_steps_cover_the_layer(seed: int) -> None:
    """All PEs and steps together do at least the layer's products."""
    geometry = random_case(np.random.default_rng(seed)).geometry
    done = geometry.num_steps * geometry.compute_cycles * geometry.pes_used
    assert done >= geometry.layer.num_macs // geometry.layer.groups
    assert (
        geometry.num_dram_tiles * prod(geometry.mapping.l2[d] for d in DIMS) == geometry.num_steps
    )
