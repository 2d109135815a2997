"""The controller: fetches descriptors, checks them, runs one layer after the other."""

from collections.abc import Hashable, Iterator
from math import prod
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import enum
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.mapping.descriptor import (
    BOUNDS,
    COUNTS,
    DRAM_BITS,
    HELD,
    MAGIC,
    NEST,
    OUTER,
    SLOT_BYTES,
    descriptor_beats,
)
from naas_hw.rtl.config import WRITES, field_ports
from naas_hw.rtl.credit import delayed
from naas_hw.rtl.positions import accumulator_words
from naas_hw.rtl.registers import NUM_ERRORS
from naas_hw.rtl.shared import SharedComponent

FIELDS = (
    "magic",
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


class Controller(SharedComponent):
    """Runs a list of descriptors; an impossible one ends the list with an error.

    A bad response of the bus does not stop a layer: the layer goes on to its end, in its time, and
    the error is in the status. So there is no state in which a transfer is left hanging.

    Parameters
    ----------
    accelerator : sizes to check against; identity : 32 bits that a descriptor has to carry.

    Members
    -------
    start, start_while_busy : In, strobes; first_slot (beats), num_descriptors : In.
    ar_valid, ar_address : Out; ar_ready : In. The address of a descriptor's only burst.
    r_valid, r_error, r_data : In; fetching : Out, a beat is taken in each cycle with both.
    write_error, data_read_error : In, strobes.
    shift : Out, to the config register.
    go : Out, T0 of a layer.
    layer_done : In, nothing of the layer is under way any more.
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
                "shift": Out(1),
                "go": Out(1),
                "layer_done": In(1),
                "busy": Out(1),
                "done": Out(1),
                "in_layer": Out(1),
                "errors": Out(NUM_ERRORS),
                **field_ports(FIELDS),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator, self.identity_constant)

    def build(self, platform: Any) -> Module:
        m = Module()
        beats = descriptor_beats(self.accelerator)
        left, beat, bad = Signal(32), Signal(range(beats + 1)), Signal()
        arrived = Signal()
        found = delayed(m, arrived, timing.DESCRIPTOR_TO_LAYER - 2, "found")
        checked = delayed(m, found, 1, "checked")
        findings = self._findings(m, self._zero_bound(m, self.shift & (beat == beats)))
        m.d.comb += [
            self.shift.eq(self.fetching & self.r_valid),
            self.busy.eq(left != 0),
            self.errors[Error.START_WHILE_BUSY].eq(self.start_while_busy),
            self.errors[Error.DATA_READ].eq(self.data_read_error),
            self.errors[Error.DATA_WRITE].eq(self.data_write_error),
            self.errors[Error.DESCRIPTOR_READ].eq(self.shift & self.r_error),
        ]
        m.d.sync += arrived.eq(self.shift & (beat == 1))
        with m.If(self.shift):
            m.d.sync += [beat.eq(beat - 1), bad.eq(bad | self.r_error)]
            with m.If(beat == 1):
                m.d.sync += self.fetching.eq(0)
        with m.If(self.ar_valid & self.ar_ready):
            m.d.sync += self.ar_valid.eq(0)
        with m.If(checked & bad):
            m.d.comb += self.done.eq(1)
        with m.Elif(checked & findings.any()):
            m.d.comb += [
                self.done.eq(1),
                self.errors[Error.NOT_A_DESCRIPTOR : Error.USED_EXCEEDED + 1].eq(findings),
            ]
        m.d.sync += self.go.eq(found & ~bad & ~findings.any())
        with m.If(self.go):
            m.d.sync += self.in_layer.eq(1)
        finished, following = Signal(), Signal()
        m.d.comb += finished.eq(self.in_layer & self.layer_done)
        with m.If(finished):
            m.d.sync += [self.in_layer.eq(0), left.eq(left - 1)]
            with m.If(left == 1):
                m.d.comb += self.done.eq(1)
            with m.Else():
                m.d.comb += following.eq(1)
        with m.If(self.done):
            m.d.sync += left.eq(0)
        self._fetch(m, left, beat, bad, following, beats)
        return m

    def _fetch(
        self, m: Module, left: Signal, beat: Signal, bad: Signal, following: Signal, beats: int
    ) -> None:
        """Start, or go on to the next slot, and ask for its descriptor."""
        slot_beats = SLOT_BYTES // self.accelerator.beat_bytes
        wanted = Signal()
        started = Signal()
        m.d.comb += started.eq(self.start & (self.num_descriptors != 0))
        m.d.sync += wanted.eq(started | following)
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
            is_zero = Cat(getattr(self, name) == 0 for name in names).any()
            with m.If(getattr(self, WRITES[count]) & is_zero):
                m.d.sync += zero.eq(1)
        uncounted = Signal()
        m.d.sync += uncounted.eq(Cat(entry == 0 for entry in self._counts()).any())
        return zero | uncounted

    def _counts(self) -> Iterator[Value]:
        """Every entry of the fields of counts, which stand still when they are looked at."""
        for spec in HELD:
            if spec.name in COUNTS:
                field = getattr(self, spec.name)
                yield from [field] if spec.count == 1 else (field[i] for i in range(spec.count))

    def _findings(self, m: Module, zero_bound: Value) -> Value:
        """What is wrong with the descriptor, registered; bits from NOT_A_DESCRIPTOR on."""
        a = self.accelerator
        limits = (
            (self.need_weight_words, a.weight_buffer_bytes // a.weight_word_bytes),
            (self.need_input_bytes, a.input_buffer_bytes),
            (self.need_accumulator_words, accumulator_words(a)),
            (self.need_scale_words, a.scale_depth // a.drain_lanes),
            (self.need_l2_words, a.num_banks * a.bank_words),
        )
        sizes = [axis.size for axis in a.axes] + [1] * (3 - len(a.axes))
        assert prod(sizes) == a.num_pes
        used = [self.used[i] for i in range(3)]
        found = Signal(5)
        m.d.sync += found.eq(
            Cat(
                self.magic != MAGIC,
                self.identity != self.identity_constant,
                zero_bound,
                Cat(need > limit for need, limit in limits).any(),
                Cat((u == 0) | (u > size) for u, size in zip(used, sizes, strict=True)).any(),
            )
        )
        return found
