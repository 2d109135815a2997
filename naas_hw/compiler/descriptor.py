"""The compiler: what a layer's descriptor says, for one mapping on one accelerator."""

from dataclasses import dataclass

from naas_hw.arch.accelerator import REDUCTION_DIMS, WEIGHT_DIMS
from naas_hw.compiler.fields import DESCRIPTOR_VERSION, MAGIC, OUTER
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.workload.arithmetic.epilogue import Addition, TablePlace
from naas_hw.workload.layer import Dim

Values = dict[str, int | tuple[int, ...]]
Strides = dict[Dim, int]


@dataclass(frozen=True, kw_only=True)
class Pitches:
    """How far apart in DRAM parts of an image lie, in beats.

    Parameters
    ----------
    block, row, pixel : from one block of channels, row, column to the next.
    """

    block: int
    row: int
    pixel: int = 1


@dataclass(frozen=True, kw_only=True)
class TensorAddresses:
    """Where a layer's tensors begin in DRAM, in beats.

    Parameters
    ----------
    table, residual : of layers that have them.
    input_pitches, output_pitches : of the images; None where rows follow one another, and blocks.
        A residual lies as the outputs do.
    """

    weights: int
    scales: int
    inputs: int
    outputs: int
    sums: int
    table: int = 0
    residual: int = 0
    input_pitches: Pitches | None = None
    output_pitches: Pitches | None = None


@dataclass(frozen=True, kw_only=True)
class ZeroPoints:
    """What requantisation and padding need beside the scales."""

    inputs: int
    outputs: int
    clamp_min: int
    clamp_max: int


def deltas(bounds: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """What an address gains when a position steps and those inside it return to zero.

    A position of bound 1 never steps: 0, however large its stride.
    """
    gains, inside = [], 0
    for bound, stride in zip(reversed(bounds), reversed(strides), strict=True):
        gains.append(stride - inside if bound > 1 else 0)
        inside += (bound - 1) * stride
    return tuple(reversed(gains))


def mask(last: int) -> int:
    """Bits of the positions up to and with `last`."""
    return (1 << (last + 1)) - 1


def bits(positions: tuple[int, ...]) -> int:
    """Bits of some positions."""
    return sum(1 << i for i in positions)


def descriptor_values(
    geometry: Geometry,
    placement: TensorAddresses,
    zero_points: ZeroPoints,
    *,
    identity: int,
    addition: Addition | None = None,
    table_place: TablePlace | None = None,
) -> Values:
    """All fields of the descriptor of a legal mapping, those of optional hardware included.

    Parameters
    ----------
    addition, table_place : of a layer with a residual, with a table.
    """
    g = geometry
    return {
        "magic": MAGIC,
        "format": DESCRIPTOR_VERSION,
        "identity": identity,
        "depthwise": int(g.is_depthwise),
        "input_zero_point": zero_points.inputs,
        "output_zero_point": zero_points.outputs,
        "clamp_min": zero_points.clamp_min,
        "clamp_max": zero_points.clamp_max,
        **_needs(g),
        **_load_nest(g, placement),
        **_sizes(g, placement),
        **_places(g),
        **_fill_nest(g),
        **_networks(g),
        **_pe_nest(g),
        **_drain_nest(g),
        **_beats(g),
        **_store_nest(g, placement),
        "rounds_once": int(g.layer.rounds_once),
        "maximum": int(g.layer.maximum),
        "table_place": 0 if table_place is None else int(table_place),
        "load_table_start": placement.table,
        **_residual(g, placement, addition),
    }


def _per_position(dims: tuple[Dim, ...], strides: Strides) -> tuple[int, ...]:
    return tuple(strides.get(dim, 0) for dim in dims)


def _needs(g: Geometry) -> Values:
    a = g.accelerator
    used = [g.mapping.spatial[axis.dim] for axis in a.axes] + [1] * (3 - len(a.axes))
    banks = sum(num * buffers for _, num, buffers in g.bank_allocation)
    halves_w, halves_i = (1 if last < 0 else 2 for last in (g.last_weights, g.last_inputs))
    return {
        "need_weight_words": g.weight_word_count * halves_w,
        "need_input_bytes": g.input_bytes * halves_i,
        "need_accumulator_words": g.accumulator_depth,
        "need_scale_words": g.scale_tile_channels // a.sum_lanes,
        "need_l2_words": banks * a.bank_words,
        "used": tuple(used),
    }


def _residual(g: Geometry, placement: TensorAddresses, addition: Addition | None) -> Values:
    """Fields of what is added; a layer without it has an addition that changes nothing."""
    bounds, dims = g.nest_bounds[:OUTER], g.nest_dims[:OUTER]
    given = addition or Addition(main_multiplier=1, multiplier=0, shift=0)
    strides = _per_position(dims, _output_strides(g, placement))
    return {
        "residual": int(addition is not None),
        "load_residual_start": placement.residual,
        "load_residual_delta": deltas(bounds, strides),
        "residual_main_multiplier": given.main_multiplier,
        "residual_multiplier": given.multiplier,
        "residual_shift": given.shift,
        "residual_main_zero_point": given.main_zero_point,
        "residual_zero_point": given.zero_point,
        "residual_output_zero_point": given.output_zero_point,
        "residual_clamp_min": given.clamp_min,
        "residual_clamp_max": given.clamp_max,
    }


def _output_pitches(g: Geometry, placement: TensorAddresses) -> Pitches:
    dense = Pitches(block=g.layer.P * g.layer.Q, row=g.layer.Q)
    return placement.output_pitches or dense


def _output_strides(g: Geometry, placement: TensorAddresses) -> Strides:
    """Beats of the output tensor from tile to tile."""
    pitches = _output_pitches(g, placement)
    return {
        "K": g.tile["K"] // g.accelerator.beat_bytes * pitches.block,
        "P": g.tile["P"] * pitches.row,
        "Q": g.tile["Q"] * pitches.pixel,
    }


def _pitches(g: Geometry, placement: TensorAddresses) -> tuple[int, int, int]:
    """Beats of the input tensor from block to block, row to row, pixel to pixel.

    A single row is never left: 0, however large its stride.
    """
    step = g.layer.stride if g.is_dense_pointwise else (1, 1)
    dense = Pitches(block=g.layer.height * g.layer.width, row=g.layer.width)
    pitches = placement.input_pitches or dense
    row = step[0] * pitches.row if g.image[0] > 1 else 0
    return pitches.block, row, step[1] * pitches.pixel


def _load_nest(g: Geometry, placement: TensorAddresses) -> Values:
    bounds, dims = g.nest_bounds[:OUTER], g.nest_dims[:OUTER]
    n, beat, tile = g.num_tiles, g.accelerator.beat_bytes, g.tile
    block, row, pixel = _pitches(g, placement)
    rows: Strides = {"P": tile["P"] * g.stride[0], "R": tile["R"] * g.layer.dilation[0]}
    columns: Strides = {"Q": tile["Q"] * g.stride[1], "S": tile["S"] * g.layer.dilation[1]}
    channel = g.channel_dim
    blocks: Strides = {channel: tile[channel] // beat}
    inputs: Strides = {
        **{dim: rows[dim] * row for dim in rows},
        **{dim: columns[dim] * pixel for dim in columns},
        channel: blocks[channel] * block,
    }
    words = g.weight_tile_words
    weights: Strides = {
        "S": words,
        "R": n["S"] * words,
        "C": n["R"] * n["S"] * words,
        "K": n["C"] * n["R"] * n["S"] * words,
    }
    scales: Strides = {"K": 3 * (g.scale_tile_channels // g.accelerator.sum_lanes)}
    pad = g.layer.padding

    def delta(strides: Strides) -> tuple[int, ...]:
        return deltas(bounds, _per_position(dims, strides))

    return {
        "load_bound": bounds,
        "load_scale_mask": mask(g.last_scale_tile),
        "load_weight_mask": mask(g.last_weight_tile),
        "load_input_mask": mask(g.last_input_tile),
        "load_output_mask": mask(g.last_output_tile),
        "load_revisit": bits(g.tile_revisits),
        "load_scale_start": placement.scales,
        "load_scale_delta": delta(scales),
        "load_weight_start": placement.weights,
        "load_weight_delta": delta(weights),
        "load_input_start": placement.inputs - pad[0] * row - pad[1] * pixel,
        "load_input_delta": delta(inputs),
        "load_sums_start": placement.sums,
        "load_sums_delta": delta({d: 4 * v for d, v in _output_strides(g, placement).items()}),
        "load_row_start": -pad[0],
        "load_row_delta": delta(rows),
        "load_column_start": -pad[1],
        "load_column_delta": delta(columns),
        "load_block_delta": delta(blocks),
        "output_row_delta": delta({"P": tile["P"]}),
        "output_column_delta": delta({"Q": tile["Q"]}),
        "output_block_delta": delta({"K": tile["K"] // beat}),
    }


def _sizes(g: Geometry, placement: TensorAddresses) -> Values:
    block, row, pixel = _pitches(g, placement)
    outputs = _output_pitches(g, placement)
    return {
        "image_rows": g.image[0],
        "image_columns": g.image[1],
        "input_blocks": g.blocks(g.layer.input_channels),
        "tile_rows": g.tile_image[0],
        "tile_columns": g.tile_image[1],
        "tile_blocks": g.input_tile_blocks,
        "output_rows": g.layer.P,
        "output_columns": g.layer.Q,
        "output_blocks": g.blocks(g.layer.K),
        "tile_output_rows": g.tile["P"],
        "tile_output_columns": g.tile["Q"],
        "tile_output_blocks": g.output_tile_blocks,
        "dummy_input_address": placement.inputs,
        "input_block_pitch": block,
        "input_row_pitch": row,
        "input_pixel_pitch": pixel,
        "output_block_pitch": outputs.block,
        "output_row_pitch": outputs.row,
        "output_pixel_pitch": outputs.pixel,
        "weight_tile_words": g.weight_tile_words,
        "scale_tile_words": g.scale_tile_channels // g.accelerator.sum_lanes,
    }


def _places(g: Geometry) -> Values:
    bases: dict[str, tuple[int, int]] = {}
    bank = 0
    for name, banks, buffers in g.bank_allocation:
        places = [(bank + i * banks) * g.accelerator.bank_words for i in range(buffers)]
        bases[name] = (places[0], places[-1])
        bank += banks * buffers
    sums = (0, 0)
    if g.accumulator_revisits:
        first, second = bases["outputs"]
        sums = (first + g.output_byte_words, second + g.output_byte_words)
    return {
        "weight_base": bases["weights"],
        "input_base": bases["inputs"],
        "output_base": bases["outputs"],
        "sums_base": sums,
        "residual_base": bases.get("residual", (0, 0)),
        "input_l2_row_pitch": g.tile_image[1] * g.input_tile_blocks,
        "input_l2_column_pitch": g.input_tile_blocks,
        "output_l2_row_pitch": g.tile["Q"] * g.output_tile_blocks,
        "output_l2_column_pitch": g.output_tile_blocks,
    }


def _fill_nest(g: Geometry) -> Values:
    step, tile, l2 = g.step, g.tile, g.mapping.l2
    pixel = g.input_tile_blocks * g.accelerator.beat_bytes
    row = g.tile_image[1] * pixel
    (down, across), (down_r, across_s) = g.stride, g.layer.dilation
    words = g.weight_step_words
    weights: Strides = {
        "S": words,
        "R": l2.S * words,
        "C": l2.R * l2.S * words,
        "K": l2.C * l2.R * l2.S * words,
    }
    inputs: Strides = {
        g.channel_dim: step[g.channel_dim],
        "P": step["P"] * down * row,
        "R": step["R"] * down_r * row,
        "Q": step["Q"] * across * pixel,
        "S": step["S"] * across_s * pixel,
    }

    def both(dim: Dim, factor: int) -> tuple[int, int]:
        return tile[dim] * factor, step[dim] * factor

    rows: dict[Dim, tuple[int, int]] = {"P": both("P", down), "R": both("R", down_r)}
    columns: dict[Dim, tuple[int, int]] = {"Q": both("Q", across), "S": both("S", across_s)}
    return {
        "fill_bound": g.nest_bounds,
        "fill_weight_tile_mask": mask(g.last_weight_tile),
        "fill_input_tile_mask": mask(g.last_input_tile),
        "fill_weight_mask": mask(g.last_weights),
        "fill_input_mask": mask(g.last_inputs),
        "fill_output_mask": mask(g.last_outputs),
        "fill_weight_delta": deltas(g.nest_bounds, _inner_only(g, weights)),
        "fill_input_delta": deltas(g.nest_bounds, _inner_only(g, inputs)),
        "fill_row_delta": deltas(g.nest_bounds, _both_levels(g, rows)),
        "fill_column_delta": deltas(g.nest_bounds, _both_levels(g, columns)),
    }


def _inner_only(g: Geometry, strides: Strides) -> tuple[int, ...]:
    """Strides of the L2 positions; a new tile begins at its own zero."""
    return (0,) * OUTER + _per_position(g.nest_dims[OUTER:], strides)


def _both_levels(g: Geometry, strides: dict[Dim, tuple[int, int]]) -> tuple[int, ...]:
    return tuple(
        strides.get(dim, (0, 0))[0 if i < OUTER else 1] for i, dim in enumerate(g.nest_dims)
    )


def _networks(g: Geometry) -> Values:
    a, pe, spatial = g.accelerator, g.mapping.pe, g.mapping.spatial
    on_axis = a.has(g.channel_dim)
    groups = []
    for axis in a.axes:
        used = g.mapping.spatial[axis.dim]
        is_vector = axis.dim == a.weight_vector_dim
        width = a.weight_network_lanes if is_vector else 1
        groups.append(ceil_div(used, width) if axis.dim in WEIGHT_DIMS else 1)
    pixel = g.input_tile_blocks * a.beat_bytes
    rows, columns = g.window
    row_pitch = columns * g.pe_channels
    return {
        "weight_words": g.weight_word_count,
        "weight_lanes_log2": g.weight_lanes.bit_length() - 1,
        "weight_groups": (*groups, *([1] * (3 - len(groups)))),
        "step_rows": g.step_image[0],
        "step_columns": g.step_image[1],
        "pixel_chunks": g.chunks_per_pixel,
        "chunk_groups": g.chunks_per_channel if on_axis else 1,
        "chunk_bytes": g.input_lanes,
        "chunk_step": 1 if on_axis else g.input_lanes,
        "fill_l2_row_pitch": g.tile_image[1] * pixel,
        "fill_l2_column_pitch": pixel,
        "window_row_pitch": row_pitch,
        "window_row_last": (rows - 1) * row_pitch,
        "window_column_pitch": g.pe_channels,
        "window_column_last": (columns - 1) * g.pe_channels,
        "row_step_p": pe.P * g.stride[0] if spatial.P > 1 else 0,
        "row_step_r": pe.R * g.layer.dilation[0] if spatial.R > 1 else 0,
        "column_step_q": pe.Q * g.stride[1] if spatial.Q > 1 else 0,
        "column_step_s": pe.S * g.layer.dilation[1] if spatial.S > 1 else 0,
    }


def _accumulator_pitch(g: Geometry) -> int:
    """Places of one pixel in an accumulator bank."""
    lanes = g.accelerator.accumulator_lanes
    return ceil_div(g.mapping.pe.K, lanes) * lanes


def _pe_nest(g: Geometry) -> Values:
    order, pe, channels = g.mapping.pe_order, g.mapping.pe, g.pe_channels
    bounds = tuple(pe[dim] for dim in order)
    row = g.window[1] * channels
    inputs: Strides = {
        g.channel_dim: 1,
        "P": g.stride[0] * row,
        "R": g.layer.dilation[0] * row,
        "Q": g.stride[1] * channels,
        "S": g.layer.dilation[1] * channels,
    }
    weights: Strides = {"S": 1, "R": pe.S, "C": pe.R * pe.S, "K": pe.C * pe.R * pe.S}
    pixel = _accumulator_pitch(g)
    accumulators: Strides = {"K": 1, "Q": pixel, "P": pe.Q * pixel}
    return {
        "pe_bound": bounds,
        "pe_reduction": bits(tuple(i for i, dim in enumerate(order) if dim in REDUCTION_DIMS)),
        "pe_weight_delta": deltas(bounds, _per_position(order, weights)),
        "pe_input_delta": deltas(bounds, _per_position(order, inputs)),
        "pe_accumulator_delta": deltas(bounds, _per_position(order, accumulators)),
    }


def _drain_nest(g: Geometry) -> Values:
    bounds = tuple(bound if i <= g.last_outputs else 1 for i, bound in enumerate(g.nest_bounds))
    pixel = g.output_tile_blocks * g.accelerator.beat_bytes
    places: Strides = {
        "K": g.step["K"],
        "Q": g.step["Q"] * pixel,
        "P": g.step["P"] * g.tile["Q"] * pixel,
    }
    return {
        "drain_bound": bounds,
        "drain_tile_mask": mask(g.last_output_tile),
        "drain_scale_mask": mask(g.last_scale_tile),
        "drain_revisit": bits(g.accumulator_revisits),
        "drain_tile_revisit": bits(g.tile_revisits),
        "drain_byte_delta": deltas(bounds, _inner_only(g, places)),
        "drain_channel_delta": deltas(bounds, _inner_only(g, {"K": g.step["K"]})),
    }


def _beats(g: Geometry) -> Values:
    """The beats of one drain: positions of P and Q, then P, Q, K in the PE, then groups of K."""
    a, pe, spatial = g.accelerator, g.mapping.pe, g.mapping.spatial
    each = g.drain_beat_channels
    if a.has("K"):
        channels, groups = pe.K, ceil_div(spatial.K, each)
        channel, place = g.spatial_extent("K"), 1
    else:
        channels, groups = pe.K // each, 1
        channel, place = each, each
    bounds = (spatial.P, spatial.Q, pe.P, pe.Q, channels, groups)
    pixel = g.output_tile_blocks * a.beat_bytes
    row = g.tile["Q"] * pixel
    held = _accumulator_pitch(g)
    return {
        "beat_bound": bounds,
        "beat_byte_delta": deltas(bounds, (pe.P * row, pe.Q * pixel, row, pixel, channel, each)),
        "beat_accumulator_delta": deltas(bounds, (0, 0, pe.Q * held, held, place, 0)),
        "beat_channel_delta": deltas(bounds, (0, 0, 0, 0, channel, each)),
        "beat_lanes_log2": each.bit_length() - 1,
    }


def _store_nest(g: Geometry, placement: TensorAddresses) -> Values:
    dims = g.nest_dims[:OUTER]
    bounds = tuple(
        bound if i <= g.last_output_tile else 1 for i, bound in enumerate(g.nest_bounds[:OUTER])
    )

    def delta(strides: Strides) -> tuple[int, ...]:
        return deltas(bounds, _per_position(dims, strides))

    return {
        "store_bound": bounds,
        "store_revisit": bits(g.tile_revisits),
        "store_output_start": placement.outputs,
        "store_sums_start": placement.sums,
        "store_delta": delta(_output_strides(g, placement)),
        "store_row_delta": delta({"P": g.tile["P"]}),
        "store_column_delta": delta({"Q": g.tile["Q"]}),
        "store_block_delta": delta({"K": g.tile["K"] // g.accelerator.beat_bytes}),
    }
