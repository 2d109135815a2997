"""Second stage of a planned load: how far its first beat is from where the tile begins."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.engines.load_clip_stage import ClippedLoad
from naas_hw.rtl.primitives.clip import count_clipped
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import masked
from naas_hw.rtl.primitives.multiplier import unsigned_product
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    NO_OPTIONS,
    LoadOptions,
    LoadTag,
    OptionalTensor,
    Tensor,
    check_extent_bits,
    check_l2_bits,
)

FIELDS: Final = (
    "dummy_input_address",
    "input_row_pitch",
    "input_l2_row_pitch",
    "input_l2_column_pitch",
    "weight_tile_words",
    "scale_tile_words",
)

SHAPE: Final = ("tag", "blocks", "rows", "columns", "dram_address", "base")
"""What is known before the products are."""

SCALE_COMPONENTS: Final = 3
"""Bias, multiplier and shift."""


class OffsetLoad(data.Struct):
    """A load of which the shape is known, and how far it is from the tile's first beat.

    Members
    -------
    tag : what it is for.
    blocks, rows, columns : see `LoadTransfer`.
    dram_address, base : of the tile, see `ClippedLoad`; DRAM beats and words of L2.
    dram_row_offset, l2_row_offset, l2_column_offset : what the rows and columns take that are
        missing before those that are loaded.
    """

    tag: LoadTag
    blocks: unsigned(BOUND_BITS)
    rows: unsigned(BOUND_BITS)
    columns: unsigned(BOUND_BITS)
    dram_address: unsigned(DRAM_BITS)
    base: unsigned(L2_BITS)
    dram_row_offset: unsigned(DRAM_BITS)
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
    extent_bits : bits of an extent of a tile, see `transfer.extent_bits`.
    l2_bits : bits of a distance in L2.

    Members
    -------
    i : In, stream of `ClippedLoad`, tagged as `loads` says, always ready.
    fields : In, the fields of the descriptor in `FIELDS`.
    o : Out, stream of `OffsetLoad`, tagged in the same way, always ready.

    Latency
    -------
    MULTIPLIER_LATENCY cycles; a load a cycle. `o` is not valid after reset.

    Raises
    ------
    ValueError : the bits are out of range.
    """

    def __init__(
        self,
        loads: LoadOptions = NO_OPTIONS,
        *,
        extent_bits: int = BOUND_BITS,
        l2_bits: int = L2_BITS,
    ) -> None:
        check_extent_bits(extent_bits)
        check_l2_bits(l2_bits)
        self.l2_bits = l2_bits
        self.loads = loads
        self.extent_bits = extent_bits
        super().__init__(
            {
                "i": In(stream.Signature(loads.tagged(ClippedLoad), always_ready=True)),
                "fields": In(FieldSignature(FIELDS)),
                "o": Out(stream.Signature(loads.tagged(OffsetLoad), always_ready=True)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads, self.extent_bits, self.l2_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        load, fields = self.i.payload, self.fields
        outside = Signal()
        row_end, column_end = (end[: self.extent_bits] for end in (load.row_end, load.column_end))
        rows, no_rows = count_clipped(m, load.rows_skipped, row_end, load.is_below, "rows")
        columns, no_columns = count_clipped(
            m, load.columns_skipped, column_end, load.is_behind, "columns"
        )
        shape = Signal(self.loads.tagged(OffsetLoad), reset_less=True)
        wait = timing.MULTIPLIER_LATENCY
        late = delayed(m, shape, wait - 1, "shape", reset=False)
        m.d.comb += [
            outside.eq(no_rows | no_columns),
            self.o.valid.eq(delayed(m, self.i.valid, wait, "valid")),
            *(self.o.payload[name].eq(late[name]) for name in SHAPE),
        ]
        self._multiply(m, delayed(m, ~outside, wait, "inside", reset=False))
        m.d.sync += [
            shape.tag.eq(load.tag),
            shape.dram_address.eq(
                Mux(load.is_inputs & outside, fields.dummy_input_address, load.dram_address)
            ),
            shape.base.eq(load.base),
        ]
        inputs = [Mux(outside, 1, extent) for extent in (load.blocks, rows, columns)]
        self._choose_shape(m, shape, inputs)
        return m

    def _multiply(self, m: Module, inside: Value) -> None:
        """What the missing rows and columns take; nothing of a tile outside of the image."""
        load, fields, offset = self.i.payload, self.fields, self.o.payload
        for name, skipped, pitch in (
            ("dram_row_offset", load.rows_skipped, fields.input_row_pitch),
            ("l2_row_offset", load.rows_skipped, fields.input_l2_row_pitch[: self.l2_bits]),
            (
                "l2_column_offset",
                load.columns_skipped,
                fields.input_l2_column_pitch[: self.l2_bits],
            ),
        ):
            product = unsigned_product(m, skipped, pitch, name)
            m.d.comb += offset[name].eq(masked(product, inside))

    def _choose_shape(self, m: Module, shape: Any, inputs: Sequence[Value]) -> None:
        """Extents of the box that is loaded, in beats of its tensor."""
        load, fields = self.i.payload, self.fields
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
                        shape.blocks.eq(blocks),
                        shape.rows.eq(rows),
                        shape.columns.eq(columns),
                    ]
