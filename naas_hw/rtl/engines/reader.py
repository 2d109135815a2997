"""Load, second half: addresses go out, data come in and go to L2."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.layout import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.memory.global_buffer import l2_write_port
from naas_hw.rtl.memory.scale_memory import scale_write_port
from naas_hw.rtl.memory.table_memory import table_write_port
from naas_hw.rtl.primitives.axi import DramReadSignature
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.bursts import RUN_BEATS_BITS, BurstSplitter
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit, CreditSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    COMPONENT_SHIFT,
    NO_OPTIONS,
    RUN_BITS,
    LoadOptions,
    LoadTransfer,
    OptionalTensor,
    StoredRunSignature,
    Tensor,
    check_extent_bits,
)

ADDRESS_PIPELINE: Final = 3
"""Cycles from the decision to read a transfer to its first address on the channel."""

OUTSTANDING_BITS: Final = (timing.READ_AHEAD_BEATS + 255).bit_length()
"""Of the beats that were asked for and not received: the limit, and all of a burst but a beat."""

QUEUE_DEPTH: Final = 16

RUN_LEVELS: Final = ("block", "row", "column")
BEAT_LEVEL: Final = ("beat", 3)

FIELDS: Final = (
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


def fields_of(loads: LoadOptions) -> tuple[str, ...]:
    """The fields of the descriptor that a reader of these loads reads."""
    return (*FIELDS, *(("output_pixel_pitch",) if loads.pitched else ()))


class Reader(SharedComponent):
    """Reads transfers, each as soon as its buffer is free, and writes their beats to L2 or scales.

    A transfer waits for: two tiles at most between load and fill (`tile_freed`); for scales, two
    runs of K tiles between load and drain (`scales_freed`); for partial sums, the write response
    of the output run before last (`stored_run`); for a residual, until drain has left the output
    run before last (`output_tile_drained`). These two are never the first transfer of a tile and
    all transfers of a tile carry the same run, so the answer is for the transfer that waits now.
    Data are never refused: their buffer is free. At most `READ_AHEAD_BEATS` beats, and the rest of
    a burst, are asked for and not there.

    `halt` ends a layer at any moment without breaking the protocol: no new address is offered, and
    all beats that were asked for are taken until it is `quiet`. Golden model: a list of the beats
    of each transfer, with their DRAM and L2 addresses.

    Parameters
    ----------
    loads : what is loaded beside the four tensors that every layer has.
    beat_bytes : bytes of a beat, a power of two.
    extent_bits : bits of an extent of a transfer, see `transfer.extent_bits`.

    Members
    -------
    go : In, 1 bit; begin of a layer; nothing of another one is under way.
    halt : In, 1 bit; level, until the reset that follows.
    fields : In, the fields of the descriptor in `fields_of(loads)`.
    i : In, stream of `LoadTransfer`, tagged as `loads` says.
    tile_freed : In, `CreditSignature`; fill has left the operands of a tile.
    scales_freed : In, `CreditSignature`; drain has left a half of the scale memory.
    stored_run : Out, `StoredRunSignature`.
    output_tile_drained : In, `CreditSignature`, where there are residuals; drain has left an output
        tile.
    dram : Out, `DramReadSignature`.
    l2 : Out, `l2_write_port`; the beat that was taken one cycle ago.
    scales : Out, `scale_write_port`; the beat that was taken one cycle ago.
    table : Out, `table_write_port`, where there are tables; the beat that was taken one cycle ago.
    tile_loaded : Out, `CreditSignature`, with the last beat of a tile's operands.
    output_tile_loaded : Out, `CreditSignature`, with the last beat of what drain reads of an output
        tile: its partial sums, its residual, or both.
    transfer_done : Out, 1 bit; strobe with the last beat of any transfer.
    quiet : Out, 1 bit; no address is offered and every beat that was asked for has come.

    Latency
    -------
    The first address of a transfer is offered ADDRESS_PIPELINE cycles after it was taken, and
    those of the next follow without a gap. A beat a cycle; it is written in the cycle after. The
    reader is quiet after reset.

    Raises
    ------
    ValueError : the beat is no power of two, or the bits are out of range.
    """

    def __init__(
        self,
        loads: LoadOptions = NO_OPTIONS,
        *,
        beat_bytes: int,
        extent_bits: int = BOUND_BITS,
    ) -> None:
        if beat_bytes < 1 or beat_bytes & (beat_bytes - 1):
            raise ValueError(f"beat_bytes must be a power of two, not {beat_bytes}")
        check_extent_bits(extent_bits)
        self.loads = loads
        self.beat_bytes = beat_bytes
        self.extent_bits = extent_bits
        super().__init__(
            {
                "go": In(1),
                "halt": In(1),
                "fields": In(FieldSignature(fields_of(loads))),
                "i": In(stream.Signature(loads.tagged(LoadTransfer))),
                "tile_freed": In(CreditSignature()),
                "scales_freed": In(CreditSignature()),
                "stored_run": Out(StoredRunSignature()),
                **({"output_tile_drained": In(CreditSignature())} if loads.residual else {}),
                "dram": Out(DramReadSignature(beat_bytes=beat_bytes)),
                "l2": Out(l2_write_port(beat_bytes)),
                "scales": Out(scale_write_port(beat_bytes)),
                **({"table": Out(table_write_port(beat_bytes))} if loads.table_words else {}),
                "tile_loaded": Out(CreditSignature()),
                "output_tile_loaded": Out(CreditSignature()),
                "transfer_done": Out(1),
                "quiet": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads, self.beat_bytes, self.extent_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.requested = requested = Queue(
            shape=self.loads.tagged(LoadTransfer), depth=QUEUE_DEPTH
        )
        levels = tuple((name, self.extent_bits) for name in RUN_LEVELS)
        m.submodules.runs = runs = BoxAddressGenerator(levels=levels, address_bits=DRAM_BITS)
        m.submodules.splitter = splitter = BurstSplitter(beat_bytes=self.beat_bytes)
        m.submodules.words = words = BoxAddressGenerator(
            levels=(*levels, BEAT_LEVEL), address_bits=L2_BITS
        )
        accepted = Signal()  # a transfer is taken in this cycle
        m.d.comb += [
            accepted.eq(self.i.valid & self.i.ready),
            requested.clear.eq(self.go),
            requested.i.valid.eq(accepted),
            requested.i.payload.eq(self.i.payload),
        ]
        allowed = self._check_credits(m, accepted) & requested.i.ready
        self._cut_into_runs(m, accepted, allowed, runs, splitter)
        self._request_bursts(m, splitter)
        self._take_beats(m, requested, words)
        return m

    def _check_credits(self, m: Module, accepted: Signal) -> Value:
        """Whether the buffer of the transfer that waits is free."""
        m.submodules.tiles = tiles = Credit(
            initial=2, distance=timing.FILL_TO_LOAD - ADDRESS_PIPELINE
        )
        m.submodules.scale_halves = scales = Credit(
            initial=2, distance=timing.DRAIN_TO_SCALES - ADDRESS_PIPELINE
        )
        assert timing.RESPONSE_TO_LOAD == ADDRESS_PIPELINE + 2, (
            "RESPONSE_TO_LOAD is the address pipeline plus two registers: count, compare"
        )
        connect(m, flipped(self.tile_freed), tiles.i)
        connect(m, flipped(self.scales_freed), scales.i)
        transfer = self.i.payload
        is_scales = transfer.tag.tensor == Tensor.SCALES
        m.d.comb += [
            tiles.clear.eq(self.go),
            tiles.take.eq(accepted & transfer.tag.opens_tile),
            scales.clear.eq(self.go),
            scales.take.eq(accepted & is_scales),
            self.stored_run.ask.eq(self.i.valid),
            self.stored_run.output_run.eq(transfer.tag.output_run),
        ]
        allowed = (
            (~transfer.tag.opens_tile | tiles.available)
            & (~is_scales | scales.available)
            & ((transfer.tag.tensor != Tensor.PARTIAL_SUMS) | self.stored_run.stored)
        )
        if self.loads.residual:
            is_residual = transfer.tag.tensor == OptionalTensor.RESIDUAL
            allowed &= ~is_residual | self._is_drained(m)
        return allowed

    def _is_drained(self, m: Module) -> Signal:
        """Whether drain had left the run two before that of the transfer which waits now."""
        distance = timing.DRAIN_TO_RESIDUAL - ADDRESS_PIPELINE
        given = delayed(
            m, self.output_tile_drained.give, distance - 2, "tile_drained", clear=self.go
        )
        num_drained = Signal(RUN_BITS)
        lead = Signal(signed(RUN_BITS))
        drained = Signal()
        m.d.comb += lead.eq(num_drained - (self.i.payload.tag.output_run - 1))
        m.d.sync += drained.eq(self.i.valid & (lead >= 0))
        with m.If(self.go):
            m.d.sync += num_drained.eq(0)
        with m.Elif(given):
            m.d.sync += num_drained.eq(num_drained + 1)
        return drained

    def _cut_into_runs(
        self,
        m: Module,
        accepted: Signal,
        allowed: Value,
        runs: BoxAddressGenerator,
        splitter: BurstSplitter,
    ) -> None:
        """A run is a row of beats side by side, or a single beat of an image with a stride."""
        transfer = self.i.payload
        requesting = Signal()
        strided = Signal()
        run_taken = Signal()
        beats = Signal(RUN_BEATS_BITS, reset_less=True)
        is_sums = transfer.tag.tensor == Tensor.PARTIAL_SUMS
        ends = run_taken & runs.last
        m.d.comb += [
            run_taken.eq(splitter.i.valid & splitter.i.ready),
            self.i.ready.eq(allowed & ~self.halt & (~requesting | ends)),
            strided.eq(self._is_strided(transfer)),
            runs.start.eq(accepted),
            runs.advance.eq(run_taken),
            runs.origin.eq(transfer.dram_address),
            runs.counts.block.eq(transfer.blocks),
            runs.counts.row.eq(transfer.rows),
            runs.counts.column.eq(Mux(strided, transfer.columns, 1)),
            splitter.i.valid.eq(requesting),
            splitter.i.payload.address.eq(runs.address),
            splitter.i.payload.beats.eq(beats),
            splitter.cancel.eq(self.halt),
        ]
        with m.If(accepted):
            m.d.sync += [
                requesting.eq(1),
                beats.eq(Mux(strided, 1, transfer.columns << Mux(is_sums, 2, 0))),
            ]
        with m.Elif(ends | self.go):
            m.d.sync += requesting.eq(0)
        self._choose_dram_pitches(m, accepted, runs)

    def _is_strided(self, transfer: Any) -> Value:
        """Whether the pixels of a row are apart in DRAM."""
        inputs = (transfer.tag.tensor == Tensor.INPUTS) & (self.fields.input_pixel_pitch != 1)
        if not self.loads.pitched:
            return inputs
        is_residual = transfer.tag.tensor == OptionalTensor.RESIDUAL
        return inputs | (is_residual & (self.fields.output_pixel_pitch != 1))

    def _choose_dram_pitches(self, m: Module, accepted: Signal, runs: BoxAddressGenerator) -> None:
        fields, pitches = self.fields, runs.pitches
        requested_tensor = Signal(self.loads.tensor, reset_less=True)
        with m.If(accepted):
            m.d.sync += requested_tensor.eq(self.i.payload.tag.tensor)
        m.d.comb += pitches.column.eq(fields.input_pixel_pitch)
        with m.Switch(requested_tensor):
            with m.Case(Tensor.SCALES):
                m.d.comb += pitches.block.eq(fields.scale_tile_words)
            with m.Case(Tensor.INPUTS):
                m.d.comb += [
                    pitches.block.eq(fields.input_block_pitch),
                    pitches.row.eq(fields.input_row_pitch),
                ]
            with m.Case(Tensor.PARTIAL_SUMS):
                m.d.comb += [
                    pitches.block.eq(fields.output_block_pitch << 2),
                    pitches.row.eq(fields.output_row_pitch << 2),
                ]
            if self.loads.residual:
                with m.Case(OptionalTensor.RESIDUAL):
                    m.d.comb += [
                        pitches.block.eq(fields.output_block_pitch),
                        pitches.row.eq(fields.output_row_pitch),
                    ]
                    if self.loads.pitched:
                        m.d.comb += pitches.column.eq(fields.output_pixel_pitch)

    def _request_bursts(self, m: Module, splitter: BurstSplitter) -> None:
        """Offer addresses while not too many beats are on their way; no offer is withdrawn."""
        ar, r = self.dram.ar, self.dram.r
        offered = Signal()
        outstanding = Signal(OUTSTANDING_BITS)
        asked = Mux(ar.valid & ar.ready, ar.length + 1, 0)
        m.d.comb += [
            ar.valid.eq(offered | (splitter.o.valid & ~outstanding[-1] & ~self.halt)),
            ar.address.eq(splitter.o.payload.address),
            ar.length.eq(splitter.o.payload.length),
            splitter.o.ready.eq(ar.ready & ar.valid),
            self.quiet.eq(~ar.valid & (outstanding == 0)),
        ]
        m.d.sync += [
            offered.eq(ar.valid & ~ar.ready),
            outstanding.eq(outstanding + asked - r.valid),
        ]

    def _take_beats(self, m: Module, requested: Queue, words: BoxAddressGenerator) -> None:
        """The beats of a transfer come in the order in which they were asked for."""
        transfer = requested.o.payload
        receiving = Signal()
        taken = Signal()
        begins = Signal()
        tensor = Signal(self.loads.tensor, reset_less=True)
        releases_drain = self._follow_release(m, begins, transfer, tensor)
        releases_fill = Signal(reset_less=True)
        m.d.comb += [
            self.dram.r.ready.eq(1),
            taken.eq(receiving & self.dram.r.valid),
            self.transfer_done.eq(taken & words.last),
            requested.o.ready.eq(~receiving | self.transfer_done),
            begins.eq(requested.o.valid & requested.o.ready),
            words.start.eq(begins),
            words.advance.eq(taken),
            words.origin.eq(transfer.destination),
            words.counts.block.eq(transfer.blocks),
            words.counts.row.eq(transfer.rows),
            words.counts.column.eq(transfer.columns),
            words.counts.beat.eq(Mux(transfer.tag.tensor == Tensor.PARTIAL_SUMS, 4, 1)),
            self.tile_loaded.give.eq(self.transfer_done & releases_fill),
            self.output_tile_loaded.give.eq(self.transfer_done & releases_drain),
        ]
        with m.If(begins):
            m.d.sync += [
                receiving.eq(1),
                tensor.eq(transfer.tag.tensor),
                releases_fill.eq(transfer.tag.releases_fill),
            ]
        with m.Elif(self.transfer_done | self.go):
            m.d.sync += receiving.eq(0)
        self._choose_l2_pitches(m, tensor, words)
        self._write(m, taken, tensor, words)

    def _follow_release(self, m: Module, begins: Signal, transfer: Any, tensor: Signal) -> Value:
        """Whether drain has all that it needs after the transfer that comes in now."""
        if not self.loads.residual:
            return tensor == Tensor.PARTIAL_SUMS
        releases_drain = Signal(reset_less=True)
        with m.If(begins):
            m.d.sync += releases_drain.eq(transfer.tag.releases_drain)
        return releases_drain

    def _choose_l2_pitches(self, m: Module, tensor: Signal, words: BoxAddressGenerator) -> None:
        fields, pitches = self.fields, words.pitches
        m.d.comb += pitches.beat.eq(1)
        with m.Switch(tensor):
            with m.Case(Tensor.SCALES):
                m.d.comb += [pitches.block.eq(1 << COMPONENT_SHIFT), pitches.column.eq(1)]
            with m.Case(Tensor.WEIGHTS):
                m.d.comb += pitches.column.eq(1)
            with m.Case(Tensor.INPUTS):
                m.d.comb += [
                    pitches.block.eq(1),
                    pitches.row.eq(fields.input_l2_row_pitch),
                    pitches.column.eq(fields.input_l2_column_pitch),
                ]
            with m.Case(Tensor.PARTIAL_SUMS):
                m.d.comb += [
                    pitches.block.eq(4),
                    pitches.row.eq(fields.output_l2_row_pitch << 2),
                    pitches.column.eq(fields.output_l2_column_pitch << 2),
                ]
            if self.loads.table_words:
                with m.Case(OptionalTensor.TABLE):
                    m.d.comb += pitches.column.eq(1)
            if self.loads.residual:
                with m.Case(OptionalTensor.RESIDUAL):
                    m.d.comb += [
                        pitches.block.eq(1),
                        pitches.row.eq(fields.output_l2_row_pitch),
                        pitches.column.eq(fields.output_l2_column_pitch),
                    ]

    def _write(self, m: Module, taken: Signal, tensor: Signal, words: BoxAddressGenerator) -> None:
        """A beat goes to L2 or to the scale memory in the cycle after it was taken."""
        writes_l2 = Signal()
        writes_scales = Signal()
        address = Signal(L2_BITS)
        beat = Signal(8 * self.beat_bytes, reset_less=True)
        is_scales = tensor == Tensor.SCALES
        to_l2 = ~is_scales
        if self.loads.table_words:
            to_l2 &= tensor != OptionalTensor.TABLE
            self._write_table(m, taken & (tensor == OptionalTensor.TABLE), address, beat)
        m.d.sync += [
            writes_l2.eq(taken & to_l2),
            writes_scales.eq(taken & is_scales),
            address.eq(words.address),
            beat.eq(self.dram.r.data),
        ]
        m.d.comb += [
            self.l2.enable.eq(writes_l2.replicate(self.beat_bytes)),
            self.l2.address.eq(address),
            self.l2.data.eq(beat),
            self.scales.enable.eq(writes_scales),
            self.scales.address.eq(address),
            self.scales.data.eq(beat),
        ]

    def _write_table(self, m: Module, taken: Value, address: Signal, beat: Signal) -> None:
        """A beat of a table, in the cycle after it was taken."""
        writes_table = Signal()
        m.d.sync += writes_table.eq(taken)
        m.d.comb += [
            self.table.enable.eq(writes_table),
            self.table.address.eq(address),
            self.table.data.eq(beat),
        ]
