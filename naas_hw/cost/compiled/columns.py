"""Names of the columns of arrays that compiled code fills or reads by index.

Compiled code cannot look a column up by its name, so each column has a constant.
"""

from typing import Final

K, C, P, Q, R, S = range(6)
"""Entries of arrays that have one for each dim, in the order of `DIMS`."""

NUM_DIMS: Final = 6

NUM_LOOPS: Final = 12
"""Loops of a mapping, outermost first: those of the DRAM nest, then those of the L2 nest."""

(
    DRAM_DESCRIPTOR,
    DRAM_SCALES,
    DRAM_TABLE,
    DRAM_WEIGHTS,
    DRAM_INPUTS,
    DRAM_RESIDUAL,
    DRAM_SUMS_IN,
    DRAM_OUTPUTS,
    DRAM_SUMS_OUT,
    L2_FILL_WEIGHTS,
    L2_FILL_INPUTS,
    L2_DRAIN_SUMS,
    L2_DRAIN_RESIDUAL,
    L2_STORE_OUTPUTS,
    L2_STORE_SUMS,
    L2_LOAD_WEIGHTS,
    L2_LOAD_INPUTS,
    L2_LOAD_RESIDUAL,
    L2_LOAD_SUMS,
    L2_DRAIN,
    L1_WEIGHT_WRITES,
    L1_INPUT_WRITES,
    L1_WEIGHT_READS,
    L1_INPUT_READS,
    ACCUMULATOR_READS,
    ACCUMULATOR_WRITES,
    MACS,
) = range(27)
"""Columns of accesses and of their prices: the fields of `Accesses`, in the same order."""

NUM_ACCESSES: Final = 27

(
    RESPONSE,
    NEXT_BEAT,
    DESCRIPTOR_STALL,
    COMPUTE_STALL,
    LOAD_STALL,
    FILL_STALL,
    DRAIN_STALL,
    STORE_STALL,
    LOAD_WORK,
    FILL_WORK,
    COMPUTE_WORK,
    DRAIN_WORK,
    STORE_WORK,
) = range(13)
"""Columns of exact figures: last write response; first cycle in which DRAM could give one more
beat; cycles of the array by what it did or waited for; cycles in which each engine works."""

NUM_RESULTS: Final = 13

STALL_NAMES: Final = ("descriptor", "compute", "load", "fill", "drain", "store")
"""Names of the columns from `DESCRIPTOR_STALL` to `STORE_STALL`; they add up to the cycles."""

ENGINE_NAMES: Final = ("load", "fill", "compute", "drain", "store")
"""Names of the columns from `LOAD_WORK` to `STORE_WORK`."""
