"""Designs that are built one after the other, each kept as soon as it is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import TARGET_MHZ, DevicePart
from naas_hw.arch.placer import Placer
from naas_hw.core.errors import InputError, ToolError
from naas_hw.cost.fpga.records import DesignRecord, file_name, read_record, write_record
from naas_hw.experiments.fpga_designs import DrawnDesign
from naas_hw.fpga.build import build, design_digest
from naas_hw.fpga.build_report import BuildReport, BuildResult
from naas_hw.fpga.synthesis import NETLIST
from naas_hw.system.files import write_files

FIT_SEEDS: Final = (1,)
HELD_OUT_SEEDS: Final = (1, 2, 3)
LARGE_SEEDS: Final[tuple[int, ...]] = ()

PLACER: Final = Placer.STATIC
"""The placer of all designs, since clocks of two placers do not belong to one model."""

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BuildEffort:
    """How a design is built.

    Parameters
    ----------
    seeds : of the placer; none: synthesis alone.
    limit_minutes : what synthesis may take, and place and route for each seed.
    """

    seeds: tuple[int, ...]
    limit_minutes: float


@dataclass(frozen=True, kw_only=True)
class BuildTools:
    """What builds designs, so that a test can put something faster in its place.

    Parameters
    ----------
    build : builds an accelerator for a part.
    digest : of the Verilog that would be built.
    """

    build: Callable[[Accelerator, DevicePart, BuildEffort], BuildResult]
    digest: Callable[[Accelerator, DevicePart], str]


def build_with_effort(
    accelerator: Accelerator, part: DevicePart, effort: BuildEffort
) -> BuildResult:
    """The build of `naas build`.

    Raises
    ------
    InputError, ToolError : as of `naas_hw.fpga.build.build`.
    """
    return build(
        accelerator,
        part,
        target_mhz=TARGET_MHZ,
        seeds=effort.seeds or FIT_SEEDS,
        limit_minutes=effort.limit_minutes,
        placer=PLACER,
        is_routed=bool(effort.seeds),
    )


TOOLS: Final = BuildTools(build=build_with_effort, digest=design_digest)


def build_designs(
    designs: Sequence[DrawnDesign],
    part: DevicePart,
    effort: BuildEffort,
    *,
    data: Path,
    keep: Path | None = None,
    tools: BuildTools | None = None,
    tell: Tell = lambda text: None,
) -> list[DesignRecord]:
    """Build those designs that the data folder does not have yet.

    Each is in its file as soon as it is there, so nothing is lost where the command is stopped, and
    the same command goes on. A design is built again if its Verilog or the placer has changed.

    Parameters
    ----------
    data : folder with a file for each design.
    keep : folder that gets report, logs and constraints of each build; None: they are not kept.
    tools : what builds; None: `TOOLS`.
    tell : told of each design in a line.

    Returns
    -------
    list : the designs in their order; those that could not be built are left out.
    """
    tools = tools or TOOLS
    records = []
    for number, design in enumerate(designs, start=1):
        where = f"{number} of {len(designs)}, {design.name}"
        digest = tools.digest(design.accelerator, part)
        record = kept_record(data, design, digest, effort)
        if record is None:
            tell(f"{where}: {design.accelerator.array_text} is being built")
            record = _built(design, part, effort, data=data, keep=keep, tools=tools, tell=tell)
        if record is not None:
            tell(f"{where}: {record_text(record)}")
            records.append(record)
    return records


def kept_record(
    data: Path, design: DrawnDesign, digest: str, effort: BuildEffort
) -> DesignRecord | None:
    """The record of a design if it has all that is wanted; None if it is to be built.

    Raises
    ------
    InputError : its file is wrong.
    """
    path = data / file_name(design.name)
    if not path.is_file():
        return None
    record = read_record(path)
    is_same = (record.digest, record.role, record.placer) == (digest, design.role, PLACER)
    return (
        record
        if is_same and all(_has_seed(record, seed, effort) for seed in effort.seeds)
        else None
    )


def _has_seed(record: DesignRecord, seed: int, effort: BuildEffort) -> bool:
    """Whether the seed ended, or did not within the same limit."""
    if record.fmax_mhz.get(seed) is not None:
        return True
    limit = record.limit_minutes
    return seed in record.fmax_mhz and (limit is None or limit >= effort.limit_minutes)


def _built(
    design: DrawnDesign,
    part: DevicePart,
    effort: BuildEffort,
    *,
    data: Path,
    keep: Path | None,
    tools: BuildTools,
    tell: Tell,
) -> DesignRecord | None:
    try:
        result = tools.build(design.accelerator, part, effort)
    except (InputError, ToolError) as error:
        tell(f"{design.name} is left out: {error}")
        return None
    if keep is not None:
        kept = {name: content for name, content in result.files.items() if name != NETLIST}
        write_files(keep / design.name, kept)
    record = record_of(design, result.report, effort)
    write_record(data, record)
    return record


def record_of(design: DrawnDesign, report: BuildReport, effort: BuildEffort) -> DesignRecord:
    """What is kept of a build."""
    clocks = {seed: report.fmax_of_seeds.get(seed) for seed in effort.seeds}
    return DesignRecord(
        name=design.name,
        role=design.role,
        accelerator=design.accelerator,
        lut4=report.core.lut4,
        ff=report.core.ff,
        dsp=report.core.dsp,
        block_ram=report.core.block_ram,
        fmax_mhz=clocks,
        target_mhz=report.target_mhz,
        limit_minutes=effort.limit_minutes,
        device=report.device,
        package=report.package,
        speed_grade=report.speed_grade,
        tools=report.tools,
        placer=PLACER,
        digest=report.digest,
    )


def record_text(record: DesignRecord) -> str:
    """A record in a line."""
    clocks = ", ".join(f"{clock:g}" for clock in record.clocks)
    return (
        f"{record.lut4:,} LUT4, {record.ff:,} FF, {record.dsp} DSP, {record.block_ram} block RAM, "
        f"{clocks + ' MHz' if clocks else 'no clock'}"
    )
