"""The reduction along an array's C, R and S axes."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from naas_hw.arch.timing import TREE_LEVELS_PER_CYCLE, tree_cycles
from naas_hw.rtl.primitives.shared import SharedComponent


class AdderTree(SharedComponent):
    """Sum of signed numbers, without overflow. Golden model: `sum`.

    Parameters
    ----------
    num_inputs : numbers that are summed, at least 1.
    width : bits of each, at least 1.

    Members
    -------
    i : In, array of num_inputs signed numbers of width bits.
    o : Out, their sum, signed, as many bits wider as num_inputs needs.

    Latency
    -------
    `tree_cycles(num_inputs)` cycles from the numbers to their sum, one sum a cycle. No register is
    reset.

    Raises
    ------
    ValueError : a parameter that is less than 1.
    """

    def __init__(self, *, num_inputs: int, width: int) -> None:
        if num_inputs < 1:
            raise ValueError(f"num_inputs must be at least 1, not {num_inputs}")
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        self.num_inputs = num_inputs
        self.width = width
        self.sum_width = width + (num_inputs - 1).bit_length()
        super().__init__(
            {
                "i": In(data.ArrayLayout(signed(width), num_inputs)),
                "o": Out(signed(self.sum_width)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.num_inputs, self.width)

    def build(self, platform: Any) -> Module:
        m = Module()
        terms: list[Value] = [self.i[k] for k in range(self.num_inputs)]
        for cycle in range(tree_cycles(self.num_inputs)):
            for _ in range(TREE_LEVELS_PER_CYCLE):
                terms = [sum(terms[k : k + 2][1:], terms[k]) for k in range(0, len(terms), 2)]
            stage = [
                Signal(signed(self.sum_width), name=f"sum_{cycle}_{k}", reset_less=True)
                for k in range(len(terms))
            ]
            m.d.sync += [register.eq(term) for register, term in zip(stage, terms, strict=True)]
            terms = list(stage)
        m.d.comb += self.o.eq(terms[0])
        return m
