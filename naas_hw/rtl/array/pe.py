"""The processing element: a multiplier behind two private buffers."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.multiplier import Multiplier
from naas_hw.rtl.primitives.shared import SharedComponent

BYTE_BITS: Final = 8


def select_bits(word_bytes: int) -> int:
    """Bits of the number of a byte in a word."""
    return max(1, (word_bytes - 1).bit_length())


class ProcessingElement(SharedComponent):
    """Multiplies a byte of a weight word and a byte of an input word, both from its own buffers.

    The buffers are outside, those of several PEs in one memory (`PrivateBuffers`). Golden model:
    the product of two int8.

    Parameters
    ----------
    weight_word_bytes, input_word_bytes : bytes of a word of each buffer, a power of two.

    Members
    -------
    clear : In, 1 bit, steady during a layer; products are zero.
    weight_word : In, 8 * weight_word_bytes bits.
    input_word : In, 8 * input_word_bytes bits.
    weight_select, input_select : In, with the words; byte of the word.
    product : Out, signed 16 bits.

    Latency
    -------
    MULTIPLIER_LATENCY cycles from words to the product of their bytes, one product a cycle. No
    register is reset.

    Raises
    ------
    ValueError : a word of a number of bytes that is no power of two.
    """

    def __init__(self, *, weight_word_bytes: int, input_word_bytes: int) -> None:
        for name, value in (
            ("weight_word_bytes", weight_word_bytes),
            ("input_word_bytes", input_word_bytes),
        ):
            if value < 1 or value & (value - 1):
                raise ValueError(f"{name} must be a power of two, not {value}")
        self.weight_word_bytes = weight_word_bytes
        self.input_word_bytes = input_word_bytes
        super().__init__(
            {
                "clear": In(1),
                "weight_word": In(8 * weight_word_bytes),
                "input_word": In(8 * input_word_bytes),
                "weight_select": In(select_bits(weight_word_bytes)),
                "input_select": In(select_bits(input_word_bytes)),
                "product": Out(signed(16)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.weight_word_bytes, self.input_word_bytes)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.multiplier = multiplier = Multiplier(a_bits=BYTE_BITS, b_bits=BYTE_BITS)
        m.d.comb += [
            multiplier.clear.eq(self.clear),
            multiplier.a.eq(_byte(self.weight_word, self.weight_select)),
            multiplier.b.eq(_byte(self.input_word, self.input_select)),
            self.product.eq(multiplier.o),
        ]
        return m


def _byte(word: Value, select: Value) -> Value:
    chosen: Value = word if len(word) == BYTE_BITS else word.word_select(select, BYTE_BITS)
    return chosen
