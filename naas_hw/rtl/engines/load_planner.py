"""Load, first half: which transfers each tile needs, and where they lie."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, L2_BITS, OUTER
from naas_hw.rtl.engines import load_clip_stage, load_offset_stage, load_scheduler
from naas_hw.rtl.engines.load_address_stage import LoadAddressStage
from naas_hw.rtl.engines.load_clip_stage import LoadClipStage, tile_widths
from naas_hw.rtl.engines.load_offset_stage import LoadOffsetStage
from naas_hw.rtl.engines.load_scheduler import LoadScheduler
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.loop_nest import LoopNest
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    NO_OPTIONS,
    LoadOptions,
    LoadTransfer,
    check_extent_bits,
    check_l2_bits,
)

NUM_STAGES: Final = load_clip_stage.CLIP_CYCLES + timing.MULTIPLIER_LATENCY + 1
"""Cycles from a scheduled load to its transfer."""

QUEUE_DEPTH: Final = 16

NEST_FIELDS: Final = (
    "load_bound",
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
)

RESIDUAL_NEST_FIELDS: Final = ("load_residual_start", "load_residual_delta")
"""The same, where there are residuals."""


def fields_of(loads: LoadOptions) -> tuple[str, ...]:
    """The fields of the descriptor that a planner of these loads reads."""
    return (
        *NEST_FIELDS,
        *(RESIDUAL_NEST_FIELDS if loads.residual else ()),
        *load_scheduler.fields_of(loads),
        *load_clip_stage.fields_of(loads),
        *load_offset_stage.FIELDS,
    )


class LoadPlanner(SharedComponent):
    """Walks the DRAM nest and makes the transfers that each tile loads, clipped to what exists.

    Transfers come in the order of `LoadOptions.order`; only what changed. The reader never waits
    for a plan but at the start of a layer. Golden model: `naas_hw.cost.reference.pieces.steps_of`
    and the tiles of `Geometry`.

    Parameters
    ----------
    loads : what is loaded beside the four tensors that every layer has.
    scale_half_words : words of one half of the scale memory.
    extent_bits : bits of an extent of a tile, see `transfer.extent_bits`.
    l2_bits : bits of a distance in L2.

    Members
    -------
    go : In, 1 bit; begin with the layer whose fields are there; nothing of another is under way.
    fields : In, the fields of the descriptor in `fields_of(loads)`.
    o : Out, stream of `LoadTransfer`, tagged as `loads` says.

    Latency
    -------
    The first transfer is offered NUM_STAGES + 3 cycles after `go`, and one in each cycle that
    follows while transfers are taken; the last one of a tile PLANNER_PACE cycles after that of the
    tile before at the earliest. Nothing is offered from reset until the first `go`.

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
        l2_bits: int = L2_BITS,
    ) -> None:
        if scale_half_words < 1:
            raise ValueError(f"scale_half_words must be at least 1, not {scale_half_words}")
        check_extent_bits(extent_bits)
        check_l2_bits(l2_bits)
        self.loads = loads
        self.l2_bits = l2_bits
        self.scale_half_words = scale_half_words
        self.extent_bits = extent_bits
        super().__init__(
            {
                "go": In(1),
                "fields": In(FieldSignature(fields_of(loads))),
                "o": Out(stream.Signature(loads.tagged(LoadTransfer))),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads, self.scale_half_words, self.extent_bits, self.l2_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        loads = self.loads
        m.submodules.nest = nest = LoopNest(
            positions=OUTER, values=tile_widths(loads), pace=timing.PLANNER_PACE
        )
        m.submodules.scheduler = scheduler = LoadScheduler(loads)
        m.submodules.clip = clip = LoadClipStage(
            loads, scale_half_words=self.scale_half_words, extent_bits=self.extent_bits
        )
        m.submodules.offset = offset = LoadOffsetStage(
            loads, extent_bits=self.extent_bits, l2_bits=self.l2_bits
        )
        m.submodules.address = address = LoadAddressStage(loads)
        m.submodules.queue = queue = Queue(
            shape=loads.tagged(LoadTransfer), depth=QUEUE_DEPTH, reserve=NUM_STAGES + 2
        )
        self._load_nest(m, nest)
        self._schedule(m, nest, scheduler, queue)
        connect(m, nest.value, clip.tile)
        connect(m, scheduler.o, clip.i)
        connect(m, clip.o, offset.i)
        connect(m, offset.o, address.i)
        connect(m, address.o, queue.i)
        connect(m, queue.o, flipped(self.o))
        for part, names in (
            (scheduler, load_scheduler.fields_of(loads)),
            (clip, load_clip_stage.fields_of(loads)),
            (offset, load_offset_stage.FIELDS),
        ):
            connect(m, self.fields.select(names), part.fields)
        return m

    def _load_nest(self, m: Module, nest: LoopNest) -> None:
        """Trips and deltas come with the descriptor; what has no start begins at zero."""
        fields = self.fields
        deltas = {
            "scales": "load_scale_delta",
            "weights": "load_weight_delta",
            "inputs": "load_input_delta",
            "partial_sums": "load_sums_delta",
            "row": "load_row_delta",
            "column": "load_column_delta",
            "block": "load_block_delta",
            "output_row": "output_row_delta",
            "output_column": "output_column_delta",
            "output_block": "output_block_delta",
        }
        if self.loads.residual:
            deltas["residual"] = "load_residual_delta"
            m.d.comb += nest.origin.residual.eq(fields.load_residual_start)
        connect(m, fields.loop_record(bound="load_bound", deltas=deltas), nest.record)
        m.d.comb += [
            nest.origin.scales.eq(fields.load_scale_start),
            nest.origin.weights.eq(fields.load_weight_start),
            nest.origin.inputs.eq(fields.load_input_start),
            nest.origin.partial_sums.eq(fields.load_sums_start),
            nest.origin.row.eq(fields.load_row_start),
            nest.origin.column.eq(fields.load_column_start),
        ]

    def _schedule(self, m: Module, nest: LoopNest, scheduler: LoadScheduler, queue: Queue) -> None:
        has_room = Signal()
        m.d.sync += has_room.eq(queue.room)
        tile = ("last", "first", "final", "ready", "advance")
        connect(m, part_of(nest, *tile), part_of(scheduler, *tile))
        m.d.comb += [
            nest.start.eq(self.go),
            scheduler.go.eq(self.go),
            scheduler.room.eq(has_room),
        ]
