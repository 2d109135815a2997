"""Files of a run that are of other hardware than the Verilog in `rtl/`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from naas_hw.api.builds import FOLDER as FPGA
from naas_hw.api.builds import REPORT as BUILD
from naas_hw.api.consistency.finding import Finding, remedy
from naas_hw.api.consistency.recorded import HARDWARE_MANIFEST, HEADER, RTL
from naas_hw.api.socs import FOLDER as SOC
from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.driver.decoding import decode
from naas_hw.emit.litex import EXPECTED_FILE
from naas_hw.emit.network_package import NETWORK_FILE
from naas_hw.emit.package import PROGRAM_FILE
from naas_hw.report.page import hardware_digest_in
from naas_hw.system.files import read_file
from naas_hw.system.json_files import MAX_FILE_BYTES, parse_json
from naas_hw.system.text import printable

OUTSIDE: Final = frozenset({"name", "dram_latency_cycles", "dram_beat_period_cycles"})
"""Fields of an accelerator that are not of its hardware."""

MAX_OTHER_BYTES: Final = 1 << 32
"""Of a program file, which has at most the memory that a base register reaches, and of texts."""

_OF_HEADER: Final = re.compile(r"^#define NAAS_DIGEST 0x([0-9a-f]{16})ULL$", re.MULTILINE)


def hardware_findings(place: Path, accelerator: Accelerator) -> Iterator[Finding]:
    """Where another accelerator or another digest stands than that of the Verilog."""
    path = place / HARDWARE_MANIFEST
    if not path.is_file():
        return
    content = path.read_bytes()
    made_for = _entry(content, HARDWARE_MANIFEST, "accelerator")
    wanted = accelerator.model_dump(mode="json", exclude=set(OUTSIDE))
    if not isinstance(made_for, dict) or {**made_for, **wanted} != made_for:
        yield Finding(
            file=RTL,
            sentence="rtl/ must be of the accelerator in accelerator.yaml, not of another one; "
            f"{remedy(RTL)}",
        )
    digest = str(_entry(content, HARDWARE_MANIFEST, "digest"))
    for name, digest_in in _DIGEST_IN.items():
        if (place / name).is_file():
            yield from _other_digest(place, name, digest_in, digest)


def _other_digest(
    place: Path, name: str, digest_in: "DigestReader", digest: str
) -> Iterator[Finding]:
    try:
        limit = MAX_FILE_BYTES if name.endswith(".json") else MAX_OTHER_BYTES
        other = digest_in(read_file(place / name, max_bytes=limit), name)
    except InputError as error:
        yield Finding(file=name, sentence=f"{error}; {remedy(name)}")
        return
    if other not in (None, digest):
        yield Finding(
            file=name,
            sentence=f"{name} must be of the hardware {printable(digest)} in rtl/, not of "
            f"{printable(str(other))}; {remedy(name)}",
        )


DigestReader = Callable[[bytes, str], str | None]
"""Takes the content of a file and its name, for errors."""


def _entry(content: bytes, name: str, key: str) -> object:
    """A value of a JSON object; None where it has none."""
    value = parse_json(content, name)
    return value.get(key) if isinstance(value, dict) else None


def _of_header(content: bytes, name: str) -> str:
    match = _OF_HEADER.search(content.decode(errors="replace"))
    return match[1] if match else "none"


def _of_program_file(content: bytes, name: str) -> str:
    try:
        return f"{decode(content).digest:016x}"
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _of_program_list(content: bytes, name: str) -> str:
    return str(_entry(content, name, "digest"))


def _of_report(content: bytes, name: str) -> str | None:
    return hardware_digest_in(content.decode(errors="replace"))


def _under(key: str) -> DigestReader:
    """Reads a digest that an older naas left out."""

    def read(content: bytes, name: str) -> str | None:
        found = _entry(content, name, key)
        return None if found is None else str(found)

    return read


_DIGEST_IN: Final = {
    HEADER: _of_header,
    f"program/{PROGRAM_FILE}": _of_program_list,
    f"program/{NETWORK_FILE}": _of_program_file,
    "report.html": _of_report,
    "sim/predicted.json": _under("digest"),
    f"{FPGA}/{BUILD}": _under("hardware"),
    f"{SOC}/{EXPECTED_FILE}": _under("digest"),
}
"""File -> how the digest of the hardware is read from it; None where it says none."""
