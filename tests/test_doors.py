"""What a newcomer reads first is true: the map of packages, the commands of make, the hooks."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "naas_hw"
OVERVIEW = (REPOSITORY / "docs" / "overview.md").read_text(encoding="utf-8")
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)


def sentence_of(package: Path) -> str:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert docstring is not None, package
    return docstring.split("\n\n")[0].replace("\n", " ")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_overview_has_the_sentence_of_each_package(package):
    if package.parent.name != "spaces":  # a detail of it
        row = f"| `{package.relative_to(PACKAGE)}/` | {sentence_of(package)} |"
        assert row in OVERVIEW.splitlines()


def test_the_overview_has_no_other_package():
    rows = re.findall(
        r"^\| `([\w/]+)/` \|", OVERVIEW.split("## Packages")[1].split("\n## ")[0], re.M
    )
    assert set(rows) <= {str(path.relative_to(PACKAGE)) for path in PACKAGES}
    assert len(rows) == len(set(rows))


def test_the_picture_shows_each_package():
    picture = (REPOSITORY / "docs" / "overview.svg").read_text(encoding="utf-8")
    shown = re.findall(r'font-weight="bold"[^>]*>(\w+)<', picture)
    assert sorted(shown) == sorted(path.name for path in PACKAGES if path.parent == PACKAGE)


def make_targets() -> set[str]:
    """The commands of the Makefile."""
    return set(" ".join(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.M)).split())


def test_make_help_lists_each_command():
    ended = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    listed = {line.split()[1] for line in ended.stdout.splitlines() if line.startswith("make ")}
    assert listed == make_targets() - {"compiled", "yosys-compiled"}


def test_commands_and_files_that_contributing_names_exist():
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", CONTRIBUTING, re.M)) <= make_targets()
    paths = re.findall(
        r"(?<![\w/])((?:naas_hw|tests|docs|examples)/[\w/.]*\w(?:\.\w+|/))", CONTRIBUTING
    )
    assert len(paths) > 10
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_the_hooks_are_valid():
    program = "import sys; from pre_commit.main import main; sys.exit(main(['validate-config']))"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
