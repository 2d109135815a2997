"""FPGA figures of the benchmarks: read from the builds that docs/results.md records.

A build says something of a commit only where that commit generates the same hardware.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import find_part
from naas_hw.core.errors import InputError
from naas_hw.fpga.build import design_digest
from naas_hw.system.files import read_file

DESIGN: Final = "ck8x8"
DEVICE: Final = "lfe5u-85f"
_SECTION: Final = re.compile(r"<!-- begin build -->\n(.*?)<!-- end build -->", re.DOTALL)
_MAX_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class RecordedBuild:
    """A design as it was built: LUT4, clock if it was reached, and digest of the Verilog."""

    lut4: float
    clock_mhz: float | None
    hardware: str

    def is_of(self, accelerator: Accelerator) -> bool:
        """Whether this version generates the hardware that was built."""
        return self.hardware == design_digest(accelerator, find_part(DEVICE))

    @property
    def figures(self) -> dict[str, float]:
        """By the keys of the benchmarks; a clock that was not reached has none."""
        clock = {} if self.clock_mhz is None else {f"{DESIGN}_clock_mhz": self.clock_mhz}
        return {f"{DESIGN}_lut4": self.lut4, **clock}


def read_build(path: Path) -> RecordedBuild:
    """The build of `ck8x8` in the section `build` of a document of results.

    Raises
    ------
    InputError : the document has no such section, or the section no such build.
    """
    document = read_file(path, max_bytes=_MAX_BYTES).decode("utf-8", "replace")
    section = _SECTION.search(document)
    rows = [] if section is None else [row for row in _rows(section[1]) if row["design"] == DESIGN]
    if not rows:
        raise InputError(f"{path} must have a section `build` with the design {DESIGN}")
    row = rows[-1]
    lut4 = _number(row.get("LUT4", ""))
    if lut4 is None:
        raise InputError(f"{path}: the build of {DESIGN} must have a number of LUT4")
    return RecordedBuild(
        lut4=lut4, clock_mhz=_number(row.get("clock", "")), hardware=row.get("Verilog", "")
    )


def _rows(section: str) -> Iterator[dict[str, str]]:
    """Rows of the table whose first column is the design: heading -> cell."""
    names: list[str] = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            names = []
        elif cells[0] == "design":
            names = cells
        elif names and not cells[0].startswith("---"):
            yield dict(zip(names, cells, strict=False))


def _number(cell: str) -> float | None:
    """The first number of a cell."""
    found = re.match(r"[\d,]+(?:\.\d+)?", cell)
    return float(found[0].replace(",", "")) if found else None
