"""A memory with one write port and one read port."""

import operator
from collections.abc import Hashable
from functools import cached_property
from typing import Any, Literal

from amaranth.hdl import Module
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.ports import ReadPortSignature, WritePortSignature
from naas_hw.rtl.primitives.shared import SharedComponent

RamStyle = Literal["auto", "block", "distributed"]
STYLES: tuple[RamStyle, ...] = ("auto", "block", "distributed")

BLOCK_DEPTH = 32
"""Words from which on "auto" is block memory: left alone, yosys puts a PE's buffers into LUTs."""


class Ram(SharedComponent):
    """Simple dual-port memory: every cycle one write and one read, each at its own address.

    A write takes effect at the end of the cycle in which its enable is high; only the granules
    whose enable is high change. Reading is synchronous: the word addressed in a cycle with
    `read.enable` is in `read.data` `latency` cycles later, and stays until the next enabled read
    gives its word. With a latency of zero there is no clock at the read port: `read.data` is the
    word at the address, whether or not `read.enable` is high.

    Reading a word in the cycle in which it is written gives an undefined word (the simulator's
    is the old one): do not, unless the latency is zero, where it is the old one. Addresses at or
    above the depth: do not.
    Golden model: a list of words.

    In emitted Verilog this is the module `naas_ram`. Each FPGA family may have a form of its own of
    it, and a foundry's macro can take its place. Only the banks of L2 are another module
    (`SharedRam`).

    Parameters
    ----------
    width : bits of a word, at least 1.
    depth : number of words, at least 1; any number, not only powers of two.
    granularity : bits of a granule, has to divide the width; default: the width, one granule.
    style : hint for synthesis, "block", "distributed", or "auto": block from BLOCK_DEPTH words on,
        below that, and without a clock at the read port, whatever synthesis prefers.
    latency : cycles from an address to its word, 0, 1 or 2; the second is the register at the
        output of a block memory.

    Members
    -------
    write : In, `WritePortSignature`: an enable a granule, addresses of max(1, ceil(log2(depth)))
        bits, words of width bits.
    read : In, `ReadPortSignature` with addresses and words of the same widths.

    Latency
    -------
    `latency` cycles from `read.enable` to `read.data`, a read and a write every cycle. Reset leaves
    the contents and `read.data` alone; nothing may depend on what a word holds before its first
    write.

    Raises
    ------
    TypeError, ValueError : a parameter that is no integer, or out of its range.
    """

    template = "naas_ram"

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        granularity: int | None = None,
        style: RamStyle = "auto",
        latency: int = 1,
    ) -> None:
        self.width = operator.index(width)
        self.depth = operator.index(depth)
        self.granularity = self.width if granularity is None else operator.index(granularity)
        self.style = style
        self.latency = operator.index(latency)
        if self.width < 1:
            raise ValueError(f"width must be at least 1, not {self.width}")
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, not {self.depth}")
        if self.granularity < 1 or self.width % self.granularity:
            raise ValueError(
                f"granularity must divide the width {self.width}, not {self.granularity}"
            )
        if style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, not {style!r}")
        if self.latency not in (0, 1, 2):
            raise ValueError(f"latency must be 0, 1 or 2, not {self.latency}")
        if self.latency == 0 and style == "block":
            raise ValueError("a block memory must have a latency of 1 or 2, not 0")
        self.address_bits = max(1, (self.depth - 1).bit_length())
        super().__init__(
            {
                "write": In(
                    WritePortSignature(
                        address_bits=self.address_bits,
                        data_bits=self.width,
                        granularity=self.granularity,
                    )
                ),
                "read": In(ReadPortSignature(address_bits=self.address_bits, data_bits=self.width)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.width, self.depth, self.granularity, self.style, self.latency)

    @property
    def template_parameters(self) -> dict[str, int | str]:
        return {
            "WIDTH": self.width,
            "DEPTH": self.depth,
            "GRANULARITY": self.granularity,
            "ADDRESS_WIDTH": self.address_bits,
            "STYLE": "block" if self._is_block else self.style,
            "LATENCY": self.latency,
        }

    @property
    def _is_block(self) -> bool:
        return self.style == "auto" and self.latency > 0 and self.depth >= BLOCK_DEPTH

    @cached_property
    def memory(self) -> Memory:
        """The words, where the component is built in place. A proof may add ports that read."""
        return Memory(shape=self.width, depth=self.depth, init=[])

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = self.memory
        write = memory.write_port(granularity=self.granularity)
        m.d.comb += [
            write.en.eq(self.write.enable),
            write.addr.eq(self.write.address),
            write.data.eq(self.write.data),
        ]
        if self.latency == 0:
            at_once = memory.read_port(domain="comb")
            m.d.comb += [at_once.addr.eq(self.read.address), self.read.data.eq(at_once.data)]
            return m
        read = memory.read_port()
        m.d.comb += [
            read.en.eq(self.read.enable),
            read.addr.eq(self.read.address),
            self.read.data.eq(delayed(m, read.data, self.latency - 1, "word", reset=False)),
        ]
        return m
