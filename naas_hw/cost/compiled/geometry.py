"""Legality of one mapping, and the numbers that follow from it.

The beat and the numbers of lanes are powers of two, so a shift divides by them.
"""

from naas_hw.arch.timing import STEP_PACE
from naas_hw.cost.compiled.columns import NUM_DIMS, NUM_LOOPS, C, K, P, Q, R, S
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.rules import (
    ACCUMULATOR_BANK,
    BLOCK_K,
    FIELD,
    GLOBAL_BUFFER,
    INPUT_BUFFER,
    LEGAL,
    OPTION,
    SCALES,
    SPATIAL,
    VISITS,
    WEIGHT_BUFFER,
)


@kernel
def ceil_div(numerator, denominator):  # type: ignore[no-untyped-def]
    """Quotient of positive numbers, rounded up."""
    return (numerator + denominator - 1) // denominator


@kernel
def ceil_shift(number, shift):  # type: ignore[no-untyped-def]
    """`number` by a power of two, rounded up."""
    return -(-number >> shift)


@kernel
def common_shift(number, most):  # type: ignore[no-untyped-def]
    """Log2 of the largest power of two that divides a positive number, at most 2^most."""
    shift = 0
    while shift < most and not (number >> shift) & 1:
        shift += 1
    return shift


@kernel
def power_above(number):  # type: ignore[no-untyped-def]
    """The least power of two that is not below a positive number."""
    power = 1
    while power < number:
        power <<= 1
    return power


@kernel
def _rows(p, outputs, kernels):  # type: ignore[no-untyped-def]
    return (outputs - 1) * p.stride_rows + (kernels - 1) * p.dilation_rows + 1


@kernel
def _columns(p, outputs, kernels):  # type: ignore[no-untyped-def]
    return (outputs - 1) * p.stride_columns + (kernels - 1) * p.dilation_columns + 1


@kernel
def _walk_nest(p, orders, l2, g):  # type: ignore[no-untyped-def]
    """Runs and visits of each tensor, from the outermost loop to the innermost.

    The number of runs of a tensor is the product of all bounds up to the innermost loop that moves
    it. The number of its visits is the product of the reduction loops outside of that loop.
    """
    last_weights = last_inputs = last_outputs = last_scales = -1
    weight_runs = input_runs = output_runs = scale_runs = product = reductions = visits = 1
    for k in range(NUM_LOOPS):
        if k < NUM_DIMS:
            dim = orders[0, k]
            bound = g.tiles[dim]
        else:
            dim = orders[1, k - NUM_DIMS]
            bound = l2[dim]
        if k == NUM_DIMS:
            g.last_weight_tile, g.weight_tile_runs = last_weights, weight_runs
            g.last_input_tile, g.input_tile_runs = last_inputs, input_runs
            g.last_output_tile, g.output_tile_runs = last_outputs, output_runs
            g.last_scale_tile, g.scale_tile_runs = last_scales, scale_runs
            g.tile_visits, g.num_tiles = visits, product
        if bound == 1:
            continue
        product *= bound
        if p.weight_mask >> dim & 1:
            last_weights, weight_runs = k, product
        if p.input_mask >> dim & 1:
            last_inputs, input_runs = k, product
        if p.output_mask >> dim & 1:
            last_outputs, output_runs, visits = k, product, reductions
        else:
            reductions *= bound
        if dim == K:
            last_scales, scale_runs = k, product
    g.last_weights, g.weight_runs = last_weights, weight_runs
    g.last_inputs, g.input_runs = last_inputs, input_runs
    g.last_outputs, g.output_runs = last_outputs, output_runs
    g.visits, g.num_steps = visits, product


@kernel
def _lacks_option(p, l2, pe, spatial, g):  # type: ignore[no-untyped-def]
    """Whether the layer needs hardware that is not there, or a maximum goes beyond the kernel."""
    if p.lacks_option:
        return True
    if p.maximum:
        for d in (C, R, S):
            if float(g.tiles[d]) * l2[d] * pe[d] * spatial[d] != p.bounds[d]:
                return True
    return False


@kernel
def check(p, orders, l2, pe, spatial, g):  # type: ignore[no-untyped-def]
    """The first rule that the mapping breaks, or `LEGAL`; fills the entries of `g` it computes.

    `derive` may follow if no rule of one PE is broken, even if a rule of the L2 is.

    Products of unchecked bounds are computed in floating point, where they cannot overflow.
    """
    for d in range(NUM_DIMS):
        if spatial[d] < p.least[d] or spatial[d] > p.most[d]:
            return SPATIAL + d
    g.step_k, g.step_c = pe[K] * p.extents[K], pe[C] * p.extents[C]
    g.tile[K], g.tile[C] = l2[K] * g.step_k, l2[C] * g.step_c
    for d in range(P, NUM_DIMS):
        g.tile[d] = l2[d] * pe[d] * spatial[d]
    for d in range(NUM_DIMS):
        g.tiles[d] = 1 if p.bounds[d] <= g.tile[d] else ceil_div(p.bounds[d], g.tile[d])
    _walk_nest(p, orders, l2, g)
    if _lacks_option(p, l2, pe, spatial, g):
        return OPTION

    # One PE
    weight_bytes = float(pe[K]) * pe[C] * pe[R] * pe[S]
    if weight_bytes > p.weight_buffer_bytes >> (g.last_weights >= 0):
        return WEIGHT_BUFFER
    window_rows, window_columns = _rows(p, pe[P], pe[R]), _columns(p, pe[Q], pe[S])
    if float(window_rows) * window_columns * pe[p.channel] > (
        p.input_buffer_bytes >> (g.last_inputs >= 0)
    ):
        return INPUT_BUFFER
    if float(ceil_shift(pe[K], p.accumulator_shift)) * pe[P] * pe[Q] > p.accumulator_depth:
        return ACCUMULATOR_BANK
    g.window_pixels = window_rows * window_columns
    step_rows = _rows(p, pe[P] * spatial[P], pe[R] * spatial[R])
    step_columns = _columns(p, pe[Q] * spatial[Q], pe[S] * spatial[S])
    g.step_pixels = step_rows * step_columns

    # L2
    groups = 1
    for d in range(NUM_DIMS):
        if p.weight_mask >> d & 1:
            groups *= ceil_shift(spatial[d], p.vector_shifts[d])
    g.weight_words = ceil_shift(int(weight_bytes), p.weight_word_shift)
    weight_cycles = groups * g.weight_words
    g.fill_weights = max(STEP_PACE, weight_cycles)
    lanes = p.weight_lanes
    if p.weight_vector >= 0:
        lanes = min(lanes, power_above(spatial[p.weight_vector]))
    g.weight_step_words = ceil_shift(weight_cycles * lanes, p.beat_shift)
    tile = g.tile
    g.tile_rows, g.tile_columns = _rows(p, tile[P], tile[R]), _columns(p, tile[Q], tile[S])
    weight_tile = float(l2[K]) * l2[C] * l2[R] * l2[S] * g.weight_step_words
    input_tile = float(g.tile_rows) * g.tile_columns * ceil_shift(tile[p.channel], p.beat_shift)
    output_tile = float(tile[P]) * tile[Q] * ceil_shift(tile[K], p.beat_shift)
    byte_tile = output_tile
    if g.visits != 1:
        output_tile *= 5
    largest = float(p.bank_words) * p.num_banks
    if weight_tile > largest or input_tile > largest or output_tile > largest:
        return GLOBAL_BUFFER
    banks = ceil_div(int(weight_tile), p.bank_words) << (g.last_weight_tile >= 0)
    banks += ceil_div(int(input_tile), p.bank_words) << (g.last_input_tile >= 0)
    banks += ceil_div(int(output_tile), p.bank_words) << (g.last_output_tile >= 0)
    if p.residual:
        banks += ceil_div(int(byte_tile), p.bank_words) << (g.last_output_tile >= 0)
    if banks > p.num_banks:
        return GLOBAL_BUFFER
    scale_words = ceil_shift(tile[K], p.sum_shift)
    if scale_words << p.sum_shift > p.scale_depth:
        return SCALES
    g.weight_tile_words, g.scale_beats = int(weight_tile), 3 * scale_words

    for d in range(2):
        if tile[d] & (p.beat - 1) and g.tiles[d] > 1:
            return BLOCK_K + d
    if g.tile_rows > p.max_field or g.tile_columns > p.max_field:
        return FIELD
    if step_rows > p.max_window or step_columns > p.max_window:
        return FIELD
    if weight_tile > p.max_field or input_tile > p.max_field:
        return FIELD
    for d in range(NUM_DIMS):
        if tile[d] > p.max_field:
            return FIELD
    if (p.maximum and g.visits != 1) or (p.pitched and g.tile_visits != 1):
        return VISITS
    return LEGAL


@kernel
def derive(p, pe, spatial, g):  # type: ignore[no-untyped-def]
    """Durations and sizes of the pieces of a mapping that `check` found legal."""
    pe_channels = pe[p.channel]
    if p.channel_on_axis:
        chunks, lanes = pe_channels * p.channel_chunks, p.input_lanes
        g.written_channels = pe_channels
    else:
        shift = common_shift(pe_channels, p.input_shift)
        chunks, lanes = pe_channels >> shift, 1 << shift
        g.written_channels = chunks
    g.pixel_bytes = chunks * lanes
    g.fill_inputs = max(STEP_PACE, g.step_pixels * chunks)
    g.compute = pe[K] * pe[C] * pe[P] * pe[Q] * pe[R] * pe[S]
    if p.k_on_axis:
        channels, lanes_shift = pe[K] * p.drain_groups, p.group_shift
    else:
        lanes_shift = common_shift(pe[K], p.drain_shift)
        channels = pe[K] >> lanes_shift
    g.drain_once = channels * pe[P] * pe[Q] * spatial[P] * spatial[Q]
    g.drain_again = g.drain_once << max(0, lanes_shift - p.sum_shift)
    g.drain_words = g.drain_once if g.visits == 1 else g.drain_again
    g.drain = max(STEP_PACE, g.drain_words)
    g.sums_used = spatial[K] * spatial[P] * spatial[Q]
    g.pes_used = g.sums_used * spatial[C] * spatial[R] * spatial[S]


@kernel
def store_nest(orders, l2, g):  # type: ignore[no-untyped-def]
    """Dims and bounds of the loops of both nests, for `exact_cycles`."""
    for k in range(NUM_DIMS):
        g.dims[k], g.bounds[k] = orders[0, k], g.tiles[orders[0, k]]
        g.dims[NUM_DIMS + k], g.bounds[NUM_DIMS + k] = orders[1, k], l2[orders[1, k]]
