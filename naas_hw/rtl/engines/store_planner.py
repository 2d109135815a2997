"""Store, first half: which output tiles leave, and where they go."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out, connect

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
        deltas = {
            "offset": "store_delta",
            "row": "store_row_delta",
            "column": "store_column_delta",
            "block": "store_block_delta",
        }
        connect(m, self.fields.loop_record(bound="store_bound", deltas=deltas), nest.record)
        value = nest.value
        fields = self.fields
        left = Signal()
        plan = Signal()
        final = Signal()
        half = Signal()
        m.d.comb += [
            nest.start.eq(self.go),
            nest.advance.eq(plan),
            plan.eq(left & queue.room),
            final.eq((nest.last | ~fields.store_revisit).all()),
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
                    fields.store_output_start + value.offset,
                    fields.store_sums_start + (value.offset << 2),
                )
            ),
            place.eq(Mux(final, fields.output_base[half], fields.sums_base[half])),
        ]
        blocks = least(
            m,
            fields.tile_output_blocks,
            fields.output_blocks - value.block,
            "blocks",
        )
        rows = least(m, fields.tile_output_rows, fields.output_rows - value.row, "rows")
        columns = least(
            m,
            fields.tile_output_columns,
            fields.output_columns - value.column,
            "columns",
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
