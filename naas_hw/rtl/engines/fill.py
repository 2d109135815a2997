"""Fill: which step comes next, and whether it may."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out, connect

from naas_hw.arch import timing
from naas_hw.compiler.layout import COORDINATE_BITS, L2_BITS, L2_BYTE_BITS, NEST, OUTER
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit
from naas_hw.rtl.primitives.loop_nest import LoopNest, changes
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = (
    "fill_bound",
    "fill_weight_tile_mask",
    "fill_input_tile_mask",
    "fill_weight_mask",
    "fill_input_mask",
    "fill_output_mask",
    "fill_weight_delta",
    "fill_input_delta",
    "fill_row_delta",
    "fill_column_delta",
    "load_row_start",
    "load_column_start",
    "weight_base",
    "input_base",
)


class Fill(SharedComponent):
    """Starts the two networks step by step and hands each step to compute.

    A step goes when its tile is loaded, compute has left the step before last, and both networks
    are in their last cycle or idle.

    Parameters
    ----------
    beat_bytes : bytes of an L2 word.

    Members
    -------
    go : In, begin of a layer.
    tile_loaded, step_computed : In, strobes.
    weights_start, inputs_start : Out; each network takes its `..._place` and `half` in this cycle.
    weights_idle, inputs_idle : In, the network is idle or in its last cycle.
    weights_busy, inputs_busy : In, the network works.
    weights_place (words), inputs_place (bytes), row, column, weights_half, inputs_half : Out.
    step_filled : Out, strobe in the last cycle of a step, with
    filled_weights_half, filled_inputs_half, opens_run, closes_run : Out, what compute has to know.
    tile_freed : Out, strobe in the last cycle of a tile.
    started, waits_for_load : Out, for logs and counters.
    finished : Out, all steps of the layer are filled.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "go": In(1),
                "tile_loaded": In(1),
                "step_computed": In(1),
                "weights_start": Out(1),
                "inputs_start": Out(1),
                "weights_idle": In(1),
                "inputs_idle": In(1),
                "weights_busy": In(1),
                "inputs_busy": In(1),
                "weights_place": Out(L2_BITS),
                "inputs_place": Out(L2_BYTE_BITS),
                "row": Out(COORDINATE_BITS),
                "column": Out(COORDINATE_BITS),
                "weights_half": Out(1),
                "inputs_half": Out(1),
                "step_filled": Out(1),
                "filled_weights_half": Out(1),
                "filled_inputs_half": Out(1),
                "opens_run": Out(1),
                "closes_run": Out(1),
                "tile_freed": Out(1),
                "started": Out(1),
                "waits_for_load": Out(1),
                "finished": Out(1),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        nest = self._nest(m)
        m.submodules.tiles = tiles = Credit(initial=0, distance=timing.LOAD_TO_FILL)
        m.submodules.steps = steps = Credit(initial=2, distance=timing.COMPUTE_TO_FILL)
        active = Signal()
        going = Signal()
        working = Signal()
        opens_tile = Signal()
        new_weights = Signal()
        new_inputs = Signal()
        m.d.comb += [
            tiles.clear.eq(self.go),
            tiles.i.give.eq(self.tile_loaded),
            tiles.take.eq(going & opens_tile),
            steps.clear.eq(self.go),
            steps.i.give.eq(self.step_computed),
            steps.take.eq(going),
            going.eq(
                active
                & ~self.go
                & (~opens_tile | tiles.available)
                & steps.available
                & self.weights_idle
                & self.inputs_idle
            ),
            nest.advance.eq(going),
            self.started.eq(going),
            self.weights_start.eq(going & new_weights),
            self.inputs_start.eq(going & new_inputs),
            working.eq(self.weights_busy | self.inputs_busy),
            self.finished.eq(~active & ~working),
            self.waits_for_load.eq(active & ~working & opens_tile & ~tiles.available),
        ]
        opens_run = Signal()
        with m.If(self.go):
            m.d.sync += [
                active.eq(1),
                opens_tile.eq(1),
                opens_run.eq(1),
                new_weights.eq(1),
                new_inputs.eq(1),
            ]
        with m.Elif(going):
            m.d.sync += [
                active.eq(~nest.final),
                opens_tile.eq(nest.last[OUTER:].all()),
                opens_run.eq(changes(nest.last, self.fields.fill_output_mask)),
                new_weights.eq(changes(nest.last, self.fields.fill_weight_mask)),
                new_inputs.eq(changes(nest.last, self.fields.fill_input_mask)),
            ]
        self._halves(m, nest, going)
        self._hand_over(m, nest, going, working, opens_run)
        return m

    def _nest(self, m: Module) -> LoopNest:
        m.submodules.nest = nest = LoopNest(
            positions=NEST,
            values=(
                ("weights", L2_BITS),
                ("inputs", L2_BYTE_BITS),
                ("row", COORDINATE_BITS),
                ("column", COORDINATE_BITS),
            ),
        )
        deltas = {
            "weights": "fill_weight_delta",
            "inputs": "fill_input_delta",
            "row": "fill_row_delta",
            "column": "fill_column_delta",
        }
        connect(m, self.fields.loop_record(bound="fill_bound", deltas=deltas), nest.record)
        m.d.comb += [
            nest.start.eq(self.go),
            nest.origin.row.eq(self.fields.load_row_start),
            nest.origin.column.eq(self.fields.load_column_start),
            self.row.eq(nest.value.row),
            self.column.eq(nest.value.column),
        ]
        return nest

    def _halves(self, m: Module, nest: LoopNest, going: Signal) -> None:
        """Ping or pong: of the tiles in L2, and of the buffers in the PEs."""
        weight_tile = Signal()
        input_tile = Signal()
        beat_bits = self.beat_bytes.bit_length() - 1
        halves = (
            (weight_tile, self.fields.fill_weight_tile_mask),
            (input_tile, self.fields.fill_input_tile_mask),
            (self.weights_half, self.fields.fill_weight_mask),
            (self.inputs_half, self.fields.fill_input_mask),
        )
        for half, mask in halves:
            with m.If(self.go):
                m.d.sync += half.eq(0)
            with m.Elif(going & changes(nest.last, mask)):
                m.d.sync += half.eq(~half)
        m.d.comb += [
            self.weights_place.eq(self.fields.weight_base[weight_tile] + nest.value.weights),
            self.inputs_place.eq(
                (self.fields.input_base[input_tile] << beat_bits) + nest.value.inputs
            ),
        ]

    def _hand_over(
        self, m: Module, nest: LoopNest, going: Signal, working: Signal, opens_run: Signal
    ) -> None:
        """What is known of the step that is being filled, and the end of it."""
        closes_tile = Signal()
        with m.If(going):
            m.d.sync += [
                self.filled_weights_half.eq(self.weights_half),
                self.filled_inputs_half.eq(self.inputs_half),
                self.opens_run.eq(opens_run),
                self.closes_run.eq(changes(nest.last, self.fields.fill_output_mask)),
                closes_tile.eq(nest.last[OUTER:].all()),
            ]
        m.d.comb += [
            self.step_filled.eq(working & self.weights_idle & self.inputs_idle),
            self.tile_freed.eq(self.step_filled & closes_tile),
        ]
