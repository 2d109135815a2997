"""Store, second half: addresses and data go out, responses come back."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.layout import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.memory.global_buffer import l2_read_port
from naas_hw.rtl.primitives.axi import DramWriteSignature
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.bursts import BurstSplitter
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import RUN_BITS, StoreTransfer

DATA_PIPELINE = 4
"""Cycles from the decision to store a piece to its first beat on the channel."""

BURST_BITS = timing.WRITE_AHEAD_BURSTS.bit_length()
RING = 4
ADDRESS_BITS = 32
BLOCK_BITS = ADDRESS_BITS - (RANGE_BYTES - 1).bit_length()
"""Bits of the number of a block of `RANGE_BYTES`."""

FIELDS = (
    "output_block_pitch",
    "output_row_pitch",
    "output_l2_row_pitch",
    "output_l2_column_pitch",
)


class Writer(SharedComponent):
    """Writes pieces to DRAM, each as soon as drain has left it.

    Data run ahead into a short queue, so beats follow one another without a gap, over the borders
    of rows, bursts and pieces. No channel waits for another: data are offered whether or not their
    address was accepted, as AXI4 demands. At most `WRITE_AHEAD_BURSTS` bursts are without a
    response.

    A burst that is not within the blocks `first_block` to `last_block` goes on in its time with all
    strobes low. `halt` ends a layer at any moment without breaking the protocol: no new address is
    offered, and the data of those that are there go out with all strobes low until it is `quiet`.

    Parameters
    ----------
    beat_bytes : bytes of a beat.

    Members
    -------
    go : In, begin of a layer.
    halt : In, level, until the reset that follows.
    first_block, last_block : In, the range that may be written, in blocks of `RANGE_BYTES`.
    piece_valid, piece : In; piece_pop : Out.
    tile_drained : In, strobe.
    dram : Out, `DramWriteSignature`; responses are always taken.
    read : Out, `l2_read_port`.
    tile_stored : Out, strobe with the last beat of a piece.
    sums_asked, sums_run : In; sums_stored : Out, a cycle later, what was asked and all responses
        of the output run two before it had come.
    outside : Out, strobe, a burst lies outside the range.
    settled : Out, no piece is under way and all responses have come.
    quiet : Out, nothing is offered on the bus and all responses have come.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "go": In(1),
                "halt": In(1),
                "first_block": In(BLOCK_BITS),
                "last_block": In(BLOCK_BITS),
                "piece_valid": In(1),
                "piece": In(StoreTransfer),
                "piece_pop": Out(1),
                "tile_drained": In(1),
                "dram": Out(DramWriteSignature(beat_bytes=beat_bytes)),
                "read": Out(l2_read_port(beat_bytes)),
                "tile_stored": Out(1),
                "sums_asked": In(1),
                "sums_run": In(RUN_BITS),
                "sums_stored": Out(1),
                "outside": Out(1),
                "settled": Out(1),
                "quiet": Out(1),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.pieces = pieces = Queue(shape=StoreTransfer, depth=4)
        m.submodules.bursts = bursts = Queue(shape=9, depth=16, reserve=3)
        m.submodules.splitter = splitter = BurstSplitter(beat_bytes=self.beat_bytes)
        outstanding = Signal(BURST_BITS)
        sending, issued = self._addresses(m, splitter, pieces, bursts, ~outstanding[-1])
        m.d.comb += [
            pieces.clear.eq(self.go),
            pieces.i.valid.eq(self.piece_pop),
            pieces.i.payload.eq(self.piece),
            bursts.clear.eq(self.go),
        ]
        reading = self._reads(m, pieces)
        beats = self._beats(m, bursts, reading)
        self._responses(m, outstanding, issued)
        m.d.comb += self.dram.b.ready.eq(1)
        m.d.sync += outstanding.eq(
            outstanding + (self.dram.aw.valid & self.dram.aw.ready) - self.dram.b.valid
        )
        m.d.comb += self.quiet.eq(~self.dram.aw.valid & ~bursts.o.valid & (outstanding == 0))
        m.d.comb += self.settled.eq(
            ~sending
            & ~splitter.busy
            & ~pieces.o.valid
            & ~bursts.o.valid
            & ~reading["active"]
            & ~beats.o.valid
            & (outstanding == 0)
        )
        return m

    def _addresses(
        self, m: Module, splitter: BurstSplitter, pieces: Queue, bursts: Queue, ahead: Value
    ) -> tuple[Signal, Signal]:
        """Walk the runs of a piece; `issued` strobes when its last burst is accepted.

        A burst is queued for its data when its address is first offered, whether or not it is
        accepted: `offered` says that it was.
        """
        m.submodules.drained = drained = Credit(
            initial=0, distance=timing.DRAIN_TO_STORE - DATA_PIPELINE, width=4
        )
        m.submodules.runs = box = BoxAddressGenerator(
            levels=(("block", BOUND_BITS), ("row", BOUND_BITS)), address_bits=DRAM_BITS
        )
        active = Signal()
        piece = Signal(StoreTransfer, reset_less=True)
        issued = Signal()
        burst_put = Signal()
        offered = Signal()
        inside = Signal()
        block = Signal(BLOCK_BITS)
        beat_bits = self.beat_bytes.bit_length() - 1
        m.d.comb += [
            drained.clear.eq(self.go),
            drained.i.give.eq(self.tile_drained),
            drained.take.eq(self.piece_pop),
            self.piece_pop.eq(
                self.piece_valid
                & drained.available
                & pieces.i.ready
                & ~self.go
                & ~self.halt
                & (~active | (splitter.run_take & box.last))
            ),
            box.start.eq(self.piece_pop),
            box.origin.eq(self.piece.dram_address),
            box.advance.eq(splitter.run_take),
            box.counts.block.eq(self.piece.blocks),
            box.counts.row.eq(self.piece.rows),
            box.pitches.block.eq(in_beats(piece, self.fields.output_block_pitch)),
            box.pitches.row.eq(in_beats(piece, self.fields.output_row_pitch)),
            splitter.run_valid.eq(active),
            splitter.run_address.eq(box.address),
            splitter.run_beats.eq(in_beats(piece, piece.columns)),
            splitter.cancel.eq(self.halt),
            splitter.ready.eq(self.dram.aw.ready & self.dram.aw.valid),
            burst_put.eq(splitter.valid & bursts.room & ahead & ~self.halt & ~offered),
            self.dram.aw.valid.eq(burst_put | offered),
            self.dram.aw.address.eq(splitter.address),
            self.dram.aw.length.eq(splitter.length),
            block.eq((splitter.address << beat_bits)[ADDRESS_BITS - BLOCK_BITS : ADDRESS_BITS]),
            inside.eq((block >= self.first_block) & (block <= self.last_block)),
            bursts.i.valid.eq(burst_put),
            bursts.i.payload.eq(Cat(splitter.length, inside)),
            self.outside.eq(burst_put & ~inside),
            splitter.run_tag.eq(box.last),
            issued.eq(self.dram.aw.valid & self.dram.aw.ready & splitter.final),
        ]
        m.d.sync += offered.eq(self.dram.aw.valid & ~self.dram.aw.ready)
        with m.If(self.piece_pop):
            m.d.sync += [piece.eq(self.piece), active.eq(1)]
        with m.Elif((splitter.run_take & box.last) | self.go):
            m.d.sync += active.eq(0)
        return active, issued

    def _reads(self, m: Module, pieces: Queue) -> dict[str, Signal]:
        """Walk the words of a piece in L2."""
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
        piece = Signal(StoreTransfer, reset_less=True)
        popped = Signal()
        room = Signal()
        arriving = Signal()
        ending = Signal()
        head = pieces.o.payload
        m.d.comb += [
            self.read.enable.eq(active & room),
            self.read.address.eq(box.address),
            box.advance.eq(self.read.enable),
            pieces.o.ready.eq(~self.go & (~active | (self.read.enable & box.last))),
            popped.eq(pieces.o.valid & pieces.o.ready),
            box.start.eq(popped),
            box.origin.eq(head.l2_address),
            box.counts.block.eq(head.blocks),
            box.counts.row.eq(head.rows),
            box.counts.column.eq(head.columns),
            box.counts.beat.eq(Mux(head.partial_sums, 4, 1)),
            box.pitches.block.eq(Mux(piece.partial_sums, 4, 1)),
            box.pitches.row.eq(in_beats(piece, self.fields.output_l2_row_pitch)),
            box.pitches.column.eq(in_beats(piece, self.fields.output_l2_column_pitch)),
            box.pitches.beat.eq(1),
        ]
        with m.If(popped):
            m.d.sync += [piece.eq(head), active.eq(1)]
        with m.Elif((self.read.enable & box.last) | self.go):
            m.d.sync += active.eq(0)
        m.d.sync += [arriving.eq(self.read.enable & ~self.go), ending.eq(box.last)]
        return {"active": active, "room": room, "arriving": arriving, "ending": ending}

    def _beats(self, m: Module, bursts: Queue, reading: dict[str, Signal]) -> Queue:
        """Data on the channel, in bursts as long as their addresses said."""
        width = 8 * self.beat_bytes
        m.submodules.beats = beats = Queue(shape=width + 1, depth=8, reserve=2)
        sent = Signal()
        position = Signal(8)
        dropping = Signal()
        length, inside = bursts.o.payload[:8], bursts.o.payload[8]
        with m.If(self.halt & (~self.dram.w.valid | self.dram.w.ready)):
            m.d.sync += dropping.eq(1)
        m.d.comb += [
            beats.clear.eq(self.go),
            beats.i.valid.eq(reading["arriving"] & ~dropping),
            beats.i.payload[:width].eq(self.read.data),
            beats.i.payload[width].eq(reading["ending"]),
            reading["room"].eq(beats.room),
            self.dram.w.valid.eq(bursts.o.valid & (beats.o.valid | dropping)),
            self.dram.w.data.eq(beats.o.payload[:width]),
            self.dram.w.strobe.eq(inside & ~dropping),
            self.dram.w.last.eq(position == length),
            sent.eq(self.dram.w.valid & self.dram.w.ready),
            beats.o.ready.eq(sent & ~dropping),
            bursts.o.ready.eq(sent & self.dram.w.last),
            self.tile_stored.eq(sent & beats.o.payload[width] & ~dropping),
        ]
        with m.If(self.go | (sent & self.dram.w.last)):
            m.d.sync += position.eq(0)
        with m.Elif(sent):
            m.d.sync += position.eq(position + 1)
        return beats

    def _responses(self, m: Module, outstanding: Signal, issued: Signal) -> None:
        """After how many more responses each of the last runs is safely in DRAM.

        Responses come in order, so those that are missing when the last burst of a run is accepted
        are that run's and its predecessors'. A run that is four runs old was asked for by nobody.
        """
        runs = Signal(RUN_BITS)
        missing = Array(Signal(BURST_BITS, name=f"missing_{i}") for i in range(RING))
        lead = Signal(signed(RUN_BITS))
        wanted = Signal(RUN_BITS)
        for count in missing:
            m.d.sync += count.eq(Mux(count == 0, 0, count - self.dram.b.valid))
        with m.If(self.go):
            m.d.sync += runs.eq(0)
        with m.Elif(issued):
            m.d.sync += [
                runs.eq(runs + 1),
                missing[runs[:2]].eq(outstanding + 1 - self.dram.b.valid),
            ]
        m.d.comb += [
            wanted.eq(self.sums_run - 2),
            lead.eq(runs - (self.sums_run - 1)),
        ]
        m.d.sync += self.sums_stored.eq(self.sums_asked & (lead >= 0) & (missing[wanted[:2]] == 0))


def in_beats(transfer: Any, pixels: Value) -> Value:
    """Beats of so many pixels of a channel block: partial sums take four a pixel."""
    return Mux(transfer.partial_sums, pixels << 2, pixels)
