"""Store, first half: which output tiles leave, and where they go."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, OUTER
from naas_hw.rtl.primitives.clip import clip_extent
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.loop_nest import LoopNest, completes
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import StoreTransfer, check_extent_bits

TILE_WIDTHS: Final = (
    ("offset", DRAM_BITS),
    ("row", BOUND_BITS),
    ("column", BOUND_BITS),
    ("block", BOUND_BITS),
)
"""What the loop nest of store says of a tile: its distance from the first, and where it lies."""

FIELDS: Final = (
    "store_bound",
    "store_revisit",
    "store_output_start",
    "store_sums_start",
    "store_delta",
    "store_row_delta",
    "store_column_delta",
    "store_block_delta",
    "output_rows",
    "output_columns",
    "output_blocks",
    "tile_output_rows",
    "tile_output_columns",
    "tile_output_blocks",
    "output_base",
    "sums_base",
)


class StorePlanner(SharedComponent):
    """Walks the output runs of the DRAM nest: a transfer for each, clipped to what exists.

    A tile leaves as bytes where no later run adds to it, as partial sums where one does. Golden
    model: `naas_hw.cost.reference.pieces.steps_of` and the tiles of `Geometry`.

    Parameters
    ----------
    extent_bits : bits of an extent of a tile, see `transfer.extent_bits`.

    Members
    -------
    go : In, 1 bit; begin with the layer whose fields are there; nothing of another is under way.
    fields : In, the fields of the descriptor in `FIELDS`.
    o : Out, stream of `StoreTransfer`.
    exhausted : Out, 1 bit; all transfers of the layer have been taken.

    Latency
    -------
    The first transfer is offered PLANNER_PACE + 1 cycles after `go`, and one every PLANNER_PACE
    cycles that follow while transfers are taken. Nothing is offered from reset until the first
    `go`.

    Raises
    ------
    ValueError : the bits are out of range.
    """

    def __init__(self, *, extent_bits: int = BOUND_BITS) -> None:
        check_extent_bits(extent_bits)
        self.extent_bits = extent_bits
        super().__init__(
            {
                "go": In(1),
                "fields": In(FieldSignature(FIELDS)),
                "o": Out(stream.Signature(StoreTransfer)),
                "exhausted": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.extent_bits,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.nest = nest = LoopNest(
            positions=OUTER, values=TILE_WIDTHS, pace=timing.PLANNER_PACE
        )
        unplanned = Signal()  # the nest is at a tile
        plan = Signal()
        self._load_nest(m, nest)
        m.d.comb += [
            plan.eq(unplanned & nest.ready & ~self.o.valid),
            nest.start.eq(self.go),
            nest.advance.eq(plan),
            self.exhausted.eq(~unplanned & ~self.o.valid),
        ]
        with m.If(self.go):
            m.d.sync += unplanned.eq(1)
        with m.If(plan):
            m.d.sync += unplanned.eq(~nest.final)
        with m.If(plan | self.o.ready):
            m.d.sync += self.o.valid.eq(plan)
        self._describe(m, nest, plan)
        return m

    def _load_nest(self, m: Module, nest: LoopNest) -> None:
        """Trips and deltas come with the descriptor; all values begin at zero."""
        deltas = {
            "offset": "store_delta",
            "row": "store_row_delta",
            "column": "store_column_delta",
            "block": "store_block_delta",
        }
        record = self.fields.loop_record(bound="store_bound", deltas=deltas)
        connect(m, record, nest.record)

    def _describe(self, m: Module, nest: LoopNest, plan: Signal) -> None:
        """The transfer of the tile at which the nest is when it may advance, from then on.

        The nest has been there for so long that what follows from it may be a cycle late.
        """
        tile, fields = nest.value, self.fields
        half = Signal()
        final = Signal(reset_less=True)
        offset = Signal(DRAM_BITS, reset_less=True)
        transfer = Signal(StoreTransfer, reset_less=True)
        m.d.comb += self.o.payload.eq(transfer)
        m.d.sync += [
            final.eq(completes(nest.last, fields.store_revisit)),
            offset.eq(tile.offset),
        ]
        with m.If(plan):
            m.d.sync += half.eq(~half)
        with m.If(plan):
            m.d.sync += [
                transfer.partial_sums.eq(~final),
                transfer.dram_address.eq(
                    Mux(
                        final,
                        fields.store_output_start + offset,
                        fields.store_sums_start + (offset << 2),
                    )
                ),
                transfer.l2_address.eq(
                    Mux(final, fields.output_base[half], fields.sums_base[half])
                ),
            ]
        self._clip(m, nest, transfer, plan)

    def _clip(self, m: Module, nest: LoopNest, transfer: Any, plan: Signal) -> None:
        tile, fields = nest.value, self.fields
        for name, extent, total, start in (
            ("blocks", fields.tile_output_blocks, fields.output_blocks, tile.block),
            ("rows", fields.tile_output_rows, fields.output_rows, tile.row),
            ("columns", fields.tile_output_columns, fields.output_columns, tile.column),
        ):
            count = clip_extent(m, extent, total, start, name, bits=self.extent_bits)
            with m.If(plan):
                m.d.sync += getattr(transfer, name).eq(count)
