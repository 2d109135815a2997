"""Energy and area of an accelerator as Timeloop's reference tables (ERT, ART).

An action of DRAM or L2 moves a row of B elements, one of a PE's buffer one element. A product
reads a weight, an input and a sum and writes a sum: a read of the one buffer is priced at the mean
of the three, a write as a write of a sum.
"""

from typing import Any, Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import AccessEnergy, AreaTable
from naas_hw.exchange.timeloop_architecture import CHIP, SYSTEM, pe_name
from naas_hw.exchange.timeloop_format import DRAM, GLOBAL_BUFFER, MAC, PE, PE_BUFFER, Version

_COMPUTE: Final = {
    Version.V03: ("mac_random", "mac_reused"),
    Version.V04: ("compute",),
}
_UPDATE: Final = {Version.V03: (), Version.V04: ("update",)}
_L2_PARTS: Final = ("global_buffer", "scales")
_PE_BUFFER_PARTS: Final = ("weight_buffers", "input_buffers", "accumulators")
_IDLE: Final = {Version.V03: "idle", Version.V04: "leak"}


def energy_reference(
    accelerator: Accelerator, energy: AccessEnergy, version: Version
) -> dict[str, Any]:
    """The file's content, in picojoules an action; what waits costs nothing."""
    names = component_names(accelerator, version)
    read = (energy.l1_weight_read + energy.l1_input_read + energy.accumulator) / 3
    tables = {
        names[DRAM]: _storage(energy.dram_beat, energy.dram_beat, version),
        names[GLOBAL_BUFFER]: _storage(energy.l2_word, energy.l2_word, version),
        names[PE_BUFFER]: _storage(read, energy.accumulator, version),
        names[MAC]: _mac(energy.mac, version),
    }
    if version is Version.V04:
        tables[names[PE]] = _storage(0.0, 0.0, version)
    return {"ERT": {"version": version.number, "tables": _tables(tables, version)}}


def area_reference(accelerator: Accelerator, area: AreaTable, version: Version) -> dict[str, Any]:
    """The file's content, in square micrometres an instance; DRAM has none."""
    names, parts = component_names(accelerator, version), dict(area.area_um2(accelerator))
    num_pes = accelerator.num_pes
    areas = {
        names[DRAM]: 0.0,
        names[GLOBAL_BUFFER]: sum(parts.pop(part) for part in _L2_PARTS),
        names[PE_BUFFER]: sum(parts.pop(part) for part in _PE_BUFFER_PARTS) / num_pes,
        names[MAC]: sum(parts.values()) / num_pes,  # all the rest is arithmetic
    }
    if version is Version.V04:
        areas[names[PE]] = 0.0
    tables = [{"name": name, "area": float(value)} for name, value in areas.items()]
    return {"ART": {"version": version.number, "tables": tables}}


def component_names(accelerator: Accelerator, version: Version) -> dict[str, str]:
    """Component -> its name in a reference table.

    timeloopfe flattens v0.4 into one level, numbers instances from 1, and puts a store of nothing
    where the array fans out.
    """
    if version is Version.V03:
        inside = f"{SYSTEM}.{CHIP}.{pe_name(accelerator)}"
        return {
            DRAM: f"{SYSTEM}.{DRAM}",
            GLOBAL_BUFFER: f"{SYSTEM}.{CHIP}.{GLOBAL_BUFFER}",
            PE_BUFFER: f"{inside}.{PE_BUFFER}",
            MAC: f"{inside}.{MAC}",
        }
    top, many = f"{SYSTEM}_top_level", f"[1..{accelerator.num_pes}]"
    return {
        DRAM: f"{top}.{DRAM}[1..1]",
        GLOBAL_BUFFER: f"{top}.{GLOBAL_BUFFER}[1..1]",
        PE: f"{top}.inter_{PE}_spatial[1..1]",
        PE_BUFFER: f"{top}.{PE_BUFFER}{many}",
        MAC: f"{top}.{MAC}{many}",
    }


def _storage(read: float, write: float, version: Version) -> dict[str, float]:
    updates = dict.fromkeys(_UPDATE[version], write)
    return {"read": read, "write": write, **updates, _IDLE[version]: 0.0}


def _mac(energy: float, version: Version) -> dict[str, float]:
    gated = {"mac_gated": 0.0} if version is Version.V03 else {}
    return {**dict.fromkeys(_COMPUTE[version], energy), **gated, _IDLE[version]: 0.0}


def _tables(tables: dict[str, dict[str, float]], version: Version) -> list[dict[str, Any]]:
    arguments: Any = None if version is Version.V03 else {}
    return [
        {
            "name": name,
            "actions": [
                {"name": action, "arguments": arguments, "energy": float(energy)}
                for action, energy in actions.items()
            ],
        }
        for name, actions in tables.items()
    ]
