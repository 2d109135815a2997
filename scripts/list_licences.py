"""Write the packages that others bring, with their licences, into docs/licences.md.

    python scripts/list_licences.py

The packages are those of constraints.txt that pyproject.toml does not name. What each is for
follows from the packages that require it, and its licence is what its own metadata state. It is run
in an environment that has all of them.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENT: Final = ROOT / "docs" / "licences.md"
BEGIN, END = "<!-- begin brought -->\n", "<!-- end brought -->\n"
HEAD: Final = "| package | for | licence |\n|---|---|---|\n"
OWN: Final = "naas-hw"
LONGEST: Final = 60
"""Characters of a licence's name; a longer text is the licence itself."""

UNSTATED: Final = {
    "cocotb-bus": "BSD-3-Clause",
    "docutils": "public domain, with parts under BSD-2-Clause, 0BSD and others; "
    "its part under GPL-3.0 (for Emacs) is not in the wheel",
    "isoduration": "ISC",
}
"""Licences of packages whose metadata state none or too little, from their licence files."""


def pinned() -> list[str]:
    """Names in constraints.txt, in its order."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0] for line in lines if "==" in line and line[0] != "#"]


def groups() -> dict[str, list[Requirement]]:
    """What packages are for -> requirements of pyproject.toml; tests come last."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: Mapping[str, list[str]] = project["optional-dependencies"]
    named = {"run time": project["dependencies"]}
    named |= {f"extra `{name}`": listed for name, listed in extras.items() if name != "test"}
    named["tests"] = extras["test"]
    return {
        use: [one for one in map(Requirement, listed) if canonicalize_name(one.name) != OWN]
        for use, listed in named.items()
    }


def brought(requirements: list[Requirement]) -> set[str]:
    """Canonical names of all packages that these requirements bring, themselves included."""
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(one.name), extra) for one in requirements for extra in _of(one)]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.add(at)
            waiting += _required_by(*at)
    return {name for name, _ in seen}


def _of(requirement: Requirement) -> tuple[str, ...]:
    return ("", *sorted(requirement.extras))


def _required_by(name: str, extra: str) -> Iterator[tuple[NormalizedName, str]]:
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for one in map(Requirement, texts):
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            for wanted in _of(one):
                yield canonicalize_name(one.name), wanted


def licence_of(name: str) -> str:
    """What a package's metadata state, in a few words.

    Raises
    ------
    SystemExit : they state none that is short enough; its licence file has to be read.
    """
    about: Any = metadata.metadata(name)
    if name in UNSTATED:
        return UNSTATED[name]
    if about["License-Expression"]:
        return str(about["License-Expression"])
    text = str(about["License"] or "")
    if text.upper() not in {"", "UNKNOWN"} and "\n" not in text and len(text) <= LONGEST:
        return text
    classified = [
        value.rpartition(" :: ")[2]
        for value in about.get_all("Classifier") or []
        if value.startswith("License :: ")
    ]
    if not classified:
        raise SystemExit(f"{name} states no licence: read its licence file, and add it to UNSTATED")
    return ", ".join(classified)


def table() -> str:
    """The rows, in the order of constraints.txt."""
    uses = groups()
    direct = {canonicalize_name(one.name) for listed in uses.values() for one in listed}
    reached = {use: brought(listed) for use, listed in uses.items()}
    rows = []
    for name in pinned():
        canonical = canonicalize_name(name)
        if canonical not in direct:
            use = next((use for use, names in reached.items() if canonical in names), "tests")
            rows.append(f"| {name} | {use} | {licence_of(name)} |\n")
    return HEAD + "".join(rows)


def with_table(document: str, text: str) -> str:
    """The document with this table between the marks."""
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    return re.sub(pattern, lambda _: BEGIN + text + END, document, flags=re.DOTALL)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8"), table()), encoding="utf-8")
