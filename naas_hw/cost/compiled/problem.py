"""Records of compiled code: an accelerator with a layer, and the memory in which it works.

Both hold whole numbers and are passed as one pointer. Their arrays have an entry for each dim (6)
or for each loop of both nests (12).
"""

from typing import Final

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS, NUM_LOOPS
from naas_hw.cost.compiled.state import NUM_KEPT, NUM_STATE

ILLEGAL_CYCLES: Final = int(np.iinfo(np.int64).max)
"""The bound of a mapping that is not legal: it sorts last."""

PROBLEM_ARRAYS: Final = {
    "bounds": 6,  # of the layer
    "sizes": 6,  # positions along the axes that may be used; 1 where there is no axis
    "least": 6,  # positions that a mapping must use
    "most": 6,  # and may use
    "extents": 2,  # indices that one pass over a K or C axis covers, whole lanes
    "vector_shifts": 6,  # log2 of the weight network's lanes where they lie along the dim, else 0
}
PROBLEM_NUMBERS: Final = (
    "groups",
    "beat",
    "beat_shift",  # a shift is the log2 of a number that is a power of two
    "drain_shift",
    "sum_shift",
    "weight_lanes",
    "weight_vector",  # dim along which they lie; -1: along none
    "weight_word_shift",
    "accumulator_shift",
    "channel",
    "channel_on_axis",
    "channel_chunks",  # of one channel index of a PE, on an axis
    "input_shift",
    "input_lanes",
    "k_on_axis",
    "drain_groups",  # beats of drain of one K index of a PE, on an axis
    "group_shift",  # channels of such a beat
    "stride_rows",
    "stride_columns",
    "dilation_rows",
    "dilation_columns",
    "padding_rows",
    "padding_columns",
    "image_rows",
    "image_columns",
    "num_banks",
    "bank_words",
    "weight_buffer_bytes",
    "input_buffer_bytes",
    "accumulator_depth",
    "scale_depth",
    "max_field",
    "max_window",
    # optional hardware: whether the layer needs what is not there, and what it needs, 0 or 1 each
    "lacks_option",
    "maximum",
    "pitched",
    "residual",
    "table_beats",
    "weight_mask",
    "input_mask",
    "output_mask",
    "read_latency",
    "response_latency",
    "period",
    "descriptor_beats",
    "compute_to_drain",
    "start_to_descriptor",
    "descriptor_to_layer",
    "layer_to_load",
    "load_to_fill",
    "load_to_drain",
    "fill_to_load",
    "fill_to_compute",
    "compute_to_fill",
    "drain_to_compute",
    "drain_to_revisit",
    "drain_to_store",
    "drain_to_scales",
    "drain_to_residual",
    "store_to_drain",
    "response_to_load",
    "done_to_interrupt",
    "response_to_descriptor",
    "saved",
)
PROBLEM: Final = np.dtype(
    [(name, np.int64, (count,)) for name, count in PROBLEM_ARRAYS.items()]
    + [(name, np.int64) for name in PROBLEM_NUMBERS]
)
"""Accelerator and layer."""

SCRATCH: Final = np.dtype(
    [
        ("bounds", np.int64, (NUM_LOOPS,)),
        ("dims", np.int64, (NUM_LOOPS,)),
        ("tile", np.int64, (NUM_DIMS,)),
        ("tiles", np.int64, (NUM_DIMS,)),
    ]
    + [
        (name, np.int64)
        for name in (
            "step_k",
            "step_c",
            # of both nests as one
            "last_weights",
            "last_inputs",
            "last_outputs",
            "weight_runs",
            "input_runs",
            "output_runs",
            "visits",  # of an output by drain
            "num_steps",
            # of the DRAM nest
            "last_weight_tile",
            "last_input_tile",
            "last_output_tile",
            "last_scale_tile",
            "weight_tile_runs",
            "input_tile_runs",
            "output_tile_runs",
            "scale_tile_runs",
            "tile_visits",
            "num_tiles",
            # sizes and durations of one piece
            "fill_weights",
            "fill_inputs",
            "compute",
            "drain",
            "drain_words",  # of L2 that it writes
            "drain_once",  # where outputs are visited once
            "drain_again",  # where they are visited again
            "pes_used",
            "sums_used",
            "step_pixels",
            "window_pixels",
            "written_channels",
            "pixel_bytes",
            "weight_words",
            "weight_step_words",
            "weight_tile_words",
            "tile_rows",
            "tile_columns",
            "scale_beats",
            # of the recurrence
            "start",  # cycle in which the engines are told to start
            "spilling_loops",  # DRAM loops that store partial sums and load them again, a bit each
            "revisiting_loops",  # loops that drain an output again, a bit each
            "tile_ready",  # when fill may read the current tile
            "run_ready",  # when drain may read what was loaded for it of the current output run
        )
    ]
    + [
        ("counters", np.int64, (NUM_LOOPS,)),
        ("index", np.int64, (NUM_DIMS,)),  # of the current tile
        ("state", np.int64, (NUM_STATE,)),
        ("num_kept", np.int64, (NUM_LOOPS,)),  # states that are kept of each loop
        ("kept", np.int64, (NUM_LOOPS, NUM_KEPT, NUM_STATE)),
    ]
)
"""What follows from one mapping, as in `Geometry`, and the state of the recurrence."""
