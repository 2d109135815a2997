"""The weight network: L2 words become lanes, a lane a cycle for each group of positions."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.fields import PRIVATE_BITS
from naas_hw.rtl.array.signatures import (
    GROUP_BITS,
    TARGET_LEAD,
    WeightDeliverySignature,
    WeightStepSignature,
)
from naas_hw.rtl.memory.global_buffer import l2_read_port
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = ("weight_words", "weight_groups", "weight_lanes_log2")

GROUP_LEVELS: Final = ("axis_0", "axis_1", "axis_2")
"""Loops over the groups of positions along each axis."""

WORD_COUNT_BITS: Final = 17


class WeightNetwork(SharedComponent):
    """Streams the weights of one step out of L2.

    L2 holds them as they are needed: group by group of positions (first axis slowest), and for a
    group word by word of the PE's buffer, lanes side by side: V of them, or, where a layer uses
    fewer, the power of two that the descriptor says. What the other lanes deliver means nothing.
    Golden model: these loops.

    Parameters
    ----------
    beat_bytes : bytes of an L2 word.
    lanes : V, divides beat_bytes.
    half_words : words of one half of a PE's weight buffer, at least 1.

    Members
    -------
    fields : In, the descriptor's FIELDS.
    step : In, `WeightStepSignature`.
    read : Out, `l2_read_port`.
    delivery : Out, `WeightDeliverySignature`.

    Latency
    -------
    Started in cycle t, it works from t + 1 on, a lane of each a cycle, and delivers them
    FILL_PIPELINE cycles later; it says TARGET_LEAD cycles before where they go. L2 is read once for
    as many cycles as a word holds. It may be started again in its last working cycle. After a reset
    it is idle and delivers nothing.

    Raises
    ------
    ValueError : lanes that do not divide the beat, or no words.
    """

    def __init__(self, *, beat_bytes: int, lanes: int, half_words: int) -> None:
        if lanes < 1 or beat_bytes % lanes:
            raise ValueError(f"lanes must divide the beat of {beat_bytes} bytes, not {lanes}")
        if half_words < 1:
            raise ValueError(f"half_words must be at least 1, not {half_words}")
        self.beat_bytes = beat_bytes
        self.lanes = lanes
        self.half_words = half_words
        super().__init__(
            {
                "fields": In(FieldSignature(FIELDS)),
                "step": In(WeightStepSignature()),
                "read": Out(l2_read_port(beat_bytes)),
                "delivery": Out(WeightDeliverySignature(lanes=lanes)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes, self.lanes, self.half_words)

    def build(self, platform: Any) -> Module:
        m = Module()
        busy = Signal()
        last = Signal()
        has_one_word = Signal()
        has_one_group = Signal()
        groups, words = self._loops(m, busy)
        m.d.sync += [
            has_one_word.eq(self.fields.weight_words == 1),
            has_one_group.eq(Cat(count == 1 for count in self.fields.weight_groups).all()),
        ]
        m.d.comb += [
            last.eq(words.last & groups.last),
            self.step.busy.eq(busy),
        ]
        with m.If(self.step.start):
            m.d.sync += [busy.eq(1), self.step.idle.eq(has_one_word & has_one_group)]
        with m.Elif(busy):
            m.d.sync += [
                busy.eq(~last),
                self.step.idle.eq(
                    last
                    | (groups.last & words.penultimate)
                    | (groups.penultimate & words.last & has_one_word)
                ),
            ]
        chunk = self._read(m, busy)
        self._deliver_data(m, chunk)
        self._deliver_target(m, busy, groups, words)
        return m

    def _loops(self, m: Module, busy: Signal) -> tuple[BoxAddressGenerator, BoxAddressGenerator]:
        """Groups of positions, and for each group the words of a PE's buffer."""
        m.submodules.groups = groups = BoxAddressGenerator(
            levels=tuple((name, GROUP_BITS) for name in GROUP_LEVELS), address_bits=1
        )
        m.submodules.words = words = BoxAddressGenerator(
            levels=(("word", WORD_COUNT_BITS),), address_bits=PRIVATE_BITS
        )
        start = self.step.start
        half = Signal()
        with m.If(start):
            m.d.sync += half.eq(self.step.half)
        m.d.comb += [
            words.start.eq(start | (busy & words.last)),
            words.origin.eq(Mux(start, self.step.half, half) * self.half_words),
            words.counts.word.eq(self.fields.weight_words),
            words.pitches.word.eq(1),
            words.advance.eq(busy),
            groups.start.eq(start),
            groups.advance.eq(busy & words.last),
        ]
        for name, count in zip(GROUP_LEVELS, self.fields.weight_groups, strict=True):
            m.d.comb += getattr(groups.counts, name).eq(count)
        return groups, words

    def _read(self, m: Module, busy: Signal) -> Value:
        """Read a word for the first of its bytes; gives the number of the first lane's byte."""
        first, is_last = self._first_byte(m, busy)
        address = self.read.address
        m.d.comb += self.read.enable.eq(busy & (first == 0))
        with m.If(self.step.start):
            m.d.sync += address.eq(self.step.address)
        with m.Elif(busy & is_last):
            m.d.sync += address.eq(address + 1)
        return first

    def _first_byte(self, m: Module, busy: Signal) -> tuple[Value, Value]:
        """Byte of the first lane in its word, and whether the word ends with these lanes."""
        if self.beat_bytes == 1:
            return Const(0, 1), Const(1)
        first = Signal(range(self.beat_bytes), name="first_byte")
        following = Signal(len(first) + 1, name="following_byte")
        is_last = following[-1]
        log2_bits = (self.lanes.bit_length() - 1).bit_length()
        log2 = self.fields.weight_lanes_log2[:log2_bits]
        m.d.comb += following.eq(first + (1 << log2))
        with m.If(self.step.start):
            m.d.sync += first.eq(0)
        with m.Elif(busy):
            m.d.sync += first.eq(following)
        return first, is_last

    def _deliver_data(self, m: Module, first: Value) -> None:
        """The lanes from a byte on, FILL_PIPELINE cycles after it was reached."""
        word = Signal(8 * self.beat_bytes, reset_less=True)
        lanes = Signal(8 * self.lanes, reset_less=True)
        late_first = delayed(m, first, timing.FILL_PIPELINE - 1, "first_byte")
        chosen = Cat(self._lane(word, late_first, lane) for lane in range(self.lanes))
        m.d.sync += [word.eq(self.read.data), lanes.eq(chosen)]
        m.d.comb += self.delivery.data.eq(lanes)

    def _lane(self, word: Value, first: Value, lane: int) -> Value:
        """A lane's byte; it is used where at least so many lanes are side by side."""
        log2 = lane.bit_length()
        if 1 << log2 >= self.beat_bytes:
            return word[8 * lane : 8 * lane + 8]
        together = word.word_select(first[log2:], 8 << log2)
        return together[8 * lane : 8 * lane + 8]

    def _deliver_target(
        self, m: Module, busy: Signal, groups: BoxAddressGenerator, words: BoxAddressGenerator
    ) -> None:
        """Where the lanes go, TARGET_LEAD cycles before they come."""
        depth = timing.FILL_PIPELINE - TARGET_LEAD
        m.d.comb += [
            self.delivery.valid.eq(delayed(m, busy, depth, "valid")),
            self.delivery.address.eq(delayed(m, words.address, depth, "address")),
        ]
        for i, name in enumerate(GROUP_LEVELS):
            group = getattr(groups.index, name)
            m.d.comb += self.delivery.group[i].eq(delayed(m, group, depth, f"group_{i}"))
