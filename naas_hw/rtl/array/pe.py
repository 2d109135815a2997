"""The processing element: a multiplier behind two private buffers."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent


def select_bits(word_bytes: int) -> int:
    """Bits of the number of a byte in a word."""
    return max(1, (word_bytes - 1).bit_length())


class ProcessingElement(SharedComponent):
    """Multiplies a byte of a weight word and a byte of an input word, both from its own buffers.

    The buffers are outside, those of several PEs in one memory (`PrivateBuffers`). Operands are
    registers: a memory and a multiplier in one cycle were the critical path. Golden model: the
    product of two int8.

    Parameters
    ----------
    weight_word_bytes, input_word_bytes : bytes of a word of each buffer, a power of two.

    Members
    -------
    used : In, 1 bit, steady during a layer; where it is low, products are zero.
    read : In, 1 bit; the buffers are being addressed.
    weight_word : In, 8 * weight_word_bytes bits, one cycle after `read`.
    input_word : In, 8 * input_word_bytes bits, one cycle after `read`.
    weight_select, input_select : In, with the words; byte of the word.
    multiplies : Out, 1 bit, two cycles after `read`; a product is taken.
    product : Out, signed 16 bits, three cycles after `read`; zero where there was none.

    Latency
    -------
    Three cycles from `read` to its product, one product a cycle. Nothing multiplies after a reset
    until the next read.

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
                "used": In(1),
                "read": In(1),
                "weight_word": In(8 * weight_word_bytes),
                "input_word": In(8 * input_word_bytes),
                "weight_select": In(select_bits(weight_word_bytes)),
                "input_select": In(select_bits(input_word_bytes)),
                "multiplies": Out(1),
                "product": Out(signed(16)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.weight_word_bytes, self.input_word_bytes)

    def build(self, platform: Any) -> Module:
        m = Module()
        weight = Signal(signed(8), reset_less=True)
        value = Signal(signed(8), reset_less=True)
        product = Signal(signed(16), reset_less=True)
        multiplies = delayed(m, self.read & self.used, 2, "multiplies")
        m.d.comb += [self.product.eq(product), self.multiplies.eq(multiplies)]
        m.d.sync += [
            weight.eq(_byte(self.weight_word, self.weight_select)),
            value.eq(_byte(self.input_word, self.input_select)),
        ]
        with m.If(multiplies):
            m.d.sync += product.eq(weight * value)
        with m.Else():
            m.d.sync += product.eq(0)
        return m


def _byte(word: Value, select: Value) -> Value:
    chosen: Value = word if len(word) == 8 else word.word_select(select, 8)
    return chosen
