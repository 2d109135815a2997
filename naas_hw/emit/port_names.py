"""What a system calls the accelerator and its ports: a wrapper that renames them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.core.templates import render_template
from naas_hw.emit.module_ports import Port, ports_of
from naas_hw.emit.names import RESERVED
from naas_hw.emit.vivado import annotate_ports

CORE: Final = "naas_accelerator"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_PREFIX: Final = "naas_"

PRIMITIVES: Final = frozenset(
    """
    ALU54B BUFG CARRY4 CCU2C DP16KD DSP48E1 EHXPLLL FDCE FDPE FDRE FDSE IBUF L6MUX21 LUT1 LUT2 LUT3
    LUT4 LUT5 LUT6 MULT18X18D MUXF7 MUXF8 OBUF PDPW16KD PFUMX RAM32M RAM64M RAMB18E1 RAMB36E1
    SB_CARRY SB_LUT4 SB_MAC16 SB_RAM40_4K SRL16E SRLC32E TRELLIS_COMB TRELLIS_DPR16X4 TRELLIS_FF
    USRMCLK
    """.split()
)
"""Cells of FPGAs to which synthesis maps a design; a module of this name would replace one."""

_MODULE: Final = re.compile(r"^\s*module\s+(\w+)", re.M)
_INSTANCE: Final = re.compile(r"^\s*([A-Za-z_]\w*)\s+(?:#\s*\(|\w+\s*\()", re.M)


@dataclass(frozen=True, kw_only=True)
class PortNames:
    """Names that a system wants.

    Parameters
    ----------
    top : of the module.
    registers, memory : prefixes of the ports of AXI4-Lite and AXI4, without the last underscore.

    Raises
    ------
    InputError : one of them is no name of Verilog, the top begins with `naas_` (but the usual one)
        or is called as a cell of an FPGA, or the two prefixes are the same.
    """

    top: str = CORE
    registers: str = "s_axil"
    memory: str = "m_axi"

    def __post_init__(self) -> None:
        for what, name in vars(self).items():
            if not _NAME.fullmatch(name) or name in RESERVED:
                raise InputError(
                    f"the name of {what} must be a letter and up to 39 letters, digits and '_', "
                    f"and no word of Verilog, not {name!r}"
                )
        if self.top != CORE and self.top.lower().startswith(_PREFIX):
            raise InputError(
                f"top must not begin with {_PREFIX}, as other modules do, not {self.top!r}"
            )
        if self.top.upper() in PRIMITIVES:
            raise InputError(f"top must not have the name of a cell of an FPGA, not {self.top!r}")
        if self.registers == self.memory:
            raise InputError(f"the two prefixes must differ, not both be {self.memory!r}")

    def of(self, port: str) -> str:
        """What a port of the core is called."""
        for prefix, other in (("s_axil_", self.registers), ("m_axi_", self.memory)):
            if port.startswith(prefix):
                return f"{other}_{port.removeprefix(prefix)}"
        return port


USUAL: Final = PortNames()


def renamed(sources: Mapping[str, str], names: PortNames, *, banner: str) -> dict[str, str]:
    """The sources with a wrapper in front, where a name is not the usual one.

    Parameters
    ----------
    sources : file name -> Verilog, the core first.
    banner : what the head of the wrapper says.

    Raises
    ------
    InputError : the prefixes make two ports the same, or a module that the sources hold or use is
        called as the top, up to upper and lower case.
    """
    if names == USUAL:
        return dict(sources)
    if names.top == CORE:
        raise InputError(f"top must have another name where prefixes are chosen, not {CORE}")
    if names.top.lower() in _modules_of(sources):
        raise InputError(
            f"top must not have the name of a module that the design has or uses, not {names.top!r}"
        )
    ports = ports_of(sources[f"{CORE}.v"], CORE)
    outer = [names.of(port.name) for port in ports]
    if len(set(outer)) < len(outer):
        raise InputError("prefixes must give every port a name of its own")
    text = render_template(
        "package",
        "renamed.v.j2",
        banner=banner,
        top=names.top,
        core=CORE,
        ports=[_facts(port, name) for port, name in zip(ports, outer, strict=True)],
    )
    return {f"{names.top}.v": _annotated(text), **sources}


def _modules_of(sources: Mapping[str, str]) -> set[str]:
    """Names of the modules that the sources hold and instantiate, in lower case."""
    return {
        name.lower()
        for text in sources.values()
        for pattern in (_MODULE, _INSTANCE)
        for name in pattern.findall(text)
    }


def _facts(port: Port, name: str) -> dict[str, object]:
    return {
        "inner": port.name,
        "outer": name,
        "flow": "input" if port.is_input else "output",
        "bits": f"[{port.width - 1}:0] " if port.width > 1 else "",
    }


def _annotated(text: str) -> str:
    """Vivado's attributes stand before the ports of the module, after its head."""
    head, module, rest = text.partition("module ")
    return head + annotate_ports(module + rest)
