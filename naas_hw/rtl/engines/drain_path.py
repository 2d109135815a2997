"""Drain, data: from the accumulators over partial sums, requantisers and epilogue to L2."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, SUM_BYTES, Accelerator
from naas_hw.compiler.fields import L2_BITS
from naas_hw.rtl.array.signatures import AccumulatorReadSignature
from naas_hw.rtl.engines import epilogue
from naas_hw.rtl.engines.drain import drain_beat
from naas_hw.rtl.engines.epilogue import Epilogue
from naas_hw.rtl.engines.requantiser import Requantiser
from naas_hw.rtl.memory.delay_memory import DelayMemory
from naas_hw.rtl.memory.global_buffer import l2_read_port, l2_write_port
from naas_hw.rtl.memory.scale_memory import ScaleMemory, scale_write_port
from naas_hw.rtl.memory.table_memory import table_write_port
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.logic import all_of, any_of
from naas_hw.rtl.primitives.positions import Position, positions
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.layer import Dim

FIELDS: Final = ("beat_lanes_log2", "output_zero_point", "clamp_min", "clamp_max")

BYTE_BITS: Final = 8

SUMMED_CYCLE: Final = timing.DRAIN_PIPELINE - timing.REQUANTISE_LATENCY
"""Cycles from a beat to its partial sums."""


def _field_names(accelerator: Accelerator) -> tuple[str, ...]:
    """Fields of the descriptor that the drain path reads."""
    residual = ("residual",) if accelerator.residual else ()
    once = ("rounds_once",) if accelerator.single_rounding else ()
    return (*FIELDS, *once, *residual, *epilogue.fields_of(accelerator.options))


@dataclass(frozen=True)
class _Write:
    """What a beat ends in."""

    final: Value
    """It writes bytes."""
    byte: Value
    """Address of the first byte in its tile, the lowest bits."""
    lanes: list[Value]
    """Whether each lane is written."""
    address: Value
    """Of the word in L2."""
    totals: Value
    """A word of partial sums."""
    bytes: list[Value]
    """Of each lane."""


class DrainPath(SharedComponent):
    """Takes D numbers a cycle out of the accumulators and writes them to L2.

    To each number the partial sum of an earlier visit is added, if the beat has one. The result is
    written as it is, or as a byte: requantised, and changed by the epilogue where there is one. A
    beat that becomes bytes reads the residual of its outputs, if the layer has one. A beat whose
    partial sums fill several words comes as often, with the number of a word each time.
    Lane m works for channels whose number is m modulo D. A beat that holds fewer channels than
    there are lanes is repeated over them, and byte enables pick the right ones. Golden model: these
    rules, and `workload.arithmetic`.

    Parameters
    ----------
    accelerator : axes, widths, scale memory, options.

    Members
    -------
    fields : In, the descriptor's FIELDS, those of the epilogue, and `rounds_once` where it can.
    i : In, stream of `drain_beat`, always ready.
    accumulators : Out, `AccumulatorReadSignature`.
    partial_sums : Out, `l2_read_port`.
    write : Out, `l2_write_port`.
    scales : In, `scale_write_port`, from load.
    table : In, `table_write_port`, from load, where there is a table.
    residual : Out, `l2_read_port`, where there is a residual.

    Latency
    -------
    `timing.drain_pipeline` cycles from a beat to its write, one beat a cycle; partial sums are
    addressed in the cycle after it, numbers NUMBERS_READ cycles, a residual DRAIN_TO_RESIDUAL + 1
    cycles after it.
    Nothing is read or written after a reset until the next beat.

    Raises
    ------
    Nothing.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.groups = positions(accelerator, OUTPUT_DIMS)
        self.lanes = accelerator.drain_lanes
        self.lane_bits = self.lanes.bit_length() - 1
        self.sum_words = accelerator.drain_lanes // accelerator.sum_lanes
        self.sum_bits = accelerator.sum_lanes.bit_length() - 1
        self.beat = drain_beat(accelerator.options, sum_words=self.sum_words)
        self.pipeline = timing.drain_pipeline(has_epilogue=accelerator.has_epilogue)
        beat_bytes = accelerator.beat_bytes
        members = {
            "fields": In(FieldSignature(_field_names(accelerator))),
            "i": In(stream.Signature(self.beat, always_ready=True)),
            "accumulators": Out(AccumulatorReadSignature(accelerator)),
            "partial_sums": Out(l2_read_port(beat_bytes)),
            "write": Out(l2_write_port(beat_bytes)),
            "scales": In(scale_write_port(beat_bytes)),
        }
        if accelerator.table:
            members["table"] = In(table_write_port(beat_bytes))
        if accelerator.residual:
            members["residual"] = Out(l2_read_port(beat_bytes))
        super().__init__(members)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        valid = Signal()
        beats = [
            Signal(self.beat, name=f"beat_{n}", reset_less=True)
            for n in range(timing.DRAIN_PIPELINE)
        ]
        m.d.sync += valid.eq(self.i.valid)
        m.d.sync += [
            late.eq(beat) for late, beat in zip(beats, [self.i.payload, *beats], strict=False)
        ]
        asks = timing.NUMBERS_READ - 1
        self._read_accumulators(m, delayed(m, valid, asks, "reads_numbers"), beats[asks])
        self._read_partial_sums(m)
        read = asks + timing.MEMORY_LATENCY  # the beat whose numbers are there
        numbers = self._numbers(m, beats[read])
        scales = self._scales(m, beats[read])
        sums = self._partial_sums(m, beats[read])
        totals = [self._total(m, k, numbers[k], sums[k]) for k in range(self.lanes)]
        requantised = [self._requantise(m, k, totals[k], scales) for k in range(self.lanes)]
        word = self._sum_word(totals, beats[SUMMED_CYCLE - 1])
        if self.accelerator.has_epilogue:
            write = self._epilogue(m, valid, beats, word, requantised)
        else:
            write = self._without_epilogue(m, beats, word, requantised)
        self._write(m, delayed(m, valid, self.pipeline - 1, "valid"), write)
        return m

    # Reads -----------------------------------------------------------------------------------

    def _read_accumulators(self, m: Module, valid: Value, beat: Any) -> None:
        port = self.accumulators
        m.d.comb += [
            port.groups.eq(Cat(valid & self._is_in(group, beat) for group in self.groups)),
            port.lanes.eq(self._lanes_of(beat)),
            port.half.eq(beat.half),
            port.address.eq(
                beat.accumulator >> (self.accelerator.accumulator_lanes.bit_length() - 1)
            ),
        ]

    def _is_in(self, group: Position, beat: Any) -> Value:
        """Whether a beat is of this group."""
        hits: list[Value] = []
        indices: tuple[tuple[Dim, Value], ...] = (("P", beat.p), ("Q", beat.q), ("K", beat.k_group))
        for dim, index in indices:
            each = self.accelerator.drain_group if dim == "K" else 1
            bits = (self.accelerator.sizes[dim] // each - 1).bit_length()
            if bits:
                hits.append(index[:bits] == group[dim] // each)
        each = self.accelerator.drain_group
        if each > self.accelerator.sum_lanes:
            hits.append(self._moves(beat, Const(0), group["K"] % each))
        return all_of(hits)

    def _lanes_of(self, beat: Any) -> Value:
        """Lanes of a word that hold channels of the beat which move now."""
        return Cat(self._hits(beat, beat.accumulator, self.accelerator.accumulator_lanes))

    def _hits(self, beat: Any, place: Value, lanes: int) -> list[Value]:
        """For each lane whether it is one of the beat's that move now; they begin at this place."""
        if lanes == 1:
            return [Const(1)]
        first = place[: lanes.bit_length() - 1]
        hits: list[Value] = [((first ^ k) >> self._beat_lanes_log2) == 0 for k in range(lanes)]
        if self.sum_words == 1:
            return hits
        return [hit & self._moves(beat, first, k) for k, hit in enumerate(hits)]

    @property
    def _beat_lanes_log2(self) -> Value:
        """The bits of the field that the lanes of this accelerator need."""
        log2: Value = self.fields.beat_lanes_log2[: self.lane_bits.bit_length()]
        return log2

    def _moves(self, beat: Any, first: Value, lane: int) -> Value:
        """Whether a lane's number moves now, in a beat that begins at this lane."""
        word = ((first >> self.sum_bits) + beat.part)[: len(beat.part)]
        return self._moves_at_once(beat) | (word == lane >> self.sum_bits)

    @staticmethod
    def _moves_at_once(beat: Any) -> Value:
        """Whether a beat has no partial sums in L2, neither before nor behind it."""
        moves: Value = beat.final & ~beat.revisit
        return moves

    def _sum_address(self, beat: Any) -> Value:
        """Word of the partial sums of a beat in L2."""
        first = beat.sums_base + (beat.byte >> self.sum_bits)
        return first if self.sum_words == 1 else first + beat.part

    def _numbers(self, m: Module, beat: Any) -> list[Signal]:
        """The number of each lane, registered: from groups side by side, or lanes of a word."""
        numbers = [Signal(32, name=f"number_{k}", reset_less=True) for k in range(self.lanes)]
        each = self.accelerator.drain_group
        words = self.accumulators.words
        for k, number in enumerate(numbers):
            if self.accelerator.has("K"):
                m.d.sync += number.eq(words[k % each])
            else:
                m.d.sync += number.eq(self._word_lane(words[0], k, beat))
        return numbers

    def _word_lane(self, word: Value, k: int, beat: Any) -> Value:
        """Lane k of the beat's channels in a word of D; fewer channels are repeated."""
        offset = beat.accumulator[: self.lane_bits]
        chosen: Value = word.word_select(k, 32)
        for log2 in range(self.lane_bits):
            first = (offset >> log2) << log2
            narrow = word.word_select((first + k % (1 << log2))[: self.lane_bits], 32)
            chosen = Mux(self._beat_lanes_log2 == log2, narrow, chosen)
        return chosen

    def _read_partial_sums(self, m: Module) -> None:
        """A cycle after the beat, so that the sums come with the numbers."""
        beat = self.i.payload
        m.d.sync += [
            self.partial_sums.enable.eq(self.i.valid & beat.revisit),
            self.partial_sums.address.eq(self._sum_address(beat)),
        ]

    def _partial_sums(self, m: Module, beat: Any) -> list[Value]:
        """What is added in each lane, a cycle later: zero in a first visit."""
        sums = Signal(8 * self.accelerator.beat_bytes, reset_less=True)
        m.d.sync += sums.eq(self.partial_sums.data)
        with m.If(~beat.revisit):
            m.d.sync += sums.eq(0)
        each = self.accelerator.sum_lanes
        return [sums.word_select(k % each, 32) for k in range(self.lanes)]

    def _scales(self, m: Module, beat: Any) -> ScaleMemory:
        """Bias, multiplier and shift of all lanes, two cycles after their address."""
        half_words = self.accelerator.scale_depth // self.lanes
        m.submodules.scale_memory = scales = ScaleMemory(
            beat_bytes=self.accelerator.beat_bytes,
            beats_per_word=self.sum_words,
            words=2 * half_words,
        )
        connect(m, flipped(self.scales), scales.write)
        half = Mux(beat.scale_half, half_words, 0)
        m.d.comb += scales.address.eq(half + (beat.channel >> self.lane_bits))
        return scales

    # Results ---------------------------------------------------------------------------------

    @staticmethod
    def _total(m: Module, k: int, number: Value, partial_sum: Value) -> Signal:
        total = Signal(signed(32), name=f"total_{k}", reset_less=True)
        m.d.sync += total.eq(number + partial_sum)
        return total

    def _requantise(self, m: Module, k: int, total: Value, scales: ScaleMemory) -> Value:
        """The byte of a lane."""
        requantiser = Requantiser(single_rounding=self.accelerator.single_rounding)
        m.submodules[f"requantiser_{k}"] = requantiser
        clamp = ("clamp_min", "clamp_max")
        connect(m, part_of(flipped(self.fields), *clamp), part_of(requantiser, *clamp))
        m.d.comb += [
            requantiser.accumulator.eq(total),
            requantiser.bias.eq(scales.bias.word_select(k, 32)),
            requantiser.multiplier.eq(scales.multiplier.word_select(k, 32)),
            requantiser.shift.eq(scales.shift.word_select(k, 32)),
            requantiser.zero_point.eq(self.fields.output_zero_point),
        ]
        if self.accelerator.single_rounding:
            m.d.comb += requantiser.rounds_once.eq(self.fields.rounds_once)
        byte: Value = requantiser.o
        return byte

    def _sum_word(self, totals: list[Signal], beat: Any) -> Value:
        """The word of partial sums that a beat is at."""
        if self.sum_words == 1:
            return Cat(totals)
        word = ((beat.byte >> self.sum_bits) + beat.part)[: len(beat.part)]
        return Cat(totals).word_select(word, 32 * self.accelerator.sum_lanes)

    def _without_epilogue(
        self, m: Module, beats: Sequence[Any], word: Value, requantised: list[Value]
    ) -> _Write:
        """Bytes as they leave the requantisers; the partial sums wait for as long."""
        last = beats[-1]
        return _Write(
            final=last.final,
            byte=last.byte,
            lanes=self._hits(last, last.byte, self.lanes),
            address=self._address(m, beats[-2]),
            totals=delayed(m, word, timing.REQUANTISE_LATENCY, "totals"),
            bytes=requantised,
        )

    def _epilogue(
        self,
        m: Module,
        valid: Value,
        beats: Sequence[Any],
        word: Value,
        requantised: list[Value],
    ) -> _Write:
        """Bytes as the epilogue changes them; all else waits for them in a memory."""
        part = self._add_epilogue(m, valid, beats, requantised)
        late = Signal(self._kept, name="late")
        m.submodules.delay = delay = DelayMemory(
            width=self._kept.size, cycles=timing.REQUANTISE_LATENCY + part.LATENCY
        )
        before, beat = beats[SUMMED_CYCLE - 2 : SUMMED_CYCLE]
        parts = [beat.revisit, beat.part] if self.sum_words > 1 else []
        byte = beat.byte[: self.accelerator.beat_bytes.bit_length() - 1]
        m.d.comb += [
            delay.i.eq(Cat(beat.final, byte, self._address(m, before), word, *parts)),
            late.eq(delay.o),
        ]
        return _Write(
            final=late.final,
            byte=late.byte,
            lanes=self._hits(late, late.byte, self.lanes),
            address=late.address,
            totals=late.totals,
            bytes=[part.o[k] for k in range(self.lanes)],
        )

    @property
    def _kept(self) -> data.StructLayout:
        """What is known of a beat when its partial sums are there."""
        parts = {}
        if self.sum_words > 1:
            parts = {"revisit": 1, "part": (self.sum_words - 1).bit_length()}
        return data.StructLayout(
            {
                "final": 1,
                "byte": self.accelerator.beat_bytes.bit_length() - 1,
                "address": L2_BITS,
                "totals": 8 * self.accelerator.beat_bytes,
                **parts,
            }
        )

    def _add_epilogue(
        self, m: Module, valid: Value, beats: Sequence[Any], requantised: list[Value]
    ) -> Epilogue:
        options = self.accelerator.options
        m.submodules.epilogue = part = Epilogue(
            options, lanes=self.lanes, beat_bytes=self.accelerator.beat_bytes
        )
        connect(m, self.fields.select(part.fields.signature.names), part.fields)
        m.d.comb += [part.i[k].eq(byte) for k, byte in enumerate(requantised)]
        if self.accelerator.table:
            connect(m, flipped(self.table), part.table)
        if self.accelerator.residual:
            m.d.comb += part.residual.as_value().eq(self._residual(m, valid, beats))
        return part

    def _residual(self, m: Module, valid: Value, beats: Sequence[Any]) -> Signal:
        """The residual's byte of each lane, when the byte of the requantiser is there."""
        address = Signal(L2_BITS, name="residual_address", reset_less=True)
        residual = Signal(BYTE_BITS * self.lanes, name="residual_bytes", reset_less=True)
        wait = timing.DRAIN_TO_RESIDUAL
        beat_bits = self.accelerator.beat_bytes.bit_length() - 1
        addressed, arriving = beats[wait - 1], beats[wait + timing.L2_LATENCY]
        part = self._part_of_word(arriving.byte)
        reads = valid & beats[0].final & self.fields.residual
        m.d.sync += [
            address.eq(addressed.residual_base + (addressed.byte >> beat_bits)),
            residual.eq(self.residual.data.word_select(part, BYTE_BITS * self.lanes)),
        ]
        m.d.comb += [
            self.residual.enable.eq(delayed(m, reads, wait, "reads_residual")),
            self.residual.address.eq(address),
        ]
        return residual

    def _part_of_word(self, byte: Value) -> Value:
        """Which D bytes of a word lie at an address."""
        beat_bits = self.accelerator.beat_bytes.bit_length() - 1
        return byte[self.lane_bits : beat_bits] if self.lane_bits < beat_bits else Const(0)

    def _write(self, m: Module, valid: Value, write: _Write) -> None:
        """Write bytes or partial sums."""
        lanes = [Signal(name=f"writes_lane_{k}") for k in range(self.lanes)]
        m.d.comb += Cat(lanes).eq(Cat(write.lanes))
        each = self.accelerator.sum_lanes
        sums = [any_of(lanes[k::each]) for k in range(each)]
        sum_enables = Cat(is_written.replicate(SUM_BYTES) for is_written in sums)
        enable = Mux(write.final, self._byte_enables(m, write.byte, lanes), sum_enables)
        all_bytes = Cat(write.bytes).replicate(self.accelerator.beat_bytes // self.lanes)
        m.d.comb += [
            self.write.enable.eq(Mux(valid, enable, 0)),
            self.write.address.eq(write.address),
            self.write.data.eq(Mux(write.final, all_bytes, write.totals)),
        ]

    def _address(self, m: Module, beat: Any) -> Signal:
        """Where a beat writes, a cycle later."""
        beat_bits = self.accelerator.beat_bytes.bit_length() - 1
        address = Signal(L2_BITS, name="address", reset_less=True)
        m.d.sync += address.eq(
            Mux(beat.final, beat.output_base + (beat.byte >> beat_bits), self._sum_address(beat))
        )
        return address

    def _byte_enables(self, m: Module, byte: Value, lanes: list[Signal]) -> Value:
        """The lanes that are written, in the part of the word that the beat's address says."""
        part = self._part_of_word(byte)
        num_parts = self.accelerator.beat_bytes // self.lanes
        writes_part = [Signal(name=f"writes_part_{n}") for n in range(num_parts)]
        m.d.comb += [writes.eq(part == n) for n, writes in enumerate(writes_part)]
        return Cat(writes & lane for writes in writes_part for lane in lanes)
