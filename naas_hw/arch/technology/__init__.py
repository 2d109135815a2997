"""What an access and an area cost: tables, the figures they are made of, and their sources.

Every figure says where it comes from. Energies are picojoules, areas square micrometres; both are
as right as their sources, which is why the source is part of the value.
"""

from naas_hw.arch.technology.area import AREA, AreaTable
from naas_hw.arch.technology.figures import Entry
from naas_hw.arch.technology.published import (
    DRAMS,
    MACS,
    DramEnergy,
    MacEnergy,
    MemoryEnergy,
    Precision,
)
from naas_hw.arch.technology.scaling import Technology, area_factor, energy_factor, technology
from naas_hw.arch.technology.tables import (
    ENERGY_TABLES,
    EYERISS,
    MAESTRO,
    SIZED,
    AccessEnergy,
    EnergyTable,
    MaestroTable,
    SizedTable,
    energy_table,
    scale_bytes,
    scaled,
    with_dram,
    with_dram_factor,
    with_mac,
)

__all__ = [
    "AREA",
    "DRAMS",
    "ENERGY_TABLES",
    "EYERISS",
    "MACS",
    "MAESTRO",
    "SIZED",
    "AccessEnergy",
    "AreaTable",
    "DramEnergy",
    "EnergyTable",
    "Entry",
    "MacEnergy",
    "MaestroTable",
    "MemoryEnergy",
    "Precision",
    "SizedTable",
    "Technology",
    "area_factor",
    "energy_factor",
    "energy_table",
    "scale_bytes",
    "scaled",
    "technology",
    "with_dram",
    "with_dram_factor",
    "with_mac",
]
