"""Files that are not as naas wrote them, by the SHA-256 that the two manifests of a run have.

`manifest.json` has that of every file, `rtl/manifest.json` of each other file in `rtl/`. Where they
differ, the file itself shows which of them is wrong.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from naas_hw.api.consistency.finding import GENERATED, Finding, remedy
from naas_hw.api.designs import ENERGY_TABLE_FILE
from naas_hw.api.models import MODEL_FILE
from naas_hw.core.errors import InputError
from naas_hw.graph.quantise.measured_accuracy import ACCURACY_FILE
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import ENTRY, MANIFEST, Manifest
from naas_hw.system.digests import sha256_of_file
from naas_hw.system.files import read_file
from naas_hw.system.json_files import MAX_FILE_BYTES, parse_json
from naas_hw.system.text import printable

RTL: Final = "rtl/"
HARDWARE_MANIFEST: Final = f"{RTL}{MANIFEST}"
HEADER: Final = f"{RTL}registers/naas_registers.h"
PACKED_IP: Final = ("rtl", "ip")
"""Where `package_ip.tcl` has Vivado copy the Verilog to, in a folder of the IP."""

EDITABLE: Final = frozenset(
    {"accelerator.yaml", "network.yaml", "mapping.yaml", ENERGY_TABLE_FILE, MODEL_FILE}
)
"""What a user may change before a command reads it again."""

_SOURCES: Final = frozenset(
    {".v", ".vh", ".sv", ".svh", ".vhd", ".vhdl", ".f", ".hex", ".mem", ".h", ".core"}
)
"""Suffixes of files that tools may take for a part of the hardware."""

Digests = dict[str, dict[str, str]]
"""File -> manifest -> SHA-256 of the file, as that manifest has it."""


def recorded_findings(place: Path) -> Iterator[Finding]:
    """Manifests and files that were edited, files that are missing, and foreign files in `rtl/`."""
    run = yield from _run_manifest(place)
    hardware = yield from _hardware_files(place)
    listed: set[str] = set() if run is None else set(run.listed)
    digests = _digests({} if run is None else run.digests, hardware or {})
    needed = {*digests, *(name for name in listed if name.startswith(GENERATED))}
    yield from _missing(place, needed)
    yield from _edited(place, digests)
    if run is not None and run.version > 1 and hardware is not None:
        yield from _lists({name for name in listed if name.startswith(RTL)}, set(hardware))
    yield from _foreign(place, {*listed, *(hardware or {})})
    yield from _accuracy(place, {} if run is None else run.digests)


def _run_manifest(place: Path) -> Generator[Finding, None, Manifest | None]:
    if not (place / MANIFEST).is_file():
        wrote = [name for name in GENERATED if (place / name).is_dir()]
        if (place / HARDWARE_MANIFEST).is_file():
            yield Finding(
                file=MANIFEST,
                sentence=f"{MANIFEST} must be there, because it lists what naas wrote into "
                f"{', '.join(wrote)}; after these folders are moved away, `naas generate RUN` "
                "writes all of them anew",
            )
        return None
    try:
        manifest = RunFolder.read(place).manifest
    except InputError as error:
        yield Finding(file=MANIFEST, sentence=str(error))
        return None
    if not manifest.is_as_written:
        yield Finding(
            file=MANIFEST,
            sentence=f"{MANIFEST} must be as naas wrote it, and was edited: its checksum is wrong; "
            "put a copy of it back, or make the run anew",
        )
    return manifest


def _hardware_files(place: Path) -> Generator[Finding, None, dict[str, str] | None]:
    """Path in the run -> SHA-256, by `rtl/manifest.json`; None where it says nothing."""
    path = place / HARDWARE_MANIFEST
    if not path.is_file():
        if (place / HEADER).is_file():
            yield from _missing(place, [HARDWARE_MANIFEST])
        return None
    try:
        manifest = parse_json(read_file(path, max_bytes=MAX_FILE_BYTES), HARDWARE_MANIFEST)
    except InputError as error:
        yield Finding(file=HARDWARE_MANIFEST, sentence=f"{error}; {remedy(HARDWARE_MANIFEST)}")
        return None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    found = files if isinstance(files, dict) else {}
    for name in found:
        if not ENTRY.fullmatch(name):
            yield Finding(
                file=HARDWARE_MANIFEST,
                sentence=f"{HARDWARE_MANIFEST} must name files in rtl/, not {printable(name)!r}; "
                f"{remedy(HARDWARE_MANIFEST)}",
            )
    return {RTL + name: str(digest) for name, digest in found.items() if ENTRY.fullmatch(name)}


def _digests(run: Mapping[str, str], hardware: Mapping[str, str]) -> Digests:
    digests: Digests = {}
    for manifest, files in ((MANIFEST, run), (HARDWARE_MANIFEST, hardware)):
        for name, digest in files.items():
            digests.setdefault(name, {})[manifest] = digest
    return digests


def _missing(place: Path, needed: Iterable[str]) -> Iterator[Finding]:
    """Files that are not there; of a folder that is not there, the folder."""
    gone = [name for name in needed if not (place / name).is_file()]
    for name in sorted({_shown(place, name) for name in gone}):
        yield Finding(file=name, sentence=f"{name} must be there, as naas wrote it; {remedy(name)}")


def _shown(place: Path, name: str) -> str:
    folder, slash, _ = name.partition("/")
    return f"{folder}/" if slash and not (place / folder).is_dir() else name


def _edited(place: Path, digests: Digests) -> Iterator[Finding]:
    names = sorted(digests, key=lambda name: (name != HARDWARE_MANIFEST, name))
    for name in names:
        if name in EDITABLE or not (place / name).is_file():
            continue
        found = sha256_of_file(place / name)
        wrong = [manifest for manifest, digest in digests[name].items() if digest != found]
        if len(wrong) == len(digests[name]):
            yield Finding(
                file=name,
                sentence=f"{name} must be as naas wrote it, and was edited; {remedy(name)}",
            )
        elif wrong:
            yield _another_digest(wrong[0], name)


def _another_digest(manifest: str, name: str) -> Finding:
    other = MANIFEST if manifest == HARDWARE_MANIFEST else HARDWARE_MANIFEST
    return Finding(
        file=manifest,
        sentence=f"{manifest} must have the SHA-256 of {name} that {other} has, and was edited; "
        "`naas generate RUN` writes both anew",
    )


def _lists(run: set[str], hardware: set[str]) -> Iterator[Finding]:
    """The first file of `rtl/` that only one of the manifests lists."""
    run = run - {HARDWARE_MANIFEST}
    for manifest, other, names in (
        (HARDWARE_MANIFEST, MANIFEST, run - hardware),
        (MANIFEST, HARDWARE_MANIFEST, hardware - run),
    ):
        if names:
            yield Finding(
                file=manifest,
                sentence=f"{manifest} must list {min(names)}, as {other} does, and was edited",
            )


def _foreign(place: Path, known: set[str]) -> Iterator[Finding]:
    """Files in `rtl/` that tools may take for a part of the hardware, and naas did not write."""
    if not any(name.startswith(RTL) for name in known):
        return
    for path in sorted((place / RTL).rglob("*")):
        name = path.relative_to(place).as_posix()
        packed = path.relative_to(place).parts[:2] == PACKED_IP and len(name.split("/")) > 3
        if path.is_dir() or path.suffix.lower() not in _SOURCES or name in known or packed:
            continue
        shown = printable(name)
        yield Finding(
            file=shown,
            sentence=f"{shown} must not be there, because naas did not write it; move it away",
        )


def _accuracy(place: Path, digests: Mapping[str, str]) -> Iterator[Finding]:
    """A measured accuracy of a model that was edited since."""
    model = place / MODEL_FILE
    if ACCURACY_FILE not in digests or MODEL_FILE not in digests or not model.is_file():
        return
    if (place / ACCURACY_FILE).is_file() and sha256_of_file(model) != digests[MODEL_FILE]:
        yield Finding(
            file=ACCURACY_FILE,
            sentence=f"{ACCURACY_FILE} must be of {MODEL_FILE}, which was edited since; "
            f"{remedy(ACCURACY_FILE)}",
        )
