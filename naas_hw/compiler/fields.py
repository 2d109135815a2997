"""The fields of a layer descriptor: what there is, how wide, in which order.

Hardware and compiler both read `LAYOUT`. All `bound` and `delta` fields belong to loop nests and
have one entry per loop position: its trips, and what an address gains when that position advances
(and the ones inside it return to zero).

DRAM addresses count beats, L2 addresses words unless they say bytes.

Fields of optional hardware (`naas_hw.workload.option`) stand in the descriptors of the accelerators
that have it, and only there: `naas_hw.compiler.layout.DescriptorLayout` says which. Addresses and
extents on the chip are as wide as the memories of the accelerator want them (`Quantity`); `LAYOUT`
has the largest widths.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.workload.option import Option

DRAM_BITS: Final = 30
L2_BITS: Final = 20
L2_BYTE_BITS: Final = 25
BOUND_BITS: Final = 16
COORDINATE_BITS: Final = 18  # signed: rows and columns of the image, padding included
WINDOW_BYTE_BITS: Final = 32  # byte addresses of DRAM, counted from the base
WINDOW_BITS: Final = 12  # rows and columns of one step
PRIVATE_BITS: Final = 17  # byte addresses in a PE, both halves
SCALE_BITS: Final = 14
FACTOR_BITS: Final = 16  # of the two multipliers of an addition
OUTER: Final = 6  # positions of one level
NEST: Final = 12  # DRAM and L2 positions as one nest
MAGIC: Final = 0x4E414153
DESCRIPTOR_VERSION: Final = 4
"""Format of a descriptor; the hardware refuses any other. Version 1 had no checksum, version 2 no
`weight_lanes_log2` and a narrower `beat_lanes_log2`, and in version 3 all fields had their largest
widths."""


class Quantity(Enum):
    """What a field counts, where that depends on the size of the accelerator.

    Members
    -------
    FIXED : something else.
    DRAM : beats of DRAM.
    L2_WORD, L2_BYTE : an address in L2, or a distance there.
    TILE : an extent of a tile in L2.
    PRIVATE : an address in a PE or in an accumulator bank, or a distance there.
    LOOP : trips of a loop in a PE.
    CHANNEL : a channel of a K tile.
    NEED_WEIGHTS, NEED_INPUTS, NEED_ACCUMULATORS, NEED_SCALES, NEED_L2 : what a layer needs of a
        memory: words, or bytes of inputs.
    """

    FIXED = auto()
    DRAM = auto()
    L2_WORD = auto()
    L2_BYTE = auto()
    TILE = auto()
    PRIVATE = auto()
    LOOP = auto()
    CHANNEL = auto()
    NEED_WEIGHTS = auto()
    NEED_INPUTS = auto()
    NEED_ACCUMULATORS = auto()
    NEED_SCALES = auto()
    NEED_L2 = auto()


def memory_words(accelerator: Accelerator) -> dict[Quantity, int]:
    """How much of each memory a layer may need."""
    a = accelerator
    return {
        Quantity.NEED_WEIGHTS: a.weight_buffer_bytes // a.weight_word_bytes,
        Quantity.NEED_INPUTS: a.input_buffer_bytes,
        Quantity.NEED_ACCUMULATORS: a.accumulator_words // (2 * a.accumulator_lanes),
        Quantity.NEED_SCALES: a.scale_depth // a.sum_lanes,
        Quantity.NEED_L2: a.num_banks * a.bank_words,
    }


def quantity_bits(accelerator: Accelerator) -> dict[Quantity, int]:
    """Bits of what depends on an accelerator, without those of a sign.

    A need has room for one more than there is, so that a descriptor can say too much.
    """
    a = accelerator
    beat_bits = a.beat_bytes.bit_length() - 1
    l2_word = (a.num_banks * a.bank_words - 1).bit_length()
    private = max(a.weight_buffer_bytes, a.input_buffer_bytes, a.accumulator_words)
    needs = {kind: (most + 1).bit_length() for kind, most in memory_words(a).items()}
    return needs | {
        Quantity.DRAM: WINDOW_BYTE_BITS - beat_bits,
        Quantity.L2_WORD: l2_word,
        Quantity.L2_BYTE: l2_word + beat_bits,
        Quantity.TILE: l2_word,
        Quantity.PRIVATE: private.bit_length(),
        Quantity.LOOP: a.pe_bound_bits,
        Quantity.CHANNEL: a.scale_depth.bit_length(),
    }


@dataclass(frozen=True)
class FieldSpec:
    """One field: `count` entries of `width` bits, two's complement if `signed`.

    `option` : hardware without which there is no such field. `quantity` : what it counts; with one
    that depends on the accelerator, `width` is the largest.
    """

    name: str
    width: int
    count: int = 1
    signed: bool = False
    option: Option | None = None
    quantity: Quantity = Quantity.FIXED

    @property
    def is_static(self) -> bool:
        """Whether it stands in registers; others are trips and deltas of a loop."""
        return not self.name.endswith(("_delta", "_bound"))

    def fitted(self, bits: Mapping[Quantity, int]) -> "FieldSpec":
        """The field as wide as an accelerator wants it, by its `quantity_bits`.

        A distance on the chip has a sign beside its bits, so it is exact. One in DRAM wraps.
        """
        if self.quantity not in bits:
            return self
        has_sign = self.signed and self.quantity is not Quantity.DRAM
        return replace(self, width=min(self.width, bits[self.quantity] + has_sign))


def _field(
    name: str,
    width: int,
    count: int = 1,
    *,
    signed: bool = False,
    option: Option | None = None,
    of: Quantity = Quantity.FIXED,
) -> FieldSpec:
    return FieldSpec(name, width, count, signed, option, of)


LAYOUT: Final[tuple[FieldSpec, ...]] = (
    _field("magic", 32),
    _field("format", 8),  # DESCRIPTOR_VERSION
    _field("identity", 32),  # digest of the accelerator that the program was compiled for
    # What the hardware checks against its own sizes
    _field("need_weight_words", 17, of=Quantity.NEED_WEIGHTS),
    _field("need_input_bytes", 17, of=Quantity.NEED_INPUTS),
    _field("need_accumulator_words", 17, of=Quantity.NEED_ACCUMULATORS),
    _field("need_scale_words", SCALE_BITS, of=Quantity.NEED_SCALES),
    _field("need_l2_words", L2_BITS + 1, of=Quantity.NEED_L2),
    _field("used", 11, 3),  # used extent of each axis
    _field("depthwise", 1),
    # DRAM nest of load
    _field("load_bound", BOUND_BITS, OUTER),
    _field("load_scale_mask", OUTER),
    _field("load_weight_mask", OUTER),
    _field("load_input_mask", OUTER),
    _field("load_output_mask", OUTER),
    _field("load_revisit", OUTER),
    _field("load_scale_start", DRAM_BITS, of=Quantity.DRAM),
    _field("load_scale_delta", DRAM_BITS, OUTER, signed=True, of=Quantity.DRAM),
    _field("load_weight_start", DRAM_BITS, of=Quantity.DRAM),
    _field("load_weight_delta", DRAM_BITS, OUTER, signed=True, of=Quantity.DRAM),
    _field(
        "load_input_start", DRAM_BITS, signed=True, of=Quantity.DRAM
    ),  # of row and column 0 of the first tile
    _field("load_input_delta", DRAM_BITS, OUTER, signed=True, of=Quantity.DRAM),
    _field("load_sums_start", DRAM_BITS, of=Quantity.DRAM),
    _field("load_sums_delta", DRAM_BITS, OUTER, signed=True, of=Quantity.DRAM),
    _field("load_row_start", COORDINATE_BITS, signed=True),
    _field("load_row_delta", COORDINATE_BITS, OUTER, signed=True),
    _field("load_column_start", COORDINATE_BITS, signed=True),
    _field("load_column_delta", COORDINATE_BITS, OUTER, signed=True),
    _field("load_block_delta", BOUND_BITS, OUTER, signed=True),
    _field("output_row_delta", BOUND_BITS, OUTER, signed=True),
    _field("output_column_delta", BOUND_BITS, OUTER, signed=True),
    _field("output_block_delta", BOUND_BITS, OUTER, signed=True),
    # Sizes of images and tiles
    _field("image_rows", BOUND_BITS),
    _field("image_columns", BOUND_BITS),
    _field("input_blocks", BOUND_BITS),
    _field("tile_rows", BOUND_BITS, of=Quantity.TILE),
    _field("tile_columns", BOUND_BITS, of=Quantity.TILE),
    _field("tile_blocks", BOUND_BITS, of=Quantity.TILE),
    _field("output_rows", BOUND_BITS),
    _field("output_columns", BOUND_BITS),
    _field("output_blocks", BOUND_BITS),
    _field("tile_output_rows", BOUND_BITS, of=Quantity.TILE),
    _field("tile_output_columns", BOUND_BITS, of=Quantity.TILE),
    _field("tile_output_blocks", BOUND_BITS, of=Quantity.TILE),
    _field(
        "dummy_input_address", DRAM_BITS, of=Quantity.DRAM
    ),  # address of the beat read for a tile without input
    _field("input_block_pitch", DRAM_BITS, of=Quantity.DRAM),
    _field("input_row_pitch", DRAM_BITS, of=Quantity.DRAM),
    _field("input_pixel_pitch", BOUND_BITS),  # 1: a row is one run
    _field("output_block_pitch", DRAM_BITS, of=Quantity.DRAM),
    _field("output_row_pitch", DRAM_BITS, of=Quantity.DRAM),
    _field("weight_tile_words", BOUND_BITS, of=Quantity.TILE),
    _field("scale_tile_words", SCALE_BITS, of=Quantity.NEED_SCALES),
    # Places in L2
    _field("weight_base", L2_BITS, 2, of=Quantity.L2_WORD),
    _field("input_base", L2_BITS, 2, of=Quantity.L2_WORD),
    _field("output_base", L2_BITS, 2, of=Quantity.L2_WORD),
    _field("sums_base", L2_BITS, 2, of=Quantity.L2_WORD),
    _field("input_l2_row_pitch", L2_BITS, of=Quantity.L2_WORD),
    _field("input_l2_column_pitch", BOUND_BITS, of=Quantity.TILE),
    _field("output_l2_row_pitch", L2_BITS, of=Quantity.L2_WORD),
    _field("output_l2_column_pitch", BOUND_BITS, of=Quantity.TILE),
    # Fill
    _field("fill_bound", BOUND_BITS, NEST),
    _field("fill_weight_tile_mask", NEST),
    _field("fill_input_tile_mask", NEST),
    _field("fill_weight_mask", NEST),
    _field("fill_input_mask", NEST),
    _field("fill_output_mask", NEST),
    _field("fill_weight_delta", L2_BITS, NEST, signed=True, of=Quantity.L2_WORD),
    _field("fill_input_delta", L2_BYTE_BITS, NEST, signed=True, of=Quantity.L2_BYTE),  # bytes
    _field("fill_row_delta", COORDINATE_BITS, NEST, signed=True),
    _field("fill_column_delta", COORDINATE_BITS, NEST, signed=True),
    _field("weight_words", 17, of=Quantity.NEED_WEIGHTS),  # words of a PE's weight buffer in a step
    _field("weight_lanes_log2", 3),
    _field("weight_groups", 11, 3),  # groups of lanes along each weight axis
    _field("step_rows", WINDOW_BITS),
    _field("step_columns", WINDOW_BITS),
    _field("pixel_chunks", PRIVATE_BITS),
    _field("chunk_groups", 11),
    _field("chunk_bytes", 6),
    _field("chunk_step", 3),  # bytes of a PE's buffer that a chunk (of the last group) fills
    _field("fill_l2_row_pitch", L2_BYTE_BITS, of=Quantity.L2_BYTE),
    _field("fill_l2_column_pitch", L2_BYTE_BITS, of=Quantity.L2_BYTE),
    _field("window_row_pitch", PRIVATE_BITS, of=Quantity.PRIVATE),
    _field("window_row_last", PRIVATE_BITS, of=Quantity.PRIVATE),
    _field("window_column_pitch", PRIVATE_BITS, of=Quantity.PRIVATE),
    _field("window_column_last", PRIVATE_BITS, of=Quantity.PRIVATE),
    _field("row_step_p", WINDOW_BITS),
    _field("row_step_r", WINDOW_BITS),
    _field("column_step_q", WINDOW_BITS),
    _field("column_step_s", WINDOW_BITS),
    _field("input_zero_point", 8, signed=True),
    # The PE's nest
    _field("pe_bound", BOUND_BITS, OUTER, of=Quantity.LOOP),
    _field("pe_reduction", OUTER),
    _field("pe_weight_delta", PRIVATE_BITS, OUTER, signed=True, of=Quantity.PRIVATE),
    _field("pe_input_delta", PRIVATE_BITS, OUTER, signed=True, of=Quantity.PRIVATE),
    _field("pe_accumulator_delta", PRIVATE_BITS, OUTER, signed=True, of=Quantity.PRIVATE),
    # Drain
    _field("drain_bound", BOUND_BITS, NEST),
    _field("drain_tile_mask", NEST),
    _field("drain_scale_mask", NEST),
    _field("drain_revisit", NEST),
    _field("drain_tile_revisit", NEST),
    _field("drain_byte_delta", L2_BYTE_BITS, NEST, signed=True, of=Quantity.L2_BYTE),
    _field("drain_channel_delta", BOUND_BITS, NEST, signed=True, of=Quantity.CHANNEL),
    _field(
        "beat_bound", BOUND_BITS, OUTER, of=Quantity.LOOP
    ),  # P and Q positions, P Q K in the PE, K groups
    _field("beat_byte_delta", L2_BYTE_BITS, OUTER, signed=True, of=Quantity.L2_BYTE),
    _field("beat_accumulator_delta", PRIVATE_BITS, OUTER, signed=True, of=Quantity.PRIVATE),
    _field("beat_channel_delta", BOUND_BITS, OUTER, signed=True, of=Quantity.CHANNEL),
    _field("beat_lanes_log2", 3),
    _field("output_zero_point", 8, signed=True),
    _field("clamp_min", 8, signed=True),
    _field("clamp_max", 8, signed=True),
    # Store
    _field("store_bound", BOUND_BITS, OUTER),
    _field("store_revisit", OUTER),
    _field("store_output_start", DRAM_BITS, of=Quantity.DRAM),
    _field("store_sums_start", DRAM_BITS, of=Quantity.DRAM),
    _field("store_delta", DRAM_BITS, OUTER, signed=True, of=Quantity.DRAM),
    _field("store_row_delta", BOUND_BITS, OUTER, signed=True),
    _field("store_column_delta", BOUND_BITS, OUTER, signed=True),
    _field("store_block_delta", BOUND_BITS, OUTER, signed=True),
    _field("output_pixel_pitch", BOUND_BITS, option=Option.PITCHED_STORE),  # 1: a row is one run
    # Epilogue
    _field("maximum", 1, option=Option.MAXIMUM),
    _field("table_place", 2, option=Option.TABLE),  # 0: no table, else a `TablePlace`
    _field("load_table_start", DRAM_BITS, option=Option.TABLE, of=Quantity.DRAM),
    _field("residual", 1, option=Option.RESIDUAL),
    _field("load_residual_start", DRAM_BITS, option=Option.RESIDUAL, of=Quantity.DRAM),
    _field(
        "load_residual_delta",
        DRAM_BITS,
        OUTER,
        signed=True,
        option=Option.RESIDUAL,
        of=Quantity.DRAM,
    ),
    _field("residual_base", L2_BITS, 2, option=Option.RESIDUAL, of=Quantity.L2_WORD),
    _field("residual_main_multiplier", FACTOR_BITS, signed=True, option=Option.RESIDUAL),
    _field("residual_multiplier", FACTOR_BITS, signed=True, option=Option.RESIDUAL),
    _field("residual_shift", 5, option=Option.RESIDUAL),
    _field("residual_main_zero_point", 8, signed=True, option=Option.RESIDUAL),
    _field("residual_zero_point", 8, signed=True, option=Option.RESIDUAL),
    _field("residual_output_zero_point", 8, signed=True, option=Option.RESIDUAL),
    _field("residual_clamp_min", 8, signed=True, option=Option.RESIDUAL),
    _field("residual_clamp_max", 8, signed=True, option=Option.RESIDUAL),
    _field("rounds_once", 1, option=Option.SINGLE_ROUNDING),
)
"""All fields, those of optional hardware included, in their order in a descriptor."""

BOUNDS: Final = {
    count: tuple(s.name for s in LAYOUT if s.name.endswith("_bound") and s.count == count)
    for count in (NEST, OUTER)
}
"""Names of those that are trips of a loop: none may be zero."""

COUNTS: Final = (
    *("image_rows", "image_columns", "input_blocks"),
    *("tile_rows", "tile_columns", "tile_blocks"),
    *("output_rows", "output_columns", "output_blocks"),
    *("tile_output_rows", "tile_output_columns", "tile_output_blocks"),
    *("weight_tile_words", "scale_tile_words", "weight_words", "weight_groups"),
    *("step_rows", "step_columns", "pixel_chunks", "chunk_groups"),
)
"""Names of the static fields that are trips, or sizes that become trips: none may be zero."""
