"""What a triple of accelerator, layer and mapping exercises: the bins that `naas verify` fills."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Final

import numpy as np

from naas_hw.arch import timing
from naas_hw.cost.reference.pieces import durations_of, existing_columns, existing_rows
from naas_hw.cost.reference.recurrence import StallCycles, Timeline
from naas_hw.mapping.geometry import Geometry
from naas_hw.verify.case import Case
from naas_hw.workload.arithmetic.golden import reference_accumulators, reference_output
from naas_hw.workload.arithmetic.quantise import QuantisedLayer
from naas_hw.workload.layer import DIMS, Kind, Layer

STALL_CAUSES: Final = ("load", "fill", "drain", "store")
"""Of the engines. The wait for the descriptor comes once, before them all: it has a bin beside."""

BEATS: Final = (4, 8, 16, 32)
SUM_WORDS: Final = (1, 2, 4)
"""Words of partial sums that a drain may be wide."""

LATENCIES: Final = ((1, 1), (2, 9), (10, 49), (50, 199), (200, 200))
"""Least and greatest latency of each bin."""

LARGE_LATENCIES: Final = (*LATENCIES, (201, 999), (1000, 1000))
"""The same of large draws."""


class Size(StrEnum):
    """Which triples are drawn: large ones reach further in PEs, latency, cycles, and values."""

    SMALL = "small"
    LARGE = "large"


MANY_PES: Final = 64
STEADY_STEPS: Final = 8

BINS: Final = (
    *(f"axes_{number}" for number in (1, 2, 3)),
    *(f"parallel_{dim}" for dim in DIMS),
    "pes_64_or_more",
    "R_with_P",
    "axis_not_dividing_beat",
    *(f"beat_{beat}" for beat in BEATS),
    *(f"drain_of_{words}_words" for words in SUM_WORDS),
    "sums_in_parts",
    "few_weight_lanes",
    *(f"latency_{low}" if low == high else f"latency_{low}_to_{high}" for low, high in LATENCIES),
    "period_above_1",
    *(f"kind_{kind}" for kind in (Kind.CONV, Kind.DEPTHWISE, Kind.LINEAR)),
    "channels_not_of_beat",
    "C_below_beat",
    "zero_point_with_padding",
    "tile_in_padding",
    "ragged",
    "spills_to_L2",
    "spills_to_DRAM",
    *(f"stall_{cause}" for cause in STALL_CAUSES),
    "stall_descriptor",
    "tail_over_compute",
    "runs_of_one_step",
    "steady_8_steps",
    "fill_at_pace",
    "drain_at_pace",
    "load_at_pace",
    "store_at_pace",
    "residual",
    "residual_on_sums",
    "table",
    "maximum",
    "rounds_once",
)
"""Names of all bins, in the order in which they are shown."""

LARGE_BINS: Final = (
    *BINS,
    "pes_above_256",
    "pes_1024",
    "latency_201_to_999",
    "latency_1000",
    "outputs_clamp",
    "sums_wrap",
)
"""The same of large draws."""

MAPPING_BINS: Final = (
    *BINS[BINS.index("kind_conv") : BINS.index("zero_point_with_padding")],
    *BINS[BINS.index("tile_in_padding") : BINS.index("steady_8_steps")],
    "store_at_pace",
)
"""Bins that a layer and a mapping can fall into on any hardware, and that show without tensors."""


def bins_of(case: Case, stalls: StallCycles) -> frozenset[str]:
    """The bins that a triple falls into, as far as its tensors have no part in it.

    Parameters
    ----------
    stalls : the model's, of this triple.

    Notes
    -----
    parallel_X: an axis X of which more than one position is used. ragged: full bounds exceed the
    layer. stall_X: X takes more cycles than each other engine; stall_descriptor: the descriptor
    takes more than any of them. R_with_P: of both more than one position is used.
    tail_over_compute: the way from the array to drain is longer than a step. runs_of_one_step:
    every step is an accumulator run of its own. residual_on_sums: a residual is added to outputs
    that were drained before. drain_of_N_words: as many lanes as N words hold partial sums;
    sums_in_parts: partial sums of a beat that fill several words. few_weight_lanes: memory holds
    fewer weights side by side than the weight network has lanes. fill_at_pace: the weights or the
    inputs of a step take fewer cycles than the step itself. drain_at_pace: the beats of a run do.
    load_at_pace: a tile of weights or of inputs has fewer words than its planner takes cycles.
    store_at_pace: each output tile is one word, so that drain can leave tiles as fast as its loop
    nest steps.
    """
    geometry = case.geometry
    bins = {
        "ragged": any(_run_extent(geometry)[dim] != case.layer.bounds[dim] for dim in DIMS),
        "spills_to_L2": bool(geometry.accumulator_revisits),
        "spills_to_DRAM": bool(geometry.tile_revisits),
        "sums_in_parts": bool(geometry.accumulator_revisits) and geometry.sum_words_per_beat > 1,
        "few_weight_lanes": geometry.weight_lanes < case.accelerator.weight_network_lanes,
        "residual_on_sums": case.layer.residual and bool(geometry.accumulator_revisits),
        "tile_in_padding": _has_tile_in_padding(geometry),
        "tail_over_compute": durations_of(geometry).compute_to_drain > geometry.compute_cycles,
        "runs_of_one_step": 1 < geometry.num_steps == geometry.num_runs(geometry.last_outputs),
        "fill_at_pace": geometry.num_steps > 1
        and min(geometry.fill_weight_cycles, geometry.fill_input_cycles) < timing.STEP_PACE,
        "drain_at_pace": 1 < geometry.num_runs(geometry.last_outputs)
        and geometry.drain_cycles < timing.STEP_PACE,
        "load_at_pace": geometry.num_dram_tiles > 1
        and min(geometry.weight_tile_words, geometry.input_tile_words) < timing.PLANNER_PACE,
        "store_at_pace": geometry.output_tile_words == 1
        and 1 < geometry.num_runs(geometry.last_output_tile),
        f"stall_{dominant_stall(stalls)}": True,
        "stall_descriptor": stalls.descriptor > max(getattr(stalls, c) for c in STALL_CAUSES),
    }
    named = {name for name, holds in bins.items() if holds}
    return frozenset(named | _accelerator_bins(case) | _layer_bins(case)) & set(LARGE_BINS)


def bins_of_run(
    case: Case, timeline: Timeline, quantised: QuantisedLayer, *, extreme: bool
) -> frozenset[str]:
    """The bins that need the tensors, or the time of every piece.

    Parameters
    ----------
    extreme : whether the tensors are of this kind; only they are looked at for wraps and clamps.

    Notes
    -----
    steady_8_steps: eight steps in a row end at equal distances. sums_wrap: a sum with its bias is
    no int32. outputs_clamp: more than half of the outputs are at a clamp.
    """
    reads = quantised.input_zero_point != 0 and reads_padding(case.geometry)
    bins = {
        "zero_point_with_padding": reads,
        "steady_8_steps": _steady_steps(timeline) >= STEADY_STEPS,
        "sums_wrap": extreme and _wraps(case.layer, quantised),
        "outputs_clamp": extreme and _clamps(case.layer, quantised),
    }
    return frozenset(name for name, holds in bins.items() if holds)


def _wraps(layer: Layer, quantised: QuantisedLayer) -> bool:
    sums = reference_accumulators(layer, quantised) + quantised.bias[:, None, None]
    return bool(np.any(sums != sums.astype(np.int32)))


def _clamps(layer: Layer, quantised: QuantisedLayer) -> bool:
    outputs = reference_output(layer, quantised)
    clamped = (outputs == quantised.clamp_min) | (outputs == quantised.clamp_max)
    return bool(clamped.mean() > 0.5)


def count_bins(cases: Iterable[frozenset[str]], names: Sequence[str] = BINS) -> dict[str, int]:
    """How many cases fall into each bin."""
    counts = Counter(name for bins in cases for name in bins)
    return {name: counts[name] for name in names}


def dominant_stall(stalls: StallCycles) -> str | None:
    """The cause that takes more cycles than any other; None if two share the first place."""
    by_cycles = sorted(STALL_CAUSES, key=lambda cause: -int(getattr(stalls, cause)))
    first, second = (int(getattr(stalls, cause)) for cause in by_cycles[:2])
    return by_cycles[0] if first > second else None


def reads_padding(geometry: Geometry) -> bool:
    """Whether outputs that count read what lies above, below, left or right of the image."""
    layer = geometry.layer
    lasts = (geometry.rows(layer.P, layer.R), geometry.columns(layer.Q, layer.S))
    return any(
        padding > 0 or last - padding > size
        for padding, last, size in zip(layer.padding, lasts, geometry.image, strict=True)
    )


def _accelerator_bins(case: Case) -> set[str]:
    accelerator = case.accelerator
    used = {axis.dim for axis in accelerator.axes if case.mapping.spatial[axis.dim] > 1}
    bins = {
        f"axes_{len(accelerator.axes)}": True,
        "pes_64_or_more": accelerator.num_pes >= MANY_PES,
        "pes_above_256": accelerator.num_pes > 256,
        "pes_1024": accelerator.num_pes == 1024,
        "R_with_P": {"R", "P"} <= used,
        "axis_not_dividing_beat": any(
            accelerator.beat_bytes % axis.size for axis in accelerator.axes
        ),
        f"beat_{accelerator.beat_bytes}": True,
        f"drain_of_{accelerator.drain_lanes // accelerator.sum_lanes}_words": True,
        _latency_bin(accelerator.dram_latency_cycles): True,
        "period_above_1": accelerator.dram_beat_period_cycles > 1,
        **{f"parallel_{dim}": True for dim in used},
    }
    return {name for name, holds in bins.items() if holds}


def _latency_bin(latency: int) -> str:
    for low, high in LARGE_LATENCIES:
        if low <= latency <= high:
            return f"latency_{low}" if low == high else f"latency_{low}_to_{high}"
    return "latency_above_1000"


def _layer_bins(case: Case) -> set[str]:
    layer, beat = case.layer, case.accelerator.beat_bytes
    bins = {
        f"kind_{layer.kind.value}": True,
        "channels_not_of_beat": layer.K % beat != 0 or layer.input_channels % beat != 0,
        "C_below_beat": layer.kind is not Kind.DEPTHWISE and layer.C < beat,
        "residual": layer.residual,
        "table": layer.table,
        "maximum": layer.maximum,
        "rounds_once": layer.rounds_once,
    }
    return {name for name, holds in bins.items() if holds}


def _run_extent(geometry: Geometry) -> dict[str, int]:
    return {dim: geometry.num_tiles[dim] * geometry.tile[dim] for dim in DIMS}


def _has_tile_in_padding(geometry: Geometry) -> bool:
    tiles = geometry.num_tiles
    rows = [existing_rows(geometry, p, r) for p in range(tiles["P"]) for r in range(tiles["R"])]
    columns = [
        existing_columns(geometry, q, s) for q in range(tiles["Q"]) for s in range(tiles["S"])
    ]
    return 0 in rows or 0 in columns


def _steady_steps(timeline: Timeline) -> int:
    distances = np.diff(timeline.compute_end).tolist()
    return max((1 + len(list(group)) for _, group in groupby(distances)), default=0)
