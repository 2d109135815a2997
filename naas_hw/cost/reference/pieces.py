"""What each engine has to do, step by step.

The nest has twelve positions, those of the DRAM loops and inside them those of the L2 loops; one
pass through its innermost body is a *step* of the array. This walks all steps, one by one: the
readable reference for whatever counts or times them faster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Final

from naas_hw.arch import timing
from naas_hw.arch.accelerator import REDUCTION_DIMS
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.mapping.geometry import NUM_LEVEL_POSITIONS, Geometry, ceil_div
from naas_hw.workload.layer import Dim
from naas_hw.workload.option import TABLE_SIZE

EVERYTHING_MOVES: Final = -1
"""The position that "advances" into the first step."""

SUM_BEATS_PER_BLOCK: Final = 4
"""A block of B channels is B bytes, or B sums of four bytes."""

SCALE_BEATS_PER_WORD: Final = 3
"""Bias, multiplier and shift of B / 4 channels."""


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Cycles of one piece of each engine, and what the memory outside is like.

    Members
    -------
    latency, period : of the memory: cycles from an address to its first beat, and between beats.
    has_epilogue : whether results pass more hardware on their way from requantisers to L2.
    """

    fill_weights: int
    fill_inputs: int
    compute: int
    drain: int
    compute_to_drain: int
    latency: int
    period: int
    descriptor_beats: int
    has_epilogue: bool = False

    @property
    def read_latency(self) -> int:
        """From an address to its first beat."""
        return timing.read_latency(self.latency)

    @property
    def response_latency(self) -> int:
        """From a last beat to its response."""
        return timing.response_latency(self.latency)


@dataclass(frozen=True, kw_only=True)
class TileLoad:
    """Beats that load moves for a tile, in this order; 0 where nothing changed."""

    scales: int
    weights: int
    inputs: int
    sums: int
    table: int = 0
    residual: int = 0

    @property
    def pieces(self) -> tuple[tuple[str, int], ...]:
        """(tensor, beats) of what moves, in order."""
        named = (
            ("table", self.table),
            ("scales", self.scales),
            ("weights", self.weights),
            ("inputs", self.inputs),
            ("residual", self.residual),
            ("sums", self.sums),
        )
        return tuple((name, beats) for name, beats in named if beats)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the array, and what begins or ends with it.

    Members
    -------
    index, tile : of the step, and of the L2 tile it is in.
    indices : loop counter of each of the twelve positions.
    load : what load moves for the tile that opens here; None within a tile.
    weights_changed, inputs_changed : whether the PEs take new ones.
    opens_scale_run, opens_output_run, opens_accumulator_run : the first step of such a run.
    closes_accumulator_run, closes_output_run : the last step of such a run.
    reload : the sums of the output run come back from DRAM (true in all steps of the run).
    adds_residual : the output run leaves finished, with a residual added (true in all its steps).
    revisit : the outputs of the accumulator run have sums in L2 (true in all its steps).
    store_beats : beats of the output run that closes here, else 0.
    """

    index: int
    tile: int
    indices: tuple[int, ...]
    load: TileLoad | None
    weights_changed: bool
    inputs_changed: bool
    opens_scale_run: bool
    opens_output_run: bool
    opens_accumulator_run: bool
    closes_accumulator_run: bool
    closes_output_run: bool
    reload: bool
    adds_residual: bool
    revisit: bool
    store_beats: int


def durations_of(geometry: Geometry) -> Durations:
    """How long each piece of this layer takes."""
    accelerator = geometry.accelerator
    reduced = prod(axis.size for axis in accelerator.axes if axis.dim in REDUCTION_DIMS)
    return Durations(
        fill_weights=max(timing.STEP_PACE, geometry.fill_weight_cycles),
        fill_inputs=max(timing.STEP_PACE, geometry.fill_input_cycles),
        compute=geometry.compute_cycles,
        drain=max(timing.STEP_PACE, geometry.drain_cycles),
        compute_to_drain=timing.compute_to_drain(reduced),
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
        descriptor_beats=descriptor_beats(accelerator),
        has_epilogue=accelerator.has_epilogue,
    )


def steps_of(geometry: Geometry) -> Iterator[Step]:
    """All steps of the layer, in order."""
    counters = [0] * (2 * NUM_LEVEL_POSITIONS)
    advanced = EVERYTHING_MOVES
    tile = -1
    for index in range(geometry.num_steps):
        following = _next_to_advance(counters, geometry.nest_bounds)
        opens_tile = advanced < NUM_LEVEL_POSITIONS
        tile += opens_tile
        yield _step(geometry, index, tile, tuple(counters), advanced, following)
        if following is not None:
            counters[following] += 1
            counters[following + 1 :] = [0] * (len(counters) - following - 1)
            advanced = following


def _next_to_advance(counters: list[int], bounds: tuple[int, ...]) -> int | None:
    open_positions = [k for k, counter in enumerate(counters) if counter + 1 < bounds[k]]
    return open_positions[-1] if open_positions else None


def _step(
    geometry: Geometry,
    index: int,
    tile: int,
    counters: tuple[int, ...],
    advanced: int,
    following: int | None,
) -> Step:
    def changed(last: int) -> bool:
        return advanced == EVERYTHING_MOVES or advanced <= last

    def closes(last: int) -> bool:
        return following is None or following <= last

    closes_output_run = closes(geometry.last_output_tile)
    tile_indices = _tile_indices(geometry, counters)
    return Step(
        index=index,
        tile=tile,
        indices=counters,
        load=_tile_load(geometry, counters, advanced) if advanced < NUM_LEVEL_POSITIONS else None,
        weights_changed=changed(geometry.last_weights),
        inputs_changed=changed(geometry.last_inputs),
        opens_scale_run=changed(geometry.last_scale_tile),
        opens_output_run=changed(geometry.last_output_tile),
        opens_accumulator_run=changed(geometry.last_outputs),
        closes_accumulator_run=closes(geometry.last_outputs),
        closes_output_run=closes_output_run,
        reload=any(counters[k] for k in geometry.tile_revisits),
        adds_residual=geometry.layer.residual and _is_last_visit(geometry, counters),
        revisit=any(counters[k] for k in geometry.accumulator_revisits),
        store_beats=(
            output_blocks(geometry, tile_indices)
            * (1 if _is_last_visit(geometry, counters) else SUM_BEATS_PER_BLOCK)
            if closes_output_run
            else 0
        ),
    )


def _tile_indices(geometry: Geometry, counters: tuple[int, ...]) -> dict[Dim, int]:
    return dict(zip(geometry.mapping.dram_order, counters[:NUM_LEVEL_POSITIONS], strict=True))


def _is_last_visit(geometry: Geometry, counters: tuple[int, ...]) -> bool:
    """Whether the output tile leaves finished."""
    return all(counters[k] == geometry.nest_bounds[k] - 1 for k in geometry.tile_revisits)


def _tile_load(geometry: Geometry, counters: tuple[int, ...], advanced: int) -> TileLoad:
    def changed(last: int) -> bool:
        return advanced == EVERYTHING_MOVES or advanced <= last

    indices = _tile_indices(geometry, counters)
    reload = any(counters[k] for k in geometry.tile_revisits)
    opens_outputs = changed(geometry.last_output_tile)
    adds_residual = geometry.layer.residual and _is_last_visit(geometry, counters)
    return TileLoad(
        table=table_beats(geometry) if advanced == EVERYTHING_MOVES else 0,
        scales=scale_beats(geometry) if changed(geometry.last_scale_tile) else 0,
        weights=geometry.weight_tile_words if changed(geometry.last_weight_tile) else 0,
        inputs=input_beats(geometry, indices) if changed(geometry.last_input_tile) else 0,
        residual=output_blocks(geometry, indices) if opens_outputs and adds_residual else 0,
        sums=(
            SUM_BEATS_PER_BLOCK * output_blocks(geometry, indices)
            if opens_outputs and reload
            else 0
        ),
    )


# Beats of a tile ---------------------------------------------------------------------------------


def table_beats(geometry: Geometry) -> int:
    """Beats of the layer's table of bytes; 0 if it has none."""
    return TABLE_SIZE // geometry.accelerator.beat_bytes if geometry.layer.table else 0


def scale_beats(geometry: Geometry) -> int:
    """Beats of the requantisation parameters of a K tile, which moves whole."""
    return SCALE_BEATS_PER_WORD * ceil_div(geometry.tile["K"], geometry.accelerator.sum_lanes)


def existing(geometry: Geometry, dim: Dim, index: int) -> int:
    """Indices of a dim that the tile with this tile index holds and the layer has."""
    extent = geometry.tile[dim]
    return min(extent, geometry.layer.bounds[dim] - index * extent)


def existing_rows(geometry: Geometry, p: int, r: int) -> int:
    """Rows of the image that the input tile with these tile indices of P and R holds."""
    first = (
        p * geometry.tile["P"] * geometry.stride[0]
        - geometry.layer.padding[0]
        + r * geometry.tile["R"] * geometry.layer.dilation[0]
    )
    return _clipped(first, geometry.tile_image[0], geometry.image[0])


def existing_columns(geometry: Geometry, q: int, s: int) -> int:
    """Columns of the image that the input tile with these tile indices of Q and S holds."""
    first = (
        q * geometry.tile["Q"] * geometry.stride[1]
        - geometry.layer.padding[1]
        + s * geometry.tile["S"] * geometry.layer.dilation[1]
    )
    return _clipped(first, geometry.tile_image[1], geometry.image[1])


def _clipped(first: int, length: int, end: int) -> int:
    """Numbers from `first` on, so many, that lie in [0, end)."""
    return max(0, min(first + length, end) - max(first, 0))


def input_beats(geometry: Geometry, indices: dict[Dim, int]) -> int:
    """Beats of the input tile with these tile indices: what exists, at least one."""
    rows = existing_rows(geometry, indices["P"], indices["R"])
    columns = existing_columns(geometry, indices["Q"], indices["S"])
    channel = geometry.channel_dim
    blocks = geometry.blocks(existing(geometry, channel, indices[channel]))
    return max(1, rows * columns * blocks)


def output_blocks(geometry: Geometry, indices: dict[Dim, int]) -> int:
    """Blocks of channels of the outputs that exist in the tile with these tile indices."""
    rows, columns = (existing(geometry, dim, indices[dim]) for dim in ("P", "Q"))
    return rows * columns * geometry.blocks(existing(geometry, "K", indices["K"]))
