"""The processing element: a multiplier between two private buffers."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.ram import Ram
from naas_hw.rtl.shared import SharedComponent


class ProcessingElement(SharedComponent):
    """Multiplies a weight and an input, both out of its own buffers.

    Addresses come from outside and are the same for all PEs. Addressed with `read` in cycle t, the
    product is there in t + 2; it is zero if `used` is low. Fill and read never meet at one word:
    they use different halves of a buffer.

    Parameters
    ----------
    weight_words, weight_word_bytes : size of the weight buffer, both halves together.
    input_words, input_word_bytes : size of the input buffer, both halves together.

    Members
    -------
    used : In, steady during a layer.
    weight_write, weight_write_address, weight_write_data : In.
    input_write (one bit a byte), input_write_address, input_write_data : In.
    read, weight_address, input_address : In, words.
    weight_select, input_select : In, byte of the word; one cycle *after* its address.
    product : Out, signed 16 bits.
    """

    def __init__(
        self, *, weight_words: int, weight_word_bytes: int, input_words: int, input_word_bytes: int
    ) -> None:
        self.weight_words = weight_words
        self.weight_word_bytes = weight_word_bytes
        self.input_words = input_words
        self.input_word_bytes = input_word_bytes
        weight_address, input_address = _address_bits(weight_words), _address_bits(input_words)
        super().__init__(
            {
                "used": In(1),
                "weight_write": In(1),
                "weight_write_address": In(weight_address),
                "weight_write_data": In(8 * weight_word_bytes),
                "input_write": In(input_word_bytes),
                "input_write_address": In(input_address),
                "input_write_data": In(8 * input_word_bytes),
                "read": In(1),
                "weight_address": In(weight_address),
                "input_address": In(input_address),
                "weight_select": In(max(1, (weight_word_bytes - 1).bit_length())),
                "input_select": In(max(1, (input_word_bytes - 1).bit_length())),
                "product": Out(signed(16)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (
            self.weight_words,
            self.weight_word_bytes,
            self.input_words,
            self.input_word_bytes,
        )

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.weights = weights = Ram(
            width=8 * self.weight_word_bytes, depth=self.weight_words
        )
        m.submodules.inputs = inputs = Ram(
            width=8 * self.input_word_bytes, depth=self.input_words, granularity=8
        )
        weight, value = Signal(signed(8)), Signal(signed(8))
        gated = Signal()
        m.d.comb += [
            weights.write_enable.eq(self.weight_write),
            weights.write_address.eq(self.weight_write_address),
            weights.write_data.eq(self.weight_write_data),
            weights.read_enable.eq(self.read),
            weights.read_address.eq(self.weight_address),
            inputs.write_enable.eq(self.input_write),
            inputs.write_address.eq(self.input_write_address),
            inputs.write_data.eq(self.input_write_data),
            inputs.read_enable.eq(self.read),
            inputs.read_address.eq(self.input_address),
            weight.eq(_byte(weights.read_data, self.weight_select)),
            value.eq(_byte(inputs.read_data, self.input_select)),
        ]
        product = Signal(signed(16), reset_less=True)
        m.d.comb += self.product.eq(product)
        m.d.sync += gated.eq(self.read & self.used)
        with m.If(gated):
            m.d.sync += product.eq(weight * value)
        with m.Else():
            m.d.sync += product.eq(0)
        return m


def _address_bits(words: int) -> int:
    return max(1, (words - 1).bit_length())


def _byte(word: Signal, select: Signal) -> Any:
    return word if len(word) == 8 else word.word_select(select, 8)
