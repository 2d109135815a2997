"""Whether the files of a run still belong together, after somebody has edited some of them."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from naas_hw.api.designs import Design, read_design
from naas_hw.api.models import MODEL_FILE, lowered_for, read_model
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import evaluate
from naas_hw.driver.decoding import decode
from naas_hw.emit.network_package import NETWORK_FILE
from naas_hw.emit.package import PROGRAM_FILE
from naas_hw.system.json_files import read_json
from naas_hw.system.text import printable

DESIGN: Final = ("accelerator.yaml", "network.yaml", "mapping.yaml")
MANIFEST: Final = Path("rtl", "manifest.json")
HEADER: Final = Path("rtl", "registers", "naas_registers.h")
PROGRAMS: Final = Path("program", PROGRAM_FILE)
NETWORK: Final = Path("program", NETWORK_FILE)
AGAIN: Final = "`naas generate` makes it again"


def findings(folder: str | Path) -> list[str]:
    """A sentence for each file of a run folder that does not fit the others.

    Looked at are the design (accelerator, network and mappings), the model, the generated Verilog
    with its manifest, the C header, and the programs.

    Raises
    ------
    InputError : the folder has no design.
    """
    place = Path(folder)
    try:
        design = read_design(place)
    except InputError as error:
        if not all((place / name).is_file() for name in DESIGN):
            raise
        return [str(error)]
    found = [*_model(place, design)]
    if (place / MANIFEST).is_file():
        found += _hardware(place, design.accelerator)
    if (place / PROGRAMS).is_file():
        found += _programs(place, design)
    return found


def _model(place: Path, design: Design) -> Iterator[str]:
    if not (place / MODEL_FILE).is_file():
        return
    try:
        lowered_for(read_model(place), design, place)
    except InputError as error:
        yield f"{MODEL_FILE}: {error}"


def _hardware(place: Path, accelerator: Accelerator) -> Iterator[str]:
    manifest = _read(place / MANIFEST)
    made_for = manifest.get("accelerator")
    outside = {"name", "dram_latency_cycles", "dram_beat_period_cycles"}
    wanted = accelerator.model_dump(mode="json", exclude=outside)
    if not isinstance(made_for, dict) or {**made_for, **wanted} != made_for:
        yield f"rtl/ must be of the accelerator in accelerator.yaml, not of another one; {AGAIN}"
    for name, digest in sorted(_dictionary(manifest, "files").items()):
        path = place / "rtl" / name
        if not path.resolve().is_relative_to(place.resolve() / "rtl"):
            yield f"rtl/manifest.json must name files in rtl/, not {name!r}"
        elif not path.is_file():
            yield f"rtl/{printable(name)} must be there, as rtl/manifest.json says"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            yield f"rtl/{printable(name)} must be as it was generated, and was edited; {AGAIN}"
    yield from _digests(place, str(manifest.get("digest")))


def _digests(place: Path, digest: str) -> Iterator[str]:
    """Where another digest stands than that of the Verilog."""
    found: dict[Path, str] = {}
    if (place / HEADER).is_file():
        text = (place / HEADER).read_text(encoding="utf-8", errors="replace")
        match = re.search(r"^#define NAAS_DIGEST 0x([0-9a-f]{16})ULL$", text, re.M)
        found[HEADER] = match[1] if match else "none"
    if (place / PROGRAMS).is_file():
        found[PROGRAMS] = str(_read(place / PROGRAMS).get("digest"))
    if (place / NETWORK).is_file():
        try:
            found[NETWORK] = f"{decode((place / NETWORK).read_bytes()).digest:016x}"
        except InputError as error:
            yield f"{NETWORK.as_posix()}: {error}"
    for path, other in found.items():
        if other != digest:
            name = path.as_posix()
            yield f"{name} must be of the hardware {digest} in rtl/, not of {other}; {AGAIN}"


def _programs(place: Path, design: Design) -> Iterator[str]:
    """Programs whose predicted cycles are not those of the mapping."""
    for entry in _read(place / PROGRAMS).get("layers", []):
        name = entry.get("name") if isinstance(entry, dict) else None
        layer = next((one for one in design.network.layers if one.name == name), None)
        if layer is None:
            yield f"{PROGRAMS.as_posix()} must have layers of network.yaml only, not {name!r}"
        elif "predicted_cycles" in entry:
            one = layer.model_copy(update={"groups": 1})
            report = evaluate(design.accelerator, one, design.mappings[layer.name], SIZED)
            if entry["predicted_cycles"] != report.cycles:
                yield (
                    f"{PROGRAMS.as_posix()} must be of mapping.yaml: layer {printable(layer.name)} "
                    f"takes {report.cycles} cycles, not {entry['predicted_cycles']}; {AGAIN}"
                )


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is another value."""
    value = read_json(path)
    return value if isinstance(value, dict) else {}


def _dictionary(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
