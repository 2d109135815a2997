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


@dataclass(frozen=True, kw_only=True)
class PortNames:
    """Names that a system wants.

    Parameters
    ----------
    top : of the module.
    registers, memory : prefixes of the ports of AXI4-Lite and AXI4, without the last underscore.

    Raises
    ------
    InputError : one of them is no name of Verilog, begins with `naas_` (but the usual top), or the
        two prefixes are the same.
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
        if self.top != CORE and self.top.startswith("naas_"):
            raise InputError(
                f"top must not begin with naas_, as other modules do, not {self.top!r}"
            )
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
    InputError : the prefixes make two ports the same.
    """
    if names == USUAL:
        return dict(sources)
    if names.top == CORE:
        raise InputError(f"top must have another name where prefixes are chosen, not {CORE}")
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
