"""What follows from (accelerator, layer, mapping): tiles, steps, runs, sizes.

Everything that both the cost model and the compiler need stands here once, as plain numbers.

Positions 0..5 are the DRAM loops, outermost first, 6..11 the L2 loops; "both nests as one".
A position *moves* at a step if it, or a position outside it, advanced. With `last_X` the innermost
position of bound > 1 whose dim is relevant to tensor X (-1 if there is none), X changes at a step
if the position that advances is <= last_X. A *run* is a maximal stretch of steps without a change.
"""

from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod
from typing import overload

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer

NUM_LEVEL_POSITIONS = len(DIMS)

Ints = NDArray[np.int64]


@overload
def ceil_div(numerator: int, denominator: int) -> int: ...
@overload
def ceil_div(numerator: Ints, denominator: Ints | int) -> Ints: ...
def ceil_div(numerator: int | Ints, denominator: int | Ints) -> int | Ints:
    """Quotient rounded up, of integers or of arrays of them."""
    return -(-numerator // denominator)


def usable_positions(accelerator: Accelerator, layer: Layer, dim: Dim) -> int:
    """Positions along a dim that a mapping of the layer may use, if the layer has so many indices.

    A tree adds what its PEs computed: where a maximum is kept, one of them computes.
    """
    is_reduced = layer.maximum and dim in REDUCTION_DIMS
    return 1 if is_reduced else accelerator.size_of(dim)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Derived numbers of one layer under one mapping on one accelerator; no legality implied."""

    accelerator: Accelerator
    layer: Layer
    mapping: Mapping

    # Extents ---------------------------------------------------------------------------------

    @property
    def is_depthwise(self) -> bool:
        """Whether K is the channel of inputs, weights and outputs alike."""
        return self.layer.kind is Kind.DEPTHWISE

    @property
    def channel_dim(self) -> Dim:
        """Dim that counts the input's channels."""
        return "K" if self.is_depthwise else "C"

    def spatial_extent(self, dim: Dim) -> int:
        """Indices that one pass over an axis covers: the used extent, whole lanes on K and C."""
        used = self.mapping.spatial[dim]
        if dim not in ("K", "C"):
            return used
        lanes = gcd(self.accelerator.beat_bytes, self.accelerator.size_of(dim))
        return ceil_div(used, lanes) * lanes

    @cached_property
    def step(self) -> dict[Dim, int]:
        """Extent of one L1 step, all PEs together."""
        return {d: self.mapping.pe[d] * self.spatial_extent(d) for d in DIMS}

    @cached_property
    def tile(self) -> dict[Dim, int]:
        """Extent of one L2 tile."""
        return {d: self.mapping.l2[d] * self.step[d] for d in DIMS}

    @cached_property
    def num_tiles(self) -> dict[Dim, int]:
        """DRAM loop bound of each dim."""
        return {d: ceil_div(self.layer.bounds[d], self.tile[d]) for d in DIMS}

    @property
    def _strides(self) -> tuple[int, int]:
        return (1, 1) if self.is_dense_pointwise else self.layer.stride

    @property
    def is_dense_pointwise(self) -> bool:
        """A strided 1x1 layer without padding: the stride goes into the pitches of DRAM."""
        layer = self.layer
        return (layer.R, layer.S) == (1, 1) and layer.padding == (0, 0) and layer.stride != (1, 1)

    @property
    def stride(self) -> tuple[int, int]:
        """Stride that the array sees (rows, columns)."""
        return self._strides

    @property
    def image(self) -> tuple[int, int]:
        """Rows and columns of the input that the array sees."""
        if not self.is_dense_pointwise:
            return self.layer.height, self.layer.width
        return (
            min(self.layer.P, ceil_div(self.layer.height, self.layer.stride[0])),
            min(self.layer.Q, ceil_div(self.layer.width, self.layer.stride[1])),
        )

    def rows(self, p: int, r: int) -> int:
        """Input rows under p output rows and r kernel rows."""
        return (p - 1) * self.stride[0] + (r - 1) * self.layer.dilation[0] + 1

    def columns(self, q: int, s: int) -> int:
        """Input columns under q output columns and s kernel columns."""
        return (q - 1) * self.stride[1] + (s - 1) * self.layer.dilation[1] + 1

    # Nest ------------------------------------------------------------------------------------

    @cached_property
    def nest_dims(self) -> tuple[Dim, ...]:
        """Dim of each of the twelve positions, DRAM then L2, outermost first."""
        return self.mapping.dram_order + self.mapping.l2_order

    @cached_property
    def nest_bounds(self) -> tuple[int, ...]:
        """Bound of each of the twelve positions."""
        outer = (self.num_tiles[d] for d in self.mapping.dram_order)
        return (*outer, *(self.mapping.l2[d] for d in self.mapping.l2_order))

    @property
    def num_steps(self) -> int:
        """L1 steps of the layer."""
        return prod(self.nest_bounds)

    @property
    def num_dram_tiles(self) -> int:
        """L2 tiles of the layer."""
        return prod(self.nest_bounds[:NUM_LEVEL_POSITIONS])

    @property
    def input_dims(self) -> tuple[Dim, ...]:
        """Dims relevant to inputs."""
        return (self.channel_dim, "P", "Q", "R", "S")

    def last_moving(self, dims: tuple[Dim, ...], *, dram_only: bool = False) -> int:
        """Innermost position of bound > 1 with one of these dims; -1 if there is none."""
        end = NUM_LEVEL_POSITIONS if dram_only else 2 * NUM_LEVEL_POSITIONS
        positions = [i for i in range(end) if self.nest_bounds[i] > 1 and self.nest_dims[i] in dims]
        return positions[-1] if positions else -1

    def num_runs(self, last: int) -> int:
        """Runs of a tensor whose innermost moving position is `last`."""
        return prod(self.nest_bounds[: last + 1])

    def revisit_positions(self, last: int) -> tuple[int, ...]:
        """Reduction positions of bound > 1 outside `last`: they bring an output back."""
        return tuple(
            i
            for i in range(max(last, 0))
            if self.nest_bounds[i] > 1 and self.nest_dims[i] in REDUCTION_DIMS
        )

    @cached_property
    def last_weights(self) -> int:
        """Innermost position that moves the weights in the PEs."""
        return self.last_moving(("K", "C", "R", "S"))

    @cached_property
    def last_inputs(self) -> int:
        """Innermost position that moves the inputs in the PEs."""
        return self.last_moving(self.input_dims)

    @cached_property
    def last_outputs(self) -> int:
        """Innermost position that moves the accumulators."""
        return self.last_moving(("K", "P", "Q"))

    @cached_property
    def last_weight_tile(self) -> int:
        """Innermost DRAM position that moves the weight tile."""
        return self.last_moving(("K", "C", "R", "S"), dram_only=True)

    @cached_property
    def last_input_tile(self) -> int:
        """Innermost DRAM position that moves the input tile."""
        return self.last_moving(self.input_dims, dram_only=True)

    @cached_property
    def last_output_tile(self) -> int:
        """Innermost DRAM position that moves the output tile."""
        return self.last_moving(("K", "P", "Q"), dram_only=True)

    @cached_property
    def last_scale_tile(self) -> int:
        """Innermost DRAM position that moves the requantisation parameters."""
        return self.last_moving(("K",), dram_only=True)

    @cached_property
    def accumulator_revisits(self) -> tuple[int, ...]:
        """Positions that bring an output back to drain: its sums wait in L2 (or DRAM)."""
        return self.revisit_positions(self.last_outputs)

    @cached_property
    def tile_revisits(self) -> tuple[int, ...]:
        """DRAM positions that bring an output tile back to L2: its sums wait in DRAM."""
        return self.revisit_positions(self.last_output_tile)

    # One PE ----------------------------------------------------------------------------------

    @property
    def weight_bytes(self) -> int:
        """Weights of one step in one PE."""
        pe = self.mapping.pe
        return pe.K * pe.C * pe.R * pe.S

    @property
    def window(self) -> tuple[int, int]:
        """Input rows and columns of one step in one PE."""
        pe = self.mapping.pe
        return self.rows(pe.P, pe.R), self.columns(pe.Q, pe.S)

    @property
    def pe_channels(self) -> int:
        """Input channels of one step in one PE."""
        return self.mapping.pe[self.channel_dim]

    @property
    def input_bytes(self) -> int:
        """Inputs of one step in one PE."""
        return prod(self.window) * self.pe_channels

    @property
    def accumulator_depth(self) -> int:
        """Words of one half of an accumulator bank that one step needs."""
        pe = self.mapping.pe
        return ceil_div(pe.K, self.accelerator.accumulator_lanes) * pe.P * pe.Q

    # Fill ------------------------------------------------------------------------------------

    @property
    def weight_word_count(self) -> int:
        """Words that a PE's weight buffer takes in one step."""
        return ceil_div(self.weight_bytes, self.accelerator.weight_word_bytes)

    @property
    def weight_groups(self) -> int:
        """Groups of V weight positions that a step fills one after the other."""
        vector = self.accelerator.weight_vector_dim
        lanes = self.accelerator.weight_network_lanes
        groups = 1
        for axis in self.accelerator.axes:
            if axis.dim in ("K", "C", "R", "S"):
                used = self.mapping.spatial[axis.dim]
                groups *= ceil_div(used, lanes) if axis.dim == vector else used
        return groups

    @property
    def fill_weight_cycles(self) -> int:
        """Cycles in which the weight network delivers one step."""
        return self.weight_groups * self.weight_word_count

    @property
    def weight_lanes(self) -> int:
        """Weights that one cycle of the weight network delivers in this layer.

        Lanes without a position that is used have no bytes in memory: the number of lanes is the
        least power of two that holds the others.
        """
        lanes, vector = self.accelerator.weight_network_lanes, self.accelerator.weight_vector_dim
        if vector is None:
            return lanes
        return min(lanes, 1 << (self.mapping.spatial[vector] - 1).bit_length())

    @property
    def weight_step_words(self) -> int:
        """L2 words of the weights of one step."""
        num_bytes = self.fill_weight_cycles * self.weight_lanes
        return ceil_div(num_bytes, self.accelerator.beat_bytes)

    @property
    def input_lanes(self) -> int:
        """Input channels that one cycle of the input network delivers in this layer."""
        accelerator = self.accelerator
        on_axis = accelerator.has(self.channel_dim)
        network = (
            accelerator.depthwise_network_lanes
            if self.is_depthwise
            else accelerator.input_network_lanes
        )
        return network if on_axis else gcd(network, self.pe_channels)

    @property
    def chunks_per_channel(self) -> int:
        """Chunks that together hold one PE-level channel index (its positions), on an axis."""
        used = self.mapping.spatial[self.channel_dim]
        return ceil_div(used, self.input_lanes)

    @property
    def chunks_per_pixel(self) -> int:
        """Cycles of the input network for one pixel of one step."""
        if self.accelerator.has(self.channel_dim):
            return self.pe_channels * self.chunks_per_channel
        return self.pe_channels // self.input_lanes

    @property
    def step_image(self) -> tuple[int, int]:
        """Input rows and columns of one step, all PEs together."""
        return self.rows(self.step["P"], self.step["R"]), self.columns(
            self.step["Q"], self.step["S"]
        )

    @property
    def fill_input_cycles(self) -> int:
        """Cycles in which the input network delivers one step."""
        return prod(self.step_image) * self.chunks_per_pixel

    def input_words_per_pixel(self, channel_step: int) -> int:
        """L2 words that one pixel of the L2 step with this channel index touches."""
        beat = self.accelerator.beat_bytes
        first = channel_step * self.step[self.channel_dim]
        last = first + self.chunks_per_pixel * self.input_lanes - 1
        return last // beat - first // beat + 1

    # Compute and drain -----------------------------------------------------------------------

    @property
    def compute_cycles(self) -> int:
        """Cycles of one step in the array."""
        pe = self.mapping.pe
        return pe.K * pe.C * pe.P * pe.Q * pe.R * pe.S

    @property
    def pes_used(self) -> int:
        """PEs that compute."""
        return prod(self.mapping.spatial[axis.dim] for axis in self.accelerator.axes)

    @property
    def drain_beat_channels(self) -> int:
        """Channels that one beat of drain moves."""
        if self.accelerator.has("K"):
            return self.accelerator.drain_group
        return gcd(self.accelerator.drain_lanes, self.mapping.pe.K)

    @property
    def drain_beats(self) -> int:
        """Beats of drain for one accumulator run."""
        spatial, pe = self.mapping.spatial, self.mapping.pe
        if self.accelerator.has("K"):
            channels = pe.K * ceil_div(spatial.K, self.drain_beat_channels)
        else:
            channels = pe.K // self.drain_beat_channels
        return channels * pe.P * pe.Q * spatial.P * spatial.Q

    @property
    def sum_words_per_beat(self) -> int:
        """L2 words that the partial sums of one beat of drain fill."""
        return ceil_div(self.drain_beat_channels, self.accelerator.sum_lanes)

    @property
    def drain_cycles(self) -> int:
        """Cycles of drain for one accumulator run.

        Where outputs are visited once a beat takes a cycle. Otherwise every visit reads or writes
        partial sums, of which a cycle moves one word.
        """
        return self.drain_beats * (self.sum_words_per_beat if self.accumulator_revisits else 1)

    # L2 --------------------------------------------------------------------------------------

    def blocks(self, channels: int) -> int:
        """Blocks of B channels."""
        return ceil_div(channels, self.accelerator.beat_bytes)

    @property
    def weight_tile_words(self) -> int:
        """L2 words of a weight tile."""
        l2 = self.mapping.l2
        return l2.K * l2.C * l2.R * l2.S * self.weight_step_words

    @property
    def tile_image(self) -> tuple[int, int]:
        """Input rows and columns of a tile, what lies outside the image included."""
        return self.rows(self.tile["P"], self.tile["R"]), self.columns(
            self.tile["Q"], self.tile["S"]
        )

    @property
    def input_tile_blocks(self) -> int:
        """Channel blocks of an input tile."""
        return self.blocks(self.tile[self.channel_dim])

    @property
    def input_tile_words(self) -> int:
        """L2 words of an input tile, laid out [rows][columns][blocks]."""
        return prod(self.tile_image) * self.input_tile_blocks

    @property
    def output_tile_blocks(self) -> int:
        """Channel blocks of an output tile."""
        return self.blocks(self.tile["K"])

    @property
    def output_byte_words(self) -> int:
        """L2 words of an output tile as bytes, laid out [P][Q][blocks]."""
        return self.tile["P"] * self.tile["Q"] * self.output_tile_blocks

    @property
    def output_tile_words(self) -> int:
        """L2 words of an output tile: bytes, and behind them its partial sums if it has any."""
        return self.output_byte_words * (5 if self.accumulator_revisits else 1)

    def banks(self, words: int) -> int:
        """L2 banks that this many words take."""
        return ceil_div(words, self.accelerator.bank_words)

    @cached_property
    def bank_allocation(self) -> tuple[tuple[str, int, int], ...]:
        """(tensor, banks of one buffer, number of buffers): one run needs one buffer."""
        tensors = [
            ("weights", self.weight_tile_words, self.last_weight_tile),
            ("inputs", self.input_tile_words, self.last_input_tile),
            ("outputs", self.output_tile_words, self.last_output_tile),
        ]
        if self.layer.residual:
            tensors.append(("residual", self.output_byte_words, self.last_output_tile))
        return tuple((n, self.banks(words), 1 if last < 0 else 2) for n, words, last in tensors)

    @property
    def scale_tile_channels(self) -> int:
        """Channels of a K tile, whole words of the scale memory as load writes them."""
        lanes = self.accelerator.sum_lanes
        return ceil_div(self.tile["K"], lanes) * lanes
