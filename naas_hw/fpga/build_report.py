"""What came of building an accelerator for an FPGA: its figures, and the files that are kept."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from naas_hw.arch.devices import Resources
from naas_hw.arch.placer import Placer
from naas_hw.cost.fpga.model import FpgaPrediction
from naas_hw.fpga.critical_path import PathStep, path_text
from naas_hw.fpga.network_speed import NetworkSpeed
from naas_hw.fpga.place import TOOL, Usage
from naas_hw.fpga.slow_paths import SlowPaths
from naas_hw.fpga.synthesis import Component


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """What `build` found; the same for the same accelerator, part, target and seeds.

    Parameters
    ----------
    accelerator, num_macs : what was built.
    device, package, speed_grade : for what.
    board : for which board; None: for a device alone.
    clock_mhz : which clock the accelerator has on the board; None: without a board.
    memory_bytes, baud : memory on the chip for programs on the board, and bits a second of its
        serial line; None: without a board.
    digest : of the hardware in Verilog; tools : name -> version.
    hardware : the digest that stands in its registers, which is of the generator, too; None: of a
        part of an accelerator.
    target_mhz : what place and route aimed at.
    limit_minutes : what synthesis may take, and place and route for each seed; None: as long as
        they take.
    placer : of nextpnr; None without place and route.
    seed : the best of the seeds; None if none ended within the limit.
    fmax_of_seeds : seed -> MHz, of those that ended within the limit; num_seeds : of all.
    predicted : what the model of the search says of the accelerator; None for another family than
        ECP5, or a part of an accelerator.
    networks : of the run, at the clock of the board; empty without either.
    core : the accelerator alone, as synthesised; harness : what stands around it.
    usage : of the device, by both, as placed (empty if no seed was): there a carry chain also takes
        LUT sites to begin and to end.
    components : of the core, by module, the largest first; they add up to it.
    critical_path, critical_components, slow_paths : of the best seed.
    bitstream : file of the best seed's; None where the pins are not those of a board, or no seed
        ended within the limit.
    """

    accelerator: str
    num_macs: int
    device: str
    package: str
    speed_grade: int
    board: str | None = None
    clock_mhz: float | None = None
    memory_bytes: int | None = None
    baud: int | None = None
    digest: str
    tools: dict[str, str]
    target_mhz: float
    limit_minutes: float | None = None
    placer: Placer | None = None
    seed: int | None
    fmax_of_seeds: dict[int, float]
    core: Resources
    harness: Resources
    usage: dict[str, Usage]
    components: tuple[Component, ...]
    critical_path: tuple[PathStep, ...]
    critical_components: tuple[str, ...]
    slow_paths: tuple[SlowPaths, ...] = ()
    bitstream: str | None = None
    predicted: FpgaPrediction | None = None
    networks: tuple[NetworkSpeed, ...] = ()
    num_seeds: int = 1
    hardware: str | None = None

    @property
    def is_placed(self) -> bool:
        """Whether place and route is part of the build."""
        return TOOL in self.tools

    @property
    def fmax_mhz(self) -> float | None:
        """The clock: the median of the seeds, None if none ended within the limit."""
        clocks = self.fmax_of_seeds.values()
        return round(median(clocks), 2) if clocks else None

    @property
    def best_mhz(self) -> float | None:
        """The clock of the best seed, which is that of the bitstream."""
        return max(self.fmax_of_seeds.values(), default=None)

    @property
    def spread_mhz(self) -> float | None:
        """The fastest seed's clock less the slowest's."""
        clocks = self.fmax_of_seeds.values()
        return round(max(clocks) - min(clocks), 2) if clocks else None

    @property
    def seeds_text(self) -> str:
        """Which seeds the clock is of: `seed 1`, or `median of 2 of 3 seeds, 61.2 to 66.0`."""
        clocks = self.fmax_of_seeds.values()
        num = len(clocks)
        if self.num_seeds == 1:
            return f"seed {self.seed}"
        if num == 1:
            return f"seed {self.seed}, the only one of {self.num_seeds} seeds that ended"
        ended = f"{num}" if num == self.num_seeds else f"{num} of {self.num_seeds}"
        return f"median of {ended} seeds, {min(clocks):.1f} to {max(clocks):.1f}"

    @property
    def meets_clock(self) -> bool | None:
        """Whether the bitstream can have the clock of the board; None where there is none."""
        if self.bitstream is None or self.clock_mhz is None or self.best_mhz is None:
            return None
        return self.best_mhz >= self.clock_mhz

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
            "fmax_mhz": self.fmax_mhz,
            "best_mhz": self.best_mhz,
            "spread_mhz": self.spread_mhz,
            "meets_clock": self.meets_clock,
            "predicted": self._predicted_figures,
            "networks": [asdict(network) for network in self.networks],
            "core": core,
            "lut4": self.core.lut4,
            "ff": self.core.ff,
            "dsp": self.core.dsp,
            "block_ram": self.core.block_ram,
            "lut4_per_mac": self.lut4_per_mac,
            "critical_path_ns": self.critical_path_ns,
            "critical_path_text": path_text(self.critical_path),
            "usage": {
                name: {**asdict(usage), "share": round(usage.share, 4)}
                for name, usage in self.usage.items()
            },
        }

    @property
    def _predicted_figures(self) -> dict[str, Any] | None:
        """Under the names of what was reached."""
        if self.predicted is None:
            return None
        resources, clock_mhz = asdict(self.predicted.resources), self.predicted.clock_mhz
        return {**resources, "fmax_mhz": round(clock_mhz, 2)}

    @property
    def json(self) -> str:
        """As it stands in `build.json`."""
        return json.dumps(self.as_dict(), indent=2) + "\n"


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """A report, and the files that are kept: `build.json`, netlist, logs, constraints, bitstream.

    Parameters
    ----------
    files : name -> content.
    """

    report: BuildReport
    files: Mapping[str, str | bytes]
