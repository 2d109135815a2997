"""docs/licences.md has each package that pyproject.toml names, with what it is for."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \|$", re.M)


def listed() -> dict[str, str]:
    """Package -> what it is for."""
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    return {name: use for name, use, _ in ROW.findall(text) if name != "package"}


def named() -> dict[str, set[str]]:
    """Package -> the groups of pyproject.toml that have it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"run time": project["dependencies"], **project["optional-dependencies"]}
    found: dict[str, set[str]] = {}
    for group, requirements in groups.items():
        for requirement in requirements:
            match = re.match(r"[\w.-]+", requirement)
            assert match is not None
            if match[0] != "naas_hw":
                found.setdefault(match[0], set()).add(group)
    return found


def test_each_package_has_a_row_and_no_other() -> None:
    assert set(listed()) == set(named())


def test_each_row_says_what_the_package_is_for() -> None:
    words = {"run time": "run time", "test": "tests"}
    for name, groups in named().items():
        for group in groups:
            wanted = words.get(group, f"extra `{group}`")
            assert listed()[name].startswith(wanted), name


def test_what_is_under_the_gpl_is_for_tests_only() -> None:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    for name, use, licence in ROW.findall(text):
        if re.search(r"\bGPL", licence):
            assert use.startswith("tests"), name
