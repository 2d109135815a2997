"""The recurrence of docs/architecture.md, with iterations that repeat taken at once.

Steps are taken one by one. But the recurrence commutes with adding a constant to all times: as soon
as an iteration of a loop (of four or more) moves all times that have a say in it by the same
amount, or two iterations do, those that follow are that shift. The first iteration and the last are
always stepped: only they differ in what opens, closes, comes back or leaves finished.
"""

from typing import Final

from naas_hw.cost.compiled.bound import start_of, tile_blocks, tile_inputs
from naas_hw.cost.compiled.counts import clipped
from naas_hw.cost.compiled.jit import kernel
from naas_hw.cost.compiled.problem import NEVER, NUM_KEPT, STATE

NUM_TIMES: Final = 16
"""Of the state between two steps: times; then a flag, then sums that only grow."""

MIN_TRIPS: Final = 4
"""Loops with fewer iterations have none that could be taken at once."""


@kernel
def _same_tiles(p, g, dim, x):  # type: ignore[no-untyped-def]
    """Whether the tiles with index x of a dim hold as much of the image as those with x - 1."""
    if dim <= 1:  # channels: only the last tile, which is never asked for, may hold less
        return True
    other = (4, 5, 2, 3)[dim - 2]
    if dim == 2 or dim == 4:
        pitch = g.tile[dim] * (p.stride_rows if dim == 2 else p.dilation_rows)
        across = g.tile[other] * (p.stride_rows if dim == 4 else p.dilation_rows)
        padding, length, end = p.padding_rows, g.tile_rows, p.image_rows
    else:
        pitch = g.tile[dim] * (p.stride_columns if dim == 3 else p.dilation_columns)
        across = g.tile[other] * (p.stride_columns if dim == 5 else p.dilation_columns)
        padding, length, end = p.padding_columns, g.tile_columns, p.image_columns
    for y in range(g.tiles[other]):
        now = x * pitch + y * across - padding
        if clipped(now, length, end) != clipped(now - pitch, length, end):
            return False
    return True


@kernel
def _shift(now, then, uses):  # type: ignore[no-untyped-def]
    """By how much all times that have a say have moved; -1 if not all by the same."""
    if now[NUM_TIMES] != then[NUM_TIMES]:
        return -1
    delta = now[0] - then[0]
    for i in range(1, NUM_TIMES):
        if uses >> i & 1 and now[i] - then[i] != delta:
            if now[i] != NEVER or then[i] != NEVER:
                return -1
    return delta


@kernel
def _uses(g, k):  # type: ignore[no-untyped-def]
    """Which times have a say in an iteration of the loop at position k, a bit each."""
    uses = 0b111
    if k <= g.last_outputs:
        uses |= 0b11_1111_1000
    if k < 6:
        uses |= 0b1_1100_0000_0000
    if k <= g.last_output_tile:
        uses |= 0b110_0000_0000_0000
    if k <= g.last_scale_tile:
        uses |= 0b1000_0000_0000_0000
    return uses


@kernel
def _repeat(p, g, k, c):  # type: ignore[no-untyped-def]
    """Take at once what iterations of loop k, c of which are done, only repeat.

    g.state is where the loop stands, g.kept where it stood after earlier iterations. Returns how
    many iterations were taken; the state is then that after them.
    """
    state = g.kept[k, c % NUM_KEPT]
    uses = _uses(g, k)
    for period in range(1, min(g.seen[k], NUM_KEPT - 1) + 1):
        then = g.kept[k, (c - period) % NUM_KEPT]
        delta = _shift(state, then, uses)
        if delta <= 0:
            continue
        end = g.bounds[k] - 1
        if k < 6:
            x = c - period + 1
            while x < end and _same_tiles(p, g, g.dims[k], x):
                x += 1
            end = x
        trips = (end - c) // period
        if trips <= 0:
            return 0
        for i in range(NUM_TIMES):
            if uses >> i & 1 and state[i] != NEVER:
                state[i] += trips * delta
        for i in range(NUM_TIMES + 1, STATE):
            state[i] += trips * (state[i] - then[i])
        return trips * period
    return 0


@kernel
def recur(p, g, min_trips, result):  # type: ignore[no-untyped-def]
    """Fill response, next beat, stalls and engine totals of one group.

    Only loops of `min_trips` or more are looked at for iterations that repeat.
    """
    never = NEVER
    n, latency = p.period, p.latency
    start = start_of(p)
    L = start - p.descriptor_to_layer + n
    dims, bounds, counters, index = g.dims, g.bounds, g.counters, g.index
    tile_mask = 0
    for k in range(g.last_output_tile):
        if bounds[k] > 1 and not (p.output_mask >> dims[k]) & 1:
            tile_mask |= 1 << k
    revisit_mask = 0
    for k in range(g.last_outputs):
        if bounds[k] > 1 and not (p.output_mask >> dims[k]) & 1:
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
    for k in range(12):
        counters[k] = g.seen[k] = 0
    while True:
        if advanced >= 0 and bounds[advanced] >= min_trips:
            k, c = advanced, counters[advanced]
            state = g.kept[k, c % NUM_KEPT]
            state[0] = F
            state[1] = compute_1
            state[2] = compute_2
            state[3] = drain_1
            state[4] = drain_2
            state[5] = stored_1
            state[6] = stored_2
            state[7] = sums_1
            state[8] = sums_2
            state[9] = scale_0
            state[10] = L
            state[11] = tile_fill_1
            state[12] = tile_fill_2
            state[13] = store_1
            state[14] = store_2
            state[15] = scale_1
            state[16] = opens_output
            state[17] = stall_load
            state[18] = stall_fill
            state[19] = stall_drain
            state[20] = stall_store
            state[21] = busy_load
            state[22] = busy_fill
            state[23] = busy_drain
            state[24] = busy_store
            state[25] = num_steps
            taken = _repeat(p, g, k, c)
            g.seen[k] += 1
            if taken:
                F = state[0]
                compute_1 = state[1]
                compute_2 = state[2]
                drain_1 = state[3]
                drain_2 = state[4]
                stored_1 = state[5]
                stored_2 = state[6]
                sums_1 = state[7]
                sums_2 = state[8]
                scale_0 = state[9]
                L = state[10]
                tile_fill_1 = state[11]
                tile_fill_2 = state[12]
                store_1 = state[13]
                store_2 = state[14]
                scale_1 = state[15]
                stall_load = state[17]
                stall_fill = state[18]
                stall_drain = state[19]
                stall_store = state[20]
                busy_load = state[21]
                busy_fill = state[22]
                busy_drain = state[23]
                busy_store = state[24]
                num_steps = state[25]
                counters[k] += taken
                g.seen[k] = 0
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
                beats = tile_inputs(p, g, index[2], index[3], index[4], index[5], index[p.channel])
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
                    beats = 4 * tile_blocks(p, g, index[0], index[2], index[3])
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
                beats = tile_blocks(p, g, index[0], index[2], index[3])
                for k in range(6):
                    if (tile_mask >> k) & 1 and counters[k] + 1 < bounds[k]:
                        beats = 4 * tile_blocks(p, g, index[0], index[2], index[3])
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
            g.seen[k] = 0
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
