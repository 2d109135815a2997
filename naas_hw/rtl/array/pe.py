"""The processing element: a multiplier behind two private buffers."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent


class ProcessingElement(SharedComponent):
    """Multiplies a byte of a weight word and a byte of an input word, both from its own buffers.

    The buffers stand beside it, those of several PEs in one memory (`PEArray`). Read in cycle t,
    the words are there in t + 1 and the product in t + 3; it is zero if `used` is low. Operands are
    registers: a memory and a multiplier in one cycle were the critical path.

    Parameters
    ----------
    weight_word_bytes, input_word_bytes : of a word of each buffer.

    Members
    -------
    used : In, steady during a layer.
    read : In, the buffers are being addressed.
    weight_word, input_word : In, a cycle after `read`.
    weight_select, input_select : In, byte of the word, with it.
    multiplies : Out, two cycles after `read`: a product is taken.
    product : Out, signed 16 bits.
    """

    def __init__(self, *, weight_word_bytes: int, input_word_bytes: int) -> None:
        self.weight_word_bytes = weight_word_bytes
        self.input_word_bytes = input_word_bytes
        super().__init__(
            {
                "used": In(1),
                "read": In(1),
                "weight_word": In(8 * weight_word_bytes),
                "input_word": In(8 * input_word_bytes),
                "weight_select": In(max(1, (weight_word_bytes - 1).bit_length())),
                "input_select": In(max(1, (input_word_bytes - 1).bit_length())),
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
        gated = delayed(m, self.read & self.used, 2, "gated")
        product = Signal(signed(16), reset_less=True)
        m.d.comb += [self.product.eq(product), self.multiplies.eq(gated)]
        m.d.sync += [
            weight.eq(_byte(self.weight_word, self.weight_select)),
            value.eq(_byte(self.input_word, self.input_select)),
        ]
        with m.If(gated):
            m.d.sync += product.eq(weight * value)
        with m.Else():
            m.d.sync += product.eq(0)
        return m


def _byte(word: Signal, select: Signal) -> Any:
    return word if len(word) == 8 else word.word_select(select, 8)
