"""Load, first half: which pieces each tile needs, and where they lie."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out, connect

from naas_hw.compiler.layout import BOUND_BITS, COORDINATE_BITS, DRAM_BITS, L2_BITS, OUTER
from naas_hw.rtl.primitives.clip import clip
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.loop_nest import LoopNest, changes
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import RUN_BITS, LoadTransfer, Tensor

PIPELINE = 3

FIELDS = (
    "load_bound",
    "load_scale_mask",
    "load_weight_mask",
    "load_input_mask",
    "load_output_mask",
    "load_revisit",
    "load_scale_start",
    "load_scale_delta",
    "load_weight_start",
    "load_weight_delta",
    "load_input_start",
    "load_input_delta",
    "load_sums_start",
    "load_sums_delta",
    "load_row_start",
    "load_row_delta",
    "load_column_start",
    "load_column_delta",
    "load_block_delta",
    "output_row_delta",
    "output_column_delta",
    "output_block_delta",
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
    "dummy_input_address",
    "input_row_pitch",
    "weight_tile_words",
    "scale_tile_words",
    "weight_base",
    "input_base",
    "sums_base",
    "input_l2_row_pitch",
    "input_l2_column_pitch",
)

NEST_VALUES = (
    ("scales", DRAM_BITS),
    ("weights", DRAM_BITS),
    ("inputs", DRAM_BITS),
    ("sums", DRAM_BITS),
    ("row", COORDINATE_BITS),
    ("column", COORDINATE_BITS),
    ("block", BOUND_BITS),
    ("output_row", BOUND_BITS),
    ("output_column", BOUND_BITS),
    ("output_block", BOUND_BITS),
)


class LoadPlanner(SharedComponent):
    """Walks the DRAM nest and makes the pieces that each tile loads, clipped to what exists.

    Pieces come in the order scales, weights, inputs, sums; only what changed. One a cycle when
    there is room: the reader never waits for a plan but at the start of a layer.

    Parameters
    ----------
    scale_half_words : words of one half of the scale memory.

    Members
    -------
    go : In, begin with the layer whose fields are there; forgets whatever was under way.
    pop : In; valid, piece : Out, see `Queue`.
    the fields of the descriptor in `FIELDS`.
    """

    def __init__(self, *, scale_half_words: int) -> None:
        self.scale_half_words = scale_half_words
        super().__init__(
            {
                "go": In(1),
                "pop": In(1),
                "valid": Out(1),
                "piece": Out(LoadTransfer),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.scale_half_words,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = Queue(shape=LoadTransfer, depth=8, reserve=PIPELINE + 1)
        m.submodules.nest = nest = LoopNest(positions=OUTER, values=NEST_VALUES)
        self._connect_nest(m, nest)
        planned = self._schedule(m, nest, queue.room)
        entry, entry_valid = self._place(m, nest, planned)
        m.d.comb += [
            queue.clear.eq(self.go),
            queue.i.valid.eq(entry_valid),
            queue.i.payload.as_value().eq(entry),
            queue.o.ready.eq(self.pop),
            self.valid.eq(queue.o.valid),
            self.piece.eq(queue.o.payload),
        ]
        return m

    def _connect_nest(self, m: Module, nest: LoopNest) -> None:
        starts = {
            "scales": self.fields.load_scale_start,
            "weights": self.fields.load_weight_start,
            "inputs": self.fields.load_input_start,
            "sums": self.fields.load_sums_start,
            "row": self.fields.load_row_start,
            "column": self.fields.load_column_start,
        }
        deltas = {
            "scales": "load_scale_delta",
            "weights": "load_weight_delta",
            "inputs": "load_input_delta",
            "sums": "load_sums_delta",
            "row": "load_row_delta",
            "column": "load_column_delta",
            "block": "load_block_delta",
            "output_row": "output_row_delta",
            "output_column": "output_column_delta",
            "output_block": "output_block_delta",
        }
        connect(m, self.fields.loop_record(bound="load_bound", deltas=deltas), nest.record)
        m.d.comb += nest.start.eq(self.go)
        m.d.comb += [getattr(nest.origin, name).eq(value) for name, value in starts.items()]

    def _schedule(self, m: Module, nest: LoopNest, room: Value) -> dict[str, Signal]:
        """Which piece is planned in this cycle."""
        pending = Signal(4)
        due = Signal(4)
        first = Signal()
        run = Signal(RUN_BITS)
        halves = Signal(4)  # ping or pong of each tensor
        plan = Signal()
        tensor = Signal(Tensor)
        only = Signal()
        revisit = Signal()
        moved = Cat(
            changes(nest.last, mask)
            for mask in (
                self.fields.load_scale_mask,
                self.fields.load_weight_mask,
                self.fields.load_input_mask,
                self.fields.load_output_mask,
            )
        )
        m.d.comb += [
            revisit.eq(~(nest.first | ~self.fields.load_revisit).all()),
            due.eq(Cat(pending[:3], pending[3] & revisit)),
            plan.eq(due.any() & room),
            tensor.eq(Mux(due[0], 0, Mux(due[1], 1, Mux(due[2], 2, 3)))),
            only.eq((due & (due - 1)) == 0),
            nest.advance.eq(plan & only),
        ]
        with m.If(self.go):
            m.d.sync += [pending.eq(0b0111), first.eq(1), run.eq(0), halves.eq(0)]
        with m.Elif(plan & only):
            m.d.sync += [
                pending.eq(Mux(nest.final, 0, moved)),
                first.eq(1),
                halves.eq(halves ^ moved),
                run.eq(run + moved[3]),
            ]
        with m.Elif(plan):
            m.d.sync += [pending.eq(due & (due - 1)), first.eq(0)]
        filled = (tensor == Tensor.INPUTS) | ((tensor == Tensor.WEIGHTS) & ~due[2])
        return {
            "plan": plan,
            "tensor": tensor,
            "first": first,
            "filled": filled,
            "run": run,
            "halves": halves,
        }

    def _place(self, m: Module, nest: LoopNest, planned: dict[str, Any]) -> tuple[Value, Value]:
        """Three registered stages: clip, multiply, add."""
        value = nest.value
        fields = self.fields
        rows = clip(m, value.row.as_signed(), fields.tile_rows, fields.image_rows, "rows")
        columns = clip(
            m,
            value.column.as_signed(),
            fields.tile_columns,
            fields.image_columns,
            "columns",
        )
        blocks = least(m, fields.tile_blocks, fields.input_blocks - value.block, "blocks")
        sums = [
            least(m, extent, total - index, f"output_{name}")
            for name, extent, total, index in (
                (
                    "blocks",
                    fields.tile_output_blocks,
                    fields.output_blocks,
                    value.output_block,
                ),
                (
                    "rows",
                    fields.tile_output_rows,
                    fields.output_rows,
                    value.output_row,
                ),
                (
                    "columns",
                    fields.tile_output_columns,
                    fields.output_columns,
                    value.output_column,
                ),
            )
        ]
        address = Signal(DRAM_BITS, reset_less=True)
        base = Signal(L2_BITS, reset_less=True)
        half = planned["halves"]
        with m.Switch(planned["tensor"]):
            with m.Case(Tensor.SCALES):
                m.d.sync += [
                    address.eq(value.scales),
                    base.eq(half[0] * self.scale_half_words),
                ]
            with m.Case(Tensor.WEIGHTS):
                m.d.sync += [
                    address.eq(value.weights),
                    base.eq(fields.weight_base[half[1]]),
                ]
            with m.Case(Tensor.INPUTS):
                m.d.sync += [
                    address.eq(value.inputs),
                    base.eq(fields.input_base[half[2]]),
                ]
            with m.Case(Tensor.PARTIAL_SUMS):
                m.d.sync += [address.eq(value.sums), base.eq(fields.sums_base[half[3]])]
        marks = Cat(planned[name] for name in ("tensor", "first", "filled", "run"))
        marks = delayed(m, marks, PIPELINE, "marks")
        valid = delayed(m, planned["plan"], PIPELINE, "planned", clear=self.go)
        # Second stage
        is_inputs = Signal()
        m.d.sync += is_inputs.eq(planned["tensor"] == Tensor.INPUTS)
        empty = rows.empty | columns.empty
        far = [Signal(DRAM_BITS, name=name, reset_less=True) for name in ("far_row", "far_column")]
        near = [Signal(L2_BITS, name=name, reset_less=True) for name in ("near_row", "near_column")]
        start = Signal(DRAM_BITS, reset_less=True)
        place = Signal(L2_BITS, reset_less=True)
        skip = Signal()
        shape = [Signal(BOUND_BITS, name=f"shape_{i}", reset_less=True) for i in range(3)]
        m.d.sync += [
            far[0].eq(rows.skipped * fields.input_row_pitch),
            far[1].eq(columns.skipped),
            near[0].eq(rows.skipped * fields.input_l2_row_pitch),
            near[1].eq(columns.skipped * fields.input_l2_column_pitch),
            start.eq(Mux(is_inputs & empty, fields.dummy_input_address, address)),
            place.eq(base),
            skip.eq(is_inputs & ~empty),
        ]
        kind = Signal(Tensor)
        m.d.sync += kind.eq(planned["tensor"])
        with m.Switch(kind):
            with m.Case(Tensor.SCALES):
                m.d.sync += [
                    shape[0].eq(3),
                    shape[1].eq(1),
                    shape[2].eq(fields.scale_tile_words),
                ]
            with m.Case(Tensor.WEIGHTS):
                m.d.sync += [
                    shape[0].eq(1),
                    shape[1].eq(1),
                    shape[2].eq(fields.weight_tile_words),
                ]
            with m.Case(Tensor.INPUTS):
                m.d.sync += [
                    shape[0].eq(Mux(empty, 1, blocks)),
                    shape[1].eq(Mux(empty, 1, rows.count)),
                    shape[2].eq(Mux(empty, 1, columns.count)),
                ]
            with m.Case(Tensor.PARTIAL_SUMS):
                m.d.sync += [shape[i].eq(sums[i]) for i in range(3)]
        # Third stage
        final_start = Signal(DRAM_BITS, reset_less=True)
        final_place = Signal(L2_BITS, reset_less=True)
        m.d.sync += [
            final_start.eq(start + Mux(skip, far[0] + far[1], 0)),
            final_place.eq(place + Mux(skip, near[0] + near[1], 0)),
        ]
        shape = [delayed(m, signal, 1, signal.name) for signal in shape]
        entry = Cat(marks, final_start, *shape, final_place)
        return entry, valid


def least(m: Module, left: Value, right: Value, name: str) -> Signal:
    """The smaller of two, registered."""
    found = Signal(BOUND_BITS, name=f"{name}_count", reset_less=True)
    limit = Signal(BOUND_BITS, name=f"{name}_room")
    m.d.comb += limit.eq(right)
    m.d.sync += found.eq(Mux(left < limit, left, limit))
    return found
