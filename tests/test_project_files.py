"""Files beside the code that repeat something of it say the same."""

import tomllib
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_citation_is_of_this_version_and_licence() -> None:
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])


def test_hosted_ci_does_what_everybody_does() -> None:
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    jobs = YAML(typ="safe").load(text)["jobs"]
    steps = jobs["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make test"]
    assert steps[-1]["env"] == {"NAAS_REQUIRE_TOOLS": "1"}
