"""A memory that two sides share: one of them writes while the other reads."""

import operator
from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.ports import AccessPortSignature
from naas_hw.rtl.primitives.shared import SharedComponent


class SharedRam(SharedComponent):
    """Memory with one write and one read in a cycle, which may come from either of two sides.

    In a cycle each side reads a word, writes one, or rests, and the two do not do the same. So a
    memory with one write port and one read port does, with a choice in front of them; one with two
    ports that both read and write needs no choice.

    A write takes effect at the end of its cycle. The word that is read is at its side `latency`
    cycles later, and stays until the next read of either side gives its word. Reading the word
    that is written in the same cycle gives an undefined word: do not. Addresses at or above the
    depth: do not.
    Golden model: a list of words.

    In emitted Verilog this is the module `naas_shared_ram`. Each FPGA family may have a form of its
    own of it, and it is a place for a foundry's macro, as `naas_ram` is.

    Parameters
    ----------
    width : bits of a word, at least 1.
    depth : number of words, at least 1; any number, not only powers of two.
    granularity : bits of a granule, has to divide the width; default: the width, one granule.
    latency : cycles from an address to its word, 1 or 2; the second is the register at the output
        of a block memory.

    Members
    -------
    a, b : In, `AccessPortSignature`, one for each side: addresses of max(1, ceil(log2(depth)))
        bits, words of width bits.

    Latency
    -------
    `latency` cycles from `read` to `word`, a read and a write every cycle. Reset leaves the
    contents and the words alone; nothing may depend on what a word holds before its first write.

    Raises
    ------
    TypeError, ValueError : a parameter that is no integer, or out of its range.
    """

    template = "naas_shared_ram"

    def __init__(
        self, *, width: int, depth: int, granularity: int | None = None, latency: int = 1
    ) -> None:
        self.width = operator.index(width)
        self.depth = operator.index(depth)
        self.granularity = self.width if granularity is None else operator.index(granularity)
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, not {self.depth}")
        self.latency = operator.index(latency)
        if self.latency not in (1, 2):
            raise ValueError(f"latency must be 1 or 2, not {self.latency}")
        self.address_bits = max(1, (self.depth - 1).bit_length())
        side = AccessPortSignature(
            address_bits=self.address_bits, data_bits=self.width, granularity=self.granularity
        )
        super().__init__({"a": In(side), "b": In(side)})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.width, self.depth, self.granularity, self.latency)

    @property
    def template_parameters(self) -> dict[str, int | str]:
        return {
            "WIDTH": self.width,
            "DEPTH": self.depth,
            "GRANULARITY": self.granularity,
            "ADDRESS_WIDTH": self.address_bits,
            "LATENCY": self.latency,
        }

    def build(self, platform: Any) -> Module:
        m = Module()
        a, b = self.a, self.b
        m.submodules.memory = memory = Memory(shape=self.width, depth=self.depth, init=[])
        write = memory.write_port(granularity=self.granularity)
        read = memory.read_port()
        word = delayed(m, read.data, self.latency - 1, "word", reset=False)
        granules = Mux(a.write, a.granules, b.granules)
        m.d.comb += [
            write.en.eq(Mux(a.write | b.write, granules, 0)),
            write.addr.eq(Mux(a.write, a.address, b.address)),
            write.data.eq(Mux(a.write, a.written, b.written)),
            read.en.eq(a.read | b.read),
            read.addr.eq(Mux(a.read, a.address, b.address)),
            a.word.eq(word),
            b.word.eq(word),
        ]
        return m
