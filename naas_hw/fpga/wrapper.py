"""What stands around an accelerator on an FPGA, as files: Verilog, and where its pins are."""

from collections.abc import Mapping
from dataclasses import dataclass

from naas_hw.emit.module_ports import Port
from naas_hw.fpga.harness import HARNESS, render_harness


@dataclass(frozen=True, kw_only=True)
class Wrapper:
    """A module in which the accelerator is the instance `core`.

    Parameters
    ----------
    name : of the module.
    files : file name -> Verilog, besides the accelerator's.
    constraints : for place and route, where its ports are pins of a board; None: place and route
        chooses the pins, and no bitstream comes out, since it must not be loaded anywhere.
    """

    name: str
    files: Mapping[str, str]
    constraints: str | None = None


def pin_ring(ports: tuple[Port, ...], *, core: str) -> Wrapper:
    """Registers around all ports, and five pins that place and route chooses."""
    text = render_harness(ports, core=core)
    return Wrapper(name=HARNESS, files={f"{HARNESS}.v": text})
