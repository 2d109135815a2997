"""Load, second half: addresses go out, data come in and go to L2."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.memory.global_buffer import l2_write_port
from naas_hw.rtl.memory.scale_memory import scale_write_port
from naas_hw.rtl.memory.table_memory import table_write_port
from naas_hw.rtl.primitives.axi import DramReadSignature
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.bursts import RUN_BEATS_BITS, BurstSplitter, Run, end_of_run
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit, CreditSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import masked, sum_with_carry
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.register_slice import RegisterSlice
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
"""Cycles from the decision to read a transfer to its first address on the channel: its first run,
the register behind it, its first burst."""

MOST_OUTSTANDING: Final = timing.READ_AHEAD_BEATS - 1 + 2 * 256
"""Beats that are asked for and not received at most: all but one below the limit, the burst that
exceeds it, and one that was offered before this was seen."""

OUTSTANDING_BITS: Final = MOST_OUTSTANDING.bit_length()

QUEUE_DEPTH: Final = 16
"""Transfers that are requested and not received: no more than two tiles have."""

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


@dataclass(frozen=True, kw_only=True)
class _Following:
    """The transfer that is requested next, in registers.

    `is_scales`, `is_sums` : of its tensor.
    `is_strided` : its pixels are apart in DRAM.
    """

    valid: Signal
    transfer: Any
    is_scales: Signal
    is_sums: Signal
    is_strided: Signal

    @classmethod
    def of(cls, loads: LoadOptions) -> "_Following":
        """Those of a reader of these loads."""
        return cls(
            valid=Signal(name="following_valid"),
            transfer=Signal(loads.tagged(LoadTransfer), name="following", reset_less=True),
            is_scales=Signal(name="following_is_scales"),
            is_sums=Signal(name="following_is_sums"),
            is_strided=Signal(name="following_is_strided"),
        )


class Reader(SharedComponent):
    """Reads transfers, each as soon as its buffer is free, and writes their beats to L2 or scales.

    A transfer waits for: two tiles at most between load and fill (`tile_freed`); for scales, two
    runs of K tiles between load and drain (`scales_freed`); for partial sums, the write response
    of the output run before last (`stored_run`); for a residual, until drain has left the output
    run before last (`output_tile_drained`). These two are never the first transfer of a tile and
    all transfers of a tile carry the same run, so the answer is for the transfer that waits now.
    Data are never refused: their buffer is free. At most `READ_AHEAD_BEATS` beats, and those of
    two bursts, are asked for and not there.

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
    halt : In, 1 bit; level, until the reset that follows; it counts from the second cycle on.
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
    quiet : Out, 1 bit; a cycle ago no address was offered, and every beat that was asked for had
        come.

    Latency
    -------
    The first address of a transfer is offered ADDRESS_PIPELINE cycles after its request began,
    which is a cycle after it was taken at the earliest; those of the next follow without a gap. A
    beat a cycle; it is written in the cycle after. The reader is quiet from the second cycle after
    a reset on.

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
            shape=self.loads.tagged(LoadTransfer), depth=QUEUE_DEPTH, reserve=1
        )
        levels = tuple((name, self.extent_bits) for name in RUN_LEVELS)
        m.submodules.runs = runs = BoxAddressGenerator(levels=levels, address_bits=DRAM_BITS)
        m.submodules.cut_runs = cut_runs = RegisterSlice(shape=Run)
        m.submodules.splitter = splitter = BurstSplitter(beat_bytes=self.beat_bytes)
        m.submodules.words = words = BoxAddressGenerator(
            levels=(*levels, BEAT_LEVEL), address_bits=L2_BITS
        )
        following = _Following.of(self.loads)
        accepted = Signal()  # its request begins
        m.d.comb += [
            requested.i.valid.eq(accepted),
            requested.i.payload.eq(following.transfer),
        ]
        self._hold_next(m, following, accepted)
        allowed = self._check_credits(m, following, accepted)
        self._cut_into_runs(m, following, accepted, allowed, runs, cut_runs)
        connect(m, cut_runs.o, splitter.i)
        self._request_bursts(m, splitter)
        self._take_beats(m, requested, words)
        return m

    def _hold_next(self, m: Module, following: _Following, accepted: Signal) -> None:
        """The next transfer stands in a register, with what its request depends on."""
        transfer = self.i.payload
        tensor = transfer.tag.tensor
        m.d.comb += self.i.ready.eq(~following.valid | accepted)
        with m.If(self.i.ready):
            m.d.sync += [
                following.valid.eq(self.i.valid),
                following.transfer.eq(transfer),
                following.is_scales.eq(tensor == Tensor.SCALES),
                following.is_sums.eq(tensor == Tensor.PARTIAL_SUMS),
                following.is_strided.eq(self._is_strided(transfer)),
            ]

    def _check_credits(self, m: Module, following: _Following, accepted: Signal) -> Value:
        """Whether the buffer of the next transfer is free."""
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
        tag = following.transfer.tag
        m.d.comb += [
            tiles.take.eq(accepted & tag.opens_tile),
            scales.take.eq(accepted & following.is_scales),
            self.stored_run.ask.eq(following.valid),
            self.stored_run.output_run.eq(tag.output_run),
        ]
        allowed = (
            (~tag.opens_tile | tiles.available)
            & (~following.is_scales | scales.available)
            & (~following.is_sums | self.stored_run.stored)
        )
        if self.loads.residual:
            is_residual = tag.tensor == OptionalTensor.RESIDUAL
            allowed &= ~is_residual | self._is_drained(m, following)
        return allowed

    def _is_drained(self, m: Module, following: _Following) -> Signal:
        """Whether drain had left the run two before that of the transfer which waits now."""
        distance = timing.DRAIN_TO_RESIDUAL - ADDRESS_PIPELINE
        given = delayed(m, self.output_tile_drained.give, distance - 2, "tile_drained")
        num_drained = Signal(RUN_BITS)
        lead = Signal(signed(RUN_BITS))
        drained = Signal()
        m.d.comb += lead.eq(num_drained - (following.transfer.tag.output_run - 1))
        m.d.sync += drained.eq(following.valid & (lead >= 0))
        with m.If(given):
            m.d.sync += num_drained.eq(num_drained + 1)
        return drained

    def _cut_into_runs(
        self,
        m: Module,
        following: _Following,
        accepted: Signal,
        allowed: Value,
        runs: BoxAddressGenerator,
        cut_runs: RegisterSlice,
    ) -> None:
        """A run is a row of beats side by side, or a single beat of an image with a stride."""
        transfer = following.transfer
        requesting = Signal()
        run_taken = Signal()
        beats = Signal(RUN_BEATS_BITS, reset_less=True)
        ends = run_taken & runs.last
        m.d.comb += [
            run_taken.eq(requesting & cut_runs.i.ready),
            accepted.eq(following.valid & allowed & (~requesting | ends)),
            runs.start.eq(accepted),
            runs.advance.eq(run_taken),
            runs.origin.eq(transfer.dram_address),
            runs.counts.block.eq(transfer.blocks),
            runs.counts.row.eq(transfer.rows),
            runs.counts.column.eq(Mux(following.is_strided, transfer.columns, 1)),
            cut_runs.i.valid.eq(requesting),
            cut_runs.i.payload.address.eq(runs.address),
            cut_runs.i.payload.end.eq(end_of_run(runs.address, beats, beat_bytes=self.beat_bytes)),
        ]
        with m.If(accepted):
            m.d.sync += [
                requesting.eq(1),
                beats.eq(
                    Mux(following.is_strided, 1, transfer.columns << Mux(following.is_sums, 2, 0))
                ),
            ]
        with m.Elif(ends):
            m.d.sync += requesting.eq(0)
        self._choose_dram_pitches(m, following, accepted, runs)

    def _is_strided(self, transfer: Any) -> Value:
        """Whether the pixels of a row are apart in DRAM."""
        inputs = (transfer.tag.tensor == Tensor.INPUTS) & (self.fields.input_pixel_pitch != 1)
        if not self.loads.pitched:
            return inputs
        is_residual = transfer.tag.tensor == OptionalTensor.RESIDUAL
        return inputs | (is_residual & (self.fields.output_pixel_pitch != 1))

    def _choose_dram_pitches(
        self, m: Module, following: _Following, accepted: Signal, runs: BoxAddressGenerator
    ) -> None:
        """Registers, from the cycle on in which the runs of the transfer begin."""
        fields, pitches = self.fields, runs.pitches
        if not (self.loads.residual and self.loads.pitched):
            m.d.comb += pitches.column.eq(fields.input_pixel_pitch)
        with m.If(accepted):
            m.d.sync += [pitches.block.eq(0), pitches.row.eq(0)]
            with m.Switch(following.transfer.tag.tensor):
                with m.Case(Tensor.SCALES):
                    m.d.sync += pitches.block.eq(fields.scale_tile_words)
                with m.Case(Tensor.INPUTS):
                    m.d.sync += [
                        pitches.block.eq(fields.input_block_pitch),
                        pitches.row.eq(fields.input_row_pitch),
                    ]
                with m.Case(Tensor.PARTIAL_SUMS):
                    m.d.sync += [
                        pitches.block.eq(fields.output_block_pitch << 2),
                        pitches.row.eq(fields.output_row_pitch << 2),
                    ]
                if self.loads.residual:
                    with m.Case(OptionalTensor.RESIDUAL):
                        m.d.sync += [
                            pitches.block.eq(fields.output_block_pitch),
                            pitches.row.eq(fields.output_row_pitch),
                        ]
            if self.loads.residual and self.loads.pitched:
                is_residual = following.transfer.tag.tensor == OptionalTensor.RESIDUAL
                m.d.sync += pitches.column.eq(
                    Mux(is_residual, fields.output_pixel_pitch, fields.input_pixel_pitch)
                )

    def _request_bursts(self, m: Module, splitter: BurstSplitter) -> None:
        """Offer addresses while not too many beats are on their way."""
        ar, r = self.dram.ar, self.dram.r
        holds = Signal()
        outstanding = Signal(OUTSTANDING_BITS)
        asked = ar.valid & ar.ready
        one_less = ~asked & r.valid
        change = masked(ar.length, asked) | one_less.replicate(OUTSTANDING_BITS)
        carry = asked & ~r.valid  # a burst has one beat more than its length says
        m.d.comb += [
            ar.valid.eq(splitter.o.valid & ~holds),
            ar.address.eq(splitter.o.payload.address),
            ar.length.eq(splitter.o.payload.length),
            splitter.o.ready.eq(ar.ready & ~holds),
            splitter.cancel.eq(self.halt),
        ]
        m.d.sync += [
            holds.eq(self.halt | (outstanding >= timing.READ_AHEAD_BEATS)),
            outstanding.eq(sum_with_carry(outstanding, change, carry)),
            self.quiet.eq(~ar.valid & (outstanding == 0)),
        ]

    def _take_beats(self, m: Module, requested: Queue, words: BoxAddressGenerator) -> None:
        """The beats of a transfer come in the order in which they were asked for.

        The next transfer stands in a register before its first beat is there.
        """
        has_next = Signal()
        transfer = Signal(self.loads.tagged(LoadTransfer), name="awaited", reset_less=True)
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
            begins.eq(has_next & (~receiving | self.transfer_done)),
            requested.o.ready.eq(~has_next | begins),
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
        with m.If(requested.o.ready):
            m.d.sync += [has_next.eq(requested.o.valid), transfer.eq(requested.o.payload)]
        with m.If(begins):
            m.d.sync += [
                receiving.eq(1),
                tensor.eq(transfer.tag.tensor),
                releases_fill.eq(transfer.tag.releases_fill),
            ]
        with m.Elif(self.transfer_done):
            m.d.sync += receiving.eq(0)
        self._choose_l2_pitches(m, begins, transfer, words)
        self._write(m, taken, tensor, words)

    def _follow_release(self, m: Module, begins: Signal, transfer: Any, tensor: Signal) -> Value:
        """Whether drain has all that it needs after the transfer that comes in now."""
        if not self.loads.residual:
            return tensor == Tensor.PARTIAL_SUMS
        releases_drain = Signal(reset_less=True)
        with m.If(begins):
            m.d.sync += releases_drain.eq(transfer.tag.releases_drain)
        return releases_drain

    def _choose_l2_pitches(
        self, m: Module, begins: Signal, transfer: Any, words: BoxAddressGenerator
    ) -> None:
        """Registers, from the cycle on in which the first beat of the transfer may come."""
        fields, pitches = self.fields, words.pitches
        m.d.comb += pitches.beat.eq(1)
        with m.If(begins):
            m.d.sync += [pitches.block.eq(1), pitches.row.eq(0), pitches.column.eq(1)]
            with m.Switch(transfer.tag.tensor):
                with m.Case(Tensor.SCALES):
                    m.d.sync += pitches.block.eq(1 << COMPONENT_SHIFT)
                with m.Case(Tensor.INPUTS):
                    m.d.sync += [
                        pitches.row.eq(fields.input_l2_row_pitch),
                        pitches.column.eq(fields.input_l2_column_pitch),
                    ]
                with m.Case(Tensor.PARTIAL_SUMS):
                    m.d.sync += [
                        pitches.block.eq(4),
                        pitches.row.eq(fields.output_l2_row_pitch << 2),
                        pitches.column.eq(fields.output_l2_column_pitch << 2),
                    ]
                if self.loads.residual:
                    with m.Case(OptionalTensor.RESIDUAL):
                        m.d.sync += [
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
