"""PEs whose products are summed, and the accumulators of the sums."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.rtl.array.accumulator import Accumulator
from naas_hw.rtl.array.adder_tree import AdderTree
from naas_hw.rtl.array.pe import ProcessingElement, select_bits
from naas_hw.rtl.array.signatures import (
    AccumulationSignature,
    zero_address,
)
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.shared import SharedComponent

PRODUCT_BITS = 16


class DotProductGroup(SharedComponent):
    """Multiplies a weight and an input in every PE, sums the products, and accumulates the sums.

    The buffers of the PEs are outside. Golden model: a dot product of int8, added to an array of
    int32 that wraps.

    Parameters
    ----------
    num_pes : PEs whose products are summed, at least 1.
    input_word_bytes : bytes of a word of an input buffer, a power of two.
    words : words of one lane of one half of the accumulators, at least 1.
    lanes : accumulators side by side, at least 1.
    maximum : whether accumulators can keep the maximum.

    Members
    -------
    used : In, 1 bit, steady during a layer; where it is low, nothing is accumulated.
    maximum : In, 1 bit, steady during a layer, where there is one; the largest sum is kept.
    clear : In, one bit for each PE, steady during a layer; its products are zero.
    weights : In, 8 bits for each PE.
    input_words : In, one word for each PE.
    input_select : In, with the words; byte of all words.
    addition : In, `AccumulationSignature`.
    writes : Out, 1 bit, a cycle after the sum; the total is written at the write address.
    total : Out, 32 bits, with `writes`.

    Latency
    -------
    MULTIPLIER_LATENCY + tree_cycles(num_pes) cycles from weights and words to their sum, one sum a
    cycle. Nothing is added after a reset.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(
        self,
        *,
        num_pes: int,
        input_word_bytes: int,
        words: int,
        lanes: int,
        maximum: bool = False,
    ) -> None:
        if num_pes < 1:
            raise ValueError(f"num_pes must be at least 1, not {num_pes}")
        self.num_pes = num_pes
        self.input_word_bytes = input_word_bytes
        self.words = words
        self.lanes = lanes
        self.has_maximum = maximum
        address_bits = zero_address(words=words, lanes=lanes).bit_length()
        super().__init__(
            {
                "used": In(1),
                **({"maximum": In(1)} if maximum else {}),
                "clear": In(num_pes),
                "weights": In(data.ArrayLayout(8, num_pes)),
                "input_words": In(data.ArrayLayout(8 * input_word_bytes, num_pes)),
                "input_select": In(select_bits(input_word_bytes)),
                "addition": In(AccumulationSignature(address_bits=address_bits)),
                "writes": Out(1),
                "total": Out(32),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (
            self.num_pes,
            self.input_word_bytes,
            self.words,
            self.lanes,
            self.has_maximum,
        )

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.tree = tree = AdderTree(num_inputs=self.num_pes, width=PRODUCT_BITS)
        m.submodules.accumulator = accumulator = Accumulator(
            words=self.words,
            lanes=self.lanes,
            sum_bits=tree.sum_width,
            maximum=self.has_maximum,
        )
        for i in range(self.num_pes):
            pe = self._pe(m, i)
            m.d.comb += tree.i[i].eq(pe.product)
        connect(m, flipped(self.addition), accumulator.addition)
        shared = ("used", "writes", "total", *(("maximum",) if self.has_maximum else ()))
        connect(m, part_of(flipped(self), *shared), part_of(accumulator, *shared))
        m.d.comb += accumulator.sum.eq(tree.o)
        return m

    def _pe(self, m: Module, i: int) -> ProcessingElement:
        pe = ProcessingElement(input_word_bytes=self.input_word_bytes)
        m.submodules[f"pe_{i}"] = pe
        connect(m, part_of(flipped(self), "input_select"), part_of(pe, "input_select"))
        m.d.comb += [
            pe.clear.eq(self.clear[i]),
            pe.weight.eq(self.weights[i]),
            pe.input_word.eq(self.input_words[i]),
        ]
        return pe
