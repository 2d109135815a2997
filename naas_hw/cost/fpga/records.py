"""Designs that were built for an FPGA: what they took, and how fast they were."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import Resources
from naas_hw.arch.placer import Placer
from naas_hw.system.files import write_file
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validate
from naas_hw.workload.layer import Name

DATA: Final = Path(__file__).parent / "data"
"""The designs that the model is fitted to, and those that were held out."""

Count = Annotated[int, Field(ge=0)]


class Role(StrEnum):
    """What a design is for: the model is fitted to it, or tested with it.

    Large designs are for the fit of resources; they are not placed and routed.
    """

    FIT = "fit"
    HELD_OUT = "held-out"
    LARGE = "large"


class DesignRecord(BaseModel):
    """One design as it was built.

    Parameters
    ----------
    name : of the design, and of its file.
    role : what it is for.
    accelerator : what was built.
    lut4, ff, dsp, block_ram : what synthesis found.
    fmax_mhz : seed of the placer -> clock; None where place and route reached the limit.
    target_mhz : what place and route aimed at.
    limit_minutes : what a seed could take; None: as long as it takes.
    device, package, speed_grade : for which FPGA.
    tools : name -> version.
    placer : which placer of nextpnr the clocks come from.
    digest : of the Verilog.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    name: Name
    role: Role
    accelerator: Accelerator
    lut4: Count
    ff: Count
    dsp: Count
    block_ram: Count
    fmax_mhz: dict[int, PositiveFloat | None] = {}
    target_mhz: PositiveFloat
    limit_minutes: PositiveFloat | None = None
    device: str
    package: str
    speed_grade: int
    tools: dict[str, str]
    placer: Placer
    digest: str

    @property
    def resources(self) -> Resources:
        """What synthesis found."""
        return Resources(lut4=self.lut4, ff=self.ff, dsp=self.dsp, block_ram=self.block_ram)

    @property
    def clocks(self) -> list[float]:
        """Clocks of the seeds that ended."""
        return [clock for clock in self.fmax_mhz.values() if clock is not None]


def file_name(name: str) -> str:
    """The file of a design."""
    return f"{name}.json"


def read_record(path: Path) -> DesignRecord:
    """The design in a file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    content = read_json(path)
    if isinstance(content, dict) and isinstance(clocks := content.get("fmax_mhz"), dict):
        content["fmax_mhz"] = {int(seed): clock for seed, clock in clocks.items() if seed.isdigit()}
    return validate(DesignRecord, content, str(path))


def read_records(folder: Path = DATA) -> tuple[DesignRecord, ...]:
    """All designs of a folder, by name.

    Raises
    ------
    InputError : a file is wrong.
    """
    return tuple(read_record(path) for path in sorted(folder.glob("*.json")))


def write_record(folder: Path, record: DesignRecord) -> None:
    """Write a design into its file, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / file_name(record.name), record.model_dump_json(indent=1) + "\n")


def of_role(records: Iterable[DesignRecord], role: Role) -> list[DesignRecord]:
    """The designs of a role."""
    return [record for record in records if record.role is role]


def for_the_fit(records: Iterable[DesignRecord]) -> list[DesignRecord]:
    """The designs that the model is fitted to: all that are not held out."""
    return [record for record in records if record.role is not Role.HELD_OUT]
