"""How often each memory is accessed: closed forms of the numbers that `geometry` derived."""

from naas_hw.cost.compiled.columns import (
    ACCUMULATOR_READS,
    ACCUMULATOR_WRITES,
    DRAM_DESCRIPTOR,
    DRAM_INPUTS,
    DRAM_OUTPUTS,
    DRAM_RESIDUAL,
    DRAM_SCALES,
    DRAM_SUMS_IN,
    DRAM_SUMS_OUT,
    DRAM_TABLE,
    DRAM_WEIGHTS,
    L1_INPUT_READS,
    L1_INPUT_WRITES,
    L1_WEIGHT_READS,
    L1_WEIGHT_WRITES,
    L2_DRAIN,
    L2_DRAIN_RESIDUAL,
    L2_DRAIN_SUMS,
    L2_FILL_INPUTS,
    L2_FILL_WEIGHTS,
    L2_LOAD_INPUTS,
    L2_LOAD_RESIDUAL,
    L2_LOAD_SUMS,
    L2_LOAD_WEIGHTS,
    L2_STORE_OUTPUTS,
    L2_STORE_SUMS,
    MACS,
    K,
    P,
    Q,
    R,
    S,
)
from naas_hw.cost.compiled.geometry import ceil_div, ceil_shift
from naas_hw.cost.compiled.jit import kernel


@kernel
def clipped(first, length, end):  # type: ignore[no-untyped-def]
    """How many of `length` indices from `first` are from 0 to `end`."""
    return max(0, min(first + length, end) - max(first, 0))


@kernel
def clipped_sum(num_outer, num_inner, outer, inner, start, length, end):  # type: ignore[no-untyped-def]
    """(sum, number of sums that are not 0) of what exists of all tiles along one direction.

    Tile (i, j) begins at i outer + j inner - start. A tile that lies wholly in the image exists
    completely, so only the tiles before and after those are examined one by one.
    """
    total = filled = 0
    for j in range(num_inner):
        first = j * inner - start
        whole_from = whole_to = 0
        if num_outer > 2:
            if first < 0:
                whole_from = min(num_outer, ceil_div(-first, outer))
            room = end - length - first
            whole_to = whole_from
            if room >= whole_from * outer:
                whole_to = min(num_outer, room // outer + 1)
        total += (whole_to - whole_from) * length
        filled += whole_to - whole_from
        for i in range(whole_from):
            part = clipped(first + i * outer, length, end)
            total += part
            filled += part > 0
        for i in range(whole_to, num_outer):
            part = clipped(first + i * outer, length, end)
            total += part
            filled += part > 0
    return total, filled


@kernel
def _input_beats(p, g):  # type: ignore[no-untyped-def]
    """Beats of all input tiles; a tile without a row or a column takes one beat."""
    tiles, tile = g.tiles, g.tile
    rows, filled_rows = clipped_sum(
        tiles[P],
        tiles[R],
        tile[P] * p.stride_rows,
        tile[R] * p.dilation_rows,
        p.padding_rows,
        g.tile_rows,
        p.image_rows,
    )
    columns, filled_columns = clipped_sum(
        tiles[Q],
        tiles[S],
        tile[Q] * p.stride_columns,
        tile[S] * p.dilation_columns,
        p.padding_columns,
        g.tile_columns,
        p.image_columns,
    )
    blocks = ceil_shift(p.bounds[p.channel], p.beat_shift)
    positions = tiles[P] * tiles[Q] * tiles[R] * tiles[S]
    distinct = positions * tiles[p.channel]
    beats = rows * columns * blocks + (positions - filled_rows * filled_columns) * tiles[p.channel]
    if g.input_tile_runs != distinct:
        beats *= g.input_tile_runs // distinct
    return beats


@kernel
def _input_words(p, g, l2):  # type: ignore[no-untyped-def]
    """Words that one pixel touches, summed over the channel steps of a tile.

    A step begins at some byte of a word. In a cycle of steps it begins once at each byte that is a
    multiple of gcd(step, beat), so the words of a whole cycle follow without stepping.
    """
    step = g.step_k if p.channel == K else g.step_c
    num_steps = l2[p.channel]
    unit = min(step & -step, p.beat)  # gcd: the beat is a power of two
    cycle = p.beat // unit
    last = g.pixel_bytes - 1
    num_cycles = num_steps // cycle
    total = num_cycles * (last // unit + cycle)
    for c in range(num_cycles * cycle, num_steps):
        first = c * step
        total += ((first + last) >> p.beat_shift) - (first >> p.beat_shift) + 1
    return total


@kernel
def count(p, g, l2, counts):  # type: ignore[no-untyped-def]
    """Fill `counts` [NUM_ACCESSES], in the order of `ACCESS_NAMES`, for one group."""
    blocks = p.bounds[P] * p.bounds[Q] * ceil_shift(p.bounds[K], p.beat_shift)
    spilled = 4 * blocks * (g.tile_visits - 1)
    scales = g.scale_tile_runs * g.scale_beats
    weights = g.weight_tile_runs * g.weight_tile_words
    inputs = _input_beats(p, g)
    words = g.input_runs // l2[p.channel] * g.step_pixels * _input_words(p, g, l2)
    macs = g.num_steps * g.compute * g.pes_used
    sums = g.num_steps * g.compute * g.sums_used
    last_visits = g.output_runs if g.visits == 1 else g.output_runs // g.visits
    residual = p.residual * blocks
    counts[DRAM_DESCRIPTOR] = p.descriptor_beats
    counts[DRAM_SCALES] = scales
    counts[DRAM_TABLE] = p.table_beats
    counts[DRAM_WEIGHTS] = weights
    counts[DRAM_INPUTS] = inputs
    counts[DRAM_RESIDUAL] = residual
    counts[DRAM_SUMS_IN] = spilled
    counts[DRAM_OUTPUTS] = blocks
    counts[DRAM_SUMS_OUT] = spilled
    counts[L2_FILL_WEIGHTS] = g.weight_runs * g.weight_step_words
    counts[L2_FILL_INPUTS] = words
    counts[L2_DRAIN_SUMS] = (g.output_runs - last_visits) * g.drain_words
    counts[L2_DRAIN_RESIDUAL] = p.residual * last_visits * g.drain_words
    counts[L2_STORE_OUTPUTS] = blocks
    counts[L2_STORE_SUMS] = spilled
    counts[L2_LOAD_WEIGHTS] = weights
    counts[L2_LOAD_INPUTS] = inputs
    counts[L2_LOAD_RESIDUAL] = residual
    counts[L2_LOAD_SUMS] = spilled
    counts[L2_DRAIN] = g.output_runs * g.drain_words
    counts[L1_WEIGHT_WRITES] = g.weight_runs * g.weight_words * g.pes_used
    counts[L1_INPUT_WRITES] = g.input_runs * g.window_pixels * g.written_channels * g.pes_used
    counts[L1_WEIGHT_READS] = macs
    counts[L1_INPUT_READS] = macs
    counts[ACCUMULATOR_READS] = sums
    counts[ACCUMULATOR_WRITES] = sums
    counts[MACS] = macs
