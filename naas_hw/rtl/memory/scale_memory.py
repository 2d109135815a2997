"""The memory of bias, multiplier and shift, of each channel of two K tiles."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import L2_BITS, SCALE_BITS
from naas_hw.rtl.memory.ports import WritePortSignature
from naas_hw.rtl.memory.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent

COMPONENTS: Final = ("bias", "multiplier", "shift")
"""What a channel is scaled by, in the order of their addresses."""

COMPONENT_BITS: Final = 2


def scale_write_port(beat_bytes: int) -> WritePortSignature:
    """A port that writes words of scales, at addresses as wide as those of L2."""
    return WritePortSignature(address_bits=L2_BITS, data_bits=8 * beat_bytes)


class ScaleMemory(SharedComponent):
    """Three memories, one for each component of a scale, read at the same address.

    A word has the components of as many channels as there are lanes of 32 bits in a beat. The write
    address has the word in its lowest SCALE_BITS bits and the number of the component above. Golden
    model: a list of words for each component.

    Parameters
    ----------
    beat_bytes : bytes of a word, at least 1.
    words : words of each component, at least 1.

    Members
    -------
    write : In, `scale_write_port`.
    address : In, as many bits as the words need; it is read in every cycle.
    bias, multiplier, shift : Out, 8 * beat_bytes bits; the words of the three components.

    Latency
    -------
    Two cycles from an address to its words, an address and a write in every cycle. A word must not
    be read in the cycle in which it is written. Reset leaves the contents and the words alone.

    Raises
    ------
    ValueError : a parameter that is less than 1.
    """

    def __init__(self, *, beat_bytes: int, words: int) -> None:
        for name, value in (("beat_bytes", beat_bytes), ("words", words)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.beat_bytes = beat_bytes
        self.words = words
        super().__init__(
            {
                "write": In(scale_write_port(beat_bytes)),
                "address": In(max(1, (words - 1).bit_length())),
                "bias": Out(8 * beat_bytes),
                "multiplier": Out(8 * beat_bytes),
                "shift": Out(8 * beat_bytes),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes, self.words)

    def build(self, platform: Any) -> Module:
        m = Module()
        ports = (self.bias, self.multiplier, self.shift)
        for number, (name, port) in enumerate(zip(COMPONENTS, ports, strict=True)):
            word = Signal(8 * self.beat_bytes, name=f"{name}_word", reset_less=True)
            m.d.sync += word.eq(self._memory(m, number, name))
            m.d.comb += port.eq(word)
        return m

    def _memory(self, m: Module, number: int, name: str) -> Value:
        """The memory of a component; gives the word that it has read."""
        memory = Ram(width=8 * self.beat_bytes, depth=self.words)
        m.submodules[f"{name}_memory"] = memory
        component = self.write.address[SCALE_BITS : SCALE_BITS + COMPONENT_BITS]
        m.d.comb += [
            memory.write.enable.eq(self.write.enable & (component == number)),
            memory.write.address.eq(self.write.address[:SCALE_BITS]),
            memory.write.data.eq(self.write.data),
            memory.read.enable.eq(1),
            memory.read.address.eq(self.address),
        ]
        return memory.read.data
