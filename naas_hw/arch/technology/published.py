"""Published figures that tables are made of: products and sums, DRAM, memories on the chip."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from naas_hw.arch.technology.figures import HOROWITZ, Entry, Picojoules, SourcedFigure
from naas_hw.arch.technology.scaling import RULE, Technology, energy_factor
from naas_hw.workload.layer import Name

NM45: Final = Technology(node_nm=45, supply_v=0.9)
NM28: Final = Technology(node_nm=28, supply_v=0.9)

# Arithmetic --------------------------------------------------------------------------------------


class Precision(StrEnum):
    """What a MAC multiplies."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    FP16 = "fp16"
    FP32 = "fp32"


class MacEnergy(SourcedFigure):
    """Picojoules of a product and of its addition.

    The hardware multiplies bytes into 32-bit sums; another precision prices its MACs as if they
    were of that kind, and leaves bytes bytes.
    """

    precision: Precision
    multiply_pj: Picojoules
    add_pj: Picojoules

    @property
    def total_pj(self) -> float:
        """Both."""
        return self.multiply_pj + self.add_pj


def integer_mac(bits: int) -> MacEnergy:
    """A MAC of this width by the rule: a product costs the square of its width, a sum its width.

    Sums are of 32 bits, and of twice the operands' where that is more.

    Notes
    -----
    From 8 bits (0.2 pJ) the rule says 3.2 pJ for a 32-bit product; 3.1 pJ is published. From a
    32-bit sum (0.1 pJ) it says 0.025 pJ for 8 bits; 0.03 pJ is published.
    """
    return MacEnergy(
        precision=Precision(f"int{bits}"),
        multiply_pj=0.2 * (bits / 8) ** 2,
        add_pj=0.1 * max(32, 2 * bits) / 32,
        source=f"{HOROWITZ}: 8-bit multiplication 0.2 pJ, 32-bit addition 0.1 pJ; by width: "
        "multiplication with its square, addition in proportion",
    )


MACS: Final[dict[Precision, MacEnergy]] = {
    Precision.INT8: integer_mac(8),
    Precision.INT16: integer_mac(16),
    Precision.INT32: integer_mac(32),
    Precision.FP16: MacEnergy(
        precision=Precision.FP16,
        multiply_pj=1.1,
        add_pj=0.4,
        source=f"{HOROWITZ}: 16-bit floating point, multiplication 1.1 pJ and addition 0.4 pJ",
    ),
    Precision.FP32: MacEnergy(
        precision=Precision.FP32,
        multiply_pj=3.7,
        add_pj=0.9,
        source=f"{HOROWITZ}: 32-bit floating point, multiplication 3.7 pJ and addition 0.9 pJ",
    ),
}
"""MACs in 45 nm at 0.9 V."""

# DRAM --------------------------------------------------------------------------------------------


class DramEnergy(SourcedFigure):
    """Picojoules of a bit that crosses the bus, whichever way."""

    interface: Name
    pj_per_bit: Picojoules


_MALLADI: Final = (
    "K. Malladi et al., Towards energy-proportional datacenter memory with mobile DRAM, ISCA 2012"
)
_O_CONNOR: Final = (
    "M. O'Connor et al., Fine-grained DRAM: energy-efficient DRAM for extreme bandwidth systems, "
    "MICRO 2017"
)
_JOUPPI: Final = (
    "N. Jouppi et al., Ten lessons from three generations shaped Google's TPUv4i, ISCA 2021, "
    "table 2"
)

HOROWITZ_DRAM: Final = DramEnergy(
    interface="horowitz",
    pj_per_bit=1950 / 64,
    source=f"{HOROWITZ}: DRAM 1.3 to 2.6 nJ per 64 bits, the middle",
)

DRAMS: Final[dict[str, DramEnergy]] = {
    entry.interface: entry
    for entry in (
        HOROWITZ_DRAM,
        DramEnergy(
            interface="ddr3",
            pj_per_bit=70.0,
            source=f"{_MALLADI}: DDR3 70 pJ a bit with the bus always in use, 40 % of it static",
        ),
        DramEnergy(
            interface="ddr4",
            pj_per_bit=1300 / 64,
            source=f"{_JOUPPI}: DDR3 and DDR4, 1300 pJ per 64 bits",
        ),
        DramEnergy(
            interface="lpddr2",
            pj_per_bit=40.0,
            source=f"{_MALLADI}: LPDDR2 40 pJ a bit, as Accelergy's CACTI plug-in quotes it",
        ),
        DramEnergy(
            interface="lpddr4",
            pj_per_bit=8.0,
            source="Accelergy's CACTI plug-in, which calls it public data: LPDDR4 8 pJ a bit",
        ),
        DramEnergy(interface="gddr5", pj_per_bit=14.0, source=f"{_O_CONNOR}: GDDR5 14.0 pJ a bit"),
        DramEnergy(interface="hbm2", pj_per_bit=3.9, source=f"{_O_CONNOR}: HBM2 3.9 pJ a bit"),
    )
}
"""Off-chip memory by interface. Sources differ in what they count (idle power, controller, I/O)."""

# Memories on the chip ----------------------------------------------------------------------------

Exponent = Annotated[float, Field(ge=0, le=2)]


class MemoryEnergy(SourcedFigure):
    """Picojoules of an access, by a power law of size and width.

    pj (size / size_bytes)^size_exponent (width / word_bits)^width_exponent; a memory smaller than
    `min_bytes` costs what one of `min_bytes` does.
    """

    pj: Picojoules
    size_bytes: Annotated[int, Field(ge=1, le=1 << 40)]
    word_bits: Annotated[int, Field(ge=1, le=1 << 16)]
    size_exponent: Exponent
    width_exponent: Exponent = 1.0
    min_bytes: Annotated[int, Field(ge=1, le=1 << 40)] = 1

    def access_pj(self, size_bytes: float, word_bytes: float) -> float:
        """Picojoules of one access to a memory of so many bytes, in words of so many."""
        size = max(size_bytes, self.min_bytes) / self.size_bytes
        width = 8 * word_bytes / self.word_bits
        return float(self.pj * size**self.size_exponent * width**self.width_exponent)


SRAM: Final = MemoryEnergy(
    pj=10.0,
    size_bytes=8192,
    word_bits=64,
    size_exponent=0.5,
    min_bytes=64,
    source=f"{HOROWITZ}: 64 bits of a cache of 8 KB 10 pJ; 32 KB 20 pJ and 1 MB 100 pJ lie on the "
    "square root of the size to within 14 %. Assumptions: in proportion to the width; below 64 "
    "bytes the periphery decides",
)

_REGISTERS_28_NM: Final = 0.96

REGISTER_FILE: Final = MemoryEnergy(
    pj=_REGISTERS_28_NM * energy_factor(NM28, NM45),
    size_bytes=512,
    word_bits=16,
    size_exponent=1.0,
    source="X. Yang et al., Interstellar, ASPLOS 2020: 16 bits of a register file of 16 B 0.03 pJ, "
    f"doubled with each doubling to 0.96 pJ at 512 B, 28 nm; to {NM45} by {RULE}, from 0.9 V, "
    "which is an assumption, as is the proportion to the width",
)

REGISTER_FILE_BYTES: Final = Entry(
    value=64,
    source="assumption: where register file and SRAM cost the same energy to within 3 %. Eyeriss "
    "(Y.-H. Chen et al., JSSC 2017) has registers for 24 and 48 B and SRAM for 448 B in a PE",
)
"""Largest memory that is a register file, for energy and for area."""
