"""The documentation site builds without a complaint, asks no network, and is strict."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from naas_hw.cli.schema import SCHEMAS
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import register_map

REPOSITORY = Path(__file__).resolve().parents[2]
FETCHED = {"src", "srcset", "data", "poster"}
"""Attributes whose address a browser asks for as it shows a page; of links, see below."""


def build(*options: str | Path) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", *map(str, options)],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    ended = build("--site-dir", folder)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")
    return folder


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


@pytest.mark.takes_seconds
def test_no_page_asks_for_anything_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        addresses = Assets(page.read_text(encoding="utf-8")).addresses
        assert addresses
        assert [one for one in addresses if re.match(r"(\w+:)?//", one)] == [], page


@pytest.mark.takes_seconds
def test_no_style_asks_for_anything_elsewhere(site):
    styles = sorted(site.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']*", text) == [], style


@pytest.mark.takes_seconds
def test_the_registers_are_those_of_the_hardware(site):
    text = (site / "registers.html").read_text(encoding="utf-8")
    for register in register_map(COUNTERS):
        assert f">{register.name}<" in text
        assert f"<td>0x{register.offset:03x}</td>" in text


@pytest.mark.takes_seconds
@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_kind_of_file_has_its_fields(site, kind):
    assert f"<!-- generated: fields {kind} -->" in (
        REPOSITORY / "docs" / "file-formats.md"
    ).read_text(encoding="utf-8")
    assert "<!-- generated" not in (site / "file-formats.html").read_text(encoding="utf-8")


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
