"""Iterations of a loop that only repeat, taken at once.

The recurrence commutes with adding a constant to all times. So as soon as one iteration of a loop,
or two together, move all times that later steps depend on by the same amount, the iterations that
follow are that shift. The first and the last iteration are always stepped: only they differ in what
they open, close, load again or leave finished.
"""

from typing import Final

from naas_hw.cost.compiled.columns import NUM_DIMS, C, P, Q, R, S
from naas_hw.cost.compiled.counts import clipped
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.state import (
    COMPUTE_END,
    COMPUTE_END_BEFORE,
    DRAIN_END,
    DRAIN_END_BEFORE,
    FILL_END,
    LOAD_NEXT,
    LOAD_WAIT,
    LOAD_WAIT_BEFORE,
    NEVER,
    NUM_KEPT,
    NUM_STATE,
    NUM_TIMES,
    OPENS_OUTPUT_RUN,
    OUTPUT_RUN_DRAIN_END,
    OUTPUT_RUN_DRAIN_END_BEFORE,
    SCALE_RUN_DRAIN_END,
    SCALE_RUN_DRAIN_END_BEFORE,
    STORE_NEXT,
    STORE_NEXT_BEFORE,
    STORE_WAIT,
    STORE_WAIT_BEFORE,
    TILE_FILL_END,
    TILE_FILL_END_BEFORE,
)

MIN_TRIPS: Final = 4
"""A loop with fewer iterations has none that could be taken at once."""

STEP_TIMES: Final = 1 << FILL_END | 1 << COMPUTE_END | 1 << COMPUTE_END_BEFORE
"""Times that every step depends on, a bit each."""

ACCUMULATOR_RUN_TIMES: Final = (
    1 << DRAIN_END
    | 1 << DRAIN_END_BEFORE
    | 1 << STORE_WAIT
    | 1 << STORE_WAIT_BEFORE
    | 1 << LOAD_WAIT
    | 1 << LOAD_WAIT_BEFORE
    | 1 << SCALE_RUN_DRAIN_END
)
TILE_TIMES: Final = 1 << LOAD_NEXT | 1 << TILE_FILL_END | 1 << TILE_FILL_END_BEFORE
OUTPUT_RUN_TIMES: Final = 1 << STORE_NEXT | 1 << STORE_NEXT_BEFORE
RESIDUAL_TIMES: Final = 1 << OUTPUT_RUN_DRAIN_END | 1 << OUTPUT_RUN_DRAIN_END_BEFORE
SCALE_RUN_TIMES: Final = 1 << SCALE_RUN_DRAIN_END_BEFORE


@kernel
def take_repeated(p, g, loop):  # type: ignore[no-untyped-def]
    """Take the iterations of a loop at once that only repeat what came before.

    The loop has just moved: its counter is `g.counters[loop]`, and `g.state` is the state before
    the step. Both are advanced.
    """
    num_done = g.counters[loop]
    state, kept = g.state, g.kept[loop, num_done % NUM_KEPT]
    for i in range(NUM_STATE):
        kept[i] = state[i]
    num_kept = g.num_kept[loop]
    g.num_kept[loop] = num_kept + 1
    times = _times_used(p, g, loop)
    for period in range(1, min(num_kept, NUM_KEPT - 1) + 1):
        before = g.kept[loop, (num_done - period) % NUM_KEPT]
        shift = _common_shift(state, before, times)
        if shift > 0:
            end = _end_of_repetition(p, g, loop, num_done - period + 1)
            trips = (end - num_done) // period
            if trips > 0:
                _move_state(state, before, times, trips, shift)
                g.counters[loop] += trips * period
                g.num_kept[loop] = 0
            return


@kernel
def _times_used(p, g, loop):  # type: ignore[no-untyped-def]
    """The times that an iteration of a loop depends on, a bit each."""
    times = STEP_TIMES
    if loop <= g.last_outputs:
        times |= ACCUMULATOR_RUN_TIMES
    if loop < NUM_DIMS:
        times |= TILE_TIMES
    if loop <= g.last_output_tile:
        times |= OUTPUT_RUN_TIMES
        if p.residual:
            times |= RESIDUAL_TIMES
    if loop <= g.last_scale_tile:
        times |= SCALE_RUN_TIMES
    return times


@kernel
def _common_shift(now, before, times):  # type: ignore[no-untyped-def]
    """By how much all of these times have moved; -1 if not all by the same amount."""
    if now[OPENS_OUTPUT_RUN] != before[OPENS_OUTPUT_RUN]:
        return -1
    shift = now[FILL_END] - before[FILL_END]
    for i in range(1, NUM_TIMES):
        if times >> i & 1 and now[i] - before[i] != shift:
            if now[i] != NEVER or before[i] != NEVER:
                return -1
    return shift


@kernel
def _end_of_repetition(p, g, loop, index):  # type: ignore[no-untyped-def]
    """The first index from `index` on whose tiles differ from those before; the last at most."""
    end = g.bounds[loop] - 1
    if loop >= NUM_DIMS:
        return end
    while index < end and _same_tiles(p, g, g.dims[loop], index):
        index += 1
    return index


@kernel
def _same_tiles(p, g, dim, index):  # type: ignore[no-untyped-def]
    """Whether tiles with this index of a dim hold as much of the image as those one before."""
    if dim <= C:  # only the last tile of channels may hold less, and it is never asked for
        return True
    other = (R, S, P, Q)[dim - P]
    if dim == P or dim == R:
        pitch = g.tile[dim] * (p.stride_rows if dim == P else p.dilation_rows)
        across = g.tile[other] * (p.stride_rows if dim == R else p.dilation_rows)
        padding, length, end = p.padding_rows, g.tile_rows, p.image_rows
    else:
        pitch = g.tile[dim] * (p.stride_columns if dim == Q else p.dilation_columns)
        across = g.tile[other] * (p.stride_columns if dim == S else p.dilation_columns)
        padding, length, end = p.padding_columns, g.tile_columns, p.image_columns
    for i in range(g.tiles[other]):
        first = index * pitch + i * across - padding
        if clipped(first, length, end) != clipped(first - pitch, length, end):
            return False
    return True


@kernel
def _move_state(state, before, times, trips, shift):  # type: ignore[no-untyped-def]
    """Move the state by so many repetitions of what happened since the state before."""
    for i in range(NUM_TIMES):
        if times >> i & 1 and state[i] != NEVER:
            state[i] += trips * shift
    for i in range(OPENS_OUTPUT_RUN + 1, NUM_STATE):
        state[i] += trips * (state[i] - before[i])
