"""Drain, data: from the accumulators over sums and requantisers to L2."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator
from naas_hw.mapping.descriptor import L2_BITS
from naas_hw.rtl.config import field_ports
from naas_hw.rtl.credit import delayed
from naas_hw.rtl.drain import BEAT
from naas_hw.rtl.pe_array import accumulator_words, positions
from naas_hw.rtl.ram import Ram
from naas_hw.rtl.requantiser import Requantiser
from naas_hw.rtl.shared import SharedComponent

FIELDS = ("beat_lanes_log2", "output_zero_point", "clamp_min", "clamp_max")
COMPONENTS = ("bias", "multiplier", "shift")


class DrainPath(SharedComponent):
    """Moves D outputs a cycle; what comes in with a beat is written DRAIN_PIPELINE cycles later.

    Lane m works for channels whose number is m modulo D. A beat that holds fewer channels than
    there are lanes is repeated over them, and byte enables pick the right ones.

    Parameters
    ----------
    accelerator : axes, widths, scale memory.

    Members
    -------
    active, beat : In, see `Drain`.
    accumulator_read, accumulator_half, accumulator_address : Out; accumulator_words : In, a cycle
        later.
    sums_read, sums_address : Out; sums_data : In, a cycle later.
    write (a bit a byte), write_address, write_data : Out, to L2.
    scale_write, scale_place, scale_data : In, from load.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        a = accelerator
        self.groups = positions(a, OUTPUT_DIMS)
        beat = a.beat_bytes
        super().__init__(
            {
                "active": In(1),
                "beat": In(BEAT),
                "accumulator_read": Out(1),
                "accumulator_half": Out(1),
                "accumulator_address": Out(max(1, (accumulator_words(a) - 1).bit_length())),
                "accumulator_words": In(
                    data.ArrayLayout(32 * a.accumulator_lanes, len(self.groups))
                ),
                "sums_read": Out(1),
                "sums_address": Out(L2_BITS),
                "sums_data": In(8 * beat),
                "write": Out(beat),
                "write_address": Out(L2_BITS),
                "write_data": Out(8 * beat),
                "scale_write": In(1),
                "scale_place": In(L2_BITS),
                "scale_data": In(8 * beat),
                **field_ports(FIELDS),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        a = self.accelerator
        lanes = a.drain_lanes
        active, beat = Signal(), Signal(BEAT, reset_less=True)
        m.d.sync += [active.eq(self.active), beat.eq(self.beat)]
        lane_bits = lanes.bit_length() - 1
        m.d.comb += [
            self.accumulator_read.eq(active),
            self.accumulator_half.eq(beat.half),
            self.accumulator_address.eq(beat.accumulator >> (a.accumulator_lanes.bit_length() - 1)),
            self.sums_read.eq(active & beat.revisit),
            self.sums_address.eq(beat.sums_base + (beat.byte >> lane_bits)),
        ]
        picked = self._pick(m, delayed(m, beat, 1, "beat_read"))
        sums = Signal(8 * a.beat_bytes, reset_less=True)
        m.d.sync += sums.eq(self.sums_data)
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

    def _pick(self, m: Module, beat: Any) -> list[Signal]:
        """The number of each lane, registered: from groups side by side, or lanes of a word."""
        a = self.accelerator
        lanes, each = a.drain_lanes, a.drain_group
        sizes = a.size_of("P"), a.size_of("Q"), a.size_of("K") // each
        index = Signal(range(max(2, sizes[0] * sizes[1] * sizes[2])))
        m.d.comb += index.eq((beat.p * sizes[1] + beat.q) * sizes[2] + beat.k_group)
        picked = [Signal(32, name=f"picked_{k}", reset_less=True) for k in range(lanes)]
        words: dict[int, Signal] = {}
        for member in range(each):
            choices = [
                self.accumulator_words[self._group(p, q, g * each + member)]
                for p in range(sizes[0])
                for q in range(sizes[1])
                for g in range(sizes[2])
            ]
            words[member] = Signal(32 * a.accumulator_lanes, name=f"word_{member}")
            m.d.comb += words[member].eq(Array(choices)[index])
        for k in range(lanes):
            if a.has("K"):
                m.d.sync += picked[k].eq(words[k % each])
            else:
                m.d.sync += picked[k].eq(self._word_lane(words[0], k, beat))
        return picked

    def _group(self, p: int, q: int, k: int) -> int:
        where = {"P": p, "Q": q, "K": k}
        a = self.accelerator
        wanted = {axis.dim: where[axis.dim] for axis in a.axes if axis.dim in OUTPUT_DIMS}
        return self.groups.index(wanted)

    def _word_lane(self, word: Signal, k: int, beat: Any) -> Value:
        """Lane k of the beat's channels in a word of D; fewer channels are repeated."""
        lane_bits = self.accelerator.drain_lanes.bit_length() - 1
        offset = beat.accumulator[:lane_bits]
        chosen: Value = word.word_select(k, 32)
        for log2 in range(lane_bits):
            first = (offset >> log2) << log2
            narrow = word.word_select((first + k % (1 << log2))[:lane_bits], 32)
            chosen = Mux(self.beat_lanes_log2 == log2, narrow, chosen)
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
                memory.write_enable.eq(self.scale_write & (self.scale_place[14:16] == i)),
                memory.write_address.eq(self.scale_place[:14]),
                memory.write_data.eq(self.scale_data),
                memory.read_enable.eq(1),
                memory.read_address.eq(
                    Mux(beat.scale_half, half_words, 0) + (beat.channel >> lane_bits)
                ),
            ]
            m.d.sync += register.eq(memory.read_data)
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
            requantiser.zero_point.eq(self.output_zero_point),
            requantiser.clamp_min.eq(self.clamp_min),
            requantiser.clamp_max.eq(self.clamp_max),
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
            ((lane ^ k) >> self.beat_lanes_log2) == 0 if lane_bits else Const(1)
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
            self.write.eq(Mux(active, Mux(beat.final, byte_enables, sums_enables), 0)),
            self.write_address.eq(address),
            self.write_data.eq(Mux(beat.final, bytes_, sums)),
        ]
