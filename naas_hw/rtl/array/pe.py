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
    """Multiplies a weight and a byte of an input word.

    The buffers are outside, those of several PEs in one memory (`PrivateBuffers`). Golden model:
    the product of two int8.

    Parameters
    ----------
    input_word_bytes : bytes of a word of its input buffer, a power of two.

    Members
    -------
    clear : In, 1 bit, steady during a layer; products are zero.
    weight : In, 8 bits.
    input_word : In, 8 * input_word_bytes bits.
    input_select : In, with the word; byte of the word.
    product : Out, signed 16 bits.

    Latency
    -------
    MULTIPLIER_LATENCY cycles from weight and word to their product, one product a cycle. No
    register is reset.

    Raises
    ------
    ValueError : a word of a number of bytes that is no power of two.
    """

    def __init__(self, *, input_word_bytes: int) -> None:
        if input_word_bytes < 1 or input_word_bytes & (input_word_bytes - 1):
            raise ValueError(f"input_word_bytes must be a power of two, not {input_word_bytes}")
        self.input_word_bytes = input_word_bytes
        super().__init__(
            {
                "clear": In(1),
                "weight": In(BYTE_BITS),
                "input_word": In(BYTE_BITS * input_word_bytes),
                "input_select": In(select_bits(input_word_bytes)),
                "product": Out(signed(16)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.input_word_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.multiplier = multiplier = Multiplier(a_bits=BYTE_BITS, b_bits=BYTE_BITS)
        m.d.comb += [
            multiplier.clear.eq(self.clear),
            multiplier.a.eq(self.weight),
            multiplier.b.eq(byte_of(self.input_word, self.input_select)),
            self.product.eq(multiplier.o),
        ]
        return m


def byte_of(word: Value, select: Value) -> Value:
    """A byte of a word, which may be the only one."""
    chosen: Value = word if len(word) == BYTE_BITS else word.word_select(select, BYTE_BITS)
    return chosen
