"""First stage of a planned load: what of the tile exists."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import BOUND_BITS, COORDINATE_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.engines.load_scheduler import scheduled_load
from naas_hw.rtl.primitives.clip import SKIPPED_BITS, clip_extent, clip_range
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.loop_nest import value_signature
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    NO_OPTIONS,
    LoadOptions,
    LoadTag,
    OptionalTensor,
    Tensor,
    check_extent_bits,
)

CLIP_CYCLES: Final = 2

FIELDS: Final = (
    "image_rows",
    "image_columns",
    "input_blocks",
    "tile_rows",
    "tile_columns",
    "tile_blocks",
    "output_rows",
    "output_columns",
    "output_blocks",
    "tile_output_rows",
    "tile_output_columns",
    "tile_output_blocks",
    "weight_base",
    "input_base",
    "sums_base",
)

TILE_WIDTHS: Final = (
    ("scales", DRAM_BITS),
    ("weights", DRAM_BITS),
    ("inputs", DRAM_BITS),
    ("partial_sums", DRAM_BITS),
    ("row", COORDINATE_BITS),
    ("column", COORDINATE_BITS),
    ("block", BOUND_BITS),
    ("output_row", BOUND_BITS),
    ("output_column", BOUND_BITS),
    ("output_block", BOUND_BITS),
)
"""What the loop nest of load says of a tile: DRAM addresses, and where it lies in its tensors."""


def fields_of(loads: LoadOptions) -> tuple[str, ...]:
    """The fields of the descriptor that a stage of these loads reads."""
    table = ("load_table_start",) if loads.table_words else ()
    residual = ("residual_base",) if loads.residual else ()
    return (*FIELDS, *table, *residual)


def tile_widths(loads: LoadOptions) -> tuple[tuple[str, int], ...]:
    """What the loop nest says of a tile where there are options."""
    residual = (("residual", DRAM_BITS),) if loads.residual else ()
    return (*TILE_WIDTHS, *residual)


class ClippedLoad(data.Struct):
    """A load whose extents are known, of whichever tensor it is.

    Members
    -------
    tag : what it is for.
    is_inputs : the tensor is that of the inputs.
    dram_address : beat of the first column that exists, in the first row of the tile, whether or
        not there is this row.
    base : first word of the tile's buffer.
    rows_skipped, columns_skipped : rows and columns of an input tile before those of the image;
        none of another tensor.
    row_end, column_end : rows and columns of an input tile up to the end of the image, those that
        are skipped included.
    is_below, is_behind : an input tile begins below the image, or behind its last column.
    blocks : of an input tile, those that exist.
    output_rows, output_columns, output_blocks : of an output tile, those that exist.
    """

    tag: LoadTag
    is_inputs: unsigned(1)
    dram_address: unsigned(DRAM_BITS)
    base: unsigned(L2_BITS)
    rows_skipped: unsigned(SKIPPED_BITS)
    columns_skipped: unsigned(SKIPPED_BITS)
    row_end: unsigned(BOUND_BITS)
    column_end: unsigned(BOUND_BITS)
    is_below: unsigned(1)
    is_behind: unsigned(1)
    blocks: unsigned(BOUND_BITS)
    output_rows: unsigned(BOUND_BITS)
    output_columns: unsigned(BOUND_BITS)
    output_blocks: unsigned(BOUND_BITS)


class LoadClipStage(SharedComponent):
    """Clips a tile to the image and to the tensors, and looks up its addresses.

    Golden model: the intersection of ranges.

    Parameters
    ----------
    loads : what is loaded beside the four tensors that every layer has.
    scale_half_words : words of one half of the scale memory.
    extent_bits : bits of an extent of a tile, see `transfer.extent_bits`.

    Members
    -------
    i : In, stream of `scheduled_load(loads)`, always ready.
    tile : In, a value for each of `tile_widths(loads)`; the tile of the load that comes in this
        cycle.
    fields : In, the fields of the descriptor in `fields_of(loads)`.
    o : Out, stream of `ClippedLoad`, tagged as `loads` says, always ready.

    Latency
    -------
    CLIP_CYCLES cycles; a load a cycle. `o` is not valid after reset.

    Raises
    ------
    ValueError : a half of the scale memory has no word, or the bits are out of range.
    """

    def __init__(
        self,
        loads: LoadOptions = NO_OPTIONS,
        *,
        scale_half_words: int,
        extent_bits: int = BOUND_BITS,
    ) -> None:
        if scale_half_words < 1:
            raise ValueError(f"scale_half_words must be at least 1, not {scale_half_words}")
        check_extent_bits(extent_bits)
        self.loads = loads
        self.scale_half_words = scale_half_words
        self.extent_bits = extent_bits
        super().__init__(
            {
                "i": In(stream.Signature(scheduled_load(loads), always_ready=True)),
                "tile": In(value_signature(tile_widths(loads))),
                "fields": In(FieldSignature(fields_of(loads))),
                "o": Out(stream.Signature(loads.tagged(ClippedLoad), always_ready=True)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads, self.scale_half_words, self.extent_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        clipped = Signal(self.loads.tagged(ClippedLoad), reset_less=True)
        is_there = Signal()
        tag = Signal.like(self.i.payload.tag, name="tag", reset_less=True)
        m.d.comb += self.o.payload.eq(clipped)
        m.d.sync += [
            is_there.eq(self.i.valid),
            self.o.valid.eq(is_there),
            tag.eq(self.i.payload.tag),
            clipped.tag.eq(tag),
            clipped.is_inputs.eq(tag.tensor == Tensor.INPUTS),
        ]
        columns_skipped = self._clip_inputs(m, clipped)
        self._look_up_addresses(m, clipped, columns_skipped)
        self._clip_outputs(m, clipped)
        return m

    def _look_up_addresses(self, m: Module, clipped: Any, columns_skipped: Value) -> None:
        """Where the tile begins in DRAM, and where the half of its buffer begins."""
        early_address = Signal(DRAM_BITS, reset_less=True)
        early_base = Signal(L2_BITS, reset_less=True)
        halves = dict(zip(self.loads.order, self.i.payload.halves, strict=True))
        tile, fields = self.tile, self.fields
        addresses: list[tuple[int, Value, Value | int]] = [
            (Tensor.SCALES, tile.scales, halves[Tensor.SCALES] * self.scale_half_words),
            (Tensor.WEIGHTS, tile.weights, fields.weight_base[halves[Tensor.WEIGHTS]]),
            (Tensor.INPUTS, tile.inputs, fields.input_base[halves[Tensor.INPUTS]]),
            (
                Tensor.PARTIAL_SUMS,
                tile.partial_sums,
                fields.sums_base[halves[Tensor.PARTIAL_SUMS]],
            ),
        ]
        if self.loads.table_words:
            addresses.append((OptionalTensor.TABLE, fields.load_table_start, 0))
        if self.loads.residual:
            base = fields.residual_base[halves[OptionalTensor.RESIDUAL]]
            addresses.append((OptionalTensor.RESIDUAL, tile.residual, base))
        with m.Switch(self.i.payload.tag.tensor):
            for tensor, address, base in addresses:
                with m.Case(tensor):
                    m.d.sync += [early_address.eq(address), early_base.eq(base)]
        m.d.sync += [
            clipped.dram_address.eq(early_address + columns_skipped),
            clipped.base.eq(early_base),
        ]

    def _clip_inputs(self, m: Module, clipped: Any) -> Value:
        """Rows, columns and blocks; gives the columns that are skipped, a cycle early."""
        tile, fields, bits = self.tile, self.fields, self.extent_bits
        row, column = tile.row.as_signed(), tile.column.as_signed()
        rows = clip_range(m, row, fields.tile_rows, fields.image_rows, "rows", bits=bits)
        columns = clip_range(
            m, column, fields.tile_columns, fields.image_columns, "columns", bits=bits
        )
        blocks = clip_extent(
            m, fields.tile_blocks, fields.input_blocks, tile.block, "blocks", bits=bits
        )
        with m.If(self.i.payload.tag.tensor != Tensor.INPUTS):
            m.d.sync += [rows.skipped.eq(0), columns.skipped.eq(0)]
        m.d.sync += [
            clipped.rows_skipped.eq(rows.skipped),
            clipped.row_end.eq(rows.end),
            clipped.is_below.eq(rows.is_behind),
            clipped.columns_skipped.eq(columns.skipped),
            clipped.column_end.eq(columns.end),
            clipped.is_behind.eq(columns.is_behind),
            clipped.blocks.eq(blocks),
        ]
        return columns.skipped

    def _clip_outputs(self, m: Module, clipped: Any) -> None:
        tile, fields = self.tile, self.fields
        for name, extent, total, start in (
            ("rows", fields.tile_output_rows, fields.output_rows, tile.output_row),
            ("columns", fields.tile_output_columns, fields.output_columns, tile.output_column),
            ("blocks", fields.tile_output_blocks, fields.output_blocks, tile.output_block),
        ):
            name = f"output_{name}"
            count = clip_extent(m, extent, total, start, name, bits=self.extent_bits)
            m.d.sync += getattr(clipped, name).eq(count)
