"""The cost model as machine code: derived numbers, counts, lower bound, recurrence.

The same rules as in the readable modules, one mapping after the other. Nothing here reads a global
that could change (the cache of compiled code would not see it): constants of time come in with the
problem. Arrays have an entry a dim (6), or a position of the nest (12).
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

LEGAL: Final = -1
ILLEGAL_CYCLES: Final = int(np.iinfo(np.int64).max)
"""The bound of a mapping that is not legal: sorts last."""

NEVER: Final = -(1 << 62)
"""The time of what has not happened."""

NUM_TIMES: Final = 16
NUM_TOTALS: Final = 9
"""Of the state of the recurrence between two steps: times, and sums that only grow."""

Ints = NDArray[np.int64]


class Problem(NamedTuple):
    """What compiled code has to know of accelerator and layer; arrays have an entry a dim."""

    beat: int
    drain_lanes: int
    sizes: Ints
    on_axis: Ints
    spatial_lanes: Ints  # used extents are padded to so many; 1 but on K and C
    bounds: Ints
    groups: int
    channel: int
    stride_rows: int
    stride_columns: int
    dilation_rows: int
    dilation_columns: int
    padding_rows: int
    padding_columns: int
    image_rows: int
    image_columns: int
    weight_vector: int
    weight_lanes: int
    weight_word_bytes: int
    input_lanes: int
    accumulator_lanes: int
    drain_group: int
    num_banks: int
    bank_words: int
    weight_buffer_bytes: int
    input_buffer_bytes: int
    accumulator_words: int
    scale_depth: int
    max_field: int
    max_window: int
    weight_mask: int
    input_mask: int
    output_mask: int
    scale_mask: int
    reduction_mask: int
    latency: int
    period: int
    descriptor_beats: int
    compute_to_drain: int
    start_to_descriptor: int
    descriptor_to_layer: int
    layer_to_load: int
    load_to_fill: int
    load_to_drain: int
    fill_to_load: int
    fill_to_compute: int
    compute_to_fill: int
    drain_to_compute: int
    drain_to_revisit: int
    drain_to_store: int
    drain_to_scales: int
    store_to_drain: int
    response_to_load: int
    done_to_interrupt: int
    response_to_descriptor: int
    saved: int


# Derived numbers -----------------------------------------------------------------------


class _Derived(NamedTuple):
    """What follows from one mapping, as in `Geometry`."""

    violated: int
    last_weights: int
    last_inputs: int
    last_outputs: int
    last_weight_tile: int
    last_input_tile: int
    last_output_tile: int
    last_scale_tile: int
    fill_weights: int
    fill_inputs: int
    compute: int
    drain: int
    pes_used: int
    sums_used: int
    step_pixels: int
    window_pixels: int
    pe_channels: int
    pixel_bytes: int
    weight_words: int
    weight_step_words: int
    weight_tile_words: int
    tile_rows: int
    tile_columns: int
    scale_beats: int


@njit(cache=True, nogil=True)
def _ceil(numerator, denominator):  # type: ignore[no-untyped-def]
    return -(-numerator // denominator)


@njit(cache=True, nogil=True)
def _gcd(a, b):  # type: ignore[no-untyped-def]
    while b:
        a, b = b, a % b
    return a


@njit(cache=True, nogil=True)
def _last(mask, dims, bounds, end):  # type: ignore[no-untyped-def]
    for k in range(end - 1, -1, -1):
        if bounds[k] > 1 and (mask >> dims[k]) & 1:
            return k
    return -1


@njit(cache=True, nogil=True)
def _runs(bounds, last):  # type: ignore[no-untyped-def]
    product = 1
    for k in range(last + 1):
        product *= bounds[k]
    return product


@njit(cache=True, nogil=True)
def _visits(mask, dims, bounds, last):  # type: ignore[no-untyped-def]
    product = 1
    for k in range(last):
        if (mask >> dims[k]) & 1:
            product *= bounds[k]
    return product


@njit(cache=True, nogil=True)
def _tiles(dims, bounds, dim):  # type: ignore[no-untyped-def]
    """Tiles of one dim."""
    for k in range(6):
        if dims[k] == dim:
            return bounds[k]
    return 1


@njit(cache=True, nogil=True)
def _failed(rule):  # type: ignore[no-untyped-def]
    return _Derived(rule, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@njit(cache=True, nogil=True)
def _derive(p, orders, l2, pe, spatial, dims, bounds, tile):  # type: ignore[no-untyped-def]
    """Check a mapping and derive its numbers; fills dims, bounds [12] and tile [6].

    Products of unchecked bounds are taken in floating point, where they cannot overflow.
    """
    for d in range(6):
        due = min(p.sizes[d], p.bounds[d])
        if spatial[d] > p.sizes[d] or (d <= 1 and spatial[d] != due):
            return _failed(d)
    step_k = pe[0] * _ceil(spatial[0], p.spatial_lanes[0]) * p.spatial_lanes[0]
    step_c = pe[1] * _ceil(spatial[1], p.spatial_lanes[1]) * p.spatial_lanes[1]
    tile[0] = l2[0] * step_k
    tile[1] = l2[1] * step_c
    for d in range(2, 6):
        tile[d] = l2[d] * pe[d] * spatial[d]
    for k in range(6):
        dims[k] = orders[0, k]
        dims[6 + k] = orders[1, k]
        bounds[k] = _ceil(p.bounds[dims[k]], tile[dims[k]])
        bounds[6 + k] = l2[dims[6 + k]]
    last_weights = _last(p.weight_mask, dims, bounds, 12)
    last_inputs = _last(p.input_mask, dims, bounds, 12)
    last_outputs = _last(p.output_mask, dims, bounds, 12)
    last_weight_tile = _last(p.weight_mask, dims, bounds, 6)
    last_input_tile = _last(p.input_mask, dims, bounds, 6)
    last_output_tile = _last(p.output_mask, dims, bounds, 6)
    last_scale_tile = _last(p.scale_mask, dims, bounds, 6)

    # One PE
    weight_bytes = float(pe[0]) * pe[1] * pe[4] * pe[5]
    if weight_bytes > p.weight_buffer_bytes // (1 if last_weights < 0 else 2):
        return _failed(6)
    window_rows = (pe[2] - 1) * p.stride_rows + (pe[4] - 1) * p.dilation_rows + 1
    window_columns = (pe[3] - 1) * p.stride_columns + (pe[5] - 1) * p.dilation_columns + 1
    pe_channels = pe[p.channel]
    input_bytes = float(window_rows) * window_columns * pe_channels
    if input_bytes > p.input_buffer_bytes // (1 if last_inputs < 0 else 2):
        return _failed(7)
    depth = float(_ceil(pe[0], p.accumulator_lanes)) * pe[2] * pe[3]
    if depth > p.accumulator_words // (2 * p.accumulator_lanes):
        return _failed(8)
    compute = pe[0] * pe[1] * pe[2] * pe[3] * pe[4] * pe[5]

    # Fill
    weight_words = _ceil(int(weight_bytes), p.weight_word_bytes)
    groups = 1
    pes_used = 1
    sums_used = 1
    for d in range(6):
        if p.on_axis[d]:
            pes_used *= spatial[d]
            if (p.output_mask >> d) & 1:
                sums_used *= spatial[d]
            if (p.weight_mask >> d) & 1:
                if d == p.weight_vector:
                    groups *= _ceil(spatial[d], p.weight_lanes)
                else:
                    groups *= spatial[d]
    fill_weights = groups * weight_words
    weight_step_words = _ceil(fill_weights * p.weight_lanes, p.beat)
    if p.on_axis[p.channel]:
        input_lanes = p.input_lanes
        chunks = pe_channels * _ceil(spatial[p.channel], input_lanes)
        written = pe_channels
    else:
        input_lanes = _gcd(p.input_lanes, pe_channels)
        chunks = pe_channels // input_lanes
        written = chunks
    step_rows = (
        (pe[2] * spatial[2] - 1) * p.stride_rows + (pe[4] * spatial[4] - 1) * p.dilation_rows + 1
    )
    step_columns = (
        (pe[3] * spatial[3] - 1) * p.stride_columns
        + (pe[5] * spatial[5] - 1) * p.dilation_columns
        + 1
    )
    step_pixels = step_rows * step_columns

    # Drain
    if p.on_axis[0]:
        channels = pe[0] * _ceil(spatial[0], p.drain_group)
    else:
        channels = pe[0] // _gcd(p.drain_lanes, pe[0])
    drain = channels * pe[2] * pe[3] * spatial[2] * spatial[3]

    # L2
    tile_rows = (tile[2] - 1) * p.stride_rows + (tile[4] - 1) * p.dilation_rows + 1
    tile_columns = (tile[3] - 1) * p.stride_columns + (tile[5] - 1) * p.dilation_columns + 1
    weight_tile = float(l2[0]) * l2[1] * l2[4] * l2[5] * weight_step_words
    input_tile = float(tile_rows) * tile_columns * _ceil(tile[p.channel], p.beat)
    output_tile = float(tile[2]) * tile[3] * _ceil(tile[0], p.beat)
    if _visits(p.reduction_mask, dims, bounds, last_outputs) > 1:
        output_tile *= 5
    largest = float(p.bank_words) * p.num_banks
    if weight_tile > largest or input_tile > largest or output_tile > largest:
        return _failed(9)
    banks = _ceil(int(weight_tile), p.bank_words) * (1 if last_weight_tile < 0 else 2)
    banks += _ceil(int(input_tile), p.bank_words) * (1 if last_input_tile < 0 else 2)
    banks += _ceil(int(output_tile), p.bank_words) * (1 if last_output_tile < 0 else 2)
    if banks > p.num_banks:
        return _failed(9)
    scale_words = _ceil(tile[0], p.drain_lanes)
    if scale_words * p.drain_lanes > p.scale_depth:
        return _failed(10)

    for d in range(2):
        if tile[d] % p.beat and _tiles(dims, bounds, d) > 1:
            return _failed(11 + d)
    if tile_rows > p.max_field or tile_columns > p.max_field:
        return _failed(13)
    if step_rows > p.max_window or step_columns > p.max_window:
        return _failed(13)
    if weight_tile > p.max_field or input_tile > p.max_field:
        return _failed(13)
    for d in range(6):
        if tile[d] > p.max_field:
            return _failed(13)
    return _Derived(
        LEGAL,
        last_weights,
        last_inputs,
        last_outputs,
        last_weight_tile,
        last_input_tile,
        last_output_tile,
        last_scale_tile,
        fill_weights,
        step_pixels * chunks,
        compute,
        drain,
        pes_used,
        sums_used,
        step_pixels,
        window_rows * window_columns,
        written,
        chunks * input_lanes,
        weight_words,
        weight_step_words,
        int(weight_tile),
        tile_rows,
        tile_columns,
        3 * scale_words,
    )


# Counts --------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _clipped(first, length, end):  # type: ignore[no-untyped-def]
    return max(0, min(first + length, end) - max(first, 0))


@njit(cache=True, nogil=True)
def _clipped_sum(num_outer, num_inner, outer, inner, start, length, end):  # type: ignore[no-untyped-def]
    """(sum, how many are not 0) of what exists of all tiles along one direction."""
    total = 0
    filled = 0
    for i in range(num_outer):
        for j in range(num_inner):
            found = _clipped(i * outer + j * inner - start, length, end)
            total += found
            filled += found > 0
    return total, filled


@njit(cache=True, nogil=True)
def _input_beats(p, g, dims, bounds, tile):  # type: ignore[no-untyped-def]
    num_p, num_q = _tiles(dims, bounds, 2), _tiles(dims, bounds, 3)
    num_r, num_s = _tiles(dims, bounds, 4), _tiles(dims, bounds, 5)
    num_channels = _tiles(dims, bounds, p.channel)
    rows, filled_rows = _clipped_sum(
        num_p,
        num_r,
        tile[2] * p.stride_rows,
        tile[4] * p.dilation_rows,
        p.padding_rows,
        g.tile_rows,
        p.image_rows,
    )
    columns, filled_columns = _clipped_sum(
        num_q,
        num_s,
        tile[3] * p.stride_columns,
        tile[5] * p.dilation_columns,
        p.padding_columns,
        g.tile_columns,
        p.image_columns,
    )
    blocks = _ceil(p.bounds[p.channel], p.beat)
    places = num_p * num_r * num_q * num_s
    distinct = rows * columns * blocks + (places - filled_rows * filled_columns) * num_channels
    return distinct * (_runs(bounds, g.last_input_tile) // (places * num_channels))


@njit(cache=True, nogil=True)
def _input_words(p, g, l2, pe, spatial):  # type: ignore[no-untyped-def]
    """Words that one pixel touches, summed over the channel steps of a tile."""
    lanes = p.spatial_lanes[p.channel]
    step = pe[p.channel] * _ceil(spatial[p.channel], lanes) * lanes
    num_steps = l2[p.channel]
    cycle = min(num_steps, p.beat // _gcd(step, p.beat))
    total = 0
    part = 0
    rest = num_steps % cycle
    for c in range(cycle):
        first = c * step
        words = (first + g.pixel_bytes - 1) // p.beat - first // p.beat + 1
        total += words
        if c < rest:
            part += words
    return total * (num_steps // cycle) + part


@njit(cache=True, nogil=True)
def _count(p, g, l2, pe, spatial, dims, bounds, tile, counts):  # type: ignore[no-untyped-def]
    """Fill `counts`, in the order of `ACCESS_NAMES`, for one group."""
    num_steps = _runs(bounds, 11)
    blocks = p.bounds[2] * p.bounds[3] * _ceil(p.bounds[0], p.beat)
    tile_visits = _visits(p.reduction_mask, dims, bounds, g.last_output_tile)
    spilled = 4 * blocks * (tile_visits - 1)
    weights = _runs(bounds, g.last_weight_tile) * g.weight_tile_words
    inputs = _input_beats(p, g, dims, bounds, tile)
    weight_runs = _runs(bounds, g.last_weights)
    input_runs = _runs(bounds, g.last_inputs)
    output_runs = _runs(bounds, g.last_outputs)
    visits = _visits(p.reduction_mask, dims, bounds, g.last_outputs)
    words = input_runs // l2[p.channel] * g.step_pixels * _input_words(p, g, l2, pe, spatial)
    macs = num_steps * g.compute * g.pes_used
    sums = num_steps * g.compute * g.sums_used
    counts[0] = p.descriptor_beats
    counts[1] = _runs(bounds, g.last_scale_tile) * g.scale_beats
    counts[2] = weights
    counts[3] = inputs
    counts[4] = spilled
    counts[5] = blocks
    counts[6] = spilled
    counts[7] = weight_runs * g.weight_step_words
    counts[8] = words
    counts[9] = output_runs // visits * (visits - 1) * g.drain
    counts[10] = blocks
    counts[11] = spilled
    counts[12] = weights
    counts[13] = inputs
    counts[14] = spilled
    counts[15] = output_runs * g.drain
    counts[16] = weight_runs * g.weight_words * g.pes_used
    counts[17] = input_runs * g.window_pixels * g.pe_channels * g.pes_used
    counts[18] = macs
    counts[19] = macs
    counts[20] = sums
    counts[21] = sums
    counts[22] = macs


# Lower bound ---------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _existing(p, tile, dim, index):  # type: ignore[no-untyped-def]
    return min(tile[dim], p.bounds[dim] - index * tile[dim])


@njit(cache=True, nogil=True)
def _tile_blocks(p, tile, k, p_index, q):  # type: ignore[no-untyped-def]
    """Blocks of outputs that exist in a tile."""
    rows, columns = _existing(p, tile, 2, p_index), _existing(p, tile, 3, q)
    return rows * columns * _ceil(_existing(p, tile, 0, k), p.beat)


@njit(cache=True, nogil=True)
def _tile_inputs(p, g, tile, index):  # type: ignore[no-untyped-def]
    """Beats of the input tile with these tile indices [6]."""
    rows = _clipped(
        index[2] * tile[2] * p.stride_rows - p.padding_rows + index[4] * tile[4] * p.dilation_rows,
        g.tile_rows,
        p.image_rows,
    )
    columns = _clipped(
        index[3] * tile[3] * p.stride_columns
        - p.padding_columns
        + index[5] * tile[5] * p.dilation_columns,
        g.tile_columns,
        p.image_columns,
    )
    blocks = _ceil(_existing(p, tile, p.channel, index[p.channel]), p.beat)
    return max(1, rows * columns * blocks)


@njit(cache=True, nogil=True)
def _start(p):  # type: ignore[no-untyped-def]
    """T0."""
    first = p.start_to_descriptor + p.latency
    return first + p.period * (p.descriptor_beats - 1) + p.descriptor_to_layer


@njit(cache=True, nogil=True)
def _lower_bound(p, g, dims, bounds, tile, counts):  # type: ignore[no-untyped-def]
    """Cycles that no schedule under the recurrence goes below: the longest of a few paths.

    Every path is a chain of operands of its maxima, so each is proven by itself: all pieces of
    one engine, between the least time before its first and after its last; and, where two engines
    hand a pair of buffers back and forth, every second piece of both (the longer of the two
    parities, which is at least half of all).
    """
    n = p.period
    num_steps = _runs(bounds, 11)
    tile_steps = _runs(bounds[6:], 5)
    index = np.zeros(6, np.int64)
    fill_first = max(g.fill_weights, g.fill_inputs)
    first_load = n * (g.scale_beats + g.weight_tile_words + _tile_inputs(p, g, tile, index))
    loading = _start(p) + p.layer_to_load + p.latency  # first beat at or after this
    ready = loading + first_load - n + p.load_to_fill
    filled = ready + fill_first + p.fill_to_compute

    last_blocks = _tile_blocks(
        p,
        tile,
        _tiles(dims, bounds, 0) - 1,
        _tiles(dims, bounds, 2) - 1,
        _tiles(dims, bounds, 3) - 1,
    )
    after_drain = p.drain_to_store + n * (last_blocks - 1) + p.latency + p.done_to_interrupt
    after_compute = p.compute_to_drain + g.drain + after_drain
    after_fill = p.fill_to_compute + g.compute + after_compute

    # Compute
    bound = filled + num_steps * g.compute + after_compute
    # Fill, and fill with compute
    lower, upper = min(g.last_weights, g.last_inputs), max(g.last_weights, g.last_inputs)
    deeper = g.fill_weights if g.last_weights > g.last_inputs else g.fill_inputs
    fills = _runs(bounds, lower) * fill_first
    if upper > lower:
        fills += (_runs(bounds, upper) - _runs(bounds, lower)) * deeper
    bound = max(bound, ready + fills + after_fill)
    handed = fills + num_steps * (p.fill_to_compute + g.compute + p.compute_to_fill)
    bound = max(bound, ready + _ceil(handed, 2) - p.compute_to_fill + after_compute)
    # Load: what comes after the last beat that fill needs
    loads = counts[1] + counts[2] + counts[3] + counts[4]
    runs = _runs(bounds, g.last_output_tile)
    run_tiles = _runs(bounds, 5) // runs
    last_sums = 0
    if run_tiles == 1 and _visits(p.reduction_mask, dims, bounds, g.last_output_tile) > 1:
        last_sums = 4 * last_blocks
    loaded = loading + n * (loads - last_sums) - n + p.load_to_fill
    bound = max(bound, loaded + p.fill_to_compute + tile_steps * g.compute + after_compute)
    # Load with fill: a tile waits for fill to leave the tile before last
    tiles = _runs(bounds, 5)
    inside = 0  # in a tile fill waits for compute, two steps behind
    if tile_steps > 2:
        inside = p.fill_to_compute + (tile_steps - 2) * g.compute + p.compute_to_fill
    handed = tiles * (p.fill_to_load + p.latency - n + p.load_to_fill)
    handed += n * (loads - counts[4]) + max(fills, tiles * inside)
    gate = _start(p) + p.layer_to_load
    bound = max(bound, gate + _ceil(handed, 2) - p.fill_to_load + after_fill)
    # Drain, and drain with compute
    drain_runs = _runs(bounds, g.last_outputs)
    run_steps = num_steps // drain_runs
    drained = filled + run_steps * g.compute + p.compute_to_drain
    bound = max(bound, drained + drain_runs * g.drain + after_drain)
    handed = p.drain_to_compute + run_steps * g.compute + p.compute_to_drain + g.drain
    bound = max(bound, filled + _ceil(drain_runs, 2) * handed - p.drain_to_compute + after_drain)
    # Store, and store with drain, and with load where sums come back
    stores = n * (counts[5] + counts[6])
    responded = p.latency + p.done_to_interrupt - n
    first_run = run_tiles * tile_steps
    stored = filled + first_run * g.compute + p.compute_to_drain + g.drain + p.drain_to_store
    bound = max(bound, stored + stores + responded)
    visits = _visits(p.reduction_mask, dims, bounds, g.last_output_tile)
    reloads = runs // visits * (visits - 1)
    reload = 2 * p.latency + p.response_to_load - n + p.load_to_drain
    handed = runs * (p.drain_to_store - n) + drain_runs * g.drain + stores
    handed += reloads * reload + n * counts[4] + (runs - reloads) * p.store_to_drain
    return max(bound, drained + _ceil(handed, 2) - p.store_to_drain + n + responded)


# Recurrence ------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _same(p, g, dims, bounds, tile, dim, x):  # type: ignore[no-untyped-def]
    """Whether the tiles with index x of a dim hold as much of the image as those with x - 1."""
    if dim <= 1:  # channels: only the last tile, which is never asked for, may hold less
        return True
    rows = dim == 2 or dim == 4
    stride = p.stride_rows if rows else p.stride_columns
    dilation = p.dilation_rows if rows else p.dilation_columns
    padding = p.padding_rows if rows else p.padding_columns
    length = g.tile_rows if rows else g.tile_columns
    end = p.image_rows if rows else p.image_columns
    other = (4, 5, 2, 3)[dim - 2]
    own_pitch = tile[dim] * (stride if dim <= 3 else dilation)
    other_pitch = tile[other] * (stride if other <= 3 else dilation)
    for y in range(_tiles(dims, bounds, other)):
        now = x * own_pitch + y * other_pitch - padding
        if _clipped(now, length, end) != _clipped(now - own_pitch, length, end):
            return False
    return True


@njit(cache=True, nogil=True)
def _shift(now, then, uses):  # type: ignore[no-untyped-def]
    """By how much all times that have a say have moved; -1 if not all by the same."""
    if now[NUM_TIMES] != then[NUM_TIMES]:
        return -1
    delta = now[0] - then[0]
    for i in range(NUM_TIMES):
        if uses[i] and now[i] - then[i] != delta:
            if now[i] != NEVER or then[i] != NEVER:
                return -1
    return delta


@njit(cache=True, nogil=True)
def _uses(g, k, uses):  # type: ignore[no-untyped-def]
    """Which times have a say in an iteration of the loop at position k, in `_recur`'s order."""
    drains = k <= g.last_outputs
    stores = k <= g.last_output_tile
    for i in range(NUM_TIMES):
        uses[i] = i < 3 or (i < 10 and drains) or (10 <= i < 13 and k < 6)
    uses[13] = uses[14] = stores
    uses[15] = k <= g.last_scale_tile


@njit(cache=True, nogil=True)
def _recur(p, g, dims, bounds, tile, result):  # type: ignore[no-untyped-def]
    """The recurrence; fills response, next beat, stalls and engine totals.

    Steps are taken one by one. But the recurrence commutes with adding a constant to all times: as
    soon as an iteration of a loop (of four or more) moves all times that have a say in it by the
    same amount, or two iterations do, those that follow are that shift. The first iteration and the
    last are always stepped: only they differ in what opens, closes, comes back or leaves finished.
    """
    never = NEVER
    n, latency = p.period, p.latency
    start = _start(p)
    L = start - p.descriptor_to_layer + n
    counters = np.zeros(12, np.int64)
    index = np.zeros(6, np.int64)
    tile_mask = 0
    for k in range(g.last_output_tile):
        if bounds[k] > 1 and (p.reduction_mask >> dims[k]) & 1:
            tile_mask |= 1 << k
    revisit_mask = 0
    for k in range(g.last_outputs):
        if bounds[k] > 1 and (p.reduction_mask >> dims[k]) & 1:
            revisit_mask |= 1 << k

    advanced = -1
    ready = F = 0
    tile_fill_1 = tile_fill_2 = never
    compute_1, compute_2 = start, never
    drain_1 = drain_2 = never
    store_1, store_2 = 0, never
    scale_0 = scale_1 = never
    sums_ready = never
    stored_1 = stored_2 = sums_1 = sums_2 = never
    opens_output = True
    reload = revisit = False
    stall_load = stall_fill = stall_drain = stall_store = 0
    busy_load = busy_fill = busy_drain = busy_store = 0
    num_steps = 0
    seen = np.zeros(12, np.int64)  # iterations of each loop whose times are kept
    kept = np.zeros((12, 2, NUM_TIMES + 1 + NUM_TOTALS), np.int64)
    uses = np.zeros((12, NUM_TIMES), np.bool_)
    scratch = np.zeros(NUM_TIMES + 1 + NUM_TOTALS, np.int64)
    for k in range(12):
        _uses(g, k, uses[k])
    while True:
        if advanced >= 0 and bounds[advanced] >= 4:
            k, c = advanced, counters[advanced]
            period = delta = 0
            scratch[0] = F
            scratch[1] = compute_1
            scratch[2] = compute_2
            scratch[3] = drain_1
            scratch[4] = drain_2
            scratch[5] = stored_1
            scratch[6] = stored_2
            scratch[7] = sums_1
            scratch[8] = sums_2
            scratch[9] = scale_0
            scratch[10] = L
            scratch[11] = tile_fill_1
            scratch[12] = tile_fill_2
            scratch[13] = store_1
            scratch[14] = store_2
            scratch[15] = scale_1
            scratch[16] = opens_output
            scratch[17] = stall_load
            scratch[18] = stall_fill
            scratch[19] = stall_drain
            scratch[20] = stall_store
            scratch[21] = busy_load
            scratch[22] = busy_fill
            scratch[23] = busy_drain
            scratch[24] = busy_store
            scratch[25] = num_steps
            for back in range(1, min(seen[k], 2) + 1):
                delta = _shift(scratch, kept[k, (c - back) % 2], uses[k])
                if delta > 0:
                    period = back
                    break
            end = c
            if period:
                end = bounds[k] - 1
                if k < 6:
                    x = c - period + 1
                    while x < end and _same(p, g, dims, bounds, tile, dims[k], x):
                        x += 1
                    end = x
            trips = (end - c) // period if period else 0
            if trips > 0:
                then = kept[k, (c - period) % 2]
                for i in range(NUM_TIMES):
                    if uses[k, i] and scratch[i] != never:
                        scratch[i] += trips * delta
                for i in range(NUM_TIMES + 1, NUM_TIMES + 1 + NUM_TOTALS):
                    scratch[i] += trips * (scratch[i] - then[i])
                F = scratch[0]
                compute_1 = scratch[1]
                compute_2 = scratch[2]
                drain_1 = scratch[3]
                drain_2 = scratch[4]
                stored_1 = scratch[5]
                stored_2 = scratch[6]
                sums_1 = scratch[7]
                sums_2 = scratch[8]
                scale_0 = scratch[9]
                L = scratch[10]
                tile_fill_1 = scratch[11]
                tile_fill_2 = scratch[12]
                store_1 = scratch[13]
                store_2 = scratch[14]
                scale_1 = scratch[15]
                stall_load = scratch[17]
                stall_fill = scratch[18]
                stall_drain = scratch[19]
                stall_store = scratch[20]
                busy_load = scratch[21]
                busy_fill = scratch[22]
                busy_drain = scratch[23]
                busy_store = scratch[24]
                num_steps = scratch[25]
                counters[k] += trips * period
                seen[k] = 0
            else:
                kept[k, c % 2] = scratch
                seen[k] += 1
        opens_tile = advanced < 6
        if opens_tile:
            for k in range(6):
                index[dims[k]] = counters[k]
            gate = start + p.layer_to_load
            if tile_fill_2 != never:
                gate = tile_fill_2 + p.fill_to_load
            first = gate + latency
            if advanced <= g.last_scale_tile or advanced < 0:
                L = max(L, first)
                if scale_1 != never:  # of two runs back: this run is not shifted in yet
                    L = max(L, scale_1 + p.drain_to_scales + latency)
                L += n * g.scale_beats
                busy_load += g.scale_beats
                scale_1, scale_0 = scale_0, never
            if advanced <= g.last_weight_tile or advanced < 0:
                L = max(L, first) + n * g.weight_tile_words
                busy_load += g.weight_tile_words
            if advanced <= g.last_input_tile or advanced < 0:
                beats = _tile_inputs(p, g, tile, index)
                L = max(L, first) + n * beats
                busy_load += beats
            ready = L - n + p.load_to_fill
            if advanced <= g.last_output_tile or advanced < 0:
                sums_ready = never
                reload = False
                for k in range(6):
                    if (tile_mask >> k) & 1 and counters[k]:
                        reload = True
                if reload:
                    beats = 4 * _tile_blocks(p, tile, index[0], index[2], index[3])
                    response = store_2 - n + latency
                    L = max(L, first, response + p.response_to_load + latency) + n * beats
                    busy_load += beats
                    sums_ready = L - n + p.load_to_drain

        # Fill
        if opens_tile:
            F = max(F, ready)
        if compute_2 != never:
            F = max(F, compute_2 + p.compute_to_fill)
        cycles = 0
        if advanced <= g.last_weights or advanced < 0:
            cycles = g.fill_weights
        if advanced <= g.last_inputs or advanced < 0:
            cycles = max(cycles, g.fill_inputs)
        F += cycles
        busy_fill += cycles

        # Compute
        opens = advanced <= g.last_outputs or advanced < 0
        filled = F + p.fill_to_compute
        go = max(compute_1, filled)
        waits = opens and drain_2 != never
        if waits:
            go = max(go, drain_2 + p.drain_to_compute)
        now = compute_1
        if ready > now:
            over = min(ready, go)
            if over > now:
                stall_load += over - now
                now = over
        if filled > now:
            stall_fill += filled - now
            now = filled
        if waits:
            over = min(stored_2, go)
            if over > now:
                stall_store += over - now
                now = over
            over = min(sums_2, go)
            if over > now:
                stall_load += over - now
                now = over
        stall_drain += go - now
        compute_2 = compute_1 if num_steps else never
        compute_1 = go + g.compute
        num_steps += 1

        # What moves next
        following = 11
        while following >= 0 and counters[following] + 1 >= bounds[following]:
            following -= 1

        if following <= g.last_outputs:  # the accumulator run ends
            go = compute_1 + p.compute_to_drain
            if drain_1 != never:
                go = max(go, drain_1)
            revisit = False
            for k in range(g.last_outputs):
                if (revisit_mask >> k) & 1 and counters[k]:
                    revisit = True
            if revisit:
                go = max(go, drain_2 + p.drain_to_revisit)
            stored_now = sums_now = never
            if opens_output:
                if store_2 != never:
                    stored_now = store_2 - n + p.store_to_drain
                    go = max(go, stored_now)
                if reload:
                    sums_now = sums_ready
                    go = max(go, sums_now)
            stored_2, stored_1 = stored_1, stored_now
            sums_2, sums_1 = sums_1, sums_now
            drain_2, drain_1 = drain_1, go + g.drain
            busy_drain += g.drain
            scale_0 = drain_1
            opens_output = False
            if following <= g.last_output_tile:  # and so does the output run
                opens_output = True
                beats = _tile_blocks(p, tile, index[0], index[2], index[3])
                for k in range(6):
                    if (tile_mask >> k) & 1 and counters[k] + 1 < bounds[k]:
                        beats = 4 * _tile_blocks(p, tile, index[0], index[2], index[3])
                store_2, store_1 = (
                    store_1 if store_1 else never,
                    max(store_1, drain_1 + p.drain_to_store) + n * beats,
                )
                busy_store += beats
        if following < 6:
            tile_fill_2, tile_fill_1 = tile_fill_1, F
        if following < 0:
            break
        counters[following] += 1
        for k in range(following + 1, 12):
            counters[k] = 0
            seen[k] = 0
        advanced = following

    response = store_1 - n + latency
    end = response + p.done_to_interrupt
    result[0] = response
    result[1] = L
    result[2] = start
    result[3] = num_steps * g.compute
    result[4] = stall_load
    result[5] = stall_fill
    result[6] = stall_drain + drain_1 - compute_1
    result[7] = stall_store + end - drain_1
    result[8] = n * busy_load
    result[9] = busy_fill
    result[10] = num_steps * g.compute
    result[11] = busy_drain
    result[12] = n * busy_store


# Batches -------------------------------------------------------------------------------


@njit(cache=True, nogil=True)
def _chain(p, groups, response, next_beat):  # type: ignore[no-untyped-def]
    """Cycles that a layer waits for DRAM's next beat because of the layer before it."""
    return (groups - 1) * max(0, next_beat - response - p.response_to_descriptor - p.latency)
