"""docs/licences.md has each package that naas_hw needs or is tested with, with what it is for."""

import re
import tomllib
from pathlib import Path

import list_licences
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \|$", re.M)
DIRECT, _, BROUGHT = (
    (ROOT / "docs" / "licences.md")
    .read_text(encoding="utf-8")
    .partition("<!-- begin brought -->")  # by scripts/list_licences.py
)


def listed(text: str) -> dict[str, str]:
    """Package -> what it is for."""
    return {name: use for name, use, _ in ROW.findall(text) if name != "package"}


def canonical(names: set[str]) -> set[str]:
    return {canonicalize_name(name) for name in names}


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


def pinned() -> set[str]:
    """Names in constraints.txt."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w.-]+)==", text, re.M))


def test_each_package_has_a_row_and_no_other() -> None:
    assert set(listed(DIRECT)) == set(named())


def test_each_package_that_another_brings_has_a_row_and_no_other() -> None:
    """Where it fails, `python scripts/list_licences.py` writes the rows."""
    assert canonical(set(listed(BROUGHT))) == canonical(pinned()) - canonical(set(named()))


def test_each_row_says_what_the_package_is_for() -> None:
    words = {"run time": "run time", "test": "tests"}
    for name, groups in named().items():
        for group in groups:
            wanted = words.get(group, f"extra `{group}`")
            assert wanted in listed(DIRECT)[name], name


def test_what_an_installation_brings_is_listed_as_needed_at_run_time() -> None:
    at_run_time = list_licences.brought(list_licences.groups()["run time"])
    for name, use in listed(DIRECT + BROUGHT).items():
        is_needed = canonicalize_name(name) in at_run_time
        assert use.startswith("run time") == is_needed, name


def test_what_is_under_the_gpl_is_for_tests_and_releases_only() -> None:
    for name, use, licence in ROW.findall(DIRECT + BROUGHT):
        if re.search(r"\bA?GPL|GNU General", licence):
            assert use.startswith(("tests", "extra `release`")), name


def test_each_row_states_a_licence() -> None:
    for name, _, licence in ROW.findall(DIRECT + BROUGHT):
        assert licence.strip().upper() not in {"UNKNOWN", "NONE", ""}, name
