"""A platform that is not tested is named in one sentence; documents and metadata say the same."""

import re
import tomllib
from pathlib import Path

import pytest

from naas_hw.system.platforms import TESTED_PYTHONS, TESTED_SYSTEM, untested_platform

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("python", TESTED_PYTHONS)
def test_nothing_is_said_of_a_tested_platform(python: tuple[int, int]) -> None:
    assert untested_platform(*TESTED_SYSTEM, python) is None


@pytest.mark.parametrize(
    ("system", "machine", "python"),
    [
        ("Darwin", "x86_64", (3, 12)),
        ("Windows", "AMD64", (3, 12)),
        ("Linux", "aarch64", (3, 11)),
        ("Linux", "x86_64", (3, 14)),
    ],
)
def test_any_other_is_named_with_those_that_are_tested(
    system: str, machine: str, python: tuple[int, int]
) -> None:
    note = untested_platform(system, machine, python)
    assert note is not None
    assert note.startswith(
        f"naas_hw is not tested on {system} {machine} with Python 3.{python[1]}; "
    )
    assert all(f"{major}.{minor}" in note for major, minor in TESTED_PYTHONS)


def test_the_metadata_name_the_same_versions() -> None:
    prefix = "Programming Language :: Python :: 3."
    named = [int(text[len(prefix) :]) for text in PROJECT["classifiers"] if text.startswith(prefix)]
    assert [(3, minor) for minor in named] == list(TESTED_PYTHONS)
    assert PROJECT["requires-python"] == ">={}.{}".format(*TESTED_PYTHONS[0])


def test_the_document_has_a_row_for_each_tested_version() -> None:
    text = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| Linux, x86-64 \| (\d+)\.(\d+) \| yes", text, re.M)
    assert [(int(major), int(minor)) for major, minor in rows] == list(TESTED_PYTHONS)
