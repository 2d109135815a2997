"""Drain, data: from the accumulators over sums and requantisers to L2."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator
from naas_hw.compiler.layout import L2_BITS
from naas_hw.rtl.array.signatures import AccumulatorReadSignature
from naas_hw.rtl.engines.drain import DrainBeat
from naas_hw.rtl.engines.requantiser import Requantiser
from naas_hw.rtl.memory.global_buffer import l2_read_port, l2_write_port
from naas_hw.rtl.memory.ports import WritePortSignature
from naas_hw.rtl.memory.ram import Ram
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import all_of, any_of
from naas_hw.rtl.primitives.positions import Position, positions
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.layer import Dim

FIELDS = ("beat_lanes_log2", "output_zero_point", "clamp_min", "clamp_max")
COMPONENTS = ("bias", "multiplier", "shift")


def scale_write_port(beat_bytes: int) -> WritePortSignature:
    """Writes of the scale memory; the component is in the two highest of 16 bits of an address."""
    return WritePortSignature(address_bits=L2_BITS, data_bits=8 * beat_bytes)


class DrainPath(SharedComponent):
    """Moves D outputs a cycle; what comes in with a beat is written DRAIN_PIPELINE cycles later.

    Lane m works for channels whose number is m modulo D. A beat that holds fewer channels than
    there are lanes is repeated over them, and byte enables pick the right ones.

    Parameters
    ----------
    accelerator : axes, widths, scale memory.

    Members
    -------
    i : In, stream of `DrainBeat`, always ready.
    accumulators : Out, `AccumulatorReadSignature`.
    partial_sums : Out, `l2_read_port`.
    write : Out, `l2_write_port`.
    scales : In, `scale_write_port`, from load.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        a = accelerator
        self.groups = positions(a, OUTPUT_DIMS)
        beat = a.beat_bytes
        super().__init__(
            {
                "i": In(stream.Signature(DrainBeat, always_ready=True)),
                "accumulators": Out(AccumulatorReadSignature(a)),
                "partial_sums": Out(l2_read_port(beat)),
                "write": Out(l2_write_port(beat)),
                "scales": In(scale_write_port(beat)),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        a = self.accelerator
        lanes = a.drain_lanes
        active = Signal()
        beat = Signal(DrainBeat, reset_less=True)
        m.d.sync += [active.eq(self.i.valid), beat.eq(self.i.payload)]
        lane_bits = lanes.bit_length() - 1
        m.d.comb += [
            self.accumulators.groups.eq(
                Cat(active & self._is_in(group, beat) for group in self.groups)
            ),
            self.accumulators.lanes.eq(self._lanes_of(beat)),
            self.accumulators.half.eq(beat.half),
            self.accumulators.address.eq(
                beat.accumulator >> (a.accumulator_lanes.bit_length() - 1)
            ),
            self.partial_sums.enable.eq(active & beat.revisit),
            self.partial_sums.address.eq(beat.sums_base + (beat.byte >> lane_bits)),
        ]
        picked = self._pick(m, delayed(m, beat, 1, "beat_read"))
        sums = Signal(8 * a.beat_bytes, reset_less=True)
        m.d.sync += sums.eq(self.partial_sums.data)
        beat_summed = delayed(m, beat, 2, "beat_summed")
        scales = self._scales(m, delayed(m, beat, 1, "beat_scale"))
        results = [
            self._lane(
                m, k, picked[k], Mux(beat_summed.revisit, sums.word_select(k, 32), 0), scales
            )
            for k in range(lanes)
        ]
        self._write(m, active, beat, results)
        return m

    def _is_in(self, group: Position, beat: Any) -> Value:
        """Whether a beat is of this group."""
        found: list[Value] = []
        indices: tuple[tuple[Dim, Value], ...] = (("P", beat.p), ("Q", beat.q), ("K", beat.k_group))
        for dim, index in indices:
            each = self.accelerator.drain_group if dim == "K" else 1
            bits = (self.accelerator.sizes[dim] // each - 1).bit_length()
            if bits:
                found.append(index[:bits] == group[dim] // each)
        return all_of(found)

    def _lanes_of(self, beat: Any) -> Value:
        """Lanes of a word that hold channels of the beat."""
        lanes = self.accelerator.accumulator_lanes
        if lanes == 1:
            return Const(1)
        offset = beat.accumulator[: lanes.bit_length() - 1]
        return Cat(((offset ^ k) >> self.fields.beat_lanes_log2) == 0 for k in range(lanes))

    def _pick(self, m: Module, beat: Any) -> list[Signal]:
        """The number of each lane, registered: from groups side by side, or lanes of a word."""
        a = self.accelerator
        each = a.drain_group
        picked = [Signal(32, name=f"picked_{k}", reset_less=True) for k in range(a.drain_lanes)]
        words: dict[int, Signal] = {}
        for member in range(each):
            words[member] = Signal(32 * a.accumulator_lanes, name=f"word_{member}")
            members = [
                self.accumulators.words[i]
                for i, group in enumerate(self.groups)
                if group.get("K", 0) % each == member
            ]
            m.d.comb += words[member].eq(any_of(members))
        for k in range(a.drain_lanes):
            if a.has("K"):
                m.d.sync += picked[k].eq(words[k % each])
            else:
                m.d.sync += picked[k].eq(self._word_lane(words[0], k, beat))
        return picked

    def _word_lane(self, word: Signal, k: int, beat: Any) -> Value:
        """Lane k of the beat's channels in a word of D; fewer channels are repeated."""
        lane_bits = self.accelerator.drain_lanes.bit_length() - 1
        offset = beat.accumulator[:lane_bits]
        chosen: Value = word.word_select(k, 32)
        for log2 in range(lane_bits):
            first = (offset >> log2) << log2
            narrow = word.word_select((first + k % (1 << log2))[:lane_bits], 32)
            chosen = Mux(self.fields.beat_lanes_log2 == log2, narrow, chosen)
        return chosen

    def _scales(self, m: Module, beat: Any) -> dict[str, Value]:
        """Bias, multiplier and shift of all lanes; there two cycles after their address."""
        a = self.accelerator
        lane_bits = a.drain_lanes.bit_length() - 1
        half_words = a.scale_depth // a.drain_lanes
        found: dict[str, Value] = {}
        for i, name in enumerate(COMPONENTS):
            memory = Ram(width=8 * a.beat_bytes, depth=2 * half_words)
            m.submodules[name] = memory
            register = Signal(8 * a.beat_bytes, name=f"{name}_word", reset_less=True)
            m.d.comb += [
                memory.write.enable.eq(self.scales.enable & (self.scales.address[14:16] == i)),
                memory.write.address.eq(self.scales.address[:14]),
                memory.write.data.eq(self.scales.data),
                memory.read.enable.eq(1),
                memory.read.address.eq(
                    Mux(beat.scale_half, half_words, 0) + (beat.channel >> lane_bits)
                ),
            ]
            m.d.sync += register.eq(memory.read.data)
            found[name] = register
        return found

    def _lane(
        self, m: Module, k: int, picked: Signal, sums: Value, scales: dict[str, Value]
    ) -> tuple[Value, Value]:
        """The lane's sum, as long as the requantiser takes, and its byte."""
        total = Signal(signed(32), name=f"total_{k}", reset_less=True)
        m.d.sync += total.eq(picked + sums)
        requantiser = Requantiser()
        m.submodules[f"requantiser_{k}"] = requantiser
        m.d.comb += [
            requantiser.accumulator.eq(total),
            requantiser.bias.eq(scales["bias"].word_select(k, 32)),
            requantiser.multiplier.eq(scales["multiplier"].word_select(k, 32)),
            requantiser.shift.eq(scales["shift"].word_select(k, 32)),
            requantiser.zero_point.eq(self.fields.output_zero_point),
            requantiser.clamp_min.eq(self.fields.clamp_min),
            requantiser.clamp_max.eq(self.fields.clamp_max),
        ]
        late = delayed(m, total, timing.REQUANTISE_LATENCY, f"total_{k}")
        return late, requantiser.o

    def _write(
        self, m: Module, active: Value, beat: Any, results: list[tuple[Value, Value]]
    ) -> None:
        a = self.accelerator
        lanes, beat_bits = a.drain_lanes, a.beat_bytes.bit_length() - 1
        lane_bits = lanes.bit_length() - 1
        rest = timing.DRAIN_PIPELINE - 1
        active = delayed(m, active, rest, "active")
        beat = delayed(m, beat, rest - 1, "beat")
        address = Signal(L2_BITS, name="address", reset_less=True)
        m.d.sync += address.eq(
            Mux(
                beat.final,
                beat.output_base + (beat.byte >> beat_bits),
                beat.sums_base + (beat.byte >> lane_bits),
            )
        )
        beat = delayed(m, beat, 1, "beat_last")
        lane = beat.byte[:lane_bits]
        hits = Cat(
            ((lane ^ k) >> self.fields.beat_lanes_log2) == 0 if lane_bits else Const(1)
            for k in range(lanes)
        )
        bytes_ = Cat(byte for _, byte in results).replicate(4)
        sums = Cat(total for total, _ in results)
        byte_enables = Cat(
            hits & (beat.byte[lane_bits:beat_bits] == quarter).replicate(lanes)
            for quarter in range(4)
        )
        sums_enables = Cat(hits[k].replicate(4) for k in range(lanes))
        m.d.comb += [
            self.write.enable.eq(Mux(active, Mux(beat.final, byte_enables, sums_enables), 0)),
            self.write.address.eq(address),
            self.write.data.eq(Mux(beat.final, bytes_, sums)),
        ]
