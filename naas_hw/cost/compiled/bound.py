"""A lower bound of the cycles of a mapping, without stepping."""

from naas_hw.cost.compiled.columns import (
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_RESIDUAL,
    DRAM_SCALES,
    DRAM_SUMS_IN,
    DRAM_SUMS_OUT,
    DRAM_WEIGHTS,
    K,
    P,
    Q,
    R,
    S,
)
from naas_hw.cost.compiled.counts import clipped
from naas_hw.cost.compiled.geometry import ceil_shift
from naas_hw.cost.compiled.jit import kernel


@kernel
def start_of(p):  # type: ignore[no-untyped-def]
    """Cycle in which the engines are told to start."""
    first = p.start_to_descriptor + p.read_latency
    return first + p.period * (p.descriptor_beats - 1) + p.descriptor_to_layer


@kernel
def existing(p, g, dim, index):  # type: ignore[no-untyped-def]
    """Indices of a dim that exist in a tile."""
    return min(g.tile[dim], p.bounds[dim] - index * g.tile[dim])


@kernel
def tile_blocks(p, g, k, p_index, q):  # type: ignore[no-untyped-def]
    """Blocks of outputs that exist in a tile."""
    rows, columns = existing(p, g, P, p_index), existing(p, g, Q, q)
    return rows * columns * ceil_shift(existing(p, g, K, k), p.beat_shift)


@kernel
def tile_inputs(p, g, index_p, index_q, index_r, index_s, channel):  # type: ignore[no-untyped-def]
    """Beats of the input tile with these tile indices."""
    tile = g.tile
    first_row = index_p * tile[P] * p.stride_rows + index_r * tile[R] * p.dilation_rows
    first_column = index_q * tile[Q] * p.stride_columns + index_s * tile[S] * p.dilation_columns
    rows = clipped(first_row - p.padding_rows, g.tile_rows, p.image_rows)
    columns = clipped(first_column - p.padding_columns, g.tile_columns, p.image_columns)
    blocks = ceil_shift(existing(p, g, p.channel, channel), p.beat_shift)
    return max(1, rows * columns * blocks)


@kernel
def _half(number):  # type: ignore[no-untyped-def]
    return (number + 1) >> 1


@kernel
def _residual_bound(p, g, counts, first_loaded, drained, last_load):  # type: ignore[no-untyped-def]
    """Cycle in which the last drain ends at least: drain waits for the residual of each run.

    Parameters
    ----------
    first_loaded : cycle in which the residual of the first tile may begin.
    drained : cycle of the first drain without a residual.
    last_load : when the residual of the last tile may be read; 0 if others are loaded after it.
    """
    n, runs = p.period, g.output_tile_runs
    run_drain = g.drain if g.output_runs == runs else g.output_runs // runs * g.drain
    bound = last_load + run_drain
    if g.tile_visits == 1:
        first_blocks = tile_blocks(p, g, 0, 0, 0)
        first_drain = first_loaded + n * (first_blocks - 1) + p.load_to_drain
        bound = max(bound, first_drain + g.output_runs * g.drain)
        # Load with drain: the residual of a run waits for the drain of the run before last
        handed = max(0, runs - 2) * (p.drain_to_residual + p.read_latency - n + p.load_to_drain)
        handed += n * max(0, counts[DRAM_RESIDUAL] - 2 * first_blocks)
        bound = max(bound, drained + _half(handed + g.output_runs * g.drain))
    return bound


@kernel
def lower_bound(p, g, counts):  # type: ignore[no-untyped-def]
    """The longest of a few paths through the recurrence, each a lower bound by itself.

    A path takes all pieces of one engine, with the least time before the first and after the last
    of them. Where two engines exchange a pair of buffers, a path takes every second piece of both:
    the longer of the two parities, which is at least half of all.
    """
    n = p.period
    tile_steps = g.num_steps if g.num_tiles == 1 else g.num_steps // g.num_tiles
    fill_first = max(g.fill_weights, g.fill_inputs)
    first_beats = p.table_beats + g.scale_beats + g.weight_tile_words
    first_load = n * (first_beats + tile_inputs(p, g, 0, 0, 0, 0, 0))
    start = start_of(p)
    loading = start + p.layer_to_load + p.read_latency  # first beat at or after this
    ready = loading + first_load - n + p.load_to_fill
    filled = ready + fill_first + p.fill_to_compute

    last_blocks = tile_blocks(p, g, g.tiles[K] - 1, g.tiles[P] - 1, g.tiles[Q] - 1)
    after_drain = (
        p.drain_to_store + n * (last_blocks - 1) + p.response_latency + p.done_to_interrupt
    )
    after_compute = p.compute_to_drain + g.drain + after_drain
    after_fill = p.fill_to_compute + g.compute + after_compute

    # Compute
    bound = filled + g.num_steps * g.compute + after_compute
    # Fill, and fill with compute
    if g.weight_runs < g.input_runs:
        fills = g.weight_runs * fill_first + (g.input_runs - g.weight_runs) * g.fill_inputs
    else:
        fills = g.input_runs * fill_first + (g.weight_runs - g.input_runs) * g.fill_weights
    bound = max(bound, ready + fills + after_fill)
    handed = fills + g.num_steps * (p.fill_to_compute + g.compute + p.compute_to_fill)
    bound = max(bound, ready + _half(handed) - p.compute_to_fill + after_compute)
    # Load: what comes after the last beat that fill needs
    for_fill = p.table_beats + counts[DRAM_SCALES] + counts[DRAM_WEIGHTS] + counts[DRAM_INPUTS]
    for_drain = counts[DRAM_RESIDUAL] + counts[DRAM_SUMS_IN]
    runs = g.output_tile_runs
    last_for_drain = 0
    if g.num_tiles == runs and for_drain:
        last_for_drain = (p.residual + (4 if g.tile_visits > 1 else 0)) * last_blocks
    loaded = loading + n * (for_fill + for_drain - last_for_drain) - n + p.load_to_fill
    bound = max(bound, loaded + p.fill_to_compute + tile_steps * g.compute + after_compute)
    # Load with fill: a tile waits for fill to leave the tile before last
    inside = 0  # in a tile fill waits for compute, two steps behind
    if tile_steps > 2:
        inside = p.fill_to_compute + (tile_steps - 2) * g.compute + p.compute_to_fill
    handed = g.num_tiles * (p.fill_to_load + p.read_latency - n + p.load_to_fill)
    handed += n * for_fill + max(fills, g.num_tiles * inside)
    gate = start + p.layer_to_load
    bound = max(bound, gate + _half(handed) - p.fill_to_load + after_fill)
    # Drain, and drain with compute
    run_compute = g.compute
    if g.num_steps != g.output_runs:
        run_compute *= g.num_steps // g.output_runs
    drained = filled + run_compute + p.compute_to_drain
    bound = max(bound, drained + g.output_runs * g.drain + after_drain)
    handed = p.drain_to_compute + run_compute + p.compute_to_drain + g.drain
    bound = max(bound, filled + _half(g.output_runs) * handed - p.drain_to_compute + after_drain)
    # Drain, where the next drain of an output waits for the one before
    if g.visits > 1:
        waits = (g.output_runs - g.output_runs // g.visits) * p.drain_to_revisit
        bound = max(bound, drained + _half(g.output_runs * g.drain + waits) + after_drain)
    if p.residual:
        last_load = 0
        if last_for_drain:
            last_load = loading + n * (for_fill + for_drain) - n + p.load_to_drain
        drains = _residual_bound(p, g, counts, loading + first_load, drained, last_load)
        bound = max(bound, drains + after_drain)
    # Store, and store with drain, and with load where sums come back
    stores = n * (counts[DRAM_OUTPUTS] + counts[DRAM_SUMS_OUT])
    responded = p.response_latency + p.done_to_interrupt - n
    run_tiles = g.num_tiles if runs == 1 else g.num_tiles // runs
    stored = filled + run_tiles * tile_steps * g.compute + p.compute_to_drain + g.drain
    bound = max(bound, stored + p.drain_to_store + stores + responded)
    reloads = 0 if g.tile_visits == 1 else runs - runs // g.tile_visits
    reload = p.read_latency + p.response_latency + p.response_to_load - n + p.load_to_drain
    handed = runs * (p.drain_to_store - n) + g.output_runs * g.drain + stores
    handed += reloads * reload + n * counts[DRAM_SUMS_IN] + (runs - reloads) * p.store_to_drain
    return max(bound, drained + _half(handed) - p.store_to_drain + n + responded)
