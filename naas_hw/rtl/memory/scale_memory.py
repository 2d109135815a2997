"""The memory of bias, multiplier and shift, of each channel of two K tiles."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import L2_BITS, SCALE_BITS
from naas_hw.rtl.primitives.ports import WritePortSignature
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent

COMPONENTS: Final = ("bias", "multiplier", "shift")
"""What a channel is scaled by, in the order of their addresses."""

COMPONENT_BITS: Final = 2


def scale_write_port(beat_bytes: int) -> WritePortSignature:
    """A port that writes words of scales, at addresses as wide as those of L2."""
    return WritePortSignature(address_bits=L2_BITS, data_bits=8 * beat_bytes)


class ScaleMemory(SharedComponent):
    """Three memories, one for each component of a scale, read at the same address.

    A beat has one component of as many channels as it has lanes of 32 bits; a word has those of one
    or more beats side by side, the first lowest. The write address has the number of the beat in
    its lowest SCALE_BITS bits and that of the component above. Golden model: a list of words for
    each component.

    Parameters
    ----------
    beat_bytes : bytes of a beat, at least 1.
    beats_per_word : a power of two.
    words : words of each component, at least 1.

    Members
    -------
    write : In, `scale_write_port`.
    address : In, as many bits as the words need; it is read in every cycle.
    bias, multiplier, shift : Out, 8 * beat_bytes * beats_per_word bits; the words of the three
        components.

    Latency
    -------
    Two cycles from an address to its words, an address and a write in every cycle. A word must not
    be read in the cycle in which it is written. Reset leaves the contents and the words alone.

    Raises
    ------
    ValueError : a parameter that is less than 1; beats_per_word that is no power of two.
    """

    def __init__(self, *, beat_bytes: int, beats_per_word: int = 1, words: int) -> None:
        for name, value in (("beat_bytes", beat_bytes), ("words", words)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if beats_per_word.bit_count() != 1:
            raise ValueError(f"beats_per_word must be a power of two, not {beats_per_word}")
        self.beat_bytes = beat_bytes
        self.beats_per_word = beats_per_word
        self.words = words
        word_bits = 8 * beat_bytes * beats_per_word
        super().__init__(
            {
                "write": In(scale_write_port(beat_bytes)),
                "address": In(max(1, (words - 1).bit_length())),
                "bias": Out(word_bits),
                "multiplier": Out(word_bits),
                "shift": Out(word_bits),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes, self.beats_per_word, self.words)

    def build(self, platform: Any) -> Module:
        m = Module()
        ports = (self.bias, self.multiplier, self.shift)
        for number, (name, port) in enumerate(zip(COMPONENTS, ports, strict=True)):
            word = Signal(len(port), name=f"{name}_word", reset_less=True)
            parts = [self._memory(m, number, name, part) for part in range(self.beats_per_word)]
            m.d.sync += word.eq(Cat(parts))
            m.d.comb += port.eq(word)
        return m

    def _memory(self, m: Module, number: int, name: str, part: int) -> Value:
        """The memory of a part of a component; gives what it has read."""
        memory = Ram(width=8 * self.beat_bytes, depth=self.words)
        suffix = f"_{part}" if self.beats_per_word > 1 else ""
        m.submodules[f"{name}_memory{suffix}"] = memory
        part_bits = self.beats_per_word.bit_length() - 1
        beat = self.write.address[:SCALE_BITS]
        component = self.write.address[SCALE_BITS : SCALE_BITS + COMPONENT_BITS]
        hit = self.write.enable & (component == number)
        if part_bits:
            hit &= beat[:part_bits] == part
        m.d.comb += [
            memory.write.enable.eq(hit),
            memory.write.address.eq(beat[part_bits:]),
            memory.write.data.eq(self.write.data),
            memory.read.enable.eq(1),
            memory.read.address.eq(self.address),
        ]
        return memory.read.data
