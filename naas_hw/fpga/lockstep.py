"""The netlist of an accelerator in a simulation, in step with the Verilog that it was made from.

Both see the same inputs, and in every cycle they must have the same outputs. So faults of synthesis
are found, which no simulation of the Verilog can find.
"""

from dataclasses import replace
from typing import Final

from naas_hw.arch.families import Family
from naas_hw.core.errors import ToolError
from naas_hw.core.resources import bench_folder
from naas_hw.emit.families import primitive_models
from naas_hw.emit.yosys import run_yosys
from naas_hw.fpga.build import TOP
from naas_hw.fpga.synthesis import synthesis_script
from naas_hw.sim.hardware import Hardware
from naas_hw.system.temporary import temporary_folder

NETLIST: Final = "naas_netlist"
"""Name of the netlist's module."""

MACRO: Final = "NAAS_NETLIST"
"""Tells the bench to compare, and the module's name."""

CELLS: Final = "naas_ecp5_cells.v"
"""Models of the cells of a netlist that no Verilog of ours names."""


def with_netlist(hardware: Hardware, *, target_mhz: float) -> Hardware:
    """The same hardware, with its netlist for an ECP5 beside its Verilog.

    Every simulation of it compares the two. A difference counts as an error of protocol.

    Parameters
    ----------
    target_mhz : the clock that synthesis aims at.

    Raises
    ------
    ToolError : yosys is missing or failed.
    """
    with temporary_folder("naas_netlist_") as folder:
        for name, text in hardware.sources.items():
            (folder / name).write_text(text, encoding="utf-8")
        script = synthesis_script(
            list(hardware.sources), top=TOP, target_mhz=target_mhz, verilog=NETLIST
        )
        run_yosys(script, folder=folder)
        netlist = folder / f"{NETLIST}.v"
        if not netlist.is_file():
            raise ToolError(f"yosys wrote no {netlist.name}")
        text = netlist.read_text(encoding="utf-8")
    cells = {CELLS: (bench_folder() / CELLS).read_text(encoding="utf-8")}
    return replace(
        hardware,
        sources={**hardware.sources, netlist.name: text, **cells, **primitive_models(Family.ECP5)},
        defines={**hardware.defines, MACRO: NETLIST},
    )
