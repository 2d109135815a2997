"""Load, second half: addresses go out, data come in and go to L2."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.layout import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.primitives.axi import DramReadSignature
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.bursts import RUN_BEATS_BITS, BurstSplitter
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import COMPONENT_SHIFT, RUN_BITS, LoadTransfer, Tensor

ADDRESS_PIPELINE = 3
"""Cycles from the decision to read a piece to its first address on the channel."""

OUTSTANDING_BITS = (timing.READ_AHEAD_BEATS + 255).bit_length()
"""Of the beats that were asked for and not received: the limit, and all of a burst but a beat."""

FIELDS = (
    "input_block_pitch",
    "input_row_pitch",
    "input_pixel_pitch",
    "output_block_pitch",
    "output_row_pitch",
    "scale_tile_words",
    "input_l2_row_pitch",
    "input_l2_column_pitch",
    "output_l2_row_pitch",
    "output_l2_column_pitch",
)


class Reader(SharedComponent):
    """Reads pieces, each as soon as its buffer is free, and writes their beats to L2 or scales.

    A piece waits for: two tiles at most between load and fill (`tile_freed`); for scales, two
    runs of K tiles between load and drain (`scales_freed`); for sums, the write response of the
    output run before last (`sums_stored`). Addresses of one piece
    follow those of the one before without a gap. Data are never refused: their place is free. At
    most `READ_AHEAD_BEATS` beats, and the rest of a burst, are asked for and not there.

    `halt` ends a layer at any moment without breaking the protocol: no new address is offered, and
    all beats that were asked for are taken until it is `quiet`.

    Parameters
    ----------
    beat_bytes : bytes of a beat.

    Members
    -------
    go : In, begin of a layer.
    halt : In, level, until the reset that follows.
    piece_valid, piece : In; piece_pop : Out.
    tile_freed, scales_freed : In, strobes.
    sums_asked, sums_run : Out, a piece waits, and its output run; sums_stored : In, a cycle later,
        see `Writer`. Sums are never the first piece of a tile and all pieces of a tile carry the
        same run, so the answer is for the piece that waits now.
    dram : Out, `DramReadSignature`.
    write, write_scales : Out, the beat taken one cycle ago goes to L2, to the scales.
    place : Out, its L2 word, or its scale address; data : Out, the beat.
    tensor : Out, what it belongs to.
    filled, sums_loaded : Out, strobes with the last beat of a tile's inputs, of its sums.
    piece_done : Out, strobe with the last beat of any piece.
    quiet : Out, no address is offered and every beat that was asked for has come.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "go": In(1),
                "halt": In(1),
                "piece_valid": In(1),
                "piece": In(LoadTransfer),
                "piece_pop": Out(1),
                "tile_freed": In(1),
                "scales_freed": In(1),
                "sums_asked": Out(1),
                "sums_run": Out(RUN_BITS),
                "sums_stored": In(1),
                "dram": Out(DramReadSignature(beat_bytes=beat_bytes)),
                "write": Out(1),
                "write_scales": Out(1),
                "place": Out(L2_BITS),
                "data": Out(8 * beat_bytes),
                "tensor": Out(Tensor),
                "filled": Out(1),
                "sums_loaded": Out(1),
                "piece_done": Out(1),
                "quiet": Out(1),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = Queue(shape=LoadTransfer, depth=16)
        allowed = self._gates(m)
        self._addresses(m, allowed & queue.i.ready)
        m.d.comb += [
            queue.clear.eq(self.go),
            queue.i.valid.eq(self.piece_pop),
            queue.i.payload.eq(self.piece),
        ]
        self._data(m, queue)
        return m

    def _gates(self, m: Module) -> Value:
        """Whether the piece at the head may be read."""
        m.submodules.tiles = tiles = Credit(
            initial=2, distance=timing.FILL_TO_LOAD - ADDRESS_PIPELINE
        )
        m.submodules.scales = scales = Credit(
            initial=2, distance=timing.DRAIN_TO_SCALES - ADDRESS_PIPELINE
        )
        assert timing.RESPONSE_TO_LOAD == ADDRESS_PIPELINE + 2, "counted, then compared"
        piece = self.piece
        is_scales = piece.tensor == Tensor.SCALES
        m.d.comb += [
            tiles.clear.eq(self.go),
            tiles.i.give.eq(self.tile_freed),
            tiles.take.eq(self.piece_pop & piece.opens_tile),
            scales.clear.eq(self.go),
            scales.i.give.eq(self.scales_freed),
            scales.take.eq(self.piece_pop & is_scales),
        ]
        m.d.comb += [self.sums_asked.eq(self.piece_valid), self.sums_run.eq(piece.output_run)]
        return (
            (~piece.opens_tile | tiles.available)
            & (~is_scales | scales.available)
            & ((piece.tensor != Tensor.PARTIAL_SUMS) | self.sums_stored)
        )

    def _addresses(self, m: Module, allowed: Value) -> None:
        m.submodules.runs = box = BoxAddressGenerator(
            levels=(("block", BOUND_BITS), ("row", BOUND_BITS), ("column", BOUND_BITS)),
            address_bits=DRAM_BITS,
        )
        m.submodules.splitter = splitter = BurstSplitter(beat_bytes=self.beat_bytes)
        active = Signal()
        piece = Signal(LoadTransfer, reset_less=True)
        strided = Signal()
        beats = Signal(RUN_BEATS_BITS, reset_less=True)
        offered = Signal()
        outstanding = Signal(OUTSTANDING_BITS)
        asked = Mux(self.dram.ar.valid & self.dram.ar.ready, self.dram.ar.length + 1, 0)
        m.d.sync += [
            offered.eq(self.dram.ar.valid & ~self.dram.ar.ready),
            outstanding.eq(outstanding + asked - (self.dram.r.valid & self.dram.r.ready)),
        ]
        m.d.comb += self.quiet.eq(~self.dram.ar.valid & (outstanding == 0))
        is_sums = self.piece.tensor == Tensor.PARTIAL_SUMS
        m.d.comb += [
            self.piece_pop.eq(
                self.piece_valid
                & allowed
                & ~self.go
                & ~self.halt
                & (~active | (splitter.run_take & box.last))
            ),
            box.start.eq(self.piece_pop),
            box.origin.eq(self.piece.dram_address),
            box.advance.eq(splitter.run_take),
            strided.eq((self.piece.tensor == Tensor.INPUTS) & (self.fields.input_pixel_pitch != 1)),
            box.counts.block.eq(self.piece.blocks),
            box.counts.row.eq(self.piece.rows),
            box.counts.column.eq(Mux(strided, self.piece.columns, 1)),
            box.pitches.column.eq(self.fields.input_pixel_pitch),
            splitter.run_valid.eq(active),
            splitter.run_address.eq(box.address),
            splitter.run_beats.eq(beats),
            splitter.cancel.eq(self.halt),
            splitter.ready.eq(self.dram.ar.ready & self.dram.ar.valid),
            self.dram.ar.valid.eq(offered | (splitter.valid & ~outstanding[-1] & ~self.halt)),
            self.dram.ar.address.eq(splitter.address),
            self.dram.ar.length.eq(splitter.length),
        ]
        with m.Switch(piece.tensor):
            with m.Case(Tensor.SCALES):
                m.d.comb += box.pitches.block.eq(self.fields.scale_tile_words)
            with m.Case(Tensor.INPUTS):
                m.d.comb += [
                    box.pitches.block.eq(self.fields.input_block_pitch),
                    box.pitches.row.eq(self.fields.input_row_pitch),
                ]
            with m.Case(Tensor.PARTIAL_SUMS):
                m.d.comb += [
                    box.pitches.block.eq(self.fields.output_block_pitch << 2),
                    box.pitches.row.eq(self.fields.output_row_pitch << 2),
                ]
        with m.If(self.piece_pop):
            m.d.sync += [
                piece.eq(self.piece),
                active.eq(1),
                beats.eq(Mux(strided, 1, self.piece.columns << Mux(is_sums, 2, 0))),
            ]
        with m.Elif((splitter.run_take & box.last) | self.go):
            m.d.sync += active.eq(0)

    def _data(self, m: Module, queue: Queue) -> None:
        m.submodules.words = box = BoxAddressGenerator(
            levels=(
                ("block", BOUND_BITS),
                ("row", BOUND_BITS),
                ("column", BOUND_BITS),
                ("beat", 3),
            ),
            address_bits=L2_BITS,
        )
        active = Signal()
        piece = Signal(LoadTransfer, reset_less=True)
        beat = Signal(8 * self.beat_bytes, reset_less=True)
        taken = Signal()
        popped = Signal()
        head = queue.o.payload
        is_sums = piece.tensor == Tensor.PARTIAL_SUMS
        m.d.comb += [
            self.data.eq(beat),
            self.dram.r.ready.eq(active | self.halt),
            taken.eq(active & self.dram.r.valid),
            queue.o.ready.eq(~self.go & (~active | (taken & box.last))),
            popped.eq(queue.o.valid & queue.o.ready),
            box.start.eq(popped),
            box.origin.eq(head.destination),
            box.advance.eq(taken),
            box.counts.block.eq(head.blocks),
            box.counts.row.eq(head.rows),
            box.counts.column.eq(head.columns),
            box.counts.beat.eq(Mux(head.tensor == Tensor.PARTIAL_SUMS, 4, 1)),
            box.pitches.beat.eq(1),
            self.piece_done.eq(taken & box.last),
            self.filled.eq(self.piece_done & piece.releases_fill),
            self.sums_loaded.eq(self.piece_done & is_sums),
        ]
        with m.Switch(piece.tensor):
            with m.Case(Tensor.SCALES):
                m.d.comb += [box.pitches.block.eq(1 << COMPONENT_SHIFT), box.pitches.column.eq(1)]
            with m.Case(Tensor.WEIGHTS):
                m.d.comb += box.pitches.column.eq(1)
            with m.Case(Tensor.INPUTS):
                m.d.comb += [
                    box.pitches.block.eq(1),
                    box.pitches.row.eq(self.fields.input_l2_row_pitch),
                    box.pitches.column.eq(self.fields.input_l2_column_pitch),
                ]
            with m.Case(Tensor.PARTIAL_SUMS):
                m.d.comb += [
                    box.pitches.block.eq(4),
                    box.pitches.row.eq(self.fields.output_l2_row_pitch << 2),
                    box.pitches.column.eq(self.fields.output_l2_column_pitch << 2),
                ]
        with m.If(popped):
            m.d.sync += [piece.eq(head), active.eq(1)]
        with m.Elif((taken & box.last) | self.go):
            m.d.sync += active.eq(0)
        is_scales = piece.tensor == Tensor.SCALES
        m.d.sync += [
            self.write.eq(taken & ~is_scales),
            self.write_scales.eq(taken & is_scales),
            self.place.eq(box.address),
            self.tensor.eq(piece.tensor),
            beat.eq(self.dram.r.data),
        ]
