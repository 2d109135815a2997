"""Tables of energy: what one access costs in one accelerator."""

from abc import ABC, abstractmethod
from math import sqrt
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import SUM_BYTES, Accelerator
from naas_hw.arch.technology.figures import HOROWITZ, Entry, Picojoules, SourcedFigure
from naas_hw.arch.technology.published import (
    DRAMS,
    HOROWITZ_DRAM,
    MACS,
    NM45,
    REGISTER_FILE,
    REGISTER_FILE_BYTES,
    SRAM,
    DramEnergy,
    MacEnergy,
    MemoryEnergy,
    Precision,
)
from naas_hw.arch.technology.scaling import RULE, Technology, energy_factor
from naas_hw.core.errors import InputError
from naas_hw.workload.layer import Name


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
        """Figure -> where it comes from."""
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: figure.source for name, figure in named if isinstance(figure, SourcedFigure)}


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
        """Picojoules of one access, relative to the MAC; the DRAM costs nothing."""
        mac = self.mac.value
        l2, l1 = self.l2_element.value * mac, self.l1_element.value * mac
        return AccessEnergy(
            dram_beat=0,
            l2_word=l2 * accelerator.beat_bytes,
            l2_sum_word=l2 * accelerator.sum_lanes,
            scale_word=0,
            l1_weight_write=l1 * accelerator.weight_word_bytes,
            l1_input_write=l1 * accelerator.input_word_bytes,
            l1_weight_read=l1,
            l1_input_read=l1,
            accumulator=l1,
            mac=mac,
        )


class SizedTable(EnergyTable):
    """Energy grows with the size of a memory and the width of its word; DRAM is by the bit.

    This is what a file of the kind `energy_table` holds.

    Parameters
    ----------
    technology : of what is on the chip.
    dram : a bit on the bus.
    sram : memories of more than `register_file_bytes`; `register_file` : the others.
    mac : a product and its sum.

    Notes
    -----
    L2 is accessed one bank at a time; that its banks lie far apart is charged as wire, in
    proportion to the square root of the whole buffer, which is what makes a size s of the whole
    buffer an upper, and of one bank a lower, estimate: this takes the geometric mean of the two.
    Registers between stages are part of the MAC; wires of the networks cost nothing.
    """

    version: Annotated[int, Field(ge=1, le=1)] = 1
    name: Name = "sized"
    technology: Technology = NM45
    dram: DramEnergy = HOROWITZ_DRAM
    sram: MemoryEnergy = SRAM
    register_file: MemoryEnergy = REGISTER_FILE
    register_file_bytes: Entry = REGISTER_FILE_BYTES
    mac: MacEnergy = MACS[Precision.INT8]

    def memory_pj(self, size_bytes: float, word_bytes: float) -> float:
        """Picojoules of one access to a memory of so many bytes, in words of so many."""
        small = size_bytes <= self.register_file_bytes.value
        return (self.register_file if small else self.sram).access_pj(size_bytes, word_bytes)

    def access_energy(self, accelerator: Accelerator) -> AccessEnergy:
        """Picojoules of one access; each memory has the size and the word of the accelerator."""
        beat = accelerator.beat_bytes
        span = sqrt(accelerator.bank_bytes * accelerator.global_buffer_bytes)
        weights, inputs = accelerator.weight_buffer_bytes, accelerator.input_buffer_bytes
        l2 = self.memory_pj(span, beat)
        return AccessEnergy(
            dram_beat=8 * beat * self.dram.pj_per_bit,
            l2_word=l2,
            l2_sum_word=l2,
            scale_word=self.memory_pj(scale_bytes(accelerator), beat),
            l1_weight_write=self.memory_pj(weights, accelerator.weight_word_bytes),
            l1_input_write=self.memory_pj(inputs, accelerator.input_word_bytes),
            l1_weight_read=self.memory_pj(weights, 1),
            l1_input_read=self.memory_pj(inputs, 1),
            accumulator=self.memory_pj(accelerator.accumulator_words * SUM_BYTES, SUM_BYTES),
            mac=self.mac.total_pj,
        )


def scale_bytes(accelerator: Accelerator) -> int:
    """Bytes of the memory of requantisation parameters: three words a channel, both halves."""
    return 2 * 3 * SUM_BYTES * accelerator.scale_depth


# Tables out of tables ----------------------------------------------------------------------------


def with_dram(table: SizedTable, dram: DramEnergy) -> SizedTable:
    """The table with another memory outside."""
    return table.model_copy(update={"name": f"{table.name}-{dram.interface}", "dram": dram})


def with_dram_factor(table: SizedTable, factor: float) -> SizedTable:
    """The table with DRAM energy multiplied by the factor, which its source records."""
    dram = DramEnergy(
        interface=table.dram.interface,
        pj_per_bit=factor * table.dram.pj_per_bit,
        source=f"{table.dram.source}; times {factor:g}",
    )
    name = f"{table.name}-dram-x{factor:g}"
    return table.model_copy(update={"name": name, "dram": dram})


def scaled(table: SizedTable, target: Technology) -> SizedTable:
    """The table in another technology: all but DRAM times one factor; every source says so."""
    factor = energy_factor(table.technology, target)
    note = _scaling_note(table.technology, target)
    return table.model_copy(
        update={
            "name": f"{table.name}-{target.node_nm:g}nm",
            "technology": target,
            "sram": _scaled_memory(table.sram, factor, note),
            "register_file": _scaled_memory(table.register_file, factor, note),
            "mac": _scaled_mac(table.mac, factor, note),
        }
    )


def with_mac(table: SizedTable, precision: Precision) -> SizedTable:
    """The table with MACs of another kind, in its own technology."""
    mac = MACS[precision]
    if table.technology != NM45:
        factor = energy_factor(NM45, table.technology)
        mac = _scaled_mac(mac, factor, _scaling_note(NM45, table.technology))
    return table.model_copy(update={"name": f"{table.name}-{precision}", "mac": mac})


def _scaling_note(source: Technology, target: Technology) -> str:
    return f"; from {source} to {target} by {RULE}"


def _scaled_mac(mac: MacEnergy, factor: float, note: str) -> MacEnergy:
    return MacEnergy(
        precision=mac.precision,
        multiply_pj=mac.multiply_pj * factor,
        add_pj=mac.add_pj * factor,
        source=mac.source + note,
    )


def _scaled_memory(memory: MemoryEnergy, factor: float, note: str) -> MemoryEnergy:
    return memory.model_copy(update={"pj": memory.pj * factor, "source": memory.source + note})


# The tables that are there -----------------------------------------------------------------------

_EYERISS: Final = (
    "Y.-H. Chen et al., Eyeriss: a spatial architecture for energy-efficient dataflow, ISCA 2016, "
    "table IV, 65 nm, 16 bits, relative to a MAC"
)


def _eyeriss() -> SizedTable:
    """The normalised costs of the Eyeriss paper, in MACs of 16 bits."""
    mac = MACS[Precision.INT16]

    def flat(times: float, size_bytes: int, what: str) -> MemoryEnergy:
        return MemoryEnergy(
            pj=times * mac.total_pj,
            size_bytes=size_bytes,
            word_bits=16,
            size_exponent=0,
            source=f"{_EYERISS}: {what} {times:g}; its MAC taken as {mac.source}",
        )

    return SizedTable(
        name="eyeriss",
        dram=DramEnergy(
            interface="eyeriss",
            pj_per_bit=200 * mac.total_pj / 16,
            source=f"{_EYERISS}: DRAM 200; its MAC taken as {mac.source}",
        ),
        sram=flat(6, 128 * 1024, "buffer of more than 100 KB"),
        register_file=flat(1, 512, "register file of 0.5 KB"),
        register_file_bytes=Entry(
            value=1024, source=f"{_EYERISS}: a register file has 0.5 to 1 KB"
        ),
        mac=mac,
    )


MAESTRO: Final = MaestroTable()
SIZED: Final = SizedTable()
EYERISS: Final = _eyeriss()

ENERGY_TABLES: Final[dict[str, EnergyTable]] = {
    "default": SIZED,
    **{
        table.name: table
        for table in (
            SIZED,
            MAESTRO,
            EYERISS,
            *(with_dram(SIZED, dram) for dram in DRAMS.values() if dram is not HOROWITZ_DRAM),
        )
    },
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
