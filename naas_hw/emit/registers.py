"""The registers in files: a C header, a table, SystemRDL, and IP-XACT with ports and buses.

All of them are made from the one description in `naas_hw.rtl.control.register_map`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from naas_hw.compiler.layout import SLOT_BYTES
from naas_hw.core.templates import render_template
from naas_hw.driver.program_file import VERSIONS
from naas_hw.emit.module_ports import Port
from naas_hw.emit.vivado import AXI_PORT
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import (
    ADDRESS_BITS,
    CONTROL_FIELDS,
    IDENTITY,
    Access,
    register_map,
)
from naas_hw.rtl.control.status import ERRORS, Error

NAMES: Final = ("naas_registers.h", "naas_registers.md", "naas_registers.rdl")
"""Files that know the registers alone."""

COMPONENT: Final = "naas_registers.xml"
"""The file that knows ports and buses, too."""

RDL_ACCESS: Final[Mapping[Access, str]] = {
    Access.READ_WRITE: "sw = rw; hw = r;",
    Access.READ_ONLY: "sw = r; hw = w;",
    Access.WRITE_ONE_TO_CLEAR: "sw = rw; hw = rw; onwrite = woclr;",
    Access.WRITE_ONLY: "sw = w; hw = r;",
}
IPXACT_ACCESS: Final[Mapping[Access, str]] = {
    Access.READ_WRITE: "read-write",
    Access.READ_ONLY: "read-only",
    Access.WRITE_ONE_TO_CLEAR: "read-write",
    Access.WRITE_ONLY: "write-only",
}


@dataclass(frozen=True, kw_only=True)
class BusPort:
    """A port of a bus.

    Parameters
    ----------
    name : of the port; logical : what the standard of the bus calls it.
    """

    name: str
    logical: str


@dataclass(frozen=True, kw_only=True)
class Bus:
    """A bus of a module.

    Parameters
    ----------
    kind : AXI4 or AXI4-Lite.
    is_manager : whether the module starts what happens on it.
    """

    name: str
    kind: str
    is_manager: bool
    ports: tuple[BusPort, ...]


def register_files(facts: Mapping[str, Any]) -> dict[str, str]:
    """Header, table and SystemRDL of the registers, by name.

    Parameters
    ----------
    facts : what all texts of a design may say, its digest among them.
    """
    return {
        name: render_template("package", f"{name}.j2", **facts, **_registers(facts["digest"]))
        for name in NAMES
    }


def component_file(facts: Mapping[str, Any], ports: Sequence[Port], files: Sequence[str]) -> str:
    """The IP-XACT component: registers, buses, ports, and files beside its folder."""
    buses = buses_of(ports)
    return render_template(
        "package",
        f"{COMPONENT}.j2",
        **facts,
        **_registers(facts["digest"]),
        buses=buses,
        registers_bus=registers_bus(buses),
        register_bytes=1 << ADDRESS_BITS,
        ports=[
            {"name": p.name, "width": p.width, "direction": "in" if p.is_input else "out"}
            for p in ports
        ],
        files=list(files),
    )


def _registers(digest: int) -> dict[str, Any]:
    half = (1 << 32) - 1
    return {
        "registers": register_map(COUNTERS),
        "errors": [(int(bit), name, ERRORS[bit]) for name, bit in Error.__members__.items()],
        "control_fields": CONTROL_FIELDS,
        "identity": IDENTITY,
        "slot_bytes": SLOT_BYTES,
        "versions": VERSIONS,
        "rdl_access": RDL_ACCESS,
        "ipxact_access": IPXACT_ACCESS,
        "constants": {
            "identity": IDENTITY,
            "digest_low": digest & half,
            "digest_high": digest >> 32,
        },
    }


def buses_of(ports: Sequence[Port]) -> tuple[Bus, ...]:
    """The AXI buses among ports; the one that has bursts is AXI4, the other AXI4-Lite."""
    found: dict[str, list[tuple[str, Port]]] = {}
    for port in ports:
        if match := AXI_PORT.fullmatch(port.name):
            found.setdefault(match["bus"], []).append((match["signal"], port))
    return tuple(_bus(name, members) for name, members in found.items())


def registers_bus(buses: Sequence[Bus]) -> str:
    """The name of the bus that has the registers; nothing where there is none."""
    return next((bus.name for bus in buses if not bus.is_manager), "")


def _bus(name: str, members: list[tuple[str, Port]]) -> Bus:
    ports = dict(members)
    return Bus(
        name=name,
        kind="AXI4" if "awlen" in ports else "AXI4-Lite",
        is_manager=not ports["awvalid"].is_input,
        ports=tuple(BusPort(name=port.name, logical=signal.upper()) for signal, port in members),
    )
