"""The state of the recurrence between two steps, as an array with named entries.

First the times, then a flag, then totals that only grow. A time with the suffix _BEFORE is that of
the piece before the last one.
"""

from typing import Final

NEVER: Final = -(1 << 62)
"""The time of what has not happened."""

NUM_KEPT: Final = 3
"""States of a loop that are kept: the current one, and those one and two iterations before."""

(
    FILL_END,  # last working cycle of fill
    COMPUTE_END,
    COMPUTE_END_BEFORE,
    DRAIN_END,
    DRAIN_END_BEFORE,
    STORE_WAIT,  # when store had freed the output buffer for a drain; NEVER if it had not to
    STORE_WAIT_BEFORE,
    LOAD_WAIT,  # when all had been loaded for a drain that it waits for; NEVER if nothing was
    LOAD_WAIT_BEFORE,
    SCALE_RUN_DRAIN_END,  # end of the last drain that used the current scales
    LOAD_NEXT,  # cycle in which the next loaded beat can arrive
    TILE_FILL_END,  # end of the last fill from the tile before the current one
    TILE_FILL_END_BEFORE,
    STORE_NEXT,  # cycle in which the next stored beat can leave
    STORE_NEXT_BEFORE,
    SCALE_RUN_DRAIN_END_BEFORE,
    OUTPUT_RUN_DRAIN_END,  # end of the last drain of the output run before the current one
    OUTPUT_RUN_DRAIN_END_BEFORE,
    OPENS_OUTPUT_RUN,  # whether the next drain is the first of an output run
    LOAD_WAITED,
    FILL_WAITED,
    DRAIN_WAITED,
    STORE_WAITED,
    LOAD_BEATS,
    FILL_CYCLES,
    DRAIN_CYCLES,
    STORE_BEATS,
    NUM_STEPS,
) = range(28)
NUM_TIMES: Final = 18
NUM_STATE: Final = 28
