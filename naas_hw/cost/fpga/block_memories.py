"""How synthesis for an ECP5 packs a memory: block memories (DP16KD), or LUTs.

A memory that is inferred is cut into columns of 36, 18 or 9 bits. A column of 36 bits is a block
for each 512 words, one of 18 for each 1024, one of 9 for each 2048. yosys takes the cheapest mix.
That is exact for up to 2048 words, as a test compares; of deeper ones it may take a few percent
more or less. Of memories with an output register, and of banks that are deep, the ECP5's form of
the module instantiates the blocks itself (`templates/rtl/ecp5`), in columns of one width.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from math import ceil, inf
from typing import Final

BLOCK_DEPTH: Final = 32
"""Words from which on a memory of style "auto" is made of block memories."""

MAX_INSTANTIATED_DEPTH: Final = 16384
"""Words of the deepest memory whose blocks are instantiated; deeper ones are inferred."""

MAX_SHALLOW_BANK: Final = 512
"""Words of a bank up to which it is inferred: half as many blocks do, of 36 bits."""

COLUMN_DEPTHS: Final = {36: 512, 18: 1024, 9: 2048}
"""Bits of a column of an inferred memory -> words of a block."""

INSTANTIATED_DEPTHS: Final = {**COLUMN_DEPTHS, 4: 4096, 2: 8192, 1: 16384}
"""Bits of a column of instantiated blocks -> words of a block."""

LANE_BITS: Final = 9
"""Bits of a block that have a write enable of their own."""

WORD_BITS: Final = 32
"""Bits of a number side by side with others in a word of scales."""

LUTS_OF_CELL: Final = 6
"""LUT sites of 16 words of 4 bits: four, and two for their write port."""

CELL_BITS: Final = 4
CELL_WORDS: Final = 16


KEPT_SHAPES: Final = 1 << 14


class MemoryStyle(StrEnum):
    """What a memory is to be made of."""

    AUTO = "auto"
    BLOCK = "block"
    DISTRIBUTED = "distributed"


@dataclass(frozen=True, kw_only=True)
class MemoryShape:
    """A memory with a write port and a read port, or with two sides that share it.

    Parameters
    ----------
    width : bits of a word.
    depth : words.
    granularity : bits that one write enable writes.
    style : what it is to be made of.
    latency : cycles from an address to its word; 2 is an output register.
    is_shared : two sides read and write (`naas_shared_ram`).
    lane_bits : lowest bits of every 32 that anyone reads.
    """

    width: int
    depth: int
    granularity: int
    style: MemoryStyle = MemoryStyle.AUTO
    latency: int = 1
    is_shared: bool = False
    lane_bits: int = WORD_BITS

    @property
    def without_lanes(self) -> "MemoryShape":
        """The same memory where all bits are read."""
        return replace(self, lane_bits=WORD_BITS)


def is_in_luts(shape: MemoryShape) -> bool:
    """Whether a memory lies in LUTs."""
    if shape.style is MemoryStyle.AUTO:
        return shape.depth < BLOCK_DEPTH
    return shape.style is MemoryStyle.DISTRIBUTED


def lut_memory_luts(shape: MemoryShape) -> int:
    """LUT sites of a memory that lies in LUTs, without what chooses between its cells."""
    cells = ceil(shape.width / CELL_BITS) * ceil(shape.depth / CELL_WORDS)
    return LUTS_OF_CELL * cells


@lru_cache(maxsize=KEPT_SHAPES)
def num_block_memories(shape: MemoryShape) -> int:
    """Block memories of a memory; none if it lies in LUTs.

    Examples
    --------
    >>> num_block_memories(MemoryShape(width=32, depth=512, granularity=8))
    1
    >>> num_block_memories(MemoryShape(width=64, depth=1024, granularity=64))
    4
    """
    if is_in_luts(shape):
        return 0
    if is_instantiated(shape):
        return _instantiated_blocks(shape)
    return _inferred_blocks(shape)


def is_instantiated(shape: MemoryShape) -> bool:
    """Whether the ECP5's form of the module instantiates the blocks itself."""
    if shape.depth > MAX_INSTANTIATED_DEPTH:
        return False
    if shape.is_shared:
        return shape.depth > MAX_SHALLOW_BANK
    return shape.latency == 2


def num_enabled_lanes(shape: MemoryShape) -> int:
    """Lanes of instantiated blocks whose write enable is an address bit that a LUT gives."""
    if is_in_luts(shape) or not is_instantiated(shape) or shape.granularity == shape.width:
        return 0
    lanes_of_block = _column_width(shape) // LANE_BITS
    return _instantiated_blocks(shape) * lanes_of_block if lanes_of_block > 1 else 0


def _column_width(shape: MemoryShape) -> int:
    """Bits of an instantiated block; two ports that both write have no 36 bits."""
    return max(
        bits
        for bits, words in INSTANTIATED_DEPTHS.items()
        if shape.depth <= words and not (shape.is_shared and bits == max(INSTANTIATED_DEPTHS))
    )


def _instantiated_blocks(shape: MemoryShape) -> int:
    """Granules in whole lanes, lanes side by side."""
    width = _column_width(shape)
    lane = min(width, LANE_BITS)
    lanes = shape.width // shape.granularity * ceil(shape.granularity / lane)
    return ceil(lanes / (width // lane))


def _inferred_blocks(shape: MemoryShape) -> int:
    """The cheapest mix of columns; columns that nobody reads are left out."""
    if shape.granularity < shape.width:
        lanes = shape.width // shape.granularity * ceil(shape.granularity / LANE_BITS)
        return _cheapest_columns(lanes * LANE_BITS, shape.depth)
    if shape.lane_bits == WORD_BITS:
        return _cheapest_columns(shape.width, shape.depth)
    return _read_columns(shape)


def _cheapest_columns(width: int, depth: int) -> int:
    """Blocks of the cheapest columns that together have the width."""
    wide, middle, narrow = (ceil(depth / words) for words in COLUMN_DEPTHS.values())
    best = inf
    for num_wide in range(ceil(width / 36) + 1):
        left = max(0, width - 36 * num_wide)
        for num_middle in range(ceil(left / 18) + 1):
            num_narrow = ceil(max(0, left - 18 * num_middle) / 9)
            cost = num_wide * wide + num_middle * middle + num_narrow * narrow
            best = min(best, cost)
    return int(best)


def _read_columns(shape: MemoryShape) -> int:
    """Blocks of the columns of one width in which some bit is read."""
    costs = []
    for bits, words in COLUMN_DEPTHS.items():
        rows = ceil(shape.depth / words)
        read = {bit // bits for bit in range(shape.width) if bit % WORD_BITS < shape.lane_bits}
        costs.append((rows * ceil(shape.width / bits), rows * len(read)))
    return min(costs)[1]
