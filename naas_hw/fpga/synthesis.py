"""Verilog to a netlist of one FPGA family, and which component each cell of it belongs to.

The netlist is flat, because that is what is placed. A cell belongs to the innermost instance whose
path its name begins with: yosys names cells after the nets that they drive. What two components
share is counted once, with one of them, so the parts add up to the whole.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from naas_hw.arch.devices import Resources
from naas_hw.arch.families import Family
from naas_hw.core.errors import ToolError
from naas_hw.emit.module_ports import ports_of
from naas_hw.emit.yosys import run_yosys
from naas_hw.fpga.harness import CORE, HARNESS, render
from naas_hw.fpga.wrapper import Wrapper, pin_ring

NETLIST: Final = "netlist.json"
SYNTHESIS_LOG: Final = "synthesis.log"

REPEATED: Final = (
    "naas_processing_element",
    "naas_accumulator",
    "naas_adder_tree",
    "naas_requantiser",
)
"""Modules that are mapped to LUTs once, for all of their instances; the rest is mapped as one."""

LOGIC_SHARE: Final = 0.3
"""Part of a period that mapping may spend on logic: what is fast enough is made small."""

LUTS_OF: Final = {
    **{"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    **{f"LUT{inputs}": 1 for inputs in (1, 2, 3, 5, 6)},
    **{"INV": 1, "SRL16E": 1, "SRLC32E": 1},
    **{"RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM32M": 4, "RAM64M": 4},
}
"""LUT sites that a cell takes. ECP5: a pair of carry cells two; 16 words of 4 bits four, and a
slice of two more for their write port. 7-series: carry chains lie beside the LUTs."""

FLIP_FLOPS: Final = ("TRELLIS_FF", "FDRE", "FDSE", "FDCE", "FDPE")
MULTIPLIERS: Final = ("MULT18X18D", "DSP48E1")
BLOCK_RAMS: Final = {"DP16KD": 1, "RAMB18E1": 1, "RAMB36E1": 2}
"""Memories of 16 or 18 Kbit that a cell takes."""

SCRIPTS: Final = {Family.ECP5: "synthesis.ys.j2", Family.SERIES_7: "synthesis_series_7.ys.j2"}


def resources_of_cells(cells: Mapping[str, int]) -> Resources:
    """Resources of so many cells of each type."""
    return Resources(
        lut4=sum(each * cells.get(kind, 0) for kind, each in LUTS_OF.items()),
        ff=sum(cells.get(kind, 0) for kind in FLIP_FLOPS),
        dsp=sum(cells.get(kind, 0) for kind in MULTIPLIERS),
        block_ram=sum(each * cells.get(kind, 0) for kind, each in BLOCK_RAMS.items()),
    )


@dataclass(frozen=True, kw_only=True)
class Component:
    """What all instances of one module take, without those inside them.

    Parameters
    ----------
    module : name of the Verilog module; a memory's has no parameters in it.
    instances : how many there are.
    resources : of all of them together.
    """

    module: str
    instances: int
    resources: Resources


class Hierarchy:
    """Paths of instances, as they stood before the netlist was made flat.

    Parameters
    ----------
    modules : path (`core.array.pe_c0_k0`) -> module.
    top : module that all of them are in.
    """

    def __init__(self, modules: Mapping[str, str], *, top: str = HARNESS) -> None:
        self.modules = {"": top, **modules}

    @classmethod
    def of_netlist(
        cls, cells: Mapping[str, Mapping[str, Any]], *, top: str = HARNESS
    ) -> "Hierarchy":
        """The hierarchy as yosys keeps it in a flat netlist."""
        modules = {
            name: _plain(cell["attributes"].get("module", "?"))
            for name, cell in cells.items()
            if cell["type"] == "$scopeinfo"
        }
        return cls(modules, top=top)

    def owner(self, name: str) -> str:
        """Path of the innermost instance whose path begins the name; empty for the harness."""
        words = name.lstrip("\\").split(".")
        for length in range(len(words) - 1, 0, -1):
            path = ".".join(words[:length])
            if path in self.modules:
                return path
        return ""


def _plain(module: str) -> str:
    """Name of a module without what yosys makes of its parameters."""
    if module.startswith("$paramod"):
        return next(part for part in module.split("\\") if part and not part.startswith("$"))
    return module.lstrip("\\")


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """A synthesised accelerator in its wrapper.

    Parameters
    ----------
    core, harness : what the accelerator takes, and what stands around it.
    components : the core's modules, the largest first.
    hierarchy : to find a cell's component.
    """

    core: Resources
    harness: Resources
    components: tuple[Component, ...]
    hierarchy: Hierarchy

    @property
    def resources(self) -> Resources:
        """What all of it takes."""
        return self.core + self.harness


def synthesise(
    sources: Mapping[str, str],
    *,
    top: str,
    target_mhz: float,
    folder: Path,
    family: Family = Family.ECP5,
    wrapper: Wrapper | None = None,
    limit_minutes: float | None = None,
    watch: Callable[[], None] | None = None,
) -> Netlist:
    """Write sources, wrapper and script into a folder, and run yosys there.

    Parameters
    ----------
    sources : file name -> Verilog.
    top : module that the wrapper surrounds.
    target_mhz : the clock that is wanted.
    family : of the FPGA.
    wrapper : a ring of registers and pins if None.
    limit_minutes : what yosys may take; None: as long as it takes.
    watch : called every second while it runs.

    Raises
    ------
    ToolError : yosys is missing, failed, or took longer than the limit.
    """
    wrapper = wrapper or pin_ring(ports_of(sources[f"{top}.v"], top), core=top)
    files = {**sources, **wrapper.files}
    for name, text in files.items():
        (folder / name).write_text(text)
    script = synthesis_script(list(files), top=wrapper.name, target_mhz=target_mhz, family=family)
    log = run_yosys(script, folder=folder, limit_minutes=limit_minutes, watch=watch)
    (folder / SYNTHESIS_LOG).write_text(log)
    return read_netlist(json.loads((folder / NETLIST).read_text()), top=wrapper.name)


def synthesis_script(
    files: Sequence[str],
    *,
    top: str,
    target_mhz: float,
    family: Family = Family.ECP5,
    verilog: str | None = None,
) -> str:
    """Commands of yosys that map Verilog to cells.

    Parameters
    ----------
    files : names of the Verilog files.
    top : module that is mapped, with all that is below it.
    target_mhz : the clock that is wanted.
    verilog : name of a module, and of the file of Verilog that is to hold the netlist; the netlist
        is written as JSON if None.
    """
    return render(
        SCRIPTS[family],
        files=files,
        top=top,
        repeated=[name for name in REPEATED if f"{name}.v" in files],
        logic_ps=round(LOGIC_SHARE * 1e6 / target_mhz),
        verilog=verilog,
    )


def read_netlist(design: Mapping[str, Any], *, top: str = HARNESS) -> Netlist:
    """What a flat netlist takes, by component.

    Raises
    ------
    ToolError : it does not have the top.
    """
    if top not in design.get("modules", {}):
        raise ToolError(f"yosys reported no module {top} in {NETLIST}")
    cells = design["modules"][top]["cells"]
    hierarchy = Hierarchy.of_netlist(cells, top=top)
    counts: dict[str, Counter[str]] = {path: Counter() for path in hierarchy.modules}
    for name, cell in cells.items():
        counts[hierarchy.owner(name)][cell["type"]] += 1
    by_path = {path: resources_of_cells(count) for path, count in counts.items()}
    inside = {path: r for path, r in by_path.items() if path.split(".")[0] == CORE}
    return Netlist(
        core=sum(inside.values(), Resources()),
        harness=sum((r for path, r in by_path.items() if path not in inside), Resources()),
        components=_by_module(inside, hierarchy),
        hierarchy=hierarchy,
    )


def _by_module(
    resources_of: Mapping[str, Resources], hierarchy: Hierarchy
) -> tuple[Component, ...]:
    totals: dict[str, tuple[int, Resources]] = {}
    for path, resources in resources_of.items():
        module = hierarchy.modules[path]
        instances, total = totals.get(module, (0, Resources()))
        totals[module] = instances + 1, total + resources
    components = [
        Component(module=module, instances=instances, resources=resources)
        for module, (instances, resources) in totals.items()
    ]
    return tuple(sorted(components, key=lambda c: (-c.resources.lut4, -c.resources.ff, c.module)))
