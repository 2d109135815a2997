"""Private buffers of PEs, several of them in one memory."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module
from amaranth.lib.wiring import In, connect, flipped

from naas_hw.arch.accelerator import WEIGHT_DIMS, Accelerator
from naas_hw.arch.timing import MEMORY_LATENCY
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.ports import ReadPortSignature, WritePortSignature
from naas_hw.rtl.primitives.positions import pes_of_a_window, positions
from naas_hw.rtl.primitives.ram import Ram, RamStyle
from naas_hw.rtl.primitives.shared import SharedComponent

MEMORY_BYTES: Final = 4
"""Bytes side by side in a memory of private buffers: as wide as an FPGA's block memory, which a
buffer of one PE alone would leave nearly empty."""


def weight_write_port(accelerator: Accelerator) -> WritePortSignature:
    """Writes of the weight buffers of all weight positions at one address, an enable for each."""
    word_bits = 8 * accelerator.weight_word_bytes
    return WritePortSignature(
        address_bits=_address_bits(accelerator.weight_buffer_bytes, accelerator.weight_word_bytes),
        data_bits=word_bits * len(positions(accelerator, WEIGHT_DIMS)),
        granularity=word_bits,
    )


def input_write_port(accelerator: Accelerator) -> WritePortSignature:
    """Writes of the input buffers of a window position, with an enable for each byte."""
    num_pes = pes_of_a_window(accelerator)
    return WritePortSignature(
        address_bits=_address_bits(accelerator.input_buffer_bytes, accelerator.input_word_bytes),
        data_bits=8 * accelerator.input_word_bytes * num_pes,
        granularity=8,
    )


def _address_bits(buffer_bytes: int, word_bytes: int) -> int:
    return max(1, (buffer_bytes // word_bytes - 1).bit_length())


class PrivateBuffers(SharedComponent):
    """Buffers of PEs that are written at one address and read at one address.

    They look like one memory whose word has a part for each PE. Inside, as many PEs share a memory
    as fill MEMORY_BYTES. Golden model: a table of bytes for each PE.

    Parameters
    ----------
    num_pes : number of PEs, at least 1.
    word_bytes : bytes of a PE's word, 1, 2 or 4.
    buffer_bytes : bytes of a PE's buffer, a multiple of word_bytes.
    granularity : bits that one write enable writes; divides the bits of a PE's word.
    style : of the memories, as that of `Ram`.

    Members
    -------
    write : In, `WritePortSignature`; the words of all PEs, the first PE lowest.
    read : In, `ReadPortSignature`, likewise.

    Latency
    -------
    MEMORY_LATENCY cycles from an enabled read to its words, a read and a write every cycle. Reset
    leaves the contents alone. A word must not be read in the cycle in which it is written.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(
        self,
        *,
        num_pes: int,
        word_bytes: int,
        buffer_bytes: int,
        granularity: int,
        style: RamStyle = "auto",
    ) -> None:
        if num_pes < 1:
            raise ValueError(f"num_pes must be at least 1, not {num_pes}")
        if word_bytes not in (1, 2, 4):
            raise ValueError(f"word_bytes must be 1, 2 or 4, not {word_bytes}")
        if buffer_bytes < word_bytes or buffer_bytes % word_bytes:
            raise ValueError(f"buffer_bytes must be a multiple of {word_bytes}, not {buffer_bytes}")
        if granularity < 1 or 8 * word_bytes % granularity:
            raise ValueError(f"granularity must divide {8 * word_bytes}, not {granularity}")
        self.num_pes = num_pes
        self.word_bytes = word_bytes
        self.buffer_bytes = buffer_bytes
        self.granularity = granularity
        self.style = style
        bits = {
            "address_bits": _address_bits(buffer_bytes, word_bytes),
            "data_bits": 8 * word_bytes * num_pes,
        }
        super().__init__(
            {
                "write": In(WritePortSignature(**bits, granularity=granularity)),
                "read": In(ReadPortSignature(**bits)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.num_pes, self.word_bytes, self.buffer_bytes, self.granularity, self.style)

    def build(self, platform: Any) -> Module:
        m = Module()
        pes_per_memory = MEMORY_BYTES // self.word_bytes
        for first in range(0, self.num_pes, pes_per_memory):
            end = min(first + pes_per_memory, self.num_pes)
            self._memory(m, first // pes_per_memory, first, end)
        return m

    def _memory(self, m: Module, index: int, first: int, end: int) -> None:
        """The memory of the PEs from first on, up to but without end."""
        word_bits = 8 * self.word_bytes
        memory = Ram(
            width=word_bits * (end - first),
            depth=self.buffer_bytes // self.word_bytes,
            granularity=self.granularity,
            style=self.style,
            latency=MEMORY_LATENCY,
        )
        m.submodules[f"memory_{index}"] = memory
        bits = slice(first * word_bits, end * word_bits)
        enables = slice(bits.start // self.granularity, bits.stop // self.granularity)
        write, read = flipped(self.write), flipped(self.read)
        connect(m, part_of(write, "address"), part_of(memory.write, "address"))
        connect(m, part_of(read, "enable", "address"), part_of(memory.read, "enable", "address"))
        m.d.comb += [
            memory.write.enable.eq(self.write.enable[enables]),
            memory.write.data.eq(self.write.data[bits]),
            self.read.data[bits].eq(memory.read.data),
        ]
