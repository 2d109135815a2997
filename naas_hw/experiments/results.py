"""A document of results: sections that a command writes, each under that command's line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.system.files import check_replaceable, write_file

HEAD: Final = """# Results

The data of each section are written by the command above them; the same command gives the same
data again, times apart. What stands between the marks is replaced, so edits there are lost. The
conclusions below a section's end mark are written by hand and stay.
"""

TITLES: Final = {
    "speedup": "Speed-up and energy, fifteen searches beside five published accelerators",
    "sizing": "Sizes alone, and everything",
    "encoding": "Importances against indices",
    "convergence": "Learning against chance",
    "edp": "Energy times cycles, beside a published accelerator",
    "eyeriss": "The Eyeriss chip, its preset, and the best arrays for each layer",
    "sensitivity": "What is found when energies are other ones",
    "drain": "Lanes of drain: fixed at a quarter of a beat, and searched",
    "utilization": "Utilisation where memory does not hold up",
    "model": "How fast the cost model is",
    "search": "Searches of accelerators: optimisers, and ten times as long",
    "gap": "The mapping search compared with the best mapping, and with random search",
    "timeloop": "Counts beside Timeloop's",
    "joint": "The network searched too, beside searching less",
    "nasaic": "One accelerator beside a heterogeneous pair",
    "build": "On an FPGA, after place and route",
    "options": "What widths of drain and options add on an FPGA",
    "fpga": "Resources and clock of an FPGA, predicted and built",
}
"""Name of a section -> title, in their order in the document."""


def with_section(document: str, name: str, command: str, body: str) -> str:
    """The document with this section in place of the one of its name, or where it belongs.

    Examples
    --------
    >>> text = with_section("", "edp", "naas reproduce edp", "One.")
    >>> with_section(text, "edp", "naas reproduce edp", "Two.") == text.replace("One.", "Two.")
    True
    """
    sections = _sections(document)
    data = f"## {TITLES[name]}\n\n```\n{command}\n```\n\n{body.strip()}\n"
    conclusion = sections[name].conclusion if name in sections else ""
    sections[name] = _Section(data=data, conclusion=conclusion)
    known = [title for title in TITLES if title in sections]
    others = [title for title in sections if title not in TITLES]
    marked = [_marked(title, sections[title]) for title in (*known, *others)]
    return "\n".join((_head(document), *marked))


@dataclass(frozen=True, kw_only=True)
class _Section:
    """Data that a command wrote between the marks, and what is written by hand below them."""

    data: str
    conclusion: str


def _marked(name: str, section: _Section) -> str:
    conclusion = f"\n{section.conclusion}\n" if section.conclusion else ""
    return f"{_mark(name)}\n{section.data}{_end(name)}\n{conclusion}"


def _mark(name: str) -> str:
    return f"<!-- begin {name} -->"


def _end(name: str) -> str:
    return f"<!-- end {name} -->"


def _sections(document: str) -> dict[str, _Section]:
    pattern = r"<!-- begin (\w+) -->\n(.*?)<!-- end \1 -->(.*?)(?=<!-- begin |\Z)"
    return {
        match[1]: _Section(data=match[2], conclusion=match[3].strip())
        for match in re.finditer(pattern, document, re.DOTALL)
    }


def _head(document: str) -> str:
    before = document.partition("<!-- begin ")[0].strip()
    return f"{before}\n" if before else HEAD


def write_section(path: Path, name: str, command: str, body: str) -> None:
    """Put a section into a file; the file is made if it is not there.

    Raises
    ------
    InputError : it is no text, or cannot be written.
    """
    check_replaceable(path)
    try:
        document = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the document {path} cannot be read: {error}") from error
    write_file(path, with_section(document, name, command, body))
