"""A memory with one write port and one read port."""

import operator
from collections.abc import Hashable
from typing import Any, Literal

from amaranth.hdl import Module, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.shared import SharedComponent

RamStyle = Literal["auto", "block", "distributed"]
STYLES: tuple[RamStyle, ...] = ("auto", "block", "distributed")

BLOCK_DEPTH = 32
"""Words from which on "auto" is block memory: left alone, yosys puts a PE's buffers into LUTs."""


class Ram(SharedComponent):
    """Simple dual-port memory: every cycle one write and one read, each at its own address.

    A write takes effect at the end of the cycle in which its enable is high; only the granules
    whose enable is high change. Reading is synchronous: the word addressed in a cycle with
    `read_enable` is in `read_data` from the next cycle on, and stays until the next enabled
    read. Latency 1, throughput 1.

    Reading a word in the cycle in which it is written gives an undefined word (the simulator's
    is the old one): do not. Addresses at or above the depth: do not. Reset leaves the contents
    and `read_data` alone; nothing may depend on what a word holds before its first write.

    In emitted Verilog this is the module `naas_ram`, the one place for a foundry's macro.

    Parameters
    ----------
    width : bits of a word, at least 1.
    depth : number of words, at least 1; any number, not only powers of two.
    granularity : bits of a granule, has to divide the width; default: the width, one granule.
    style : hint for synthesis, "block", "distributed", or "auto": block from BLOCK_DEPTH words on,
        below that whatever synthesis prefers.

    Members
    -------
    write_enable : In, one bit per granule, the lowest granule first.
    write_address : In, max(1, ceil(log2(depth))) bits.
    write_data : In, width bits.
    read_enable : In, 1 bit.
    read_address : In, like write_address.
    read_data : Out, width bits; one cycle after read_enable.

    Raises
    ------
    TypeError, ValueError : a parameter that is no integer, or out of its range.
    """

    template = "naas_ram"

    write_enable: Signal
    write_address: Signal
    write_data: Signal
    read_enable: Signal
    read_address: Signal
    read_data: Signal

    def __init__(
        self,
        *,
        width: int,
        depth: int,
        granularity: int | None = None,
        style: RamStyle = "auto",
    ) -> None:
        self.width = operator.index(width)
        self.depth = operator.index(depth)
        self.granularity = self.width if granularity is None else operator.index(granularity)
        self.style = style
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
        address_width = max(1, (self.depth - 1).bit_length())
        super().__init__(
            {
                "write_enable": In(self.width // self.granularity),
                "write_address": In(address_width),
                "write_data": In(self.width),
                "read_enable": In(1),
                "read_address": In(address_width),
                "read_data": Out(self.width),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.width, self.depth, self.granularity, self.style)

    @property
    def template_parameters(self) -> dict[str, int | str]:
        return {
            "WIDTH": self.width,
            "DEPTH": self.depth,
            "GRANULARITY": self.granularity,
            "ADDRESS_WIDTH": len(self.read_address),
            "STYLE": "block" if self.style == "auto" and self.depth >= BLOCK_DEPTH else self.style,
        }

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.width, depth=self.depth, init=[])
        write = memory.write_port(granularity=self.granularity)
        read = memory.read_port()
        m.d.comb += [
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            read.en.eq(self.read_enable),
            read.addr.eq(self.read_address),
            self.read_data.eq(read.data),
        ]
        return m
