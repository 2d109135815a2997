"""Second stage of a planned load: how far its first beat is from where the tile begins."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.engines.load_clip_stage import ClippedLoad
from naas_hw.rtl.primitives.clip import SKIPPED_BITS
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    NO_OPTIONS,
    LoadOptions,
    LoadTag,
    OptionalTensor,
    Tensor,
)

FIELDS: Final = (
    "dummy_input_address",
    "input_row_pitch",
    "input_l2_row_pitch",
    "input_l2_column_pitch",
    "weight_tile_words",
    "scale_tile_words",
)

SCALE_COMPONENTS: Final = 3
"""Bias, multiplier and shift."""


class OffsetLoad(data.Struct):
    """A load of which the shape is known, and how far it is from the tile's first beat.

    Members
    -------
    tag : what it is for.
    blocks, rows, columns : see `LoadTransfer`.
    dram_address, base : of the tile; DRAM beats and words of L2.
    has_offset : rows or columns may be missing before those that are loaded.
    dram_row_offset, dram_column_offset, l2_row_offset, l2_column_offset : what these take.
    """

    tag: LoadTag
    blocks: unsigned(BOUND_BITS)
    rows: unsigned(BOUND_BITS)
    columns: unsigned(BOUND_BITS)
    dram_address: unsigned(DRAM_BITS)
    base: unsigned(L2_BITS)
    has_offset: unsigned(1)
    dram_row_offset: unsigned(DRAM_BITS)
    dram_column_offset: unsigned(SKIPPED_BITS)
    l2_row_offset: unsigned(L2_BITS)
    l2_column_offset: unsigned(L2_BITS)


class LoadOffsetStage(SharedComponent):
    """Multiplies the rows and columns that a clipped tile lacks by their pitches.

    An input tile that lies outside of the image becomes a single beat from
    `dummy_input_address`, so that each tile has a load to wait for. Golden model: the same
    products in Python.

    Parameters
    ----------
    loads : what is loaded beside the four tensors that every layer has.

    Members
    -------
    clear : In, 1 bit; forgets the load that comes in this cycle.
    i : In, stream of `ClippedLoad`, tagged as `loads` says, always ready.
    fields : In, the fields of the descriptor in `FIELDS`.
    o : Out, stream of `OffsetLoad`, tagged in the same way, always ready.

    Latency
    -------
    One cycle; a load a cycle. `o` is not valid after reset.

    Raises
    ------
    Nothing.
    """

    def __init__(self, loads: LoadOptions = NO_OPTIONS) -> None:
        self.loads = loads
        super().__init__(
            {
                "clear": In(1),
                "i": In(stream.Signature(loads.tagged(ClippedLoad), always_ready=True)),
                "fields": In(FieldSignature(FIELDS)),
                "o": Out(stream.Signature(loads.tagged(OffsetLoad), always_ready=True)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads,)

    def build(self, platform: Any) -> Module:
        m = Module()
        load, fields = self.i.payload, self.fields
        outside = Signal()
        offset = Signal(self.loads.tagged(OffsetLoad), reset_less=True)
        m.d.comb += [outside.eq(load.no_rows | load.no_columns), self.o.payload.eq(offset)]
        m.d.sync += self.o.valid.eq(self.i.valid & ~self.clear)
        m.d.sync += [
            offset.tag.eq(load.tag),
            offset.dram_address.eq(
                Mux(load.is_inputs & outside, fields.dummy_input_address, load.dram_address)
            ),
            offset.base.eq(load.base),
            offset.has_offset.eq(load.is_inputs & ~outside),
            offset.dram_row_offset.eq(load.rows_skipped * fields.input_row_pitch),
            offset.dram_column_offset.eq(load.columns_skipped),
            offset.l2_row_offset.eq(load.rows_skipped * fields.input_l2_row_pitch),
            offset.l2_column_offset.eq(load.columns_skipped * fields.input_l2_column_pitch),
        ]
        self._choose_shape(m, offset, outside)
        return m

    def _choose_shape(self, m: Module, offset: Any, outside: Signal) -> None:
        """Extents of the box that is loaded, in beats of its tensor."""
        load, fields = self.i.payload, self.fields
        inputs = [Mux(outside, 1, extent) for extent in (load.blocks, load.rows, load.columns)]
        outputs = (load.output_blocks, load.output_rows, load.output_columns)
        shapes: list[tuple[int, Sequence[Value | int]]] = [
            (Tensor.SCALES, (SCALE_COMPONENTS, 1, fields.scale_tile_words)),
            (Tensor.WEIGHTS, (1, 1, fields.weight_tile_words)),
            (Tensor.INPUTS, inputs),
            (Tensor.PARTIAL_SUMS, outputs),
        ]
        if self.loads.table_words:
            shapes.append((OptionalTensor.TABLE, (1, 1, self.loads.table_words)))
        if self.loads.residual:
            shapes.append((OptionalTensor.RESIDUAL, outputs))
        with m.Switch(load.tag.tensor):
            for tensor, (blocks, rows, columns) in shapes:
                with m.Case(tensor):
                    m.d.sync += [
                        offset.blocks.eq(blocks),
                        offset.rows.eq(rows),
                        offset.columns.eq(columns),
                    ]
