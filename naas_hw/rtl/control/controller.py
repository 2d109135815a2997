"""The controller: fetches descriptors, checks them, runs one layer after the other."""

from collections.abc import Hashable, Iterator
from math import prod
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import enum
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.layout import (
    BOUNDS,
    COUNTS,
    DESCRIPTOR_VERSION,
    DRAM_BITS,
    MAGIC,
    NEST,
    OUTER,
    SLOT_BYTES,
    STATIC_FIELDS,
    descriptor_beats,
)
from naas_hw.rtl.control.registers import NUM_ERRORS
from naas_hw.rtl.primitives.config import RECORD_STROBES, FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.positions import accumulator_words
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = (
    "magic",
    "format",
    "identity",
    "need_weight_words",
    "need_input_bytes",
    "need_accumulator_words",
    "need_scale_words",
    "need_l2_words",
    "used",
    *COUNTS,
    *BOUNDS[NEST],
    *BOUNDS[OUTER],
)


class Error(enum.IntEnum):
    """Bits of the status register."""

    START_WHILE_BUSY = 0
    DESCRIPTOR_READ = 1
    NOT_A_DESCRIPTOR = 2
    OTHER_ACCELERATOR = 3
    ZERO_BOUND = 4
    DEPTH_EXCEEDED = 5
    USED_EXCEEDED = 6
    DATA_READ = 7
    DATA_WRITE = 8
    CHECKSUM = 9
    OTHER_FORMAT = 10
    WRITE_OUTSIDE = 11
    WATCHDOG = 12


FINDINGS = (
    Error.NOT_A_DESCRIPTOR,
    Error.OTHER_ACCELERATOR,
    Error.ZERO_BOUND,
    Error.DEPTH_EXCEEDED,
    Error.USED_EXCEEDED,
    Error.CHECKSUM,
    Error.OTHER_FORMAT,
)
"""What may be wrong with a descriptor that has come; each ends the list before its layer begins."""


class Controller(SharedComponent):
    """Runs a list of descriptors; an impossible one ends the list with an error.

    A descriptor whose checksum is wrong is impossible, whatever else it says. A bad response of the
    bus does not stop a layer: the layer goes on to its end, in its time, and the error is in the
    status. An expired watchdog does: `halt` keeps load and store from offering anything new, and
    when they are quiet the list ends. After every layer `flush` puts the engines into the state
    after a reset, so nothing of a layer reaches the next one, however it ended.

    Parameters
    ----------
    accelerator : sizes to check against; identity : 32 bits that a descriptor has to carry.

    Members
    -------
    start, start_while_busy : In, strobes; first_slot (beats), num_descriptors : In.
    ar_valid, ar_address : Out; ar_ready : In. The address of a descriptor's only burst.
    r_valid, r_error, r_data : In; fetching : Out, a beat is taken in each cycle with both.
    data_write_error, data_read_error, write_outside : In, strobes.
    shift : Out, to the config register; the beats of the checksum do not go there.
    expired : In, the watchdog's; restart_watchdog : Out, strobe.
    go : Out, T0 of a layer.
    layer_done : In, nothing of the layer is under way any more.
    quiet : In, nothing is under way on the bus.
    halt : Out, level; flush : Out, strobe, its last cycle.
    busy, done, errors : Out.
    in_layer : Out, between T0 and the end of a layer.
    """

    def __init__(self, accelerator: Accelerator, *, identity: int) -> None:
        self.accelerator = accelerator
        self.identity_constant = identity
        super().__init__(
            {
                "start": In(1),
                "start_while_busy": In(1),
                "first_slot": In(DRAM_BITS),
                "num_descriptors": In(32),
                "ar_valid": Out(1),
                "ar_ready": In(1),
                "ar_address": Out(DRAM_BITS),
                "r_valid": In(1),
                "r_error": In(1),
                "r_data": In(8 * accelerator.beat_bytes),
                "fetching": Out(1),
                "data_read_error": In(1),
                "data_write_error": In(1),
                "write_outside": In(1),
                "shift": Out(1),
                "expired": In(1),
                "restart_watchdog": Out(1),
                "go": Out(1),
                "layer_done": In(1),
                "quiet": In(1),
                "halt": Out(1),
                "flush": Out(1),
                "busy": Out(1),
                "done": Out(1),
                "in_layer": Out(1),
                "errors": Out(NUM_ERRORS),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator, self.identity_constant)

    def build(self, platform: Any) -> Module:
        m = Module()
        beats = descriptor_beats(self.accelerator)
        left = Signal(32)
        beat = Signal(range(beats + 1))
        bad = Signal()
        taken = Signal()
        arrived = Signal()
        found = delayed(m, arrived, timing.DESCRIPTOR_TO_LAYER - 2, "found")
        checked = delayed(m, found, 1, "checked")
        first = taken & (beat == beats)
        is_whole = self._is_whole(m, taken, first)
        findings = self._findings(m, self._zero_bound(m, first), is_whole)
        m.d.comb += [
            taken.eq(self.fetching & self.r_valid),
            self.shift.eq(taken & (beat > timing.CHECKSUM_BEATS)),
            self.busy.eq(left != 0),
            self.errors[Error.START_WHILE_BUSY].eq(self.start_while_busy),
            self.errors[Error.DATA_READ].eq(self.data_read_error),
            self.errors[Error.DATA_WRITE].eq(self.data_write_error),
            self.errors[Error.WRITE_OUTSIDE].eq(self.write_outside),
            self.errors[Error.DESCRIPTOR_READ].eq(taken & self.r_error),
            self.errors[Error.WATCHDOG].eq(self.expired & self.busy),
        ]
        m.d.sync += arrived.eq(taken & (beat == 1))
        with m.If(taken):
            m.d.sync += [beat.eq(beat - 1), bad.eq(bad | self.r_error)]
            with m.If(beat == 1):
                m.d.sync += self.fetching.eq(0)
        with m.If(self.ar_valid & self.ar_ready):
            m.d.sync += self.ar_valid.eq(0)
        with m.If(checked & ~self.go):
            m.d.comb += self.done.eq(1)
            with m.If(~bad):
                m.d.comb += [self.errors[error].eq(findings[i]) for i, error in enumerate(FINDINGS)]
        m.d.sync += self.go.eq(found & ~bad & ~findings.any() & ~self.expired)
        following = self._end(m, left)
        self._fetch(m, left, beat, bad, following, beats)
        return m

    def _end(self, m: Module, left: Signal) -> Signal:
        """The end of a layer, and of the list; gives whether another layer follows."""
        finished = Signal()
        stopped = Signal()
        following = Signal()
        m.d.comb += [
            finished.eq(self.in_layer & self.layer_done & ~self.expired),
            stopped.eq(self.in_layer & self.quiet & self.expired & self.halt),
            self.halt.eq((self.in_layer & self.expired) | self.flush),
        ]
        m.d.sync += self.flush.eq(finished | stopped)
        with m.If(self.go):
            m.d.sync += self.in_layer.eq(1)
        with m.If(finished | stopped):
            m.d.sync += [self.in_layer.eq(0), left.eq(left - 1)]
        with m.If(stopped | (finished & (left == 1))):
            m.d.comb += self.done.eq(1)
        with m.Elif(finished):
            m.d.comb += following.eq(1)
        with m.If(self.done):
            m.d.sync += left.eq(0)
        return following

    def _is_whole(self, m: Module, taken: Value, first: Value) -> Value:
        """Whether the checksum at the end is that of all beats before it."""
        m.submodules.crc = crc = CRC32_ISO_HDLC(data_width=8 * self.accelerator.beat_bytes).create()
        m.d.comb += [crc.start.eq(first), crc.valid.eq(taken), crc.data.eq(self.r_data)]
        return crc.match_detected

    def _fetch(
        self, m: Module, left: Signal, beat: Signal, bad: Signal, following: Signal, beats: int
    ) -> None:
        """Start, or go on to the next slot, and ask for its descriptor."""
        slot_beats = SLOT_BYTES // self.accelerator.beat_bytes
        wanted = Signal()
        started = Signal()
        m.d.comb += started.eq(self.start & (self.num_descriptors != 0))
        m.d.sync += wanted.eq(started | following)
        m.d.comb += self.restart_watchdog.eq(wanted)
        with m.If(self.start & (self.num_descriptors == 0)):
            m.d.comb += self.done.eq(1)
        with m.If(started):
            m.d.sync += [left.eq(self.num_descriptors), self.ar_address.eq(self.first_slot)]
        with m.Elif(following):
            m.d.sync += self.ar_address.eq(self.ar_address + slot_beats)
        with m.If(wanted):
            m.d.sync += [
                self.ar_valid.eq(1),
                self.fetching.eq(1),
                beat.eq(beats),
                bad.eq(0),
            ]

    def _zero_bound(self, m: Module, starts: Value) -> Value:
        """Whether a loop of the records that came, or a walk, has no trip."""
        zero = Signal()
        with m.If(starts):
            m.d.sync += zero.eq(0)
        for count, names in BOUNDS.items():
            is_zero = Cat(getattr(self.fields, name) == 0 for name in names).any()
            with m.If(getattr(self.fields, RECORD_STROBES[count]) & is_zero):
                m.d.sync += zero.eq(1)
        uncounted = Signal()
        m.d.sync += uncounted.eq(Cat(entry == 0 for entry in self._counts()).any())
        return zero | uncounted

    def _counts(self) -> Iterator[Value]:
        """Every entry of the fields of counts, which stand still when they are looked at."""
        for spec in STATIC_FIELDS:
            if spec.name in COUNTS:
                field = getattr(self.fields, spec.name)
                yield from [field] if spec.count == 1 else (field[i] for i in range(spec.count))

    def _findings(self, m: Module, zero_bound: Value, is_whole: Value) -> Value:
        """What is wrong with the descriptor, registered; a bit for each of `FINDINGS`."""
        a = self.accelerator
        limits = (
            (self.fields.need_weight_words, a.weight_buffer_bytes // a.weight_word_bytes),
            (self.fields.need_input_bytes, a.input_buffer_bytes),
            (self.fields.need_accumulator_words, accumulator_words(a)),
            (self.fields.need_scale_words, a.scale_depth // a.drain_lanes),
            (self.fields.need_l2_words, a.num_banks * a.bank_words),
        )
        sizes = [axis.size for axis in a.axes] + [1] * (3 - len(a.axes))
        assert prod(sizes) == a.num_pes
        used = [self.fields.used[i] for i in range(3)]
        found = Signal(len(FINDINGS))
        m.d.sync += found.eq(
            Cat(
                self.fields.magic != MAGIC,
                self.fields.identity != self.identity_constant,
                zero_bound,
                Cat(need > limit for need, limit in limits).any(),
                Cat((u == 0) | (u > size) for u, size in zip(used, sizes, strict=True)).any(),
                ~is_whole,
                self.fields.format != DESCRIPTOR_VERSION,
            )
        )
        return found
