"""Whether the files of a run still belong together, after somebody has edited some of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from naas_hw.api.consistency.finding import Finding
from naas_hw.api.consistency.hardware import hardware_findings
from naas_hw.api.consistency.programs import program_findings
from naas_hw.api.consistency.recorded import HARDWARE_MANIFEST, recorded_findings
from naas_hw.api.designs import read_design
from naas_hw.core.errors import InputError
from naas_hw.runs.manifest import MANIFEST

DESIGN: Final = ("accelerator.yaml", "network.yaml", "mapping.yaml")


def findings(folder: str | Path) -> list[str]:
    """A sentence for each file of a run folder that does not fit the others.

    Each file that naas wrote is compared with its SHA-256 in the manifests; an older naas has left
    some of these out. A design (accelerator, network, mappings and model) may be edited. What was
    made from it is compared with it, and so are the digests of the hardware in Verilog, C header,
    programs, report, FPGA builds and SoC.

    Raises
    ------
    InputError : the folder has no design.
    """
    place = Path(folder)
    recorded = list(recorded_findings(place))
    try:
        design = read_design(place)
    except InputError as error:
        if not all((place / name).is_file() for name in DESIGN):
            raise
        return _sentences([Finding(file="", sentence=str(error)), *recorded])
    found = [one for one in recorded if one.file in (MANIFEST, HARDWARE_MANIFEST)]
    if HARDWARE_MANIFEST not in {one.file for one in found}:
        found += hardware_findings(place, design.accelerator)
    return _sentences([*found, *recorded, *program_findings(place, design)])


def _sentences(found: Iterable[Finding]) -> list[str]:
    """The first sentence about each file."""
    sentences: dict[str, str] = {}
    for one in found:
        sentences.setdefault(one.file, one.sentence)
    return list(sentences.values())
