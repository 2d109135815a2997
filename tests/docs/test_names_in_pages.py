"""Classes, constants and files that pages name exist: a page is not older than the code."""

import re
from pathlib import Path
from typing import Final

import pytest

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (
    "decisions energy fpga glossary hardware overview search timing verilog robustness registers"
).split()
OF_OTHERS: Final = {"PR_SET_PDEATHSIG", "NAAS_FUZZ_SEED"}
"""Names of the system, and of the environment."""

FOLDERS: Final = ("naas_hw", "tests", "docs", "examples", "scripts", "sim")
FILES: Final = [
    f"/{path.relative_to(REPOSITORY).as_posix()}"
    for folder in FOLDERS
    for path in (REPOSITORY / folder, *(REPOSITORY / folder).rglob("*"))
    if "__pycache__" not in path.parts
]
WORDS: Final = {
    word
    for path in (REPOSITORY / "naas_hw").rglob("*.py")
    for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))
}
NAME: Final = re.compile(r"[A-Z]\w{3,}(?:\.\w+)*")
PATH: Final = re.compile(rf"[\w/]+\.py|(?:{'|'.join(FOLDERS)})/[\w./]*")


def quoted(page: str) -> set[str]:
    """What stands in code marks in the sentences of a page."""
    text = (REPOSITORY / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S)))


def is_file(path: str) -> bool:
    """Whether a path, or the end of one, is of a file or a folder of the repository."""
    return any(file.endswith(f"/{path.rstrip('/')}") for file in FILES)


@pytest.mark.parametrize("page", PAGES)
def test_names_that_a_page_has_are_in_the_code(page):
    names = [each for each in quoted(page) - OF_OTHERS if NAME.fullmatch(each)]
    assert [each for each in names if not set(each.split(".")) <= WORDS] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page):
    assert [each for each in quoted(page) if PATH.fullmatch(each) and not is_file(each)] == []


def test_a_name_that_is_gone_is_found():
    assert NAME.fullmatch("NoSuchEngine") and "NoSuchEngine" not in WORDS
    assert PATH.fullmatch("naas_hw/no_such.py") and not is_file("naas_hw/no_such.py")
