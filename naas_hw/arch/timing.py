"""Every constant of time, once: read by the RTL and by the model.

Cycle 0 is the cycle in which the start write is accepted. A handshake "in cycle t" is sampled at
the edge that ends t. An engine that *goes* in cycle g works in the cycles g+1 .. g+n; it may go
again in cycle g+n. `A_TO_B`: minimum number of cycles from A's last working cycle until B may
start.
"""

from typing import Final

# Depth of pipelines
L2_LATENCY: Final = 3
"""Cycles from an address of L2 to its word: a register at the bank, then two of a block memory."""

FILL_PIPELINE: Final = L2_LATENCY + 2
"""Cycles from a read of L2 by fill to the write enable at the PE."""

MEMORY_LATENCY: Final = 2
"""Cycles from an address to its word, where a block memory's output register is used: private
buffers and accumulators."""

MULTIPLIER_LATENCY: Final = 3
"""Cycles from two factors to their product: registers at the factors, inside, at the product."""

MAC_PIPELINE: Final = 1 + MEMORY_LATENCY + MULTIPLIER_LATENCY
"""Cycles from a step of the PE's nest to its product: broadcast, buffers, multiplier."""

ACCUMULATE_LATENCY: Final = 1
"""Cycles from a sum behind the adder tree to the write enable at its accumulator."""

TREE_LEVELS_PER_CYCLE: Final = 1
"""Levels of the adder tree between two registers."""

REQUANTISE_LATENCY: Final = 6 + MULTIPLIER_LATENCY
"""Cycles of the requantiser: a multiplication, and six for what follows it."""

EPILOGUE_LATENCY: Final = 7 + MEMORY_LATENCY
"""Cycles behind the requantiser, where an accelerator can add a residual or look bytes up: seven,
and those of the memory of a table."""

NUMBERS_READ: Final = 1 + L2_LATENCY - MEMORY_LATENCY
"""Cycles from a beat of drain to the address of its numbers in the accumulators: they come when its
partial sums do, which are addressed a cycle after the beat."""

DRAIN_PIPELINE: Final = 2 + NUMBERS_READ + MEMORY_LATENCY + REQUANTISE_LATENCY
"""Cycles from a step of drain's nest to the write enable at L2, without an epilogue."""

PLANNER_PACE: Final = 3
"""Cycles from tile to tile of the planners of load and store, at least; load takes one more than a
tile has transfers, too. It costs no time. The gate of a tile opens when fill has left the tile
before last, whose data had to come first: so in two tiles there are at least an address, the beats
of one of them and FILL_TO_LOAD. The first two have no gate, but the first brings scales, which
take at least three beats. Store waits for drain, which waits for the store before last: so in
two tiles there is at least DRAIN_TO_STORE. A tile is planned as soon as the one before it was
taken, so a pair of tiles may follow each other after STEP_PACE cycles."""

STEP_PACE: Final = 2
"""Cycles of a step of fill and of a run of drain, at least: their loop nests step every second
cycle."""

# At the bus
READ_REGISTERS: Final = 2
"""Cycles that a read takes longer than the memory does: a register at its address, and one at its
beats."""

RESPONSE_REGISTERS: Final = 1
"""Cycles from a write response to its effect that come before RESPONSE_TO_LOAD and its like. The
register at a write's address costs nothing: its first beat comes later."""

# From start to the first layer
START_TO_DESCRIPTOR: Final = 3
"""From the accepted start to the first descriptor's address; the write passes a register."""

RESPONSE_TO_DESCRIPTOR: Final = 3
"""From the last response of a layer to the address of the next descriptor of the list."""

CHECKSUM_BEATS: Final = 1
"""Beats at the end of a descriptor that hold its checksum. A layer pays this beat, and no more."""

DESCRIPTOR_TO_LAYER: Final = 5
"""From the last beat of a descriptor to cycle T0, in which the engines are told to start. Beats
pass a register before they are checked and kept."""

LAYER_TO_LOAD: Final = 10 + MULTIPLIER_LATENCY
"""From T0 to the first address of load."""

# Between engines
LOAD_TO_FILL: Final = 1
LOAD_TO_DRAIN: Final = 1
FILL_TO_LOAD: Final = 4
FILL_TO_COMPUTE: Final = FILL_PIPELINE - 1
COMPUTE_TO_FILL: Final = 1
DRAIN_TO_COMPUTE: Final = 1
DRAIN_TO_REVISIT: Final = DRAIN_PIPELINE - 1
DRAIN_TO_STORE: Final = DRAIN_PIPELINE + L2_LATENCY + 2
DRAIN_TO_SCALES: Final = 4
DRAIN_TO_RESIDUAL: Final = DRAIN_PIPELINE - L2_LATENCY - 2
STORE_TO_DRAIN: Final = 1
RESPONSE_TO_LOAD: Final = 5

DONE_TO_INTERRUPT: Final = 2
"""From the last write response to the first cycle of the interrupt."""

# The bus
READ_AHEAD_BEATS: Final = 2048
"""Beats that load may have asked for and not received before it holds back addresses. It is more
than the longest latency takes in, so it costs no cycle."""

WRITE_AHEAD_BURSTS: Final = 2048
"""Bursts without a response before store holds back addresses; more than the longest latency."""

WATCHDOG_UNIT: Final = 1024
"""Cycles of one unit of the watchdog's limit."""


def read_latency(dram_latency_cycles: int) -> int:
    """Cycles from the address of a read to its first beat, both inside the accelerator."""
    return dram_latency_cycles + READ_REGISTERS


def response_latency(dram_latency_cycles: int) -> int:
    """Cycles from the last beat of a write to its response inside the accelerator."""
    return dram_latency_cycles + RESPONSE_REGISTERS


def drain_pipeline(*, has_epilogue: bool) -> int:
    """Cycles from a step of drain's nest to the write enable at L2."""
    return DRAIN_PIPELINE + (EPILOGUE_LATENCY if has_epilogue else 0)


def drain_to_revisit(*, has_epilogue: bool) -> int:
    """Least distance from the last cycle of an output's drain to its next drain."""
    return DRAIN_TO_REVISIT + (EPILOGUE_LATENCY if has_epilogue else 0)


def drain_to_store(*, has_epilogue: bool) -> int:
    """Least distance from the last cycle of an output tile in drain to its first beat in store."""
    return DRAIN_TO_STORE + (EPILOGUE_LATENCY if has_epilogue else 0)


def tree_cycles(num_inputs: int) -> int:
    """Latency of an adder tree of so many inputs."""
    levels = (num_inputs - 1).bit_length()
    return -(-levels // TREE_LEVELS_PER_CYCLE)


def compute_to_drain(num_reduced: int) -> int:
    """Least distance from a step's last cycle to drain's go; `num_reduced` PEs share a tree."""
    return MAC_PIPELINE + tree_cycles(num_reduced) + ACCUMULATE_LATENCY - NUMBERS_READ
