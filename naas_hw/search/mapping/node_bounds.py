"""Lower bounds of a goal over many mappings at once, compiled: of a node, of a tile.

A loop order costs what it does by the loop that moves innermost: one tensor (or none) does not
move with it and stays. So all orders of a nest fall into three types, by the dims that are
innermost: P Q (weights stay), K (inputs stay), C R S (outputs stay). For given bounds every order
has at least the loads, fills, drains and spills of one of three: all dims of a type innermost, K
outermost if it is not among them (`ORDERS`). At two levels that makes nine, whose cheapest bounds
all orders.

*n* is the number of steps of a dim in all: tiles times steps of a tile.
"""

from typing import Any, Final

import numpy as np

from naas_hw.cost.compiled.bound import start_of
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
    NUM_DIMS,
    C,
    K,
    P,
    Q,
    R,
    S,
)
from naas_hw.cost.compiled.counts import clipped_sum
from naas_hw.cost.compiled.geometry import ceil_div, ceil_shift, check, derive
from naas_hw.cost.compiled.jit import entry, kernel
from naas_hw.cost.compiled.rules import GLOBAL_BUFFER, LEGAL
from naas_hw.search.mapping.growth import balanced_below
from naas_hw.search.mapping.point import order_table
from naas_hw.search.mapping.pool import score_of

ORDERS: Final = order_table(("KCRSPQ", "CPQRSK", "KPQCRS"))
"""The three types of a nest: what stays is weights, inputs, outputs."""

WEIGHTS_STAY, INPUTS_STAY, OUTPUTS_STAY = range(3)

MAX_VALUES: Final = 1024
"""Balanced bounds of a dim: fewer than 2 sqrt(65535)."""

ROUNDING: Final = 1 - 1e-12


@kernel
def balanced_bounds(count: Any, values: Any) -> Any:
    """Fill values with all ceil(count / k), largest first; how many."""
    num, value = 0, count
    while True:
        values[num] = value
        num += 1
        if value == 1:
            return num
        value = balanced_below(count, value - 1)


@kernel
def whole_blocks(p: Any, step: Any, count: Any, values: Any, num: Any) -> Any:
    """Round bounds of a K or C tile up to whole blocks, each once; how many are left."""
    unit = p.beat // min(step & -step, p.beat)
    left = 0
    for i in range(num):
        value = min(ceil_div(values[i], unit) * unit, count)
        if left == 0 or values[left - 1] != value:
            values[left] = value
            left += 1
    return left


@kernel
def stays(p: Any, bounds: Any, kind: Any) -> Any:
    """Steps over which the tensor of a type stays if the nest has these bounds."""
    if kind == WEIGHTS_STAY:
        return float(bounds[P]) * bounds[Q]
    if kind == INPUTS_STAY:
        return 1.0 if p.input_mask >> K & 1 else float(bounds[K])
    return float(bounds[C]) * bounds[R] * bounds[S]


@kernel
def traffic(
    p: Any, price: Any, tiles: Any, weights: Any, inputs: Any, scales: Any, kind: Any
) -> Any:
    """(loads, spilled beats, pJ) between DRAM and L2 if the DRAM nest has this type.

    weights, inputs : beats of all different tiles, each once; scales : beats of those of a tile.
    """
    scale_beats = float(tiles[K]) * scales
    pixels, reductions = float(tiles[P]) * tiles[Q], float(tiles[C]) * tiles[R] * tiles[S]
    if kind != WEIGHTS_STAY:
        weights = weights * pixels
    if kind != INPUTS_STAY and not p.input_mask >> K & 1:
        inputs = inputs * tiles[K]
    spilled = 0.0
    if kind != OUTPUTS_STAY:
        spilled = 4.0 * output_blocks(p) * (reductions - 1)
    sums_price = price[DRAM_SUMS_IN] + price[DRAM_SUMS_OUT] + price[L2_STORE_SUMS]
    sums_price += price[L2_LOAD_SUMS]
    energy = price[DRAM_SCALES] * scale_beats
    energy += (price[DRAM_WEIGHTS] + price[L2_LOAD_WEIGHTS]) * weights
    energy += (price[DRAM_INPUTS] + price[L2_LOAD_INPUTS]) * inputs
    energy += sums_price * spilled
    return scale_beats + weights + inputs + spilled, spilled, energy


@kernel
def output_blocks(p: Any) -> Any:
    """Beats of the outputs."""
    return p.bounds[P] * p.bounds[Q] * ceil_shift(p.bounds[K], p.beat_shift)


@kernel
def step_bound(
    p: Any, goal: Any, g: Any, n: Any, nest: Any, tiles: Any, moved: Any, ramp: Any
) -> Any:
    """Lower bound of the goal over all orders of the steps.

    Parameters
    ----------
    g : of the steps, as `derive` left it.
    n : steps of each dim [6].
    nest : of these, those of the nest whose loops stay innermost [6].
    tiles : how many tiles there are at least; 0 if loads may hold spilled beats.
    moved : (loads, spilled beats, pJ) between DRAM and L2, at least; tables and residuals, which
        all orders load once, are left out.
    ramp : (cycles of load before, of compute after), at least.
    """
    price = goal.price
    num_steps = 1.0
    for d in range(NUM_DIMS):
        num_steps *= n[d]
    loads, spilled, energy = moved
    before, after = ramp
    loads, before = loads + p.table_beats, before + p.period * p.table_beats
    blocks = output_blocks(p)
    residual = p.residual * blocks
    reductions = float(n[C]) * n[R] * n[S]
    output_price = price[DRAM_OUTPUTS] + price[L2_STORE_OUTPUTS]
    energy += price[DRAM_DESCRIPTOR] * p.descriptor_beats + output_price * blocks
    energy += price[DRAM_TABLE] * p.table_beats
    energy += (price[DRAM_RESIDUAL] + price[L2_LOAD_RESIDUAL]) * residual
    compute = num_steps * g.compute
    energy += compute * g.pes_used * (price[L1_WEIGHT_READS] + price[L1_INPUT_READS] + price[MACS])
    energy += compute * g.sums_used * (price[ACCUMULATOR_READS] + price[ACCUMULATOR_WRITES])
    of_weights = price[L2_FILL_WEIGHTS] * g.weight_step_words
    of_weights += price[L1_WEIGHT_WRITES] * g.weight_words * g.pes_used
    of_inputs = price[L2_FILL_INPUTS] * g.step_pixels * ceil_shift(g.pixel_bytes, p.beat_shift)
    of_inputs += price[L1_INPUT_WRITES] * g.window_pixels * g.written_channels * g.pes_used
    tile_hand = p.fill_to_load + p.read_latency - p.period + p.load_to_fill
    least = np.inf
    for kind in range(3):
        stay = stays(p, nest, kind)
        weight_runs = num_steps / (stay if kind == WEIGHTS_STAY else 1.0)
        input_runs = num_steps / (stay if kind == INPUTS_STAY else 1.0)
        output_runs = num_steps / (stay if kind == OUTPUTS_STAY else 1.0)
        finished = num_steps / reductions
        drain = (
            g.drain_again if reductions > (stay if kind == OUTPUTS_STAY else 1.0) else g.drain_once
        )
        fills = max(weight_runs * g.fill_weights, input_runs * g.fill_inputs)
        handed = num_steps * (p.fill_to_compute + g.compute + p.compute_to_fill)
        cycles = before + max(compute, fills)
        cycles = max(cycles, before + (fills + handed) / 2 - p.compute_to_fill)
        # What drain needs of the last tile may come after its computing has begun.
        cycles = max(cycles, p.period * (loads - 1) + (after if spilled == 0 else 0.0))
        cycles = max(cycles, p.period * (loads + residual - 1))
        cycles = max(cycles, before + output_runs * drain)
        handed = output_runs * (p.drain_to_compute + p.compute_to_drain + drain)
        cycles = max(cycles, before + (compute + handed) / 2 - p.drain_to_compute)
        cycles = max(cycles, p.period * (blocks + spilled))
        if tiles > 0 and tile_hand >= 0:
            handed = tiles * tile_hand + p.period * (loads - spilled) + fills
            cycles = max(cycles, handed / 2 - p.fill_to_load)
        cycles += start_of(p)
        cycles = p.groups * cycles - (p.groups - 1) * p.saved
        spent = energy + weight_runs * of_weights + input_runs * of_inputs
        spent += drain * price[L2_DRAIN] * output_runs
        spent += drain * price[L2_DRAIN_SUMS] * (output_runs - finished)
        spent += drain * price[L2_DRAIN_RESIDUAL] * p.residual * finished
        least = min(least, score_of(goal, cycles, p.groups * spent))
    return least * ROUNDING


# Nodes: used extents and bounds inside the PE -----------------------------------------------------


@kernel
def steps_of(p: Any, spatial: Any, pe: Any, n: Any) -> None:
    """How many steps each dim takes at least."""
    for d in range(NUM_DIMS):
        extent = p.extents[d] if d <= C else spatial[d]
        n[d] = ceil_div(p.bounds[d], extent * pe[d])


@kernel
def is_possible(p: Any, spatial: Any, pe: Any, ones: Any, g: Any) -> Any:
    """Whether one PE has room for its part; g is then that of the step."""
    if float(pe[K]) * pe[C] * pe[R] * pe[S] > p.weight_buffer_bytes:
        return False
    violated = check(p, ORDERS, ones, pe, spatial, g)
    if violated != LEGAL and violated < GLOBAL_BUFFER:
        return False
    derive(p, pe, spatial, g)
    return True


@kernel
def node_bound(p: Any, goal: Any, g: Any, n: Any, floor: Any) -> Any:
    """Lower bound of all mappings with the steps of g; floor is that of DRAM, of any tile."""
    weights = float(n[K]) * n[C] * n[R] * n[S] * g.weight_step_words
    more = max(0.0, weights - least_weights(p))
    price = goal.price
    moved = (floor[0] + more, 0.0, floor[1] + more * (price[DRAM_WEIGHTS] + price[L2_LOAD_WEIGHTS]))
    return step_bound(p, goal, g, n, n, 0.0, moved, (0.0, 0.0))


# DRAM, whatever the PE's bounds ------------------------------------------------------------------


@kernel
def input_rows(p: Any, d: Any, tiles_out: Any, tiles_in: Any, tile_out: Any, tile_in: Any) -> Any:
    """Rows (d = P) or columns (d = Q) of the image, summed over all tiles."""
    if d == P:
        pitch, across, padding = p.stride_rows, p.dilation_rows, p.padding_rows
        end = p.image_rows
    else:
        pitch, across, padding = p.stride_columns, p.dilation_columns, p.padding_columns
        end = p.image_columns
    length = (tile_out - 1) * pitch + (tile_in - 1) * across + 1
    total, _ = clipped_sum(
        tiles_out, tiles_in, tile_out * pitch, tile_in * across, padding, length, end
    )
    return total


@kernel
def _touched(outputs: Any, kernels: Any, pitch: Any, across: Any, padding: Any, end: Any) -> Any:
    """Rows (or columns) of the image that any product needs."""
    needed = np.zeros(end, np.bool_)
    for i in range(outputs):
        for j in range(kernels):
            place = i * pitch + j * across - padding
            if 0 <= place < end:
                needed[place] = True
    return needed.sum()


@kernel
def least_inputs(p: Any) -> Any:
    """Beats of the inputs that any product needs, each once."""
    b = p.bounds
    rows = _touched(b[P], b[R], p.stride_rows, p.dilation_rows, p.padding_rows, p.image_rows)
    columns = _touched(
        b[Q], b[S], p.stride_columns, p.dilation_columns, p.padding_columns, p.image_columns
    )
    return float(rows * columns) * ceil_shift(b[p.channel], p.beat_shift)


@kernel
def least_weights(p: Any) -> Any:
    """Beats of the weights, each once, side by side."""
    b = p.bounds
    return float(b[K]) * b[C] * b[R] * b[S] / p.beat


@kernel
def _banks(p: Any, words: Any, moves: Any) -> Any:
    return np.ceil(words / p.bank_words) * (2 if moves else 1)


@kernel
def _fits(p: Any, tile: Any, tiles: Any, spills: Any) -> Any:
    """Whether the smallest tile of so many could be in L2."""
    weights = np.ceil(float(tile[K]) * tile[C] * tile[R] * tile[S] / p.beat)
    rows = (tile[P] - 1) * p.stride_rows + (tile[R] - 1) * p.dilation_rows + 1
    columns = (tile[Q] - 1) * p.stride_columns + (tile[S] - 1) * p.dilation_columns + 1
    inputs = float(rows) * columns * ceil_shift(tile[p.channel], p.beat_shift)
    outputs = float(tile[P]) * tile[Q] * ceil_shift(tile[K], p.beat_shift) * (5 if spills else 1)
    moves = np.zeros(3, np.bool_)
    for d in range(NUM_DIMS):
        if tiles[d] > 1:
            moves[0] |= p.weight_mask >> d & 1 == 1
            moves[1] |= p.input_mask >> d & 1 == 1
            moves[2] |= p.output_mask >> d & 1 == 1
    banks = _banks(p, weights, moves[0]) + _banks(p, inputs, moves[1])
    banks += _banks(p, outputs, moves[2])
    if p.residual:
        banks += _banks(p, outputs / (5 if spills else 1), moves[2])
    return banks <= p.num_banks


@entry
def least_traffic(p: Any, price: Any) -> Any:
    """(loads, pJ) between DRAM and L2, at least, of any tiles that fit, whatever is in the PEs.

    Of so many tiles along a dim the smallest that there could be are looked at.
    """
    values = np.ones((6, MAX_VALUES), np.int64)
    num = np.ones(6, np.int64)
    for d in range(NUM_DIMS):
        num[d] = balanced_bounds(p.bounds[d], values[d])
    weights, inputs = least_weights(p), least_inputs(p)
    tile, tiles, at = np.ones(6, np.int64), np.ones(6, np.int64), np.zeros(6, np.int64)
    least_loads = least_energy = np.inf
    while True:
        for d in range(NUM_DIMS):
            tile[d] = values[d, at[d]]
            tiles[d] = ceil_div(p.bounds[d], tile[d])
        for kind in range(3):
            loads, spilled, energy = traffic(p, price, tiles, weights, inputs, 0.0, kind)
            if loads < least_loads or energy < least_energy:
                if _fits(p, tile, tiles, spilled > 0):
                    least_loads = min(least_loads, loads)
                    least_energy = min(least_energy, energy)
        if not advance(at, num):
            return least_loads, least_energy


@kernel
def advance(at: Any, num: Any) -> Any:
    """The next place in a box of these sides; whether there is one."""
    for d in range(len(at) - 1, -1, -1):
        at[d] += 1
        if at[d] < num[d]:
            return True
        at[d] = 0
    return False
