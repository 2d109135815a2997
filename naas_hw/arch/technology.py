"""What an access costs: tables of energy, and an estimate of area.

Every entry says where it comes from. Energies are picojoules, areas square micrometres; both are
as right as their sources, which is why the source is part of the value.
"""

from abc import ABC, abstractmethod
from math import prod, sqrt
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator
from naas_hw.errors import InputError

SUM_BYTES: Final = 4
"""Bytes of an accumulator or partial sum."""

HOROWITZ: Final = (
    "M. Horowitz, Computing's energy problem (and what we can do about it), ISSCC 2014, "
    "figure 1.1.9: 45 nm, 0.9 V"
)

Picojoules = Annotated[float, Field(ge=0)]
Source = Annotated[str, Field(min_length=1)]


class Entry(BaseModel):
    """One figure and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Picojoules
    source: Source


class AccessEnergy(BaseModel):
    """Picojoules of one access in one accelerator.

    Members
    -------
    dram_beat : one beat on the bus, either way.
    l2_word : one word of B bytes that holds bytes, read or written.
    l2_sum_word : one word of B bytes that holds 32-bit sums.
    scale_word : a beat of requantisation parameters, written to their memory.
    l1_weight_write, l1_input_write : one word into a private buffer.
    l1_weight_read, l1_input_read : one byte from a private buffer.
    accumulator : one 32-bit word, read or written.
    mac : one product and its addition.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dram_beat: Picojoules
    l2_word: Picojoules
    l2_sum_word: Picojoules
    scale_word: Picojoules
    l1_weight_write: Picojoules
    l1_input_write: Picojoules
    l1_weight_read: Picojoules
    l1_input_read: Picojoules
    accumulator: Picojoules
    mac: Picojoules


class EnergyTable(BaseModel, ABC):
    """How to price the accesses of any accelerator; frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str

    @abstractmethod
    def access_energy(self, accelerator: Accelerator) -> AccessEnergy:
        """Picojoules of one access in this accelerator."""

    @property
    def sources(self) -> dict[str, str]:
        """Entry -> where it comes from."""
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: entry.source for name, entry in named if isinstance(entry, Entry)}


class MaestroTable(EnergyTable):
    """(18.61 x L2 accesses + 1.68 x L1 accesses) x energy of a MAC: sizes do not matter, no DRAM.

    Its accesses are of elements. Here a word of L2 is as many elements as it holds (B bytes, or
    B/4 sums), and so is a word written to a private buffer. A MAC reads two elements of L1, and
    accumulators are L1, as in MAESTRO, whose L1 holds all three tensors. The MAC itself is added.
    """

    name: Literal["maestro"] = "maestro"
    l2_element: Entry = Entry(value=18.61, source="MAESTRO as published: relative to a MAC")
    l1_element: Entry = Entry(value=1.68, source="MAESTRO as published: relative to a MAC")
    mac: Entry = Entry(
        value=0.23, source=f"{HOROWITZ}: 8-bit multiplication 0.2 pJ and addition 0.03 pJ"
    )

    def access_energy(self, accelerator: Accelerator) -> AccessEnergy:
        mac = self.mac.value
        l2, l1 = self.l2_element.value * mac, self.l1_element.value * mac
        return AccessEnergy(
            dram_beat=0,
            l2_word=l2 * accelerator.beat_bytes,
            l2_sum_word=l2 * accelerator.drain_lanes,
            scale_word=0,
            l1_weight_write=l1 * accelerator.weight_word_bytes,
            l1_input_write=l1 * accelerator.input_word_bytes,
            l1_weight_read=l1,
            l1_input_read=l1,
            accumulator=l1,
            mac=mac,
        )


class SizedTable(EnergyTable):
    """Energy grows with the width of a word and with the square root of a memory's size.

    Notes
    -----
    A memory of s bytes costs, per bit of a word, e(s) = e(s0) sqrt(s / s0) with the reference s0
    = 8 KiB at 10 pJ per 64 bits; the two larger points of the same figure (20 pJ at 32 KiB,
    100 pJ at 1 MiB) lie on that line to within 14 %. Below `min_sram_bytes` it stays: a small
    memory is dominated by its periphery. L2 is accessed one bank at a time; that its banks lie far
    apart is charged as wire, in proportion to the square root of the whole buffer, which is what
    makes sqrt(s) with s the whole buffer an upper, and with s one bank a lower, estimate: this
    takes the geometric mean of the two.
    """

    name: Literal["sized"] = "sized"
    sram_64_bits_8_kib: Entry = Entry(value=10.0, source=f"{HOROWITZ}: 8 KB cache, 64 bits, 10 pJ")
    min_sram_bytes: Entry = Entry(
        value=64.0, source="assumption: below 64 bytes the periphery decides"
    )
    dram_64_bits: Entry = Entry(
        value=1950.0, source=f"{HOROWITZ}: DRAM 1.3 to 2.6 nJ per 64 bits, the middle"
    )
    multiply_8_bits: Entry = Entry(value=0.2, source=f"{HOROWITZ}: 8-bit multiplication 0.2 pJ")
    add_32_bits: Entry = Entry(value=0.1, source=f"{HOROWITZ}: 32-bit addition 0.1 pJ")

    def sram_pj(self, size_bytes: float, word_bytes: float) -> float:
        """Picojoules of one access to a memory of so many bytes, in words of so many."""
        size = max(size_bytes, self.min_sram_bytes.value)
        return self.sram_64_bits_8_kib.value * sqrt(size / 8192) * word_bytes / 8

    def access_energy(self, accelerator: Accelerator) -> AccessEnergy:
        beat = accelerator.beat_bytes
        span = sqrt(accelerator.bank_bytes * accelerator.global_buffer_bytes)
        weights, inputs = accelerator.weight_buffer_bytes, accelerator.input_buffer_bytes
        l2 = self.sram_pj(span, beat)
        return AccessEnergy(
            dram_beat=self.dram_64_bits.value * beat / 8,
            l2_word=l2,
            l2_sum_word=l2,
            scale_word=self.sram_pj(scale_bytes(accelerator), beat),
            l1_weight_write=self.sram_pj(weights, accelerator.weight_word_bytes),
            l1_input_write=self.sram_pj(inputs, accelerator.input_word_bytes),
            l1_weight_read=self.sram_pj(weights, 1),
            l1_input_read=self.sram_pj(inputs, 1),
            accumulator=self.sram_pj(accelerator.accumulator_words * SUM_BYTES, SUM_BYTES),
            mac=self.multiply_8_bits.value + self.add_32_bits.value,
        )


MAESTRO: Final = MaestroTable()
SIZED: Final = SizedTable()

ENERGY_TABLES: Final[dict[str, EnergyTable]] = {
    "default": SIZED,
    "sized": SIZED,
    "maestro": MAESTRO,
}
"""Tables by the name that a budget gives."""


def energy_table(name: str) -> EnergyTable:
    """The table of this name.

    Raises
    ------
    InputError : there is none.
    """
    if name not in ENERGY_TABLES:
        known = ", ".join(ENERGY_TABLES)
        raise InputError(f"energy_table must be one of {known}, not {name!r}")
    return ENERGY_TABLES[name]


def scale_bytes(accelerator: Accelerator) -> int:
    """Bytes of the memory of requantisation parameters: three words a channel, both halves."""
    return 2 * 3 * SUM_BYTES * accelerator.scale_depth


# Area --------------------------------------------------------------------------------------------


class AreaTable(BaseModel):
    """Square micrometres of the parts; frozen. An estimate to compare designs by, no more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sram_bit: Entry = Entry(
        value=0.65,
        source="6T cell 0.346 um2 (Intel 45 nm, K. Mistry et al., IEDM 2007), half of a macro "
        "being cells: assumption",
    )
    multiply_8_bits: Entry = Entry(
        value=282.0,
        source="W. Dally, High-performance hardware for machine learning, NIPS 2015 "
        "tutorial, 45 nm: 8-bit multiplication 282 um2",
    )
    add_32_bits: Entry = Entry(value=137.0, source="the same: 32-bit addition 137 um2")
    register_bit: Entry = Entry(value=5.0, source="assumption: a flip-flop is about 8 SRAM bits")
    pipeline_bits_per_pe: Entry = Entry(
        value=35.0, source="flip-flops per MAC of an 8 x 8 array with its registers in the DSP"
    )

    def area_um2(self, accelerator: Accelerator) -> dict[str, float]:
        """Part -> area: private buffers, accumulators, global buffer, arithmetic."""
        groups = prod(axis.size for axis in accelerator.axes if axis.dim in OUTPUT_DIMS)
        pe_bytes = accelerator.weight_buffer_bytes + accelerator.input_buffer_bytes
        adders = accelerator.num_pes  # num_pes - groups in the trees, one a group behind them
        arithmetic = (
            accelerator.num_pes * self.multiply_8_bits.value
            + adders * self.add_32_bits.value
            + accelerator.num_pes * self.pipeline_bits_per_pe.value * self.register_bit.value
        )
        bit = 8 * self.sram_bit.value
        return {
            "private_buffers": accelerator.num_pes * pe_bytes * bit,
            "accumulators": groups * accelerator.accumulator_words * SUM_BYTES * bit,
            "global_buffer": accelerator.global_buffer_bytes * bit,
            "scales": scale_bytes(accelerator) * bit,
            "arithmetic": arithmetic,
        }


AREA: Final = AreaTable()
