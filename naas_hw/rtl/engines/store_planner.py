"""Store, first half: which output tiles leave, and where they go."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import BOUND_BITS, DRAM_BITS, L2_BITS, OUTER
from naas_hw.rtl.engines.load_planner import least
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.loop_nest import LoopNest
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import StoreTransfer

FIELDS = (
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
    """Walks the output runs of the DRAM nest; one piece for each, clipped to what exists.

    Members
    -------
    go : In, begin of a layer.
    pop : In; valid, piece : Out, see `Queue`.
    exhausted : Out, all pieces of the layer have been popped.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "go": In(1),
                "pop": In(1),
                "valid": Out(1),
                "piece": Out(StoreTransfer),
                "exhausted": Out(1),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return ()

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = Queue(shape=StoreTransfer, depth=4, reserve=2)
        m.submodules.nest = nest = LoopNest(
            positions=OUTER,
            values=(
                ("offset", DRAM_BITS),
                ("row", BOUND_BITS),
                ("column", BOUND_BITS),
                ("block", BOUND_BITS),
            ),
        )
        left = Signal()
        plan = Signal()
        final = Signal()
        half = Signal()
        m.d.comb += [
            nest.start.eq(self.go),
            nest.advance.eq(plan),
            nest.bound.eq(self.fields.store_bound),
            nest.load.eq(self.fields.outer_write),
            nest.place.eq(self.fields.record_position),
            nest.offset_delta.eq(self.fields.store_delta),
            nest.row_delta.eq(self.fields.store_row_delta),
            nest.column_delta.eq(self.fields.store_column_delta),
            nest.block_delta.eq(self.fields.store_block_delta),
            plan.eq(left & queue.room),
            final.eq((nest.last | ~self.fields.store_revisit).all()),
        ]
        with m.If(self.go):
            m.d.sync += [left.eq(1), half.eq(0)]
        with m.Elif(plan):
            m.d.sync += [left.eq(~nest.final), half.eq(~half)]
        sums = Signal()
        address = Signal(DRAM_BITS, reset_less=True)
        place = Signal(L2_BITS, reset_less=True)
        m.d.sync += [
            sums.eq(~final),
            address.eq(
                Mux(
                    final,
                    self.fields.store_output_start + nest.offset,
                    self.fields.store_sums_start + (nest.offset << 2),
                )
            ),
            place.eq(Mux(final, self.fields.output_base[half], self.fields.sums_base[half])),
        ]
        blocks = least(
            m, self.fields.tile_output_blocks, self.fields.output_blocks - nest.block, "blocks"
        )
        rows = least(m, self.fields.tile_output_rows, self.fields.output_rows - nest.row, "rows")
        columns = least(
            m, self.fields.tile_output_columns, self.fields.output_columns - nest.column, "columns"
        )
        planned = delayed(m, plan, 1, "planned", clear=self.go)
        m.d.comb += [
            queue.clear.eq(self.go),
            queue.i.valid.eq(planned),
            queue.i.payload.as_value().eq(Cat(sums, address, blocks, rows, columns, place)),
            queue.o.ready.eq(self.pop),
            self.valid.eq(queue.o.valid),
            self.piece.eq(queue.o.payload),
            self.exhausted.eq(~left & ~planned & ~queue.o.valid),
        ]
        return m
