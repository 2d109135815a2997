"""Exact cycles of one mapping: the recurrence of docs/timing.md, step by step.

The rules are those of `naas_hw.cost.reference.recurrence`; each engine has a function. Iterations
that only repeat are taken at once (`naas_hw.cost.compiled.repetition`).

The loops of both nests are numbered 0 to 11, outermost first. `moved` is the loop that moved before
a step, or `FIRST_STEP`. `next_loop` is the loop that moves after it, negative after the last step.
A step needs new data of a tensor if `moved` is at most the innermost loop that changes the tensor.
"""

from typing import Final

from naas_hw.cost.compiled.bound import start_of, tile_blocks, tile_inputs
from naas_hw.cost.compiled.columns import (
    COMPUTE_STALL,
    COMPUTE_WORK,
    DESCRIPTOR_STALL,
    DRAIN_STALL,
    DRAIN_WORK,
    FILL_STALL,
    FILL_WORK,
    LOAD_STALL,
    LOAD_WORK,
    NEXT_BEAT,
    NUM_DIMS,
    NUM_LOOPS,
    RESPONSE,
    STORE_STALL,
    STORE_WORK,
    K,
    P,
    Q,
    R,
    S,
)
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.repetition import take_repeated
from naas_hw.cost.compiled.state import (
    COMPUTE_END,
    COMPUTE_END_BEFORE,
    DRAIN_CYCLES,
    DRAIN_END,
    DRAIN_END_BEFORE,
    DRAIN_WAITED,
    FILL_CYCLES,
    FILL_END,
    FILL_WAITED,
    LOAD_BEATS,
    LOAD_NEXT,
    LOAD_WAIT,
    LOAD_WAIT_BEFORE,
    LOAD_WAITED,
    NEVER,
    NUM_STATE,
    NUM_STEPS,
    NUM_TIMES,
    OPENS_OUTPUT_RUN,
    OUTPUT_RUN_DRAIN_END,
    OUTPUT_RUN_DRAIN_END_BEFORE,
    SCALE_RUN_DRAIN_END,
    SCALE_RUN_DRAIN_END_BEFORE,
    STORE_BEATS,
    STORE_NEXT,
    STORE_NEXT_BEFORE,
    STORE_WAIT,
    STORE_WAIT_BEFORE,
    STORE_WAITED,
    TILE_FILL_END,
    TILE_FILL_END_BEFORE,
)

FIRST_STEP: Final = -1

SUM_BEATS: Final = 4
"""Beats of the partial sums of a block of outputs, which is one beat."""


@kernel
def exact_cycles(p, g, min_trips, result):  # type: ignore[no-untyped-def]
    """Fill `result` [NUM_RESULTS] for one group.

    Only loops of `min_trips` or more are examined for iterations that repeat.
    """
    _begin(p, g)
    moved = FIRST_STEP
    while True:
        if moved >= 0 and g.bounds[moved] >= min_trips:
            take_repeated(p, g, moved)
        if moved < NUM_DIMS:
            _load(p, g, moved)
        _fill(p, g, moved)
        _compute(p, g, moved)
        next_loop = _next_loop(g)
        if next_loop <= g.last_outputs:
            _drain(p, g)
            if next_loop <= g.last_output_tile:
                _store(p, g)
        if next_loop < 0:
            break
        _move_loop(g, next_loop)
        moved = next_loop
    _finish(p, g, result)


@kernel
def _begin(p, g):  # type: ignore[no-untyped-def]
    """The state before the first step."""
    g.start = start_of(p)
    g.spilling_loops = _reduction_loops(p, g, g.last_output_tile)
    g.revisiting_loops = _reduction_loops(p, g, g.last_outputs)
    for k in range(NUM_LOOPS):
        g.counters[k] = g.num_kept[k] = 0
    state = g.state
    for i in range(NUM_STATE):
        state[i] = NEVER if i < NUM_TIMES else 0
    state[FILL_END] = 0
    state[COMPUTE_END] = g.start
    next_beat = g.start - p.descriptor_to_layer + p.period
    if p.table_beats:  # before the first tile
        next_beat = max(next_beat, g.start + p.layer_to_load + p.read_latency)
        next_beat += p.period * p.table_beats
    state[LOAD_NEXT], state[LOAD_BEATS] = next_beat, p.table_beats
    state[STORE_NEXT] = 0
    state[OPENS_OUTPUT_RUN] = 1


@kernel
def _reduction_loops(p, g, end):  # type: ignore[no-untyped-def]
    """The loops before `end` that visit an output again, a bit each."""
    loops = 0
    for k in range(end):
        if g.bounds[k] > 1 and not (p.output_mask >> g.dims[k]) & 1:
            loops |= 1 << k
    return loops


@kernel
def _has_begun(g, loops):  # type: ignore[no-untyped-def]
    """Whether one of these loops has left its first iteration."""
    for k in range(NUM_LOOPS):
        if loops >> k & 1 and g.counters[k]:
            return True
    return False


@kernel
def _has_more(g, loops):  # type: ignore[no-untyped-def]
    """Whether one of these loops has an iteration left."""
    for k in range(NUM_LOOPS):
        if loops >> k & 1 and g.counters[k] + 1 < g.bounds[k]:
            return True
    return False


@kernel
def _load(p, g, moved):  # type: ignore[no-untyped-def]
    """Load what the tile that begins here needs."""
    state, index, n = g.state, g.index, p.period
    for k in range(NUM_DIMS):
        index[g.dims[k]] = g.counters[k]
    gate = g.start + p.layer_to_load
    if state[TILE_FILL_END_BEFORE] != NEVER:
        gate = state[TILE_FILL_END_BEFORE] + p.fill_to_load
    first = gate + p.read_latency
    next_beat, beats = state[LOAD_NEXT], 0
    if moved <= g.last_scale_tile:
        # The scales of two runs before must have been used: those of this run replace them.
        free = state[SCALE_RUN_DRAIN_END_BEFORE] + p.drain_to_scales + p.read_latency
        next_beat = max(next_beat, first, free) + n * g.scale_beats
        beats += g.scale_beats
        state[SCALE_RUN_DRAIN_END_BEFORE] = state[SCALE_RUN_DRAIN_END]
        state[SCALE_RUN_DRAIN_END] = NEVER
    if moved <= g.last_weight_tile:
        next_beat = max(next_beat, first) + n * g.weight_tile_words
        beats += g.weight_tile_words
    if moved <= g.last_input_tile:
        tile_beats = tile_inputs(p, g, index[P], index[Q], index[R], index[S], index[p.channel])
        next_beat = max(next_beat, first) + n * tile_beats
        beats += tile_beats
    g.tile_ready = next_beat - n + p.load_to_fill
    if moved <= g.last_output_tile:
        g.run_ready = NEVER
        if p.residual and not _has_more(g, g.spilling_loops):
            # The residual of two runs before must have been used.
            tile_beats = tile_blocks(p, g, index[K], index[P], index[Q])
            free = state[OUTPUT_RUN_DRAIN_END_BEFORE] + p.drain_to_residual + p.read_latency
            next_beat = max(next_beat, first, free) + n * tile_beats
            beats += tile_beats
            g.run_ready = next_beat - n + p.load_to_drain
        if _has_begun(g, g.spilling_loops):
            tile_beats = SUM_BEATS * tile_blocks(p, g, index[K], index[P], index[Q])
            stored = state[STORE_NEXT_BEFORE] - n + p.response_latency
            first = max(first, stored + p.response_to_load + p.read_latency)
            next_beat = max(next_beat, first) + n * tile_beats
            beats += tile_beats
            g.run_ready = next_beat - n + p.load_to_drain
    state[LOAD_NEXT] = next_beat
    state[LOAD_BEATS] += beats


@kernel
def _fill(p, g, moved):  # type: ignore[no-untyped-def]
    """Fill the private buffers with what changes in this step."""
    state = g.state
    go = max(state[FILL_END], state[COMPUTE_END_BEFORE] + p.compute_to_fill)
    if moved < NUM_DIMS:
        go = max(go, g.tile_ready)
    cycles = 0
    if moved <= g.last_weights:
        cycles = g.fill_weights
    if moved <= g.last_inputs:
        cycles = max(cycles, g.fill_inputs)
    state[FILL_END] = go + cycles
    state[FILL_CYCLES] += cycles


@kernel
def _compute(p, g, moved):  # type: ignore[no-untyped-def]
    """Compute one step; what it waited for is counted by cause, in the order of the causes."""
    state = g.state
    now = state[COMPUTE_END]
    filled = state[FILL_END] + p.fill_to_compute
    go = max(now, filled)
    opens_accumulator_run = moved <= g.last_outputs
    if opens_accumulator_run:
        go = max(go, state[DRAIN_END_BEFORE] + p.drain_to_compute)
    over = min(g.tile_ready, go)
    if over > now:
        state[LOAD_WAITED] += over - now
        now = over
    if filled > now:
        state[FILL_WAITED] += filled - now
        now = filled
    if opens_accumulator_run:
        over = min(state[STORE_WAIT_BEFORE], go)
        if over > now:
            state[STORE_WAITED] += over - now
            now = over
        over = min(state[LOAD_WAIT_BEFORE], go)
        if over > now:
            state[LOAD_WAITED] += over - now
            now = over
    state[DRAIN_WAITED] += go - now
    state[COMPUTE_END_BEFORE] = state[COMPUTE_END] if state[NUM_STEPS] else NEVER
    state[COMPUTE_END] = go + g.compute
    state[NUM_STEPS] += 1


@kernel
def _next_loop(g):  # type: ignore[no-untyped-def]
    """The innermost loop that has an iteration left; negative if none has."""
    loop = NUM_LOOPS - 1
    while loop >= 0 and g.counters[loop] + 1 >= g.bounds[loop]:
        loop -= 1
    return loop


@kernel
def _drain(p, g):  # type: ignore[no-untyped-def]
    """Drain the accumulator run that ends with this step."""
    state = g.state
    go = max(state[COMPUTE_END] + p.compute_to_drain, state[DRAIN_END])
    if _has_begun(g, g.revisiting_loops):
        go = max(go, state[DRAIN_END_BEFORE] + p.drain_to_revisit)
    stored = loaded = NEVER
    if state[OPENS_OUTPUT_RUN]:
        if state[STORE_NEXT_BEFORE] != NEVER:
            stored = state[STORE_NEXT_BEFORE] - p.period + p.store_to_drain
        loaded = g.run_ready
        go = max(go, stored, loaded)
    state[STORE_WAIT_BEFORE], state[STORE_WAIT] = state[STORE_WAIT], stored
    state[LOAD_WAIT_BEFORE], state[LOAD_WAIT] = state[LOAD_WAIT], loaded
    state[DRAIN_END_BEFORE], state[DRAIN_END] = state[DRAIN_END], go + g.drain
    state[SCALE_RUN_DRAIN_END] = go + g.drain
    state[DRAIN_CYCLES] += g.drain
    state[OPENS_OUTPUT_RUN] = 0


@kernel
def _store(p, g):  # type: ignore[no-untyped-def]
    """Store the output run that ends with this step: as sums if it is visited again."""
    state, index = g.state, g.index
    beats = tile_blocks(p, g, index[K], index[P], index[Q])
    if _has_more(g, g.spilling_loops):
        beats *= SUM_BEATS
    before = state[STORE_NEXT]
    state[STORE_NEXT_BEFORE] = before if before else NEVER
    state[STORE_NEXT] = max(before, state[DRAIN_END] + p.drain_to_store) + p.period * beats
    state[STORE_BEATS] += beats
    state[OUTPUT_RUN_DRAIN_END_BEFORE] = state[OUTPUT_RUN_DRAIN_END]
    state[OUTPUT_RUN_DRAIN_END] = state[DRAIN_END]
    state[OPENS_OUTPUT_RUN] = 1


@kernel
def _move_loop(g, loop):  # type: ignore[no-untyped-def]
    """The next iteration of a loop; those inside of it begin anew."""
    state = g.state
    if loop < NUM_DIMS:
        state[TILE_FILL_END_BEFORE], state[TILE_FILL_END] = state[TILE_FILL_END], state[FILL_END]
    g.counters[loop] += 1
    for k in range(loop + 1, NUM_LOOPS):
        g.counters[k] = 0
        g.num_kept[k] = 0


@kernel
def _finish(p, g, result):  # type: ignore[no-untyped-def]
    """The figures of the group after its last step."""
    state, n = g.state, p.period
    response = state[STORE_NEXT] - n + p.response_latency
    end = response + p.done_to_interrupt
    compute = state[NUM_STEPS] * g.compute
    result[RESPONSE] = response
    result[NEXT_BEAT] = state[LOAD_NEXT]
    result[DESCRIPTOR_STALL] = g.start
    result[COMPUTE_STALL] = compute
    result[LOAD_STALL] = state[LOAD_WAITED]
    result[FILL_STALL] = state[FILL_WAITED]
    result[DRAIN_STALL] = state[DRAIN_WAITED] + state[DRAIN_END] - state[COMPUTE_END]
    result[STORE_STALL] = state[STORE_WAITED] + end - state[DRAIN_END]
    result[LOAD_WORK] = n * state[LOAD_BEATS]
    result[FILL_WORK] = state[FILL_CYCLES]
    result[COMPUTE_WORK] = compute
    result[DRAIN_WORK] = state[DRAIN_CYCLES]
    result[STORE_WORK] = n * state[STORE_BEATS]
