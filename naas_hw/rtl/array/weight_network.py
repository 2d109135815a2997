"""The weight network: L2 words become lanes, a lane a cycle for each group of positions."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.layout import L2_BITS, PRIVATE_BITS
from naas_hw.rtl.array.signatures import GROUP_BITS, WeightDeliverySignature
from naas_hw.rtl.memory.global_buffer import l2_read_port
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = ("weight_words", "weight_groups")
GROUP_LEVELS = ("axis_0", "axis_1", "axis_2")  # of the loops over groups of positions


class WeightNetwork(SharedComponent):
    """Streams the weights of one step out of L2.

    L2 holds them as they are needed: group by group of positions (first axis slowest), and for a
    group word by word of the PE's buffer, V lanes side by side. Started in cycle t, it reads L2
    from t + 1 on and delivers FILL_PIPELINE cycles after each read; `idle` is high in its last
    working cycle, in which it may be started again.

    Parameters
    ----------
    beat_bytes : bytes of an L2 word.
    lanes : V, divides beat_bytes.
    half_words : words of one half of a PE's weight buffer.

    Members
    -------
    start, place, half : In.
    idle, busy : Out.
    read : Out, `l2_read_port`.
    delivery : Out, `WeightDeliverySignature`.
    """

    def __init__(self, *, beat_bytes: int, lanes: int, half_words: int) -> None:
        if beat_bytes % lanes:
            raise ValueError(f"lanes must divide the beat of {beat_bytes} bytes, not {lanes}")
        self.beat_bytes = beat_bytes
        self.lanes = lanes
        self.half_words = half_words
        super().__init__(
            {
                "start": In(1),
                "place": In(L2_BITS),
                "half": In(1),
                "idle": Out(1),
                "busy": Out(1),
                "read": Out(l2_read_port(beat_bytes)),
                "delivery": Out(WeightDeliverySignature(lanes=lanes)),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes, self.lanes, self.half_words)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.groups = groups = BoxAddressGenerator(
            levels=tuple((name, GROUP_BITS) for name in GROUP_LEVELS), address_bits=1
        )
        m.submodules.words = words = BoxAddressGenerator(
            levels=(("word", 17),), address_bits=PRIVATE_BITS
        )
        chunks = self.beat_bytes // self.lanes
        chunk = Signal(range(max(2, chunks)))
        last = Signal()
        step = Signal()
        half = Signal()
        m.d.comb += [
            step.eq(self.busy),
            words.start.eq(self.start | (step & words.last)),
            words.origin.eq(Mux(self.start, self.half, half) * self.half_words),
            words.counts.word.eq(self.fields.weight_words),
            words.pitches.word.eq(1),
            words.advance.eq(step),
            groups.start.eq(self.start),
            groups.advance.eq(step & words.last),
            last.eq(words.last & groups.last),
            self.idle.eq(~self.busy | last),
            self.read.enable.eq(step & (chunk == 0)),
        ]
        m.d.comb += [
            getattr(groups.counts, name).eq(self.fields.weight_groups[i])
            for i, name in enumerate(GROUP_LEVELS)
        ]
        with m.If(self.start):
            m.d.sync += [
                self.busy.eq(1),
                self.read.address.eq(self.place),
                chunk.eq(0),
                half.eq(self.half),
            ]
        with m.Elif(step):
            m.d.sync += [self.busy.eq(~last), chunk.eq(chunk + 1)]
            with m.If(chunk == chunks - 1):
                m.d.sync += [chunk.eq(0), self.read.address.eq(self.read.address + 1)]
        self._deliver(m, groups, words, chunk)
        return m

    def _deliver(
        self, m: Module, groups: BoxAddressGenerator, words: BoxAddressGenerator, chunk: Signal
    ) -> None:
        depth = timing.FILL_PIPELINE
        word = Signal(8 * self.beat_bytes, reset_less=True)
        m.d.sync += word.eq(self.read.data)
        picked = delayed(m, chunk, depth - 1, "chunk")
        data = Signal(8 * self.lanes, reset_less=True)
        m.d.sync += data.eq(word.word_select(picked, 8 * self.lanes))
        m.d.comb += [
            self.delivery.data.eq(data),
            self.delivery.valid.eq(delayed(m, self.busy, depth, "valid")),
            self.delivery.address.eq(delayed(m, words.address, depth, "address")),
        ]
        for i, name in enumerate(GROUP_LEVELS):
            group = Signal(GROUP_BITS, name=f"group_now_{i}")
            m.d.comb += group.eq(getattr(groups.trips, name) - 1)
            m.d.comb += self.delivery.group[i].eq(delayed(m, group, depth, f"group_{i}"))
