"""Files beside the code that repeat something of it say the same."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from naas_hw.core.version import __version__
from naas_hw.system.platforms import TESTED_PYTHONS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    """The job of the hosted CI."""
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    return dict(YAML(typ="safe").load(text)["jobs"]["test"])


def test_the_version_is_the_same_everywhere() -> None:
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert __version__ == PROJECT["version"] == citation["version"]
    assert citation["license"] == PROJECT["license"]


def test_hosted_ci_does_what_everybody_does(job: dict[str, Any]) -> None:
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]
    assert job["steps"][-1]["env"] == {
        "NAAS_REQUIRE_TOOLS": "1",
        "NAAS_WITHOUT_MODELS": "1",
    }


def test_hosted_ci_runs_with_each_version_of_python_that_is_called_tested(
    job: dict[str, Any],
) -> None:
    versions = [f"{major}.{minor}" for major, minor in TESTED_PYTHONS]
    assert job["strategy"]["matrix"]["python"] == versions


def test_the_changelog_has_a_section_for_what_is_not_released_yet() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    assert "\n## [Unreleased]\n" in text
    headings = [line[4:] for line in text.splitlines() if line.startswith("### ")]
    assert set(headings) <= set(kinds)
