"""The documentation site builds without a complaint, asks no network, and is strict."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from registers import registers_markdown

from naas_hw.cli.schema import SCHEMAS
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import register_map

REPOSITORY = Path(__file__).resolve().parents[2]
FETCHED = {"src", "srcset", "data", "poster"}
"""Attributes whose address a browser asks for as it shows a page; of links, see below."""


def build(*options: str | Path) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does; with `--quiet` mkdocs would not be strict."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", *map(str, options)],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


class Assets(HTMLParser):
    """Addresses that a page makes a browser ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [value for name, value in attrs if name in FETCHED and value]
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.addresses.append(given["href"] or "")


def addresses_of(page: Path) -> list[str]:
    """What a page of the site, or a style, makes a browser ask for."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".html":
        return Assets(text).addresses
    return re.findall(r"(?:url\(|@import)\s*[\"']?([^)\"']*)", text)


@pytest.mark.takes_seconds
def test_the_site_is_built_without_a_warning_and_asks_for_nothing_elsewhere(tmp_path):
    ended = build("--site-dir", tmp_path)
    assert ended.returncode == 0, ended.stderr
    pages, styles = sorted(tmp_path.rglob("*.html")), sorted(tmp_path.rglob("*.css"))
    assert len(pages) > 20 and styles
    for page in pages + styles:
        addresses = addresses_of(page)
        assert addresses or page in styles
        assert [one for one in addresses if re.match(r"(https?:)?//", one)] == [], page
    assert "<!-- generated" not in "".join(page.read_text(encoding="utf-8") for page in pages)


def marks(page: str) -> list[str]:
    """The tables that a page has made for it."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^<!-- generated: (.+) -->$", text, re.M)


def test_the_registers_are_those_of_the_hardware():
    assert marks("registers.md") == ["registers"]
    rows = registers_markdown().splitlines()
    for register in register_map(COUNTERS):
        offset = f"| 0x{register.offset:03x} |"
        (row,) = [row for row in rows if row.startswith(offset)]
        assert f"`{register.name}`" in row
        assert register.description in row


def test_each_kind_of_file_has_its_fields():
    assert sorted(marks("file-formats.md")) == sorted(f"fields {kind}" for kind in SCHEMAS)


def test_make_builds_as_these_tests_do():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert "-m mkdocs build --strict\n" in makefile


@pytest.mark.takes_seconds
def test_what_is_wrong_with_links_or_pages_ends_the_build(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("[a](missing.md) [b](other.md#nowhere) [c](/absolute)")
    (docs / "other.md").write_text("# Other")
    (docs / "left-out.md").write_text("# Left out")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {REPOSITORY}/mkdocs.yml\ntheme: mkdocs\nhooks: []\nplugins: []\n"
        "extra_css: []\nnav: [index.md, other.md, gone.md]\n"
    )
    ended = build("--config-file", config, "--site-dir", tmp_path / "site")
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    for wrong in ("missing.md", "#nowhere", "/absolute", "left-out.md", "gone.md"):
        assert wrong in said
