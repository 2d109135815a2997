"""Fill: which step comes next, and whether it may."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.fields import COORDINATE_BITS, L2_BITS, L2_BYTE_BITS, NEST, OUTER
from naas_hw.rtl.array.signatures import InputStepSignature, WeightStepSignature
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit, CreditSignature
from naas_hw.rtl.primitives.delay import delays
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.loop_nest import LoopNest, changes
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = (
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

STEP_WIDTHS: Final = (
    ("weights", L2_BITS),
    ("inputs", L2_BYTE_BITS),
    ("row", COORDINATE_BITS),
    ("column", COORDINATE_BITS),
)
"""What the loop nest of fill says of a step: addresses in its tiles, first row and column."""


class FilledStep(data.Struct):
    """A step of the array whose operands are in the buffers of the PEs.

    Members
    -------
    weights_half, inputs_half : which half of the buffers they are in.
    opens_run, closes_run : it is the first, the last step of an accumulator run.
    """

    weights_half: unsigned(1)
    inputs_half: unsigned(1)
    opens_run: unsigned(1)
    closes_run: unsigned(1)


class Fill(SharedComponent):
    """Starts the two networks step by step and hands each step to compute.

    A step starts when its tile is loaded, compute has left the step before last, and both networks
    are in their last cycle or idle. A network is not started where its operands stay the same.
    Golden model: `naas_hw.cost.reference.pieces.steps_of`.

    Parameters
    ----------
    beat_bytes : bytes of an L2 word, a power of two.

    Members
    -------
    go : In, 1 bit; begin with the layer whose fields are there; nothing of another is under way.
    fields : In, the fields of the descriptor in `FIELDS`.
    tile_loaded : In, `CreditSignature`; load has brought the inputs and weights of a tile.
    step_computed : In, `CreditSignature`; compute has left a step's half of the buffers.
    tile_freed : Out, `CreditSignature`, in the last cycle of a tile.
    weights : Out, `WeightStepSignature`, to the weight network.
    inputs : Out, `InputStepSignature`, to the input network.
    o : Out, stream of `FilledStep`, always ready; in the last cycle of a step.
    started : Out, 1 bit; strobe, a step starts.
    waits_for_load : Out, 1 bit; the next step needs a tile that is not there.
    finished : Out, 1 bit; all steps of the layer are filled.

    Latency
    -------
    A step starts STEP_PACE cycles after `go` at the earliest, and in the last cycle of the step
    before it. A step takes STEP_PACE cycles at least. Nothing starts from reset until the first
    `go`.

    Raises
    ------
    ValueError : the beat is no power of two.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        if beat_bytes < 1 or beat_bytes & (beat_bytes - 1):
            raise ValueError(f"beat_bytes must be a power of two, not {beat_bytes}")
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "go": In(1),
                "fields": In(FieldSignature(FIELDS)),
                "tile_loaded": In(CreditSignature()),
                "step_computed": In(CreditSignature()),
                "tile_freed": Out(CreditSignature()),
                "weights": Out(WeightStepSignature()),
                "inputs": Out(InputStepSignature()),
                "o": Out(stream.Signature(FilledStep, always_ready=True)),
                "started": Out(1),
                "waits_for_load": Out(1),
                "finished": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.nest = nest = LoopNest(
            positions=NEST, values=STEP_WIDTHS, pace=timing.STEP_PACE
        )
        working = Signal()
        m.submodules.tiles = tiles = Credit(initial=0, distance=timing.LOAD_TO_FILL)
        m.submodules.steps = steps = Credit(initial=2, distance=timing.COMPUTE_TO_FILL)
        connect(m, flipped(self.tile_loaded), tiles.i)
        connect(m, flipped(self.step_computed), steps.i)
        self._load_nest(m, nest)
        self._start_steps(m, nest, tiles, steps, working)
        self._start_networks(m, nest)
        self._address(m, nest)
        self._hand_over(m, nest, working)
        return m

    def _load_nest(self, m: Module, nest: LoopNest) -> None:
        """Trips and deltas come with the descriptor; addresses begin at zero."""
        deltas = {
            "weights": "fill_weight_delta",
            "inputs": "fill_input_delta",
            "row": "fill_row_delta",
            "column": "fill_column_delta",
        }
        connect(m, self.fields.loop_record(bound="fill_bound", deltas=deltas), nest.record)
        m.d.comb += [
            nest.start.eq(self.go),
            nest.advance.eq(self.started),
            nest.origin.row.eq(self.fields.load_row_start),
            nest.origin.column.eq(self.fields.load_column_start),
        ]

    def _start_steps(
        self, m: Module, nest: LoopNest, tiles: Credit, steps: Credit, working: Signal
    ) -> None:
        """A step starts out of registers: what allows it is looked up a cycle before.

        So no step starts in the cycle after another, as the pace of the nest wants it.
        """
        recent = delays(m, self.started, timing.STEP_PACE - 1, "started")
        unstarted = Signal()  # the nest is at a step
        opens_tile = Signal(init=1)
        may_start = Signal()  # but for the networks
        m.d.comb += [
            tiles.take.eq(self.started & opens_tile),
            steps.take.eq(self.started),
            self.started.eq(may_start & self.weights.idle & self.inputs.idle),
            self.finished.eq(~unstarted & ~working),
            self.waits_for_load.eq(unstarted & ~working & opens_tile & ~tiles.available),
        ]
        m.d.sync += may_start.eq(
            unstarted & ~any_of(recent) & (~opens_tile | tiles.coming) & steps.coming
        )
        with m.If(self.go):
            m.d.sync += unstarted.eq(1)
        with m.If(self.started):
            m.d.sync += [unstarted.eq(~nest.final), opens_tile.eq(nest.last[OUTER:].all())]
        with m.If(self.started | self.o.valid):
            m.d.sync += working.eq(self.started)

    def _start_networks(self, m: Module, nest: LoopNest) -> None:
        """A network works on a step only if the step before had other operands."""
        new_weights = Signal(init=1)
        new_inputs = Signal(init=1)
        m.d.comb += [
            self.weights.start.eq(self.started & new_weights),
            self.inputs.start.eq(self.started & new_inputs),
        ]
        with m.If(self.started):
            m.d.sync += [
                new_weights.eq(changes(nest.last, self.fields.fill_weight_mask)),
                new_inputs.eq(changes(nest.last, self.fields.fill_input_mask)),
            ]

    def _address(self, m: Module, nest: LoopNest) -> None:
        """Where the operands of a step are; tiles in L2 and buffers in PEs have two halves."""
        fields = self.fields
        weight_tile = Signal()
        input_tile = Signal()
        beat_bits = self.beat_bytes.bit_length() - 1
        input_base = fields.input_base[input_tile] << beat_bits
        for half, mask in (
            (weight_tile, fields.fill_weight_tile_mask),
            (input_tile, fields.fill_input_tile_mask),
            (self.weights.half, fields.fill_weight_mask),
            (self.inputs.half, fields.fill_input_mask),
        ):
            with m.If(self.started & changes(nest.last, mask)):
                m.d.sync += half.eq(~half)
        m.d.comb += [
            self.weights.address.eq(fields.weight_base[weight_tile] + nest.value.weights),
            self.inputs.address.eq(input_base + nest.value.inputs),
            self.inputs.row.eq(nest.value.row.as_signed()),
            self.inputs.column.eq(nest.value.column.as_signed()),
        ]

    def _hand_over(self, m: Module, nest: LoopNest, working: Signal) -> None:
        """What is known of the step that is being filled, and the end of it."""
        closes_tile = Signal()
        opens_run = Signal(init=1)  # of the step that comes next
        closes_run = changes(nest.last, self.fields.fill_output_mask)
        with m.If(self.started):
            m.d.sync += [
                self.o.payload.weights_half.eq(self.weights.half),
                self.o.payload.inputs_half.eq(self.inputs.half),
                self.o.payload.opens_run.eq(opens_run),
                self.o.payload.closes_run.eq(closes_run),
                closes_tile.eq(nest.last[OUTER:].all()),
                opens_run.eq(closes_run),
            ]
        m.d.comb += [
            self.o.valid.eq(working & nest.ready & self.weights.idle & self.inputs.idle),
            self.tile_freed.give.eq(self.o.valid & closes_tile),
        ]
