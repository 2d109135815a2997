"""Programs of a run that are not of its design: of its network, its mappings and its model.

Of the same hardware and version of naas, they are compiled again and compared byte by byte. Another
version may have compiled the same design in another way; then the predicted cycles are compared.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from naas_hw.api.consistency.finding import Finding, remedy
from naas_hw.api.consistency.recorded import HARDWARE_MANIFEST
from naas_hw.api.designs import Design
from naas_hw.api.models import MODEL_FILE, lowered_for, read_model
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.compiler.network_program import build_network_program
from naas_hw.core.errors import InputError
from naas_hw.core.version import __version__
from naas_hw.cost.evaluate import evaluate
from naas_hw.emit.network_package import NETWORK_FILE, plan_network
from naas_hw.emit.package import PROGRAM_FILE, plan_program
from naas_hw.sim.hardware import hardware_digest
from naas_hw.system.files import read_file
from naas_hw.system.json_files import MAX_FILE_BYTES, parse_json
from naas_hw.system.text import printable

LIST: Final = f"program/{PROGRAM_FILE}"
NETWORK: Final = f"program/{NETWORK_FILE}"
_SEED: Final = re.compile(r"drawn from seed ([0-9]{1,10}):")


def program_findings(place: Path, design: Design) -> Iterator[Finding]:
    """What of the model and of the programs is not of the design."""
    digest = _digest_of_this_naas(place, design)
    yield from _of_model(place, design, digest)
    if not (place / LIST).is_file():
        return
    try:
        programs = _object(place, LIST)
    except InputError as error:
        yield Finding(file=LIST, sentence=f"{error}; {remedy(LIST)}")
        return
    yield from _cycles(programs, design)
    if digest is not None:
        yield from _compiled(place, design, digest, programs)


def _digest_of_this_naas(place: Path, design: Design) -> int | None:
    """The digest of the hardware, where this very naas would generate the same."""
    if not (place / HARDWARE_MANIFEST).is_file():
        return None
    try:
        manifest = _object(place, HARDWARE_MANIFEST)
    except InputError:
        return None
    digest = hardware_digest(design.accelerator)
    is_same = (manifest.get("naas"), manifest.get("digest")) == (__version__, f"{digest:016x}")
    return digest if is_same else None


def _of_model(place: Path, design: Design, digest: int | None) -> Iterator[Finding]:
    """A model with other layers than the network, and a program file of another model."""
    has_program = (place / NETWORK).is_file()
    if not (place / MODEL_FILE).is_file():
        if has_program:
            yield Finding(
                file=MODEL_FILE,
                sentence=f"{MODEL_FILE} must be there, because {NETWORK} was made from it; "
                f"{remedy(MODEL_FILE)}",
            )
        return
    try:
        lowered = lowered_for(read_model(place), design, place)
    except InputError as error:
        yield Finding(file=MODEL_FILE, sentence=f"{MODEL_FILE}: {error}")
        return
    if has_program and digest is not None:
        expected = _network_file(design, lowered, digest)
        if (place / NETWORK).read_bytes() != expected:
            yield Finding(
                file=NETWORK,
                sentence=f"{NETWORK} must be what {MODEL_FILE} and mapping.yaml compile to; "
                f"{remedy(NETWORK)}",
            )


def _network_file(design: Design, lowered: LoweredNetwork, digest: int) -> str | bytes:
    program = build_network_program(
        design.accelerator, lowered, design.mappings, identity=digest & 0xFFFF_FFFF
    )
    return plan_network(design.accelerator, program, design.mappings, digest)[NETWORK]


def _cycles(programs: Mapping[str, object], design: Design) -> Iterator[Finding]:
    """Programs whose predicted cycles are not those of the mapping."""
    layers = {layer.name: layer for layer in design.network.layers}
    entries = programs.get("layers")
    for entry in entries if isinstance(entries, list) else []:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name not in layers:
            yield Finding(
                file=LIST,
                sentence=f"{LIST} must have layers of network.yaml only, not "
                f"{printable(str(name))!r}; {remedy(LIST)}",
            )
        elif "predicted_cycles" in entry:
            one = layers[name].model_copy(update={"groups": 1})
            cycles = evaluate(design.accelerator, one, design.mappings[name], SIZED).cycles
            if entry["predicted_cycles"] != cycles:
                yield Finding(
                    file=LIST,
                    sentence=f"{LIST} must be of mapping.yaml: layer {printable(name)} takes "
                    f"{cycles} cycles, not {printable(str(entry['predicted_cycles']))}; "
                    f"{remedy(LIST)}",
                )


def _compiled(
    place: Path, design: Design, digest: int, programs: Mapping[str, object]
) -> Iterator[Finding]:
    """Programs of layers that are not what the mappings compile to."""
    seed = _SEED.search(str(programs.get("tensors")))
    plan = plan_program(
        design.accelerator,
        design.network,
        design.mappings,
        digest,
        seed=int(seed[1]) if seed else 0,
    )
    for name, content in plan.files:
        expected = content.encode() if isinstance(content, str) else content
        path = place / name
        if not path.is_file():
            yield Finding(file=name, sentence=f"{name} must be there; {remedy(name)}")
        elif path.read_bytes() != expected:
            yield Finding(
                file=name,
                sentence=f"{name} must be what network.yaml and mapping.yaml compile to; "
                f"{remedy(name)}",
            )


def _object(place: Path, name: str) -> dict[str, object]:
    """The JSON object in a file; an empty one where there is another value."""
    value = parse_json(read_file(place / name, max_bytes=MAX_FILE_BYTES), name)
    return value if isinstance(value, dict) else {}
