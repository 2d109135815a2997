"""Links of the Markdown files that are no pages of the site lead to files of the repository."""

from pathlib import Path

import pytest
from repository import LINK

ROOT = Path(__file__).resolve().parents[2]
FILES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")


def links_of(text: str) -> list[str]:
    """Relative targets of links, without fragments."""
    return [link[1] for link in LINK.finditer(text)]


def test_a_relative_link_is_found_and_an_address_is_not() -> None:
    text = "[a](docs/a.md#b) and [c](https://example.org/c) and ![d](d.svg)"
    assert links_of(text) == ["docs/a.md", "d.svg"]


@pytest.mark.parametrize("file", FILES)
def test_each_link_leads_to_a_file(file: str) -> None:
    path = ROOT / file
    missing = [
        target
        for target in links_of(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert missing == []
