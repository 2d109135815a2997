"""Store, second half: addresses and data go out, responses come back."""

from collections.abc import Hashable, Set
from typing import Any, Final

from amaranth.hdl import Array, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.memory.global_buffer import l2_read_port
from naas_hw.rtl.primitives.axi import DramWriteSignature
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.bursts import (
    LENGTH_BITS,
    RUN_BEATS_BITS,
    BurstSplitter,
    Run,
    end_of_run,
)
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit, CreditSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.register_slice import RegisterSlice
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    RUN_BITS,
    StoredRunSignature,
    StoreTransfer,
    check_extent_bits,
)
from naas_hw.workload.option import Option

DATA_PIPELINE: Final = 4 + timing.L2_LATENCY
"""Cycles from the decision to store a transfer to its first beat on the channel."""

MOST_UNANSWERED: Final = timing.WRITE_AHEAD_BURSTS + 1
"""Bursts without a response at most: those of the limit, and one that was offered before this was
seen."""

BURST_BITS: Final = MOST_UNANSWERED.bit_length()
RING: Final = 4
"""Output runs whose responses are counted at a time."""

ADDRESS_BITS: Final = 32
BLOCK_BITS: Final = ADDRESS_BITS - (RANGE_BYTES - 1).bit_length()
"""Bits of the number of a block of `RANGE_BYTES`."""

RUN_LEVELS: Final = ("block", "row")
PIXEL_LEVEL: Final = "pixel"
"""Inside a row, where pixels can be apart."""
BEAT_LEVEL: Final = ("beat", 3)

FIELDS: Final = (
    "output_block_pitch",
    "output_row_pitch",
    "output_l2_row_pitch",
    "output_l2_column_pitch",
)
PITCHED_FIELDS: Final = (*FIELDS, "output_pixel_pitch")
"""Those of a writer that can leave pixels out between its own."""


class OfferedBurst(data.Struct):
    """A burst whose address was offered, and whose data are to follow.

    Members
    -------
    length : beats minus one.
    inside : it lies in the range that may be written.
    """

    length: unsigned(LENGTH_BITS)
    inside: unsigned(1)


def in_beats(transfer: Any, pixels: Value) -> Value:
    """Beats of so many pixels of a channel block: partial sums take four a pixel."""
    return Mux(transfer.partial_sums, pixels << 2, pixels)


class Writer(SharedComponent):
    """Writes transfers to DRAM, each as soon as drain has left it.

    Data run ahead into a short queue, so beats follow one another without a gap, over the borders
    of rows, bursts and transfers, also where each has a burst of its own. No channel waits for
    another: data are offered whether or not their address was accepted, as AXI4 demands. At most
    `WRITE_AHEAD_BURSTS` bursts and one more are without a response.

    A burst that is not within the blocks `first_block` to `last_block` goes on in its time with all
    strobes low. `halt` ends a layer at any moment without breaking the protocol: no new address is
    offered, and the data of those that are there go out with all strobes low until it is `quiet`.
    Golden model: a list of the beats of each transfer, with their DRAM and L2 addresses.

    Parameters
    ----------
    options : optional hardware of the accelerator. With `PITCHED_STORE` each pixel is a run of its
        own where `output_pixel_pitch` is not 1, but those of partial sums.
    beat_bytes : bytes of a beat, a power of two.
    extent_bits : bits of an extent of a transfer, see `transfer.extent_bits`.

    Members
    -------
    halt : In, 1 bit; level, until the reset that follows; it counts from the second cycle on.
    fields : In, the fields of the descriptor in `FIELDS`, or in `PITCHED_FIELDS`.
    first_block, last_block : In, BLOCK_BITS; the range that may be written, in blocks of
        `RANGE_BYTES`.
    i : In, stream of `StoreTransfer`.
    tile_drained : In, `CreditSignature`; drain has left an output tile.
    dram : Out, `DramWriteSignature`; responses are always taken.
    l2 : Out, `l2_read_port`.
    tile_stored : Out, `CreditSignature`, with the last beat of a transfer.
    stored_run : In, `StoredRunSignature`; all responses of the output run two before the one that
        asks had come.
    outside : Out, 1 bit; strobe, a burst lies outside the range.
    settled : Out, 1 bit; no transfer is under way and all responses have come.
    quiet : Out, 1 bit; nothing is offered on the bus and all responses have come.

    Latency
    -------
    The first beat of a transfer is offered DATA_PIPELINE cycles after the transfer was taken; a
    beat a cycle. The writer is quiet and settled after reset.

    Raises
    ------
    ValueError : the beat is no power of two, or the bits are out of range.
    """

    def __init__(
        self,
        options: Set[Option] = frozenset(),
        *,
        beat_bytes: int,
        extent_bits: int = BOUND_BITS,
    ) -> None:
        if beat_bytes < 1 or beat_bytes & (beat_bytes - 1):
            raise ValueError(f"beat_bytes must be a power of two, not {beat_bytes}")
        check_extent_bits(extent_bits)
        self.beat_bytes = beat_bytes
        self.extent_bits = extent_bits
        has_epilogue = bool({Option.RESIDUAL, Option.TABLE} & options)
        self.to_store = timing.drain_to_store(has_epilogue=has_epilogue)
        self.is_pitched = Option.PITCHED_STORE in options
        super().__init__(
            {
                "halt": In(1),
                "fields": In(FieldSignature(PITCHED_FIELDS if self.is_pitched else FIELDS)),
                "first_block": In(BLOCK_BITS),
                "last_block": In(BLOCK_BITS),
                "i": In(stream.Signature(StoreTransfer)),
                "tile_drained": In(CreditSignature()),
                "dram": Out(DramWriteSignature(beat_bytes=beat_bytes)),
                "l2": Out(l2_read_port(beat_bytes)),
                "tile_stored": Out(CreditSignature()),
                "stored_run": In(StoredRunSignature()),
                "outside": Out(1),
                "settled": Out(1),
                "quiet": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes, self.extent_bits, self.to_store, self.is_pitched)

    def build(self, platform: Any) -> Module:
        m = Module()
        names = (*RUN_LEVELS, PIXEL_LEVEL) if self.is_pitched else RUN_LEVELS
        levels = self._levels(*names)
        m.submodules.runs = runs = BoxAddressGenerator(levels=levels, address_bits=DRAM_BITS)
        m.submodules.cut_runs = cut_runs = RegisterSlice(shape=Run)
        m.submodules.splitter = splitter = BurstSplitter(beat_bytes=self.beat_bytes)
        m.submodules.bursts = bursts = Queue(shape=OfferedBurst, depth=16, reserve=3)
        m.submodules.words = words = BoxAddressGenerator(
            levels=(*self._levels(*RUN_LEVELS, "column"), BEAT_LEVEL), address_bits=L2_BITS
        )
        beat = data.StructLayout({"data": 8 * self.beat_bytes, "closes_tile": 1})
        m.submodules.beats = beats = Queue(shape=beat, depth=16, reserve=2 + timing.L2_LATENCY)
        addressing = Signal()
        reading = Signal()
        dropping = Signal()  # data, after a halt
        outstanding = Signal(BURST_BITS)  # bursts without a response
        transfer = Signal(StoreTransfer, reset_less=True)  # the last that was taken
        waiting = Signal()  # its words are not read yet
        begins = Signal()
        addressed = self._cut_into_runs(m, addressing, transfer, runs, cut_runs)
        connect(m, cut_runs.o, splitter.i)
        self._accept(m, transfer, addressing, waiting, begins, addressed, runs)
        self._offer_bursts(m, splitter, bursts, outstanding)
        self._read_words(m, reading, dropping, transfer, waiting, begins, words, beats)
        self._send_beats(m, dropping, bursts, beats)
        self._count_runs(m, splitter, outstanding)
        m.d.comb += [
            self.quiet.eq(~self.dram.aw.valid & ~bursts.o.valid & (outstanding == 0)),
            self.settled.eq(
                ~addressing
                & ~cut_runs.o.valid
                & ~splitter.o.valid
                & ~waiting
                & ~bursts.o.valid
                & ~reading
                & ~beats.o.valid
                & (outstanding == 0)
            ),
        ]
        return m

    def _levels(self, *names: str) -> tuple[tuple[str, int], ...]:
        """Levels of a box, each as wide as an extent."""
        return tuple((name, self.extent_bits) for name in names)

    def _accept(
        self,
        m: Module,
        transfer: Any,
        addressing: Signal,
        waiting: Signal,
        begins: Signal,
        addressed: Value,
        runs: BoxAddressGenerator,
    ) -> None:
        """Take a transfer if its tile is drained and there is room for it.

        Its words are read a cycle later than its addresses are computed, so that the address of a
        burst goes before its data although it passes one more register. A transfer may be taken in
        the cycle in which the words of the one before begin, two cycles after that one. That costs
        no time: drain leaves a tile STEP_PACE cycles after the one before, at the earliest.
        """
        m.submodules.drained = drained = Credit(
            initial=0, distance=self.to_store - DATA_PIPELINE, width=4
        )
        connect(m, flipped(self.tile_drained), drained.i)
        accepted = Signal()
        m.d.comb += [
            self.i.ready.eq(drained.available & (~addressing | addressed) & (~waiting | begins)),
            accepted.eq(self.i.valid & self.i.ready),
            runs.start.eq(accepted),
            drained.take.eq(accepted),
        ]
        with m.If(accepted):
            m.d.sync += [transfer.eq(self.i.payload), addressing.eq(1), waiting.eq(1)]
        with m.Else():
            with m.If(addressed):
                m.d.sync += addressing.eq(0)
            with m.If(begins):
                m.d.sync += waiting.eq(0)

    def _cut_into_runs(
        self,
        m: Module,
        active: Signal,
        transfer: Any,
        runs: BoxAddressGenerator,
        cut_runs: RegisterSlice,
    ) -> Value:
        """Give runs to the splitter; say whether the last of a transfer goes there in this cycle.

        A run is a row of a tile: beats side by side. Pixels that are apart have one each.
        """
        run_taken = Signal()
        beats = Signal(RUN_BEATS_BITS)
        m.d.comb += [
            runs.advance.eq(run_taken),
            runs.origin.eq(self.i.payload.dram_address),
            runs.counts.block.eq(self.i.payload.blocks),
            runs.counts.row.eq(self.i.payload.rows),
            run_taken.eq(active & cut_runs.i.ready),
            cut_runs.i.valid.eq(active),
            cut_runs.i.payload.address.eq(runs.address),
            beats.eq(in_beats(transfer, transfer.columns)),
            cut_runs.i.payload.end.eq(end_of_run(runs.address, beats, beat_bytes=self.beat_bytes)),
            cut_runs.i.payload.is_last.eq(runs.last),
        ]
        with m.If(runs.start):
            m.d.sync += [
                runs.pitches.block.eq(in_beats(self.i.payload, self.fields.output_block_pitch)),
                runs.pitches.row.eq(in_beats(self.i.payload, self.fields.output_row_pitch)),
            ]
        if self.is_pitched:
            self._part_pixels(m, transfer, runs, beats)
        return run_taken & runs.last

    def _part_pixels(
        self, m: Module, transfer: Any, runs: BoxAddressGenerator, beats: Signal
    ) -> None:
        """Where pixels are apart, a row has as many runs of one beat as it has pixels."""
        parted = self.fields.output_pixel_pitch != 1
        m.d.comb += [
            runs.counts.pixel.eq(
                Mux(parted & ~self.i.payload.partial_sums, self.i.payload.columns, 1)
            ),
            runs.pitches.pixel.eq(self.fields.output_pixel_pitch),
        ]
        with m.If(parted & ~transfer.partial_sums):
            m.d.comb += beats.eq(1)

    def _offer_bursts(
        self, m: Module, splitter: BurstSplitter, bursts: Queue, outstanding: Signal
    ) -> None:
        """Give addresses to the bus while not too many bursts are on their way.

        A burst is queued for its data when its address goes to the register at the bus, whether or
        not the bus has accepted it.
        """
        aw = self.dram.aw
        burst = splitter.o.payload
        holds = Signal()
        accepted = aw.valid & aw.ready
        inside = Signal()
        block = Signal(BLOCK_BITS)
        beat_bits = self.beat_bytes.bit_length() - 1
        m.d.comb += [
            aw.valid.eq(splitter.o.valid & ~holds),
            aw.address.eq(burst.address),
            aw.length.eq(burst.length),
            splitter.o.ready.eq(aw.ready & ~holds),
            splitter.cancel.eq(self.halt),
            block.eq((burst.address << beat_bits)[ADDRESS_BITS - BLOCK_BITS : ADDRESS_BITS]),
            inside.eq((block >= self.first_block) & (block <= self.last_block)),
            bursts.i.valid.eq(accepted),
            bursts.i.payload.length.eq(burst.length),
            bursts.i.payload.inside.eq(inside),
            self.outside.eq(accepted & ~inside),
        ]
        m.d.sync += holds.eq(self.halt | ~bursts.room | (outstanding >= timing.WRITE_AHEAD_BURSTS))

    def _read_words(
        self,
        m: Module,
        active: Signal,
        dropping: Signal,
        transfer: Any,
        waiting: Signal,
        begins: Signal,
        words: BoxAddressGenerator,
        beats: Queue,
    ) -> None:
        """Read the words of a transfer from L2 into the queue of beats."""
        ripe = Signal()  # it waits for the second cycle, or longer
        has_room = Signal()
        arriving = delayed(m, self.l2.enable, timing.L2_LATENCY, "arriving")
        closes_tile = delayed(m, words.last, timing.L2_LATENCY, "closes_tile")
        ends = self.l2.enable & words.last
        m.d.comb += [
            self.l2.enable.eq(active & has_room),
            self.l2.address.eq(words.address),
            begins.eq(ripe & (~active | ends)),
            beats.i.valid.eq(arriving & ~dropping),
            beats.i.payload.data.eq(self.l2.data),
            beats.i.payload.closes_tile.eq(closes_tile),
            words.start.eq(begins),
            words.advance.eq(self.l2.enable),
            words.origin.eq(transfer.l2_address),
            words.counts.block.eq(transfer.blocks),
            words.counts.row.eq(transfer.rows),
            words.counts.column.eq(transfer.columns),
            words.counts.beat.eq(Mux(transfer.partial_sums, 4, 1)),
        ]
        m.d.sync += [ripe.eq(waiting & ~begins), has_room.eq(beats.room)]
        with m.If(begins):
            m.d.sync += active.eq(1)
        with m.Elif(ends):
            m.d.sync += active.eq(0)
        self._choose_l2_pitches(m, begins, transfer, words)

    def _choose_l2_pitches(
        self, m: Module, begins: Signal, transfer: Any, words: BoxAddressGenerator
    ) -> None:
        """Registers, from the cycle on in which the first word of the transfer may be read."""
        fields, pitches = self.fields, words.pitches
        m.d.comb += pitches.beat.eq(1)
        with m.If(begins):
            m.d.sync += [
                pitches.block.eq(Mux(transfer.partial_sums, 4, 1)),
                pitches.row.eq(in_beats(transfer, fields.output_l2_row_pitch)),
                pitches.column.eq(in_beats(transfer, fields.output_l2_column_pitch)),
            ]

    def _send_beats(self, m: Module, dropping: Signal, bursts: Queue, beats: Queue) -> None:
        """Data on the channel, in bursts as long as their addresses said."""
        w = self.dram.w
        sent = Signal()
        position = Signal(LENGTH_BITS)  # of the beat in its burst
        with m.If(self.halt & (~w.valid | w.ready)):
            m.d.sync += dropping.eq(1)
        m.d.comb += [
            w.valid.eq(bursts.o.valid & (beats.o.valid | dropping)),
            w.data.eq(beats.o.payload.data),
            w.strobe.eq(bursts.o.payload.inside & ~dropping),
            w.last.eq(position == bursts.o.payload.length),
            sent.eq(w.valid & w.ready),
            beats.o.ready.eq(sent & ~dropping),
            bursts.o.ready.eq(sent & w.last),
            self.tile_stored.give.eq(sent & beats.o.payload.closes_tile & ~dropping),
        ]
        with m.If(sent & w.last):
            m.d.sync += position.eq(0)
        with m.Elif(sent):
            m.d.sync += position.eq(position + 1)

    def _count_runs(self, m: Module, splitter: BurstSplitter, outstanding: Signal) -> None:
        """After how many more responses each of the last output runs is safely in DRAM.

        Responses come in order, so those that are missing when the last burst of a run is accepted
        are that run's and its predecessors'. A run that is four runs old was asked for by nobody.
        """
        aw, b = self.dram.aw, self.dram.b
        accepted = aw.valid & aw.ready
        issued = Signal()  # the last burst of a run, in the cycle before
        num_runs = Signal(RUN_BITS)
        missing = Array(Signal(BURST_BITS, name=f"missing_{i}") for i in range(RING))
        m.d.comb += b.ready.eq(1)
        m.d.sync += [
            issued.eq(accepted & splitter.o.payload.is_last),
            outstanding.eq(outstanding + accepted - b.valid),
        ]
        for count in missing:
            m.d.sync += count.eq(Mux(count == 0, 0, count - b.valid))
        with m.If(issued):
            m.d.sync += [
                num_runs.eq(num_runs + 1),
                missing[num_runs[:2]].eq(outstanding - b.valid),
            ]
        self._answer(m, num_runs, missing)

    def _answer(self, m: Module, num_runs: Signal, missing: Array) -> None:
        """Whether the run two before the one that asks was issued, and all its responses came."""
        lead = Signal(signed(RUN_BITS))
        wanted = Signal(RUN_BITS)
        asked = self.stored_run
        m.d.comb += [
            wanted.eq(asked.output_run - 2),
            lead.eq(num_runs - (asked.output_run - 1)),
        ]
        m.d.sync += asked.stored.eq(asked.ask & (lead >= 0) & (missing[wanted[:2]] == 0))
