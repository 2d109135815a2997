"""The documentation site builds without a complaint, asks no network, and is strict."""

import ast
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from registers import registers_markdown

import naas_hw
from naas_hw.cli.schema import SCHEMAS
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import register_map
from naas_hw.runs import result_json
from naas_hw.system.tools import require_tool

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


def test_every_key_of_a_result_is_explained():
    text = (REPOSITORY / "docs" / "file-formats.md").read_text(encoding="utf-8")
    old_names = {"num_hopeless"}
    functions = [getattr(result_json, f"{name}_figures") for name in
                 ("search", "effort", "network", "layer")]  # fmt: skip
    tree = ast.parse("".join(map(inspect.getsource, functions)))
    keys = {key.value for node in ast.walk(tree) if isinstance(node, ast.Dict)
            for key in node.keys if isinstance(key, ast.Constant)}  # fmt: skip
    assert len(keys) > 20
    assert {str(key) for key in keys} - old_names <= set(re.findall(r"`(\w+)(?:\[\])?`", text))


def test_the_api_page_has_each_public_name():
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^::: [\w.]+\.(\w+)$", text, re.M))
    called_otherwise = {"co_search": "search", "write_report": "report"}
    names = {called_otherwise.get(name, name) for name in naas_hw.__all__ if name.isidentifier()}
    assert names - {"__version__"} <= shown


def test_make_builds_as_these_tests_do():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert "-m mkdocs build --strict\n" in makefile


def small_site(folder: Path, pages: Mapping[str, str], settings: str) -> Path:
    """The configuration of a site with the settings of the real one, and with these pages."""
    for name, text in pages.items():
        place = folder / "docs" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    config = folder / "mkdocs.yml"
    inherited = f"INHERIT: {REPOSITORY}/mkdocs.yml\nhooks: []\nextra_css: []\n"
    config.write_text(inherited + settings, encoding="utf-8")
    return config


@pytest.mark.takes_seconds
def test_what_is_wrong_with_links_or_pages_ends_the_build(tmp_path):
    pages = {
        "index.md": "[a](missing.md) [b](other.md#nowhere) [c](/absolute)",
        "other.md": "# Other",
        "left-out.md": "# Left out",
    }
    nav = "theme: mkdocs\nplugins: []\nnav: [index.md, other.md, gone.md]\n"
    ended = build("-f", small_site(tmp_path, pages, nav), "--site-dir", tmp_path / "site")
    assert ended.returncode != 0
    for wrong in ("missing.md", "#nowhere", "/absolute", "left-out.md", "gone.md"):
        assert wrong in ended.stderr


@pytest.mark.takes_seconds
@pytest.mark.needs("chromium")
def test_the_search_finds_a_page_of_a_site_that_was_opened_as_files(tmp_path):
    worker = REPOSITORY / "docs" / "assets" / "iframe-worker.js"
    pages = {
        "index.md": "# First\n\nNothing.",
        "other.md": "# Second\n\nA needle.",
        "assets/iframe-worker.js": worker.read_text(encoding="utf-8"),
    }
    site = tmp_path / "site"
    nav = "plugins: [search, offline]\nnav: [index.md, other.md]\n"
    assert build("-f", small_site(tmp_path, pages, nav), "--site-dir", site).returncode == 0
    options = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run".split()
    ended = subprocess.run(
        [str(require_tool("chromium")), *options, f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=10000", "--dump-dom", f"{(site / 'index.html').as_uri()}?q=needle"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.findall(r'href="([^"]*)" class="md-search-result__link"', ended.stdout)
    assert [one.rpartition("/")[2].partition("?")[0] for one in found] == ["other.html"]
