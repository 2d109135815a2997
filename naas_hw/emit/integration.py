"""A design for other people's tools: FuseSoC, Vivado's IP packager, timing constraints, datasheet.

naas_accelerator.core        FuseSoC: targets lint, sim, synth
ip/package_ip.tcl            packs the design as an IP of Vivado
constraints/clock.sdc, .xdc  the clock
DATASHEET.md                 what the core is, its ports, memories and limits
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import TARGET_MHZ
from naas_hw.core.templates import render_template
from naas_hw.emit.module_ports import Port
from naas_hw.emit.registers import buses_of, registers_bus
from naas_hw.rtl.control.register_map import ADDRESS_BITS

CLOCK_FILES: Final = ("constraints/clock.sdc", "constraints/clock.xdc")
CORE_FILE: Final = "naas_accelerator.core"
IP_FILE: Final = "ip/package_ip.tcl"
DATASHEET: Final = "DATASHEET.md"
PERIOD_NS: Final = 1e3 / TARGET_MHZ


def integration_files(
    accelerator: Accelerator,
    facts: Mapping[str, Any],
    ports: Sequence[Port],
    sources: Sequence[str],
    test: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """Path in `rtl/` -> text.

    Parameters
    ----------
    facts : what all texts of a design may say.
    ports : of the top module.
    sources : Verilog files of the design.
    test : paths of the files of the self-checking test: `models` of primitives that the sources
        instantiate, `verilog`, and `data`.
    """
    buses = buses_of(ports)
    known = {
        **facts,
        "sources": list(sources),
        "test": test,
        "buses": buses,
        "ports": [
            {"name": p.name, "width": p.width, "direction": "input" if p.is_input else "output"}
            for p in ports
        ],
        "registers_bus": registers_bus(buses),
        "register_bytes": 1 << ADDRESS_BITS,
        "period_ns": PERIOD_NS,
        "target_mhz": TARGET_MHZ,
        "memories": memories_of(accelerator),
    }
    clock = _render("clock.sdc.j2", **known)
    return {
        **dict.fromkeys(CLOCK_FILES, clock),
        CORE_FILE: _render("fusesoc.core.j2", **known),
        IP_FILE: _render("package_ip.tcl.j2", **known),
        DATASHEET: _render("DATASHEET.md.j2", **known),
    }


def memories_of(accelerator: Accelerator) -> list[tuple[str, int, int]]:
    """Name, number and bytes of each kind of memory that an architect counts."""
    return [
        ("global buffer (L2), banks", accelerator.num_banks, accelerator.bank_bytes),
        ("weight buffer of a PE", accelerator.num_pes, accelerator.weight_buffer_bytes),
        ("input buffer of a PE", accelerator.num_pes, accelerator.input_buffer_bytes),
    ]


def _render(template: str, **values: object) -> str:
    return render_template("package", template, **values)
